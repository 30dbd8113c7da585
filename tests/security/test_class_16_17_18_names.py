"""Classes 16 to 18: look-alike names, names that inherit, and bodies that set what is not theirs to set.

Also covered: `tests/dialects/native/test_table.py` (every body of the native API refuses server fields),
`tests/core/users/test_service.py` (names that mean something else), `tests/core/flows/test_states.py` (erased names).
"""

from typing import Any

import pytest

from roster.core.access import objects
from roster.core.access import service as access
from roster.core.access.errors import Escalation, LastAdministrator
from roster.core.access.models import Rights, RoleChange, RoleDraft
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserDraft
from roster.kit.errors import InvalidInput, RosterError, Taken
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.security.fronts import Front

LOOKALIKES = [
    "EVA",
    "\uff45\uff56\uff41",  # full width
    "\U0001d41e\U0001d42f\U0001d41a",  # mathematical bold
    "\u24d4\u24e5\u24d0",  # circled
    "eva\u200b",  # zero-width space
    "e\u200dva",  # zero-width joiner
    "eva\ufe0f",  # variation selector
    "e\u034fva",  # combining grapheme joiner
    "eva\u00ad",  # soft hyphen
    "\u202eave",  # right-to-left override
    "eva\u2060",  # word joiner
    "\u3164eva",  # Hangul filler
    "eva\U000e0061",  # tag
    " eva ",
    "eva\u00a0",
    "eva\0",
    "eva\n",
]
AT_SIGNS = ["eva\uff20example.org", "eva\ufe6bexample.org", "EVA\uff20EXAMPLE.ORG", "eva\uff20\uff45xample.org"]


@pytest.mark.parametrize("name", LOOKALIKES)
async def test_a_name_that_looks_like_somebody_elses_is_refused(front: Front, person: Person, name: str):
    answer = await front.register(name, "other@example.org")

    assert answer.status_code in (400, 409), answer.text


@pytest.mark.parametrize("name", AT_SIGNS)
async def test_a_name_that_folds_into_somebody_elses_address_is_refused(
    runtime: Runtime, front: Front, person: Person, name: str
):
    assert (await front.register(name, "other@example.org")).status_code in (400, 409)
    with pytest.raises((InvalidInput, Taken)):
        await factories.a_person(runtime, person.realm, name)
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        found = await users.find_by_identifier(tx, "eva@example.org")
    assert found is not None
    assert found.id == person.id


@pytest.mark.parametrize(
    "email", ["EVA@example.org", "eva@EXAMPLE.ORG", "eva\uff20example.org", "\uff45va@EXAMPLE.org"]
)
async def test_an_address_is_somebodys_however_it_is_written(front: Front, person: Person, email: str):
    assert (await front.register("other", email)).status_code in (400, 409)


WIDE = "".join(chr(sign) for sign in [*range(0xFDF0, 0xFDFC), *range(0x3300, 0x3358)]) * 2
LONG = "".join(chr(0x4E00 + place * 7 % 20000) for place in range(30_000))
FIELDS = ("username", "email", "phone", "display_name", "given_name", "family_name", "locale", "personal_number")


@pytest.mark.parametrize("field", [*FIELDS, "picture"])
@pytest.mark.parametrize("text", [WIDE * 11, LONG, "9" * 100_000])
async def test_every_field_of_a_person_is_bounded_in_the_core(runtime: Runtime, realm: Realm, field: str, text: str):
    values: dict[str, Any] = {"username": "eva", field: f"{text}@example.org" if field == "email" else text}
    async with runtime.write(factories.roster_in(realm)) as tx:
        with pytest.raises(InvalidInput) as refused:
            await users.create(tx, UserDraft(**values))

    assert field in {each.field for each in refused.value.problems}


@pytest.mark.parametrize("field", ["name", "email", "firstName", "lastName", "phone"])
async def test_every_field_of_a_registration_is_bounded_in_acceleratxr(client: Any, realm: Realm, field: str):
    front = Front("acceleratxr", client, realm)
    for text in (WIDE, LONG, "9" * 100_000):
        body = {"name": "eva", "email": "eva@example.org", field: text}
        answer = await front.call("POST", "/users", json=body)
        if text is WIDE and field == "firstName":
            continue  # short enough, and no index holds it
        assert (answer.status_code, answer.json()["code"]) == (400, "api-003")


@pytest.mark.parametrize("name", [WIDE * 2, LONG, "a\tb", "a\0b", "", " ", "anonymous", "ANONYMOUS", "me", "a,b"])
async def test_a_roles_name_is_bounded_and_stands_for_nothing_else(
    front: Front, runtime: Runtime, admin: Person, name: str
):
    token = (await people.sign_in(runtime, admin)).access_token

    answer = await front.call("POST", "/roles", token=token, json={"name": name})

    assert answer.status_code == 400, answer.text


# 17: recycled identifiers


async def test_a_role_called_like_a_person_gets_nothing_that_is_meant_for_them(
    front: Front, runtime: Runtime, admin: Person, person: Person
):
    token = (await people.sign_in(runtime, admin)).access_token
    for name in (str(person.id), str(person.id).upper()):
        assert (await front.call("POST", "/roles", token=token, json={"name": name})).status_code == 400


async def _with_list(runtime: Runtime, realm: Realm, who: str) -> None:
    records = [Rights(who, create=True, read=True, update=True, delete=True)]
    async with runtime.write(factories.roster_in(realm)) as tx:
        await objects.put(tx, "User", records, parent=None, version=None, defaults={})


async def _creator(runtime: Runtime, realm: Realm) -> Any:
    await factories.a_role(runtime, realm, "creators", "roles.create", "roles.write", "roles.assign", "roles.read")
    user = await factories.a_person(runtime, realm, roles=("creators",))
    async with runtime.read(factories.roster_in(realm)) as tx:
        versions = await tx.rows("SELECT version, access_version FROM realms WHERE id = $1", realm.id)
    return await factories.acting_as(runtime, realm, user, realm_version=versions[0][0], access_version=versions[0][1])


async def test_a_role_that_is_made_anew_inherits_no_permission_list(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "moderators")
    await _with_list(runtime, realm, "moderators")
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "moderators")
        await access.delete_role(tx, role.id)
        left = await objects.get(tx, "User", {})

    assert left.records == []


async def test_permission_lists_follow_a_role_to_its_new_name(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "moderators")
    await _with_list(runtime, realm, "moderators")
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.find_role(tx, "moderators")
        await access.change_role(tx, role.id, RoleChange(name="editors"))
        found = await objects.get(tx, "User", {})

    assert [each.who for each in found.records] == ["editors"]


@pytest.mark.parametrize("who", ["moderators", "mod.*", "(moderators|others)"])
async def test_nobody_makes_renames_or_gives_a_role_that_lists_give_more_than_they_have(
    runtime: Runtime, realm: Realm, who: str
):
    await factories.a_role(runtime, realm, "helpers")
    await _with_list(runtime, realm, who)
    creator = await _creator(runtime, realm)

    async with runtime.write(creator) as tx:
        with pytest.raises(Escalation):
            await access.create_role(tx, RoleDraft(name="moderators"))
    async with runtime.write(creator) as tx:
        helpers = await access.find_role(tx, "helpers")
        with pytest.raises(Escalation):
            await access.change_role(tx, helpers.id, RoleChange(name="moderators"))
    await factories.a_role(runtime, realm, "moderators")
    async with runtime.write(creator) as tx:
        moderators = await access.find_role(tx, "moderators")
        with pytest.raises(Escalation):
            await access.assign(tx, moderators.id, creator.user_id)
    async with runtime.write(creator) as tx:
        await access.assign(tx, (await access.find_role(tx, "helpers")).id, creator.user_id)


async def test_a_name_that_was_given_up_brings_its_new_owner_nothing(front: Front, runtime: Runtime, person: Person):
    token = (await people.sign_in(runtime, person)).access_token
    await front.change_me(token, name="eve", email="eva@example.org")
    successor = await front.register("eva", "successor@example.org")

    assert successor.status_code == 201
    assert (await front.me(token)).json() != (await front.me(front.token_of(successor))).json()
    assert (await front.sign_in("eva", people.PASSWORD)).status_code == 401
    assert (await front.sign_in("eve", people.PASSWORD)).status_code == 200


# 18: mass assignment


async def test_a_registration_sets_nothing_that_only_administrators_may(front: Front, runtime: Runtime, realm: Realm):
    everything: dict[str, Any] = {
        "uid": "0190b7a4-7b1f-4cc3-8c6c-1a2b3c4d5e6f",
        "id": "0190b7a4-7b1f-7cc3-8c6c-1a2b3c4d5e6f",
        "version": 7,
        "roles": ["admin"],
        "verified": True,
        "externalIds": ["google:1"],
        "status": "pending",
        "tags": ["vip"],
        "realm_id": "x",
        "created_by": "x",
        "dateCreated": "2001-01-01T00:00:00Z",
        "permissions": ["*"],
        "email_verified": True,
        "personal_number": "1",
        "facets": {"x": {}},
        "access_version": 9,
        "number": 1,
    }
    if front.name == "native":
        body = {"username": "mallory", "password": people.PASSWORD, "email": "m@example.org", **everything}
        assert (await front.call("POST", "/sign-up", json=body)).status_code == 400
        return
    made = await front.call("POST", "/users", json={"name": "mallory", "email": "m@example.org", **everything})

    user = made.json()["user"]
    assert made.status_code == 201
    assert (user["version"], user["roles"], user["verified"], user["externalIds"]) == (0, [], False, [])
    assert user["uid"] != everything["uid"]
    async with runtime.read(factories.roster_in(realm)) as tx:
        stored = await users.find_by_identifier(tx, "mallory")
    assert stored is not None
    assert (stored.status, stored.tags, stored.facets, stored.personal_number) == ("active", [], {}, None)
    assert stored.created_at.year > 2001


async def test_a_change_of_oneself_gives_nobody_rights(front: Front, runtime: Runtime, person: Person):
    token = (await people.sign_in(runtime, person)).access_token
    stolen = {"roles": ["admin"], "verified": True, "externalIds": ["google:1"], "status": "active", "is_owner": True}
    if front.name == "native":
        answers = [
            await front.call("PATCH", path, token=token, json={name: value})
            for path in ("/me", f"/users/{person.id}")
            for name, value in {**stolen, "tags": ["vip"], "facets": {"a": {}}, "personal_number": "1"}.items()
        ]
        assert {answer.status_code for answer in answers} <= {400, 403}
    else:
        body = {"name": "eva", "email": "eva@example.org", **stolen}
        assert (await front.call("PUT", "/users/me", token=token, json=body)).status_code == 200

    async with runtime.read(factories.roster_in(person.realm)) as tx:
        assert not (await access.permissions_of(tx, person.id)).roles
        now = await users.get(tx, person.id)
    assert (now.tags, now.facets, now.personal_number) == ([], {}, None)


_REMOVALS: dict[str, Any] = {
    "pending": lambda tx, person, _role: users.change(tx, person.id, people.status("pending")),
    "disabled": lambda tx, person, _role: users.change(tx, person.id, people.status("disabled")),
    "deleted": lambda tx, person, _role: users.delete(tx, person.id),
    "less power": lambda tx, _person, role: access.change_role(tx, role.id, RoleChange(permissions=["users.read"])),
    "in places": lambda tx, _person, role: access.change_role(tx, role.id, RoleChange(ceiling={"facility": ["1"]})),
    "no role": lambda tx, _person, role: access.delete_role(tx, role.id),
    "no member": lambda tx, person, _role: access.set_roles(tx, person.id, []),
}


@pytest.mark.parametrize("way", _REMOVALS)
async def test_the_last_administrator_stays_whatever_is_tried(runtime: Runtime, realm: Realm, way: str):
    await factories.a_role(runtime, realm, "rulers", "*")
    await factories.a_role(runtime, realm, "confined", "*")
    await people.a_member(runtime, realm, roles=("confined",))
    ruler = await people.a_member(runtime, realm, roles=("rulers",))
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        confined = await access.find_role(tx, "confined")
        await access.change_role(tx, confined.id, RoleChange(ceiling={"facility": ["1"]}))

    with pytest.raises(LastAdministrator):
        async with runtime.write(actor) as tx:
            await _REMOVALS[way](tx, ruler, await access.find_role(tx, "rulers"))


async def test_an_administrator_does_not_shut_themselves_out(front: Front, runtime: Runtime, admin: Person):
    """Not even by waiting to be confirmed, and not even when there is another one."""
    await people.a_member(runtime, admin.realm, roles=("admin",))
    actor = await people.signed_in(runtime, admin)
    for state in ("pending", "disabled"):
        with pytest.raises(RosterError):
            async with runtime.write(actor) as tx:
                await users.change(tx, admin.id, people.status(state))
