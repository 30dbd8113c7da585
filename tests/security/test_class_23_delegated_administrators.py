"""Class 23: nobody grants, or gains through others, what they do not hold; not in places, not by owning, not by racing.

Also covered: `tests/core/access/test_roles.py`, `tests/core/flows/test_passwords.py` (whose password one may set),
`tests/core/credentials` (whose keys one may make), `test_class_16_17_18_names.py` (roles that lists give more to).
"""

import asyncio
from typing import Any

import httpx
import pytest

from roster.core.access import objects
from roster.core.access import service as access
from roster.core.access.errors import Escalation
from roster.core.access.models import MembersChange, Rights, RoleChange
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import passwords
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.kit.errors import Forbidden, RosterError
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.security import walking
from tests.security.fronts import Front

HERE = {"facility": ["7"]}


async def test_owning_a_role_in_one_place_gives_no_say_about_it_elsewhere(runtime: Runtime, realm: Realm):
    """The owner of `helpers` in facility 7 would otherwise give it, to themselves too, without limits."""
    await factories.a_role(runtime, realm, "helpers", "users.read")
    owner = await factories.a_person(runtime, realm)
    friend = await factories.a_person(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "helpers")
        await access.assign(tx, role.id, owner.id, HERE, is_owner=True)

    async with runtime.write(await factories.acting_as(runtime, realm, owner)) as tx:
        for members in ({owner.id}, {friend.id}):
            wanted = MembersChange(frozenset(members), frozenset(members))
            with pytest.raises((Forbidden, Escalation)):
                await access.change_role(tx, role.id, RoleChange(), members=wanted)
        with pytest.raises((Forbidden, Escalation)):
            await access.change_role(tx, role.id, RoleChange(name="admins"))
        with pytest.raises((Forbidden, Escalation)):
            await access.delete_role(tx, role.id)


async def test_a_role_held_in_one_place_counts_for_nothing_in_permission_lists(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm
):
    await factories.a_role(runtime, realm, "editors")
    everywhere = await factories.a_person(runtime, realm, roles=("editors",))
    somewhere = await factories.a_person(runtime, realm)
    target = await factories.a_person(runtime, realm, email="t@example.org")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.assign(tx, (await access.find_role(tx, "editors")).id, somewhere.id, HERE)
        records = [Rights("editors", update=True, read=True), Rights(".*", read=True)]
        await objects.put(tx, "User", records, parent=None, version=None, defaults={})
    front = Front("acceleratxr", client, realm)
    body = {"name": "renamed", "email": "t@example.org"}

    for user, status in ((somewhere, 403), (everywhere, 200)):
        token = await walking.token_for(runtime, realm, user)
        answer = await front.call("PUT", f"/users/{target.id}", token=token, json=body)
        assert answer.status_code == status, answer.text


async def test_permission_lists_of_a_person_reach_nobody_elses_credentials(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm
):
    """Whoever may change everybody by a list still changes no address, password or key of theirs."""
    clerk = await people.a_member(runtime, realm, username="clerk")
    target = await people.a_member(runtime, realm, username="target", email="t@example.org")
    async with runtime.write(factories.roster_in(realm)) as tx:
        records = [Rights(str(clerk.id), create=True, read=True, update=True, delete=True), Rights(".*", read=True)]
        await objects.put(tx, "User", records, parent=None, version=None, defaults={})
    front, token = Front("acceleratxr", client, realm), await walking.token_for(runtime, realm, clerk.user)
    path = f"/users/{target.id}"
    renamed = await front.call("PUT", path, token=token, json={"name": "renamed", "email": "t@example.org"})
    answers = [
        await front.call("PUT", path, token=token, json={"name": "target", "email": "mallory@evil.example"}),
        await front.call("PUT", f"{path}/secrets/password", token=token, json={"secret": "another long secret"}),
        await front.call("POST", f"{path}/secrets", token=token, json={"type": "apikey"}),
        await front.call("GET", f"{path}/secrets", token=token),
        await front.call("GET", f"/acls/{target.id}", token=token),
        await front.call("PUT", f"/acls/{target.id}", token=token, json={"uid": str(target.id), "records": []}),
        await front.call("PUT", "/acls/User", token=token, json={"uid": "User", "records": []}),
    ]

    assert renamed.status_code == 200
    assert {answer.status_code for answer in answers} == {403}
    assert (await front.sign_in("renamed", people.PASSWORD)).status_code == 200


@pytest.mark.parametrize("named", ["by id", "by role"])
async def test_nobody_takes_over_somebody_to_whom_permission_lists_give_more(
    runtime: Runtime, realm: Realm, named: str
):
    """Whoever sets the password of a person, or deletes them, would otherwise get, or decide about, their rights."""
    await factories.a_role(runtime, realm, "editors")
    await factories.a_role(runtime, realm, "helpers", "users.read", "users.write", "users.delete", "credentials.write")
    helper = await factories.a_person(runtime, realm, roles=("helpers",))
    other = await factories.a_person(runtime, realm)
    editor = await factories.a_person(runtime, realm, roles=("editors",) if named == "by role" else ())
    async with runtime.write(factories.roster_in(realm)) as tx:
        records = [Rights(str(editor.id) if named == "by id" else "editors", full=True), Rights(".*", read=True)]
        await objects.put(tx, "User", records, parent=None, version=None, defaults={})
        await objects.put(
            tx, str(other.id), [Rights(str(other.id), full=True)], parent="User", version=None, defaults={}
        )
    actor = await factories.acting_as(runtime, realm, helper)

    await passwords.set_password(runtime, actor, other.id, people.PASSWORD)
    with pytest.raises(Escalation):
        await passwords.set_password(runtime, actor, editor.id, people.PASSWORD)
    async with runtime.write(actor) as tx:
        with pytest.raises(Escalation):
            await users.delete(tx, editor.id)
        await users.delete(tx, other.id)


ALL_BUT_EVERYTHING = (
    *("users.read", "users.create", "users.write", "users.delete", "users.erase", "roles.read", "roles.create"),
    *("roles.write", "roles.assign", "credentials.read", "credentials.write", "sessions.read", "sessions.write"),
    *("messages.read", "transfers.write", "realm.read", "audit.read"),
)


async def test_whoever_may_nearly_everything_does_not_become_an_administrator(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm
):
    """Every way of the native API, by somebody who lacks only `*`, against an administrator and for oneself."""
    await factories.a_role(runtime, realm, "deputies", *ALL_BUT_EVERYTHING)
    deputy, token = await walking.signed_in(runtime, realm, "deputies")
    chief = await people.a_member(runtime, realm, username="chief", email="chief@example.org", roles=("admin",))
    await people.with_second_factor(runtime, chief)
    async with runtime.read(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "admin")
        deputies = await access.find_role(tx, "deputies")
        held = await credentials.list_of(tx, chief.id)
        (assignment,) = await access.assignments_of(tx, chief.id)
    front, at, secret = Front("native", client, realm), f"/users/{chief.id}", {"password": "another long secret"}
    tries: list[tuple[str, str, Any]] = [
        ("POST", f"/users/{deputy.id}/assignments", {"role": "admin"}),
        ("PUT", f"/roles/{role.id}/members", {"members": [str(deputy.id)]}),
        ("PATCH", f"/roles/{deputies.id}", {"permissions": ["*"]}),
        ("POST", "/roles", {"name": "rulers", "permissions": ["*"]}),
        ("POST", "/users", {"username": "puppet", "password": "another long secret", "roles": ["admin"]}),
        ("PUT", f"{at}/credentials/password", secret),
        ("POST", "/api-keys", {"user_id": str(chief.id)}),
        ("PATCH", at, {"email": "mallory@evil.example"}),
        ("PATCH", at, {"username": "nobody"}),
        ("PATCH", at, {"status": "disabled"}),
        ("PATCH", at, {"status": "pending"}),
        ("DELETE", at, None),
        ("POST", f"{at}/erase", None),
        ("GET", f"{at}/export", None),
        ("DELETE", f"{at}/assignments/{assignment.id}", None),
        ("GET", "/exports?secrets=true", None),
        *(("DELETE", f"{at}/credentials/{each.id}", None) for each in held),
    ]

    for method, path, body in tries:
        answer = await front.call(method, path, token=token, json=body)
        assert answer.status_code in (403, 404, 409), (method, path, answer.text)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await access.administrators(tx) == {chief.id}
        assert [each.id for each in await credentials.list_of(tx, chief.id)] == [each.id for each in held]
    await people.begin(runtime, chief)


async def test_an_import_makes_nobody_an_administrator(runtime: Runtime, client: httpx.AsyncClient, realm: Realm):
    """The rows that try are refused one by one (`tests/core/transfer`); here that `transfers.write` is no way round."""
    await factories.a_role(runtime, realm, "movers", "transfers.write")
    mover, token = await walking.signed_in(runtime, realm, "movers")
    answer = await Front("native", client, realm).call(
        "POST",
        "/imports?format=roster",
        token=token,
        content=f'{{"username":"{mover.username}","roles":["admin"]}}\n{{"username":"puppet","roles":["admin"]}}\n'.encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )

    assert answer.status_code == 202
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await access.administrators(tx) == set()


async def test_of_two_who_take_the_role_from_each_other_one_stays(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm
):
    chiefs = [await walking.signed_in(runtime, realm, "admin") for _ in range(2)]
    front = Front("native", client, realm)
    (one, first), (two, second) = chiefs
    ways: list[Any] = [
        lambda token, other: front.call("PATCH", f"/users/{other.id}", token=token, json={"status": "disabled"}),
        lambda token, other: front.call("DELETE", f"/users/{other.id}", token=token),
    ]

    await asyncio.gather(ways[0](first, two), ways[1](second, one))

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert len(await access.administrators(tx)) == 1


async def test_what_is_taken_away_counts_on_the_very_next_request(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm
):
    await factories.a_role(runtime, realm, "readers", "users.read")
    reader, token = await walking.signed_in(runtime, realm, "readers")
    key = await credentials.create(runtime, factories.roster_in(realm), reader.id, CredentialDraft(Kind.API_KEY))
    front = Front("native", client, realm)
    for credential in (token, key.secret):
        assert (await front.call("GET", "/users", token=credential)).status_code == 200

    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.change_role(tx, (await access.find_role(tx, "readers")).id, RoleChange(permissions=[]))

    for credential in (token, key.secret):
        assert (await front.call("GET", "/users", token=credential)).status_code == 403


async def test_a_person_cannot_be_made_to_look_harmless_first(runtime: Runtime, realm: Realm, admin: Person):
    """An administrator who was deleted is still an administrator to those who would restore or erase them."""
    await people.a_member(runtime, realm, roles=("admin",))
    await factories.a_role(runtime, realm, "deputies", *ALL_BUT_EVERYTHING)
    deputy = await factories.a_person(runtime, realm, roles=("deputies",))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, admin.id)
    actor = await factories.acting_as(runtime, realm, deputy)
    for act in (users.restore, users.erase):
        with pytest.raises(RosterError):
            async with runtime.write(actor) as tx:
                await act(tx, admin.id)
