"""People: made, found, changed, deleted, restored, erased; and who may do it."""

import asyncio

import msgspec
import pytest

from roster.core.access.errors import Escalation, LastAdministrator
from roster.core.audit import service as audit
from roster.core.realms.models import Realm
from roster.core.users import search
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken, NotDeleted, UsernameTaken, UserNotFound
from roster.core.users.models import UserChange, UserDraft, View
from roster.kit.errors import Forbidden, InvalidInput, StaleVersion
from roster.kit.filters import Compare, Op, PrivateField, Sort
from roster.kit.ids import UserId, uuid7
from roster.kit.pages import Page
from roster.storage.runtime import Runtime
from tests import factories


async def test_a_new_person_has_version_0_and_is_found_by_every_identifier(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm, "Jane", email="Jane.Doe@Example.org", phone="+46 70 123 45 67")

    async with runtime.read(factories.roster_in(realm)) as tx:
        found = [
            await users.find_by_identifier(tx, text)
            for text in (str(user.id), "jane", "JANE", "jane.doe@example.ORG", "+46701234567", "070-123 45 67")
        ]
    assert user.version == 0
    assert [each and each.id for each in found] == [user.id] * 6


async def test_an_identifier_of_several_people_names_nobody(runtime: Runtime, realm: Realm):
    await factories.a_person(runtime, realm, phone="+46701234567")
    await factories.a_person(runtime, realm, phone="0701234567")

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await users.find_by_identifier(tx, "+46 701234567") is None


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ({"username": "anna"}, {"username": "ANNA"}, UsernameTaken),
        ({"username": "ﬁona"}, {"username": "fiona"}, UsernameTaken),
        ({"username": "a", "email": "x@example.org"}, {"username": "b", "email": "X@Example.org"}, EmailTaken),
    ],
)
async def test_of_many_who_want_one_name_at_the_same_moment_exactly_one_gets_it(
    runtime: Runtime, realm: Realm, first: dict[str, str], second: dict[str, str], error: type[Exception]
):
    async def attempt(number: int) -> object:
        values = first if number % 2 else second
        suffix = str(number) if error is EmailTaken else ""
        draft = msgspec.convert({**values, "username": values["username"] + suffix}, UserDraft)
        async with runtime.write(factories.roster_in(realm)) as tx:
            return await users.create(tx, draft)

    results = await asyncio.gather(*(attempt(number) for number in range(12)), return_exceptions=True)

    assert sum(1 for each in results if not isinstance(each, Exception)) == 1
    assert {type(each) for each in results if isinstance(each, Exception)} == {error}


async def test_a_realm_may_allow_one_address_for_several_people(runtime: Runtime):
    realm = await factories.a_realm(runtime, email_unique=False)
    for _ in range(2):
        await factories.a_person(runtime, realm, email="shared@example.org")

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await users.find_by_identifier(tx, "shared@example.org") is None
        assert await search.count(tx, Compare("email", Op.EQ, "SHARED@example.org")) == 2


@pytest.mark.parametrize(
    "username",
    ["", "  ", "me", "Count", "a/b", "a:b", "a\nb", "+46701234567", "a\u202eb", "0190a7c2-0000-7000-8000-000000000000"],
)
async def test_names_that_mean_something_else_are_refused(runtime: Runtime, realm: Realm, username: str):
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput):
            await users.create(tx, UserDraft(username=username))


async def test_a_name_that_looks_like_an_address_is_ones_own_address(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm, "bob@example.org")

    assert user.email == "bob@example.org"
    with pytest.raises(InvalidInput) as refused:
        await factories.a_person(runtime, realm, "eve@example.org", email="other@example.org")
    assert refused.value.problems[0].code == "foreign_address"
    with pytest.raises(EmailTaken):
        await factories.a_person(runtime, realm, "mallory", email="BOB@example.org")


async def test_every_problem_of_a_draft_is_told_at_once(runtime: Runtime, realm: Realm):
    draft = UserDraft(username="a/b", email="nowhere", phone="abc", locale="!!", attributes={"x.y": 1})

    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput) as refused:
            await users.create(tx, draft)

    fields = {problem.field for problem in refused.value.problems}
    assert fields == {"username", "email", "phone", "locale", "attributes.x.y"}


async def test_a_change_counts_up_the_version_and_a_stale_one_is_refused(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm, email="a@example.org", email_verified=True)

    async with runtime.write(factories.roster_in(realm)) as tx:
        changed = await users.change(tx, user.id, UserChange(email="b@example.org", given_name="Ann"), version=0)
        with pytest.raises(StaleVersion):
            await users.change(tx, user.id, UserChange(given_name="Bea"), version=0)

    assert (changed.version, changed.email, changed.given_name) == (1, "b@example.org", "Ann")
    assert user.email_verified_at is not None
    assert changed.email_verified_at is None


async def test_the_trail_says_what_changed_from_what_to_what(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, user.id, UserChange(given_name="Ann"))
        entries = await audit.of_subject(tx, user.id, 10)

    assert [entry.action for entry in entries] == ["user.changed", "user.created"]
    assert entries[0].changes == {"given_name": [None, "Ann"]}


async def test_people_change_what_is_theirs_and_nothing_else(runtime: Runtime, realm: Realm):
    user, other = await factories.a_person(runtime, realm), await factories.a_person(runtime, realm)
    actor = await factories.acting_as(runtime, realm, user)

    async with runtime.write(actor) as tx:
        assert (await users.change(tx, user.id, UserChange(given_name="Ann"))).given_name == "Ann"
    for change in (UserChange(status="disabled"), UserChange(tags=["vip"]), UserChange(email_verified=True)):
        async with runtime.write(actor) as tx:
            with pytest.raises(Forbidden):
                await users.change(tx, user.id, change)
    async with runtime.write(actor) as tx:
        with pytest.raises(UserNotFound):
            await users.change(tx, other.id, UserChange(given_name="Eve"))


async def test_nobody_changes_people_who_may_do_more_than_they(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "helpdesk", "users.read", "users.write", "users.delete")
    boss = await factories.a_person(runtime, realm, roles=("admin",))
    helper = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm, roles=("helpdesk",)))

    async with runtime.write(helper) as tx:
        with pytest.raises(Escalation):
            await users.change(tx, boss.id, UserChange(email="mine@example.org"))
        with pytest.raises(Escalation):
            await users.delete(tx, boss.id)


async def test_a_deleted_person_is_gone_but_holds_the_name_and_comes_back_whole(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "clerk", "users.read")
    user = await factories.a_person(runtime, realm, "lisa", roles=("clerk",), attributes={"shoe": 39})
    roster = factories.roster_in(realm)

    async with runtime.write(roster) as tx:
        await users.delete(tx, user.id)
        with pytest.raises(UserNotFound):
            await users.get(tx, user.id)
    with pytest.raises(UsernameTaken):
        await factories.a_person(runtime, realm, "LISA")
    async with runtime.write(roster) as tx:
        restored = await users.restore(tx, user.id)
        with pytest.raises(NotDeleted):
            await users.restore(tx, user.id)

    assert (restored.username, restored.attributes, restored.deleted_at) == ("lisa", {"shoe": 39}, None)
    assert (await factories.acting_as(runtime, realm, restored)).grants.roles == ("clerk",)


async def test_an_erased_person_leaves_no_personal_data_anywhere(runtime: Runtime, realm: Realm):
    secret = "Zanzibar"
    user = await factories.a_person(
        runtime, realm, f"{secret}1", email=f"{secret}@example.org", given_name=secret, attributes={"x": secret}
    )
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, user.id, UserChange(family_name=secret))
        await users.erase(tx, user.id)
        tables = await tx.rows(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind = 'r'"
        )
        for (table,) in tables:
            hits = await tx.value(f"SELECT count(*) FROM {table} t WHERE t::text ILIKE '%' || $1 || '%'", secret)  # type: ignore[arg-type]
            assert hits == 0, table
        with pytest.raises(UserNotFound):
            await users.get_deleted(tx, user.id)
    again = await factories.a_person(runtime, realm, f"{secret}1")
    assert again.id != user.id


async def test_the_last_administrator_stays_also_when_two_leave_at_once(runtime: Runtime, realm: Realm):
    pair = [await factories.a_person(runtime, realm, roles=("admin",)) for _ in range(2)]

    async def leave(user_id: UserId) -> None:
        async with runtime.write(factories.roster_in(realm)) as tx:
            await users.delete(tx, user_id)

    results = await asyncio.gather(*(leave(user.id) for user in pair), return_exceptions=True)

    assert sorted(type(each).__name__ for each in results) == ["LastAdministrator", "NoneType"]
    assert any(isinstance(each, LastAdministrator) for each in results)


async def test_others_see_only_that_a_person_exists(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "colleague", "users.read_basic")
    user = await factories.a_person(runtime, realm, "anna", email="anna@example.org", given_name="Anna")
    actor = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm, roles=("colleague",)))

    async with runtime.read(actor) as tx:
        seen = await users.get(tx, user.id)
        assert (seen.view, seen.username, seen.email, seen.given_name) == (View.BASIC, "anna", None, None)
        assert (await search.search(tx, Compare("username", Op.EQ, "anna"), (), Page(10))).items == [seen]
        for hidden in (Compare("email", Op.CONTAINS, "anna"), Compare("given_name", Op.EXISTS, True)):
            with pytest.raises(PrivateField):
                await search.count(tx, hidden)
        with pytest.raises(PrivateField):
            await search.search(tx, None, [Sort("email")], Page(10))


async def test_without_permission_people_see_themselves_and_know_of_nobody_else(runtime: Runtime, realm: Realm):
    user, other = await factories.a_person(runtime, realm), await factories.a_person(runtime, realm)
    actor = await factories.acting_as(runtime, realm, user)

    async with runtime.read(actor) as tx:
        assert (await users.get(tx, user.id)).view is View.FULL
        for nobody in (other.id, UserId(uuid7())):
            with pytest.raises(UserNotFound):
                await users.get(tx, nobody)
        with pytest.raises(Forbidden):
            await search.search(tx, None, (), Page(10))


async def test_another_realms_people_do_not_exist_here(runtime: Runtime, realm: Realm):
    foreign = await factories.a_person(runtime, await factories.a_realm(runtime), "foreigner")
    admin = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm, roles=("admin",)))

    async with runtime.write(admin) as tx:
        for attempt in (users.get, users.delete, users.restore, users.erase):
            with pytest.raises(UserNotFound):
                await attempt(tx, foreign.id)
        with pytest.raises(UserNotFound):
            await users.change(tx, foreign.id, UserChange(given_name="Mine"))
        assert await users.find_by_identifier(tx, "foreigner") is None
        assert await search.count(tx, Compare("username", Op.EQ, "foreigner")) == 0
