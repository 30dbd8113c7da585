"""The order and the number of members, which the database keeps beside them so that lists are short walks."""

import asyncio
from typing import Any

import pytest

from roster.core.memberships import service as memberships
from roster.core.memberships import store
from roster.core.memberships.errors import NotAMember
from roster.core.memberships.fields import FIELDS, FIELDS_OF_PEOPLE, KEPT
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit.filters import All, AnyOf, Compare, Filter, Op, Sort
from roster.kit.pages import Page
from roster.storage import sql
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import organisations as making
from tests.core import people

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_blocking_pids(pid) <> '{}'"
IN_ORDER = (Sort("family_name"), Sort("given_name"))


@pytest.fixture
async def founder(runtime: Runtime, realm: Realm) -> User:
    """Somebody without a name."""
    return await factories.a_person(runtime, realm)


@pytest.fixture
async def org(runtime: Runtime, realm: Realm, founder: User) -> Org:
    """Their organisation."""
    return await making.founded(runtime, realm, founder)


async def member(runtime: Runtime, realm: Realm, org: Org, given: str, family: str, *, state: str = "active") -> User:
    """Somebody of this name who belongs to the organisation; `pending` or `active`, as members are."""
    user = await factories.a_person(runtime, realm, given_name=given, family_name=family)
    async with runtime.write(factories.roster_in(realm)) as tx:
        if state == "pending":
            await memberships.pend(tx, org, [user.id], roles={})
        else:
            await memberships.add(tx, org.id, user.id)
    return user


async def names(runtime: Runtime, realm: Realm, org: Org, *sorts: Sort) -> list[str]:
    """In the order of the list."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await memberships.search(tx, org.id, None, sorts or IN_ORDER, Page(100))
    return [f"{each.person.given_name} {each.person.family_name}" for each in found.items]


async def totals(runtime: Runtime, realm: Realm, org: Org) -> tuple[int, int | None, int | None]:
    """How many the list has, how many it says it has, and how many are counted for a search that all fulfil."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await memberships.search(tx, org.id, None, (), Page(100, total=True))
        counted = await memberships.search(tx, org.id, Compare("id", Op.EXISTS, True), (), Page(1, total=True))
    return len(found.items), found.total, counted.total


async def test_the_order_follows_the_names_that_people_have_now(runtime: Runtime, realm: Realm, org: Org):
    await member(runtime, realm, org, "Bo", "Berg")
    zoe = await member(runtime, realm, org, "Zoe", "Adler")
    await member(runtime, realm, org, "ann", "BERG")
    assert await names(runtime, realm, org) == ["Zoe Adler", "ann BERG", "Bo Berg", "None None"]

    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, zoe.id, UserChange(given_name="Ada", family_name="Öberg"))

    assert await names(runtime, realm, org) == ["ann BERG", "Bo Berg", "Ada Öberg", "None None"]
    given = Sort("given_name", descending=True), Sort("family_name", descending=True)
    assert await names(runtime, realm, org, *given) == ["None None", "Bo Berg", "ann BERG", "Ada Öberg"]


async def test_who_has_not_agreed_yet_has_no_place_by_name(runtime: Runtime, realm: Realm, org: Org):
    """Neither before nor after they change their name; as soon as they have, they have."""
    await member(runtime, realm, org, "Bo", "Berg")
    ada = await member(runtime, realm, org, "Ada", "Adler", state="pending")
    assert (await names(runtime, realm, org))[0] == "Bo Berg"
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, ada.id, UserChange(family_name="Aal"))
        found = await memberships.search(tx, org.id, Compare("family_name", Op.STARTS, "a"), (), Page(10))
    assert ((await names(runtime, realm, org))[0], found.items) == ("Bo Berg", [])

    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.join(tx, org, ada.id)

    assert (await names(runtime, realm, org))[0] == "Ada Aal"


async def test_who_takes_an_account_into_use_before_joining_loses_the_place_until_then(
    runtime: Runtime, realm: Realm, org: Org
):
    """An organisation sees the names it has invited somebody by, until somebody uses the account for themselves."""
    user = await factories.a_person(runtime, realm, given_name="Ada", family_name="Adler", status="pending")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.pend(tx, org, [user.id], roles={})
    assert (await names(runtime, realm, org))[0] == "Ada Adler"

    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, user.id, UserChange(status="active"))

    assert await names(runtime, realm, org) == ["None None", "None None"]
    async with runtime.read(factories.roster_in(realm)) as tx:
        where = Compare("family_name", Op.CONTAINS, "adler")
        assert (await memberships.search(tx, org.id, where, (), Page(10))).items == []


async def test_pages_by_name_go_on_where_the_last_one_ended(runtime: Runtime, realm: Realm, org: Org):
    for at in range(7):
        await member(runtime, realm, org, f"P{at % 3}", f"F{at % 2}")
    whole = await names(runtime, realm, org)

    found: list[str] = []
    page = Page(2)
    async with runtime.read(factories.roster_in(realm)) as tx:
        while True:
            part = await memberships.search(tx, org.id, None, IN_ORDER, page)
            found += [f"{each.person.given_name} {each.person.family_name}" for each in part.items]
            if part.next is None:
                break
            page = Page(2, cursor=part.next)

    assert found == whole == sorted(whole, key=lambda name: (name.split()[1] == "None", name.split()[::-1]))


async def test_the_total_is_what_is_there_whatever_becomes_of_members(runtime: Runtime, realm: Realm, org: Org):
    roster = factories.roster_in(realm)
    one, two, three = [await member(runtime, realm, org, "P", f"F{at}") for at in range(3)]
    await member(runtime, realm, org, "P", "F4", state="pending")
    elsewhere = await making.founded(runtime, realm, one)
    assert await totals(runtime, realm, org) == (5, 5, 5)

    async with runtime.write(roster) as tx:
        await memberships.remove(tx, org.id, one.id)
        await users.delete(tx, two.id)
    assert await totals(runtime, realm, org) == (3, 3, 3)
    async with runtime.write(roster) as tx:
        await users.restore(tx, two.id)
    assert await totals(runtime, realm, org) == (4, 4, 4)
    async with runtime.write(roster) as tx:
        await users.erase(tx, three.id)
    assert await totals(runtime, realm, org) == (3, 3, 3)
    assert await totals(runtime, realm, elsewhere) == (1, 1, 1)


async def test_the_total_is_right_after_many_have_come_and_gone_at_once(runtime: Runtime, realm: Realm, org: Org):
    staying = [await member(runtime, realm, org, "P", f"F{at}") for at in range(4)]

    async def come(at: int) -> None:
        await member(runtime, realm, org, "N", f"F{at}", state="pending" if at % 2 else "active")

    async def go(user: User) -> None:
        async with runtime.write(factories.roster_in(realm)) as tx:
            await memberships.remove(tx, org.id, user.id)

    await asyncio.gather(*[come(at) for at in range(6)], *[go(user) for user in staying[1:]])

    assert await totals(runtime, realm, org) == (8, 8, 8)


async def test_an_organisation_goes_with_its_number_of_members(runtime: Runtime, realm: Realm, org: Org):
    await member(runtime, realm, org, "Bo", "Berg")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await orgs.delete(tx, org.id)

    assert await people.value(runtime, "SELECT count(*) FROM org_sizes WHERE org_id = $1", org.id) == 0


@pytest.mark.parametrize(
    "where",
    [
        Compare("family_name", Op.CONTAINS, "berg"),
        Compare("email", Op.STARTS, "ada"),
        Compare("given_name", Op.EQ, "Ada"),
        Compare("display_name", Op.CONTAINS, "da b"),
        AnyOf((Compare("family_name", Op.CONTAINS, "ÅBERG"), Compare("status", Op.EQ, "disabled"))),
    ],
)
async def test_a_search_finds_the_same_however_large_the_organisation_is(
    runtime: Runtime, realm: Realm, org: Org, where: Filter
):
    """In large ones it begins with the people, of whom pending members must not be found that way either.

    Nobody has a trigram that is common here, so that only an organisation without members is smaller.
    """
    ada = {"given_name": "Ada", "family_name": "Berg", "display_name": "Ada Berg"}
    asa = {"given_name": "Åsa", "family_name": "Nyåberg", "status": "disabled"}
    for state in ("active", "pending"):
        known: dict[str, Any]
        for known in ({**ada, "email": f"ada-{state}@example.org"}, asa):
            user = await factories.a_person(runtime, realm, **known)
            async with runtime.write(factories.roster_in(realm)) as tx:
                if state == "pending":
                    await memberships.pend(tx, org, [user.id], roles={})
                else:
                    await memberships.add(tx, org.id, user.id)

    found: list[tuple[list[str], int | None]] = []
    for size in (0, 1_000_000):
        await people.execute(runtime, "UPDATE org_sizes SET members = $2 WHERE org_id = $1", org.id, size)
        async with runtime.read(factories.roster_in(realm)) as tx:
            page = await memberships.search(tx, org.id, where, IN_ORDER, Page(50, total=True))
        found.append(([each.person.username for each in page.items], page.total))

    assert found[0] == found[1]
    assert found[0][0]


async def test_a_walk_goes_on_when_meanwhile_the_organisation_has_become_larger(
    runtime: Runtime, realm: Realm, org: Org
):
    for at in range(5):
        await member(runtime, realm, org, "Ann", f"Berg{at}")

    found: list[str | None] = []
    cursor: str | None = None
    for size in (0, 1_000_000, 0):
        await people.execute(runtime, "UPDATE org_sizes SET members = $2 WHERE org_id = $1", org.id, size)
        async with runtime.read(factories.roster_in(realm)) as tx:
            where = Compare("family_name", Op.CONTAINS, "berg")
            page = await memberships.search(tx, org.id, where, IN_ORDER, Page(2, cursor=cursor))
        found += [each.person.family_name for each in page.items]
        cursor = page.next

    assert (found, cursor) == ([f"Berg{at}" for at in range(5)], None)


@pytest.mark.parametrize("listing", [store.MEMBERS, store.FROM_PEOPLE])
async def test_a_search_looks_the_others_up_one_by_one(runtime: Runtime, realm: Realm, org: Org, listing: sql.Listing):
    """Whatever the planner thinks: what is hashed or sorted of hundreds of thousands does not fit into memory."""
    fields = FIELDS if listing is store.MEMBERS else FIELDS_OF_PEOPLE
    where = Compare("display_name", Op.CONTAINS, "berg")
    query, args = sql.compile_count(listing, fields, where, args=(realm.id, org.id), realm_id=realm.id)
    async with runtime.read(factories.roster_in(realm)) as tx:
        plan = [line.strip() for (line,) in await tx.rows("EXPLAIN (COSTS OFF) " + query, *args)]

    assert "->  Nested Loop" in plan
    assert [line for line in plan if "Hash" in line or "Merge" in line or "Sort" in line] == []


@pytest.mark.parametrize("size", [0, 1_000_000])
async def test_who_is_found_by_what_the_membership_has_follows_the_person(
    runtime: Runtime, realm: Realm, org: Org, size: int
):
    """Whether a search begins with the members or, as in large organisations, with the people."""
    roster = factories.roster_in(realm)
    ada = await member(runtime, realm, org, "Ada", "Adler")
    await people.execute(runtime, "UPDATE org_sizes SET members = $2 WHERE org_id = $1", org.id, size)

    async def found() -> tuple[int, int | None, int | None]:
        async with runtime.read(roster) as tx:
            where = AnyOf((Compare("email", Op.CONTAINS, "countess"), Compare("email", Op.ENDS, ".org")))
            whole = await memberships.search(tx, org.id, where, (), Page(10, total=True))
            beyond = await memberships.search(tx, org.id, where, (), Page(10, offset=5, total=True))
        return len(whole.items), whole.total, beyond.total

    assert await found() == (0, 0, 0)
    async with runtime.write(roster) as tx:
        await users.change(tx, ada.id, UserChange(email="countess@example.org"))
    assert await found() == (1, 1, 1)
    async with runtime.write(roster) as tx:
        await users.delete(tx, ada.id)
    assert await found() == (0, 0, 0)
    async with runtime.write(roster) as tx:
        await users.restore(tx, ada.id)
    assert await found() == (1, 1, 1)
    async with runtime.write(roster) as tx:
        await users.change(tx, ada.id, UserChange(email=None))
    assert await found() == (0, 0, 0)


async def test_nobody_is_looked_up_to_be_counted_by_what_the_membership_has(runtime: Runtime, realm: Realm, org: Org):
    every = All(tuple(Compare(name, Op.EXISTS, True) for name in sorted(KEPT)))
    query, args = sql.compile_count(store.BY_KEPT, FIELDS, every, args=(realm.id, org.id), realm_id=realm.id)
    async with runtime.read(factories.roster_in(realm)) as tx:
        plan = [line.strip() for (line,) in await tx.rows("EXPLAIN (COSTS OFF) " + query, *args)]

    assert [line for line in plan if "users" in line] == []


async def test_joining_and_being_renamed_at_the_same_moment_wait_for_each_other(
    runtime: Runtime, realm: Realm, org: Org
):
    """Both write the person and the membership, in this order: the other way round each would wait for the other."""
    ada = await member(runtime, realm, org, "Ada", "Adler", state="pending")
    roster = factories.roster_in(realm)

    async def join() -> None:
        async with runtime.write(roster) as tx:
            await memberships.join(tx, org, ada.id)

    async def rename() -> None:
        async with runtime.write(roster) as tx:
            await users.change(tx, ada.id, UserChange(family_name="Aal"))

    async with runtime.write(roster) as tx:
        await tx.rows("SELECT FROM memberships WHERE org_id = $1 AND user_id = $2 FOR UPDATE", org.id, ada.id)
        doing: list[asyncio.Task[None]] = []
        for work in (join, rename):
            doing.append(asyncio.create_task(work()))
            while await tx.value(WAITING) < len(doing):
                pass
    await asyncio.gather(*doing)

    assert await names(runtime, realm, org) == ["Ada Aal", "None None"]


async def test_reading_one_member_looks_at_no_other(runtime: Runtime, realm: Realm, org: Org):
    last, *_ = [await member(runtime, realm, org, "Ann", f"Berg{number}") for number in range(40)]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await tx.run("SET LOCAL enable_seqscan = off")  # as in a larger directory
        by_id = await memberships.member(tx, org.id, last.id)
        by_number = await memberships.numbered(tx, org.id, last.number)
        before = await _looked_at(tx)  # planning, which is over, has looked at rows too
        await memberships.member(tx, org.id, last.id)
        await memberships.numbered(tx, org.id, last.number)
        looked_at = await _looked_at(tx) - before

    assert by_id == by_number
    assert by_id.person.id == last.id
    assert looked_at < 20


async def test_who_is_no_member_is_not_read(runtime: Runtime, realm: Realm, org: Org):
    stranger = await factories.a_person(runtime, realm)
    async with runtime.read(factories.roster_in(realm)) as tx:
        with pytest.raises(NotAMember):
            await memberships.member(tx, org.id, stranger.id)
        with pytest.raises(NotAMember):
            await memberships.numbered(tx, org.id, stranger.number)


async def _looked_at(tx: Tx) -> int:
    """Rows of people and memberships that this transaction has read."""
    return await tx.value(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('users', 'memberships')"
    )
