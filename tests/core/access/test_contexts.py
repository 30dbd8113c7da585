"""Where an assignment holds: role and assignment, kind by kind, and what lies inside of what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.access import contexts, grants, reach
from roster.core.access.grouped import Grouped
from roster.core.access.store import Held
from roster.kit.actor import Grants, Scope
from roster.kit.errors import InvalidInput

GROUPS = {"north": frozenset({"a", "b"}), "south": frozenset({"c"})}
FACILITIES = ("a", "b", "c", "d")
KINDS = {
    "facility": FACILITIES,
    "facility_group": ("north", "south", "nobody's"),
    "zone": ("1", "2"),
    "user_role": ("Cook", "WAITER"),
    "role": ("cook", "waiter"),
    "shift": ("early", "late"),
}
LIMITS = st.dictionaries(st.sampled_from(sorted(KINDS)), st.none(), max_size=4).flatmap(
    lambda kinds: st.fixed_dictionaries(
        {kind: st.lists(st.sampled_from(KINDS[kind]), unique=True, max_size=3) for kind in kinds}
    )
)
PEOPLE = st.lists(st.tuples(st.sampled_from(["cook", "waiter", "boss"]), LIMITS), max_size=3)


def effective(ceiling: dict[str, list[str]], named: dict[str, list[str]]) -> dict[str, list[str]]:
    return {kind: sorted(values) for kind, values in contexts.effective(ceiling, named, GROUPS).items()}


@pytest.mark.parametrize("kind", ["facility", "facility_group", "zone", "user_role", "role", "shift"])
@pytest.mark.parametrize(
    ("ceiling", "named", "left"),
    [
        (None, None, None),
        (["1", "2"], None, ["1", "2"]),
        (None, ["1", "2"], ["1", "2"]),
        (["1", "2"], ["2", "3"], ["2"]),
        (["1"], ["2"], []),
        ([], None, []),
        (None, [], []),
        ([], ["1"], []),
        (["1"], [], []),
    ],
)
def test_in_each_kind_holds_what_both_name_or_what_the_only_one_says(
    kind: str, ceiling: list[str] | None, named: list[str] | None, left: list[str] | None
):
    def listed(values: list[str] | None) -> dict[str, list[str]]:
        return {} if values is None else {kind: values}

    assert effective(listed(ceiling), listed(named)) == listed(left)


def test_kinds_do_not_touch_each_other():
    assert effective({"zone": ["1"], "shift": ["early"]}, {"zone": ["1", "2"], "facility": ["a"]}) == {
        "zone": ["1"],
        "shift": ["early"],
        "facility": ["a"],
    }


@pytest.mark.parametrize(
    ("ceiling", "named", "reached"),
    [
        ({"facility": ["d"], "facility_group": ["north"]}, {}, {"a", "b", "d"}),
        ({"facility_group": ["nobody's"]}, {}, set()),
        ({"facility_group": ["north"]}, {"facility": ["a", "c"]}, {"a"}),
        ({"facility": ["a", "c"]}, {"facility_group": ["north"]}, {"a"}),
        ({"facility": ["d"]}, {"facility": ["d"], "facility_group": ["north"]}, {"d"}),
        ({"facility": ["d"]}, {"facility_group": ["north"]}, set()),
        ({"zone": ["1"]}, {}, None),
    ],
)
def test_facilities_and_groups_are_one_limit_and_never_beyond_the_ceiling(
    ceiling: dict[str, list[str]], named: dict[str, list[str]], reached: set[str] | None
):
    limits = contexts.effective(ceiling, named, GROUPS)

    assert contexts.facilities(limits, GROUPS) == (None if reached is None else frozenset(reached))


@given(ceiling=LIMITS, named=LIMITS)
def test_nobody_reaches_what_one_of_both_does_not_reach(ceiling: dict[str, list[str]], named: dict[str, list[str]]):
    limits = contexts.effective(ceiling, named, GROUPS)
    reached = contexts.facilities(limits, GROUPS)

    for side in (ceiling, named):
        allowed = contexts.facilities(side, GROUPS)
        assert allowed is None or (reached is not None and reached <= allowed)
        assert all(limits[kind] <= set(side[kind]) for kind in side.keys() - contexts.PLACES)


def test_what_the_ceiling_takes_away_is_told():
    ceiling = {"facility": ["a", "b"], "zone": ["1"]}
    named = {"facility": ["a", "c"], "facility_group": ["north", "south"], "zone": ["1"], "shift": ["late"]}
    limits = contexts.effective(ceiling, named, GROUPS)

    assert contexts.withheld(named, limits, GROUPS) == {"facility": ["c"], "facility_group": ["south"]}


@given(named=LIMITS)
def test_contexts_survive_being_written_as_pairs(named: dict[str, list[str]]):
    assert contexts.of_pairs(contexts.pairs(named)) == contexts.normal(named)


@pytest.mark.parametrize(
    "named",
    [
        {"": ["a"]},
        {"x" * 65: ["a"]},
        {"a\x1fb": ["a"]},
        {"zone": [""]},
        {"zone": ["x" * 201]},
        {"zone": ["\x00"]},
        {"zone": [str(n) for n in range(1001)]},
        {str(n): [] for n in range(51)},
    ],
)
def test_names_that_cannot_be_are_refused(named: dict[str, list[str]]):
    with pytest.raises(InvalidInput):
        contexts.checked(named, "contexts")


# scopes


def scope(**limits: list[str]) -> Scope:
    found = {kind: frozenset(values) for kind, values in limits.items()}
    return Scope(frozenset({"users.write"}), contexts.resolved(found, GROUPS))


@pytest.mark.parametrize(
    ("held", "limits", "within"),
    [
        ([], {"facility": ["a"]}, False),
        ([("cook", {})], {"facility": ["a"]}, False),
        ([("cook", {"facility": ["a"]})], {"facility": ["a"]}, True),
        ([("cook", {"facility": ["a", "d"]})], {"facility": ["d"]}, True),
        ([("cook", {"facility": ["a"]}), ("waiter", {"facility": ["d"]})], {"facility": ["d"]}, True),
        ([("cook", {"facility": ["b"]})], {"facility_group": ["north"]}, True),
        ([("cook", {"facility_group": ["north"]})], {"facility": ["b"]}, True),
        ([("cook", {"facility_group": ["north"]})], {"facility": ["c"]}, False),
        ([("cook", {"facility_group": ["nobody's"]})], {"facility_group": ["nobody's"]}, True),
        ([("cook", {"facility": ["a"]})], {"facility": ["d"], "facility_group": ["north"]}, True),
        ([("cook", {"facility": ["a"]})], {"facility": ["a"], "zone": ["1"]}, False),
        ([("cook", {"facility": ["a"]}), ("cook", {"zone": ["1"]})], {"facility": ["a"], "zone": ["1"]}, True),
        ([("cook", {})], {"user_role": ["COOK"]}, True),
        ([("cook", {})], {"role": ["cook"]}, True),
        ([("cook", {})], {"user_role": ["cook", "waiter"], "role": ["waiter"]}, False),
        ([("cook", {}), ("boss", {})], {"user_role": ["cook"]}, False),
        ([], {"user_role": ["cook"]}, False),
        ([("cook", {})], {"user_role": []}, False),
    ],
)
def test_who_is_within(held: list[tuple[str, dict[str, list[str]]]], limits: dict[str, list[str]], within: bool):
    people = [Held(role, [], {}, named) for role, named in held]

    assert reach.admits(scope(**limits), people, GROUPS) is within


@given(limits=LIMITS.filter(bool), held=PEOPLE)
def test_a_model_agrees_who_is_within(limits: dict[str, list[str]], held: list[tuple[str, dict[str, list[str]]]]):
    people = [Held(role, [], {}, named) for role, named in held]

    assert reach.admits(scope(**limits), people, GROUPS) is is_within(limits, held)


def is_within(limits: dict[str, list[str]], held: list[tuple[str, dict[str, list[str]]]]) -> bool:
    """The rule in as few words as possible."""
    for kind in limits.keys() & {"zone", "shift"}:
        if not any(value in named.get(kind, []) for value in limits[kind] for _, named in held):
            return False
    for kind in limits.keys() & {"user_role", "role"}:
        admitted = {name.lower() for name in limits[kind]}
        if not held or not {role for role, _ in held} <= admitted:
            return False
    if limits.keys() & contexts.PLACES:
        here = places_in(limits)
        return any(here & places_in(named) for _, named in held)
    return True


def places_in(named: dict[str, list[str]]) -> set[tuple[str, str]]:
    """The facilities, and by name the groups, since one that nobody has filled is a place too."""
    found = {("facility", each) for each in named.get("facility", [])}
    for group in named.get("facility_group", []):
        found |= {("group", group)} | {("facility", each) for each in GROUPS.get(group, ())}
    return found


@given(outer=LIMITS.filter(bool), inner=LIMITS, person=PEOPLE)
def test_whoever_is_within_limits_is_within_those_that_contain_them(
    outer: dict[str, list[str]], inner: dict[str, list[str]], person: list[tuple[str, dict[str, list[str]]]]
):
    held = [Held(role, [], {}, named) for role, named in person]
    around, inside = scope(**outer), scope(**inner)

    if contexts.contains(dict(around.limits), dict(inside.limits)) and inner:
        assert not reach.admits(inside, held, GROUPS) or reach.admits(around, held, GROUPS)


# nobody gives what they do not hold


def holding(*limited: dict[str, list[str]], permissions: tuple[str, ...] = ("users.write", "users.read")) -> Grants:
    return grants.combine([Held("x", list(permissions), {}, each) for each in limited], members=Grouped(GROUPS))


@pytest.mark.parametrize(
    ("given_limits", "is_covered"),
    [
        ({"facility": ["a"]}, True),
        ({"facility": ["a", "b"]}, True),
        ({"facility": ["a"], "zone": ["1"]}, True),
        ({"facility": ["d"]}, False),
        ({"facility": ["a", "d"]}, False),
        ({"facility_group": ["north"]}, False),
        ({"zone": ["1"]}, False),
        ({}, False),
        ({"facility": []}, True),
        ({"zone": []}, False),
    ],
)
def test_what_is_given_lies_inside_one_place_of_the_giver(given_limits: dict[str, list[str]], is_covered: bool):
    limits = dict(contexts.resolved({kind: frozenset(each) for kind, each in given_limits.items()}, GROUPS))

    assert grants.covers(holding({"facility": ["a", "b"]}), ["users.write"], limits) is is_covered


def test_two_places_of_the_giver_are_not_one():
    apart, together = holding({"facility": ["a"]}, {"facility": ["d"]}), holding({"facility": ["a", "d"]})
    both = {"facility": frozenset({"a", "d"})}

    assert grants.covers(together, ["users.write"], both)
    assert not grants.covers(apart, ["users.write"], both)


def test_a_group_is_given_by_those_who_have_the_group():
    north = dict(contexts.resolved({"facility_group": frozenset({"north"})}, GROUPS))

    assert grants.covers(holding({"facility_group": ["north"]}), ["users.write"], north)
    assert not grants.covers(holding({"facility": ["a", "b"]}), ["users.write"], north)


def test_each_permission_needs_its_own_source():
    holder = grants.combine(
        [Held("x", ["users.read"], {}, {}), Held("y", ["users.write"], {}, {"facility": ["a"]})],
        members=Grouped(GROUPS),
    )
    here, there = {"facility": frozenset({"a"})}, {"facility": frozenset({"d"})}

    assert grants.covers(holder, ["users.read", "users.write"], here)
    assert not grants.covers(holder, ["users.read", "users.write"], there)


def test_which_people_a_scope_is_for_matters_to_permissions_over_people_only():
    holder = holding({"user_role": ["cook"]}, permissions=("users.write", "audit.read"))

    assert grants.covers(holder, ["audit.read"], {})
    assert not grants.covers(holder, ["users.write"], {})
    assert grants.covers(holder, ["users.write"], {"user_role": frozenset({"cook"})})


@given(first=st.lists(LIMITS, max_size=3), second=st.lists(LIMITS, max_size=3))
def test_nobody_is_above_somebody_who_holds_all_that_they_hold(
    first: list[dict[str, list[str]]], second: list[dict[str, list[str]]]
):
    assert not grants.is_above(holding(*first), holding(*first, *second))


@given(ceiling=LIMITS, named=LIMITS, other=LIMITS)
def test_an_assignment_without_limits_covers_every_other(
    ceiling: dict[str, list[str]], named: dict[str, list[str]], other: dict[str, list[str]]
):
    unlimited = holding({})
    limited = grants.combine([Held("x", ["users.write"], ceiling, named), Held("y", ["users.read"], {}, other)])

    assert not grants.is_above(limited, unlimited)
    assert grants.is_above(unlimited, limited) or not (contexts.effective(ceiling, named, {}) or other)


# organisations


TREES = {"root": frozenset({"root", "part", "leaf"}), "part": frozenset({"part", "leaf"}), "leaf": frozenset({"leaf"})}


def within(*limited: dict[str, list[str]]) -> Grants:
    held = [Held("x", ["orgs.read"], {}, each) for each in limited]
    return grants.combine(held, members=Grouped(trees=TREES))


@pytest.mark.parametrize(
    ("ceiling", "named", "reached"),
    [
        ({"organisation_tree": ["root"]}, {}, {"root", "part", "leaf"}),
        ({"organisation_tree": ["root"]}, {"organisation": ["part"]}, {"part"}),
        ({"organisation_tree": ["part"]}, {"organisation_tree": ["root"]}, {"part", "leaf"}),
        ({"organisation": ["part"]}, {"organisation_tree": ["root"]}, {"part"}),
        ({"organisation": ["root"]}, {"organisation_tree": ["part"]}, set()),
        ({"organisation_tree": ["nowhere"]}, {}, set()),
        ({}, {"organisation": ["root"], "facility": ["a"]}, set()),
    ],
)
def test_trees_are_the_organisations_in_them(
    ceiling: dict[str, list[str]], named: dict[str, list[str]], reached: set[str]
):
    found = grants.combine([Held("x", ["orgs.read"], ceiling, named)], members=Grouped(trees=TREES))

    assert found.organisations("orgs.read") == reached
    assert not found.holds("orgs.read")


@pytest.mark.parametrize(
    ("held", "given_limits", "is_covered"),
    [
        ({"organisation_tree": ["root"]}, {"organisation_tree": ["part"]}, True),
        ({"organisation_tree": ["root"]}, {"organisation": ["leaf"]}, True),
        ({"organisation_tree": ["part"]}, {"organisation_tree": ["root"]}, False),
        ({"organisation": ["leaf"]}, {"organisation": ["leaf"]}, True),
        ({"organisation": ["leaf"]}, {"organisation_tree": ["leaf"]}, False),
        ({"organisation": ["root", "part", "leaf"]}, {"organisation_tree": ["root"]}, False),
        ({"facility": ["a"]}, {"organisation": ["leaf"]}, False),
        ({"organisation": ["leaf"]}, {}, False),
    ],
)
def test_a_tree_is_given_by_those_who_have_the_tree_and_what_will_be_in_it(
    held: dict[str, list[str]], given_limits: dict[str, list[str]], is_covered: bool
):
    limits = dict(contexts.resolved(contexts.effective({}, given_limits, {}, TREES), {}))

    assert grants.covers(within(held), ["orgs.read"], limits) is is_covered
