"""What many people have in their texts, which lies together in the order of their names and may begin late there."""

from collections.abc import AsyncIterator
from itertools import product
from math import inf
from pathlib import Path
from random import Random

import pytest

from roster import app
from roster.core.access import service as access
from roster.core.access.models import RoleDraft, Wanted
from roster.core.realms.models import Realm
from roster.core.users import search, service, sight
from roster.core.users.fields import FIELDS, custom
from roster.core.users.models import UserDraft
from roster.kit import text
from roster.kit.filters import All, AnyOf, Compare, Filter, Op, Sort
from roster.kit.pages import Page
from roster.storage import frequencies, sql, ways
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories

LATE = [f"late{number:03d}" for number in range(30)]
"""Thirty of sixty have this name, and all of them come after the others."""
_ODD = str.maketrans("'é\ud7fb\U0001f600", "xyzz")


@pytest.fixture
async def runtime(own_dsn: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    yield runtime
    await runtime.close()


@pytest.fixture
async def realm(runtime: Runtime) -> Realm:
    realm = await factories.a_realm(runtime)
    async with runtime.write(factories.roster_in(realm)) as tx:
        for number, name in enumerate(f"early{number:03d}" for number in range(30)):
            attributes: dict[str, object] = {"team": "blue"} if number < 20 else {}
            await service.create(tx, UserDraft(name, email=f"{name}@example.org", attributes=attributes))
        for name in LATE:
            await service.create(tx, UserDraft(name, email=f"{name}@example.org", attributes={"team": "red"}))
        await tx.run("ANALYZE users")
    return realm


async def test_it_is_known_how_many_have_a_common_text(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        known = await frequencies.of(tx, "users")
        assert known.rarest(text.grams(realm.id, "late")) == pytest.approx(30, abs=1)  # type: ignore[reportUnknownMemberType]
        assert known.rarest(text.grams(realm.id, "@exam")) == pytest.approx(60, abs=1)  # type: ignore[reportUnknownMemberType]
        assert known.rarest(text.grams(realm.id, "late@nowhere")) == 0
        assert (await frequencies.of(tx, "realms")).rarest(text.grams(realm.id, "late")) == 0


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Compare("email", Op.CONTAINS, "late"), 30),
        (Compare("family_name", Op.STARTS, "la"), 30),
        (Compare("family_name", Op.STARTS, "q"), inf),
        (Compare("family_name", Op.STARTS, "qx"), inf),
        (Compare("email", Op.CONTAINS, "la"), inf),
        (Compare("given_name", Op.STARTS, "la"), inf),
        (Compare("given_name", Op.EQ, "Late"), 30),
        (Compare("family_name", Op.EQ, "Late"), inf),
        (Compare("status", Op.EQ, "active"), inf),
        (Compare("attributes.team", Op.EQ, "blue"), 20),
        (Compare("attributes.team", Op.NE, "blue"), inf),
        (AnyOf((Compare("email", Op.CONTAINS, "late"), Compare("email", Op.CONTAINS, "exam"))), 60),
        (AnyOf((Compare("email", Op.CONTAINS, "late"), Compare("email", Op.CONTAINS, "la"))), inf),
        (All((Compare("email", Op.CONTAINS, "late"), Compare("email", Op.CONTAINS, "la"))), 30),
        (Compare("attributes.nobody", Op.EQ, "blue"), 0),
    ],
)
async def test_how_many_match_is_at_most_how_many_have_its_rarest_trigram(
    runtime: Runtime, realm: Realm, where: Filter, expected: float
):
    async with runtime.read(factories.roster_in(realm)) as tx:
        known = await frequencies.of(tx, "users")
    assert sql.about(where, FIELDS.with_attributes(custom({})), realm.id, known.rarest) == pytest.approx(
        expected, abs=1
    )  # type: ignore[reportUnknownMemberType]


WAYS = [(100, 1, 100), (5, 20, 100), (5, 20, 40), (5, 1000, 100), (40, 1000, 100), (40, 1000, 1)]
"""Near; far; too late even for that; not being many, gathered; and, some being near, walked to or gathered."""


@pytest.mark.parametrize(
    "where",
    [
        Compare("email", Op.CONTAINS, "late"),
        AnyOf((Compare("username", Op.STARTS, "late"), Compare("email", Op.CONTAINS, "late0"))),
        Compare("email", Op.CONTAINS, "la"),
        All((Compare("email", Op.CONTAINS, "te"), Compare("username", Op.CONTAINS, "at"))),
        Compare("attributes.team", Op.EQ, "red"),
    ],
)
@pytest.mark.parametrize("sort", ["username", "created_at"])
async def test_all_ways_to_a_page_lead_to_the_same(
    runtime: Runtime, realm: Realm, monkeypatch: pytest.MonkeyPatch, where: Filter, sort: str
):
    """And by the letter at once, after a look, and gathered at once; an order of dates knows no letters."""
    for (near, many, far), (little, brief) in product(WAYS, [(0, 1), (0, 5), (0, 100), (1000, 5)]):
        steps = {"_NEAR": near, "_MANY": many, "_FAR": far, "_LITTLE": little, "_SOME": little, "_BRIEF": brief}
        for name, value in steps.items():
            monkeypatch.setattr(ways, name, value)
        async with runtime.read(factories.roster_in(realm)) as tx:
            first = await search.search(tx, where, [Sort(sort)], Page(20))
            rest = await search.search(tx, where, [Sort(sort)], Page(20, cursor=first.next))

        assert [user.username for user in first.items] == LATE[:20], steps
        assert [user.username for user in rest.items] == LATE[20:], steps


@pytest.mark.parametrize(
    ("needle", "near", "far", "little", "is_gathered"),
    [
        ("late", 5, 100, 0, True),
        ("la", 5, 5, 0, False),
        ("exam", 10, 100, 0, False),
        ("exam", 10, 20, 0, True),
        ("exam", 10, 100, 100, True),
        ("exam", 30, 100, 100, False),
        ("exam", 10, 100, 50, False),
    ],
)
async def test_only_what_is_soonest_found_that_way_is_gathered(
    runtime: Runtime,
    realm: Realm,
    monkeypatch: pytest.MonkeyPatch,
    needle: str,
    near: int,
    far: int,
    little: int,
    *,
    is_gathered: bool,
):
    """What no index finds never is; what goes on as it began, and then fills the page after 21 entries, need not be.

    What is little is at once, unless what is near fills the page.
    """
    for name, value in (("_NEAR", near), ("_BRIEF", near), ("_FAR", far), ("_LITTLE", little), ("_SOME", little)):
        monkeypatch.setattr(ways, name, value)
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await search.search(tx, Compare("email", Op.CONTAINS, needle), [Sort("created_at")], Page(20))
        statements = await tx.rows("SELECT statement FROM pg_prepared_statements")

    assert len(found.items) == 20
    assert any(") near JOIN users" in statement for (statement,) in statements) == is_gathered


@pytest.mark.parametrize(
    ("where", "is_vague"),
    [
        (Compare("email", Op.CONTAINS, "la"), True),
        (Compare("given_name", Op.STARTS, "la"), True),
        (Compare("family_name", Op.STARTS, "la"), False),
        (Compare("email", Op.CONTAINS, "late"), False),
        (Compare("email", Op.CONTAINS, "aß"), False),
        (Compare("status", Op.EQ, "active"), False),
        (AnyOf((Compare("email", Op.CONTAINS, "la"), Compare("username", Op.CONTAINS, "late"))), True),
        (All((Compare("email", Op.CONTAINS, "la"), Compare("username", Op.CONTAINS, "late"))), False),
        (All(()), False),
    ],
)
def test_only_texts_without_trigrams_and_range_are_found_by_no_index(where: Filter, *, is_vague: bool):
    assert sql.is_vague(where, FIELDS) == is_vague


@pytest.mark.parametrize("seed", range(4))
async def test_pages_of_whom_a_letter_begins_are_the_pages_of_all(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, seed: int
):
    """Of random people, some of them deleted, where every glance is short, everything is common, few are a crowd."""
    chosen = Random(seed)
    words = ("anna", "bert", "cleo")
    starts = [
        *words,
        *("".join(chosen.choices("aab'é\ud7fb\U0001f600", k=chosen.choice((1, 3, 4, 5)))) for _ in range(6)),
    ]
    realm = await factories.a_realm(runtime)
    people: dict[str, str] = {}
    async with runtime.write(factories.roster_in(realm)) as tx:
        for number in range(60):
            name = f"{chosen.choice(starts)}{''.join(chosen.choices('abc', k=chosen.choice((0, 3))))}{number}"
            email = f"{name.translate(_ODD)}.{chosen.choice(words)}{chosen.choice(words)}@example.org"
            user = await service.create(tx, UserDraft(name, email=email))
            if chosen.random() < 0.2:
                await service.delete(tx, user.id)
            else:
                people[name] = email
        await tx.run("ANALYZE users")
    for name, value in (("_BRIEF", 1), ("_LITTLE", 0), ("_SOME", 0), ("_MANY", 1000)):
        monkeypatch.setattr(ways, name, value)

    async def walk(tx: Tx, where: Filter, order: Sort) -> list[str]:
        part = await search.search(tx, where, [order], Page(4))
        found = [user.username for user in part.items]
        beyond = await search.search(tx, where, [order], Page(2, offset=2))
        assert [user.username for user in beyond.items] == found[2:]
        while part.next:
            part = await search.search(tx, where, [order], Page(4, cursor=part.next))
            found += [user.username for user in part.items]
        return found

    statements: list[str] = []
    for crowd, descending in product((1, 3, inf), (False, True)):
        monkeypatch.setattr(ways, "_CROWD", crowd)
        order = Sort("username", descending)
        async with runtime.read(factories.roster_in(realm)) as tx:
            for needle in ("abe", "annab", *starts):
                by_email = [name for name, email in people.items() if needle in email]
                by_name = [name for name in people if needle in name]
                assert await walk(tx, Compare("email", Op.CONTAINS, needle), order) == sorted(
                    by_email, reverse=descending
                )
                assert await walk(tx, Compare("username", Op.CONTAINS, needle), order) == sorted(
                    by_name, reverse=descending
                )
            statements += [statement for (statement,) in await tx.rows("SELECT statement FROM pg_prepared_statements")]
    assert any("::tsquery" in statement for statement in statements)
    assert any(" UNION ALL " in statement for statement in statements)


@pytest.mark.parametrize("crowd", [1, inf])
async def test_who_sees_only_people_of_a_place_finds_them_by_letters_too(
    runtime: Runtime, realm: Realm, monkeypatch: pytest.MonkeyPatch, crowd: float
):
    """Where there are too many of them to begin with all: the listing has arguments of its own then."""
    here = {"facility": ["north"]}
    async with runtime.write(factories.roster_in(realm)) as tx:
        for name in ("cook", "lead"):
            await access.create_role(tx, RoleDraft(name, permissions=["users.read"] if name == "lead" else []))
        for name in LATE[::2]:
            cook = await service.find_by_identifier(tx, name)
            assert cook is not None
            await access.set_assignments(tx, cook.id, [Wanted("cook", here)])
        lead = await service.create(tx, UserDraft("lead"))
        await access.set_assignments(tx, lead.id, [Wanted("lead", here)])
    actor = await factories.acting_as(runtime, realm, lead)
    monkeypatch.setattr(sight, "_FEW", 0)
    for name, value in (("_BRIEF", 1), ("_LITTLE", 0), ("_SOME", 0), ("_MANY", 1000), ("_CROWD", crowd)):
        monkeypatch.setattr(ways, name, value)

    async with runtime.read(actor) as tx:
        first = await search.search(tx, Compare("email", Op.CONTAINS, "late"), [Sort("username")], Page(10))
        rest = await search.search(
            tx, Compare("email", Op.CONTAINS, "late"), [Sort("username")], Page(10, cursor=first.next)
        )
    assert [user.username for user in (*first.items, *rest.items)] == LATE[::2]


@pytest.mark.parametrize(
    ("needle", "expected"),
    [
        ("ann", ["ann", "joann"]),
        ("anna", ["annab"]),
        ("anders", ["ander"]),
        ("joannes", ["joann"]),
        ("bert", []),
    ],
)
def test_a_crowd_has_what_is_looked_for_in_the_beginning_of_its_names(needle: str, expected: list[str]):
    """The whole name of somebody who has four letters is the beginning of others, of whom the index does not know."""
    begun = {"a": 90.0, "ann": 50.0, "anna": 50.0, "annab": 20.0, "joann": 20.0, "ander": 9.0, "alber": 9.0}
    assert sql.crowds(Compare("email", Op.CONTAINS, needle), FIELDS, begun, least=5) == expected
    assert sql.crowds(Compare("email", Op.CONTAINS, needle), FIELDS, begun, least=100) == []
