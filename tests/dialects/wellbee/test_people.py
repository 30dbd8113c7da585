"""Making, changing, showing and deleting people, for administrators and for services."""

import asyncio
from typing import Any

import pytest

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.wellbee.conftest import Answer, Reset, Wire

ANNA: dict[str, Any] = {
    "email": "Anna@Example.org",
    "password": "Ab3defgh-safe",
    "firstName": "Anna",
    "lastName": "Berg",
    "middleName": "Maria",
    "userName": "annab",
    "personalNumber": "19121212-1212",
    "roles": ["user", "user"],
    "favourite": {"colours": ["red", {"name": "blue"}], "count": 3},
}
UNKNOWN = "3b1f6f0a-0c2c-4c52-9e09-6c0c5f9f8b1d"


async def made(wire: Wire, **fields: Any) -> dict[str, Any]:
    found = await wire.ask("user-service.create-user", {**ANNA, **fields})
    assert found.status == 201, found
    return found.data


def refused(found: Answer, status: int, code: str, detail: str | None = None) -> None:
    assert (found.status, found.code) == (status, code), found
    assert detail is None or found.error["detail"] == detail


async def test_a_person_is_made_and_shown_as_one_document(wire: Wire, admin: Person):
    found = await wire.by(admin.access_token).call("POST", "/admin/user", ANNA)

    assert found.status == 201
    shown = dict(found.data)
    metadata = shown.pop("metadata")
    assert metadata["created"] == metadata["updated"]
    assert metadata["created"].endswith("Z")
    assert len(metadata["created"]) == 24
    assert len(shown.pop("id")) == 36
    kept = {key: value for key, value in ANNA.items() if key != "password"}
    assert shown == {**kept, "email": "anna@example.org", "roles": ["user"], "scopes": ["profile.get"]}
    assert (await wire.by(admin.access_token).call("GET", f"/admin/user/{found.data['id']}")).data == found.data


async def test_services_make_the_same_and_may_choose_the_id(wire: Wire):
    found = await made(wire, id=UNKNOWN.upper())
    assert found["id"] == UNKNOWN
    again = await wire.ask(
        "user-service.create-user", {**ANNA, "id": UNKNOWN, "email": "b@example.org", "userName": "b"}
    )
    refused(again, 400, "fruster-user-service.ID_NOT_UNIQUE")


async def test_an_id_that_is_none_is_refused(wire: Wire):
    refused(await wire.ask("user-service.create-user", {**ANNA, "id": "anna"}), 400, "BAD_REQUEST")


async def test_a_deleted_persons_id_is_not_given_out_again(wire: Wire):
    await made(wire, id=UNKNOWN)
    assert (await wire.ask("user-service.delete-user", {"id": UNKNOWN})).status == 200
    again = await wire.ask(
        "user-service.create-user", {**ANNA, "id": UNKNOWN, "email": "b@example.org", "userName": "b"}
    )
    refused(again, 400, "fruster-user-service.ID_NOT_UNIQUE")


async def test_without_a_user_name_the_address_is_it_and_is_not_shown_twice(wire: Wire):
    found = await made(wire, userName=None)
    assert "userName" not in found
    changed = await wire.ask("user-service.update-user", {"id": found["id"], "email": "other@example.org"})
    assert (changed.data["email"], "userName" in changed.data) == ("other@example.org", False)
    named = await wire.ask("user-service.update-user", {"id": found["id"], "userName": "anna"})
    assert named.data["userName"] == "anna"


@pytest.mark.parametrize(
    ("fields", "code", "detail"),
    [
        ({"email": None}, "BAD_REQUEST", "data should have required property 'email'"),
        ({"firstName": None}, "BAD_REQUEST", "data should have required property 'firstName'"),
        ({"lastName": None}, "BAD_REQUEST", "data should have required property 'lastName'"),
        ({"firstName": 1}, "BAD_REQUEST", "data.firstName should be string"),
        ({"email": ["a@b.se"]}, "BAD_REQUEST", "data.email should be string"),
        ({"roles": "user"}, "BAD_REQUEST", "data.roles should be array"),
        ({"roles": ["user", 1]}, "BAD_REQUEST", "data.roles[1] should be string"),
        ({"$set": 1}, "BAD_REQUEST", None),
        ({"a.b": 1}, "BAD_REQUEST", None),
        ({"x" * 65: 1}, "BAD_REQUEST", None),
        ({"big": "x" * 20_000}, "BAD_REQUEST", None),
        ({"password": None}, "user-service.400.7", None),
        ({"password": "short"}, "user-service.400.3", None),
        ({"password": "nodigitshere"}, "user-service.400.3", None),
        ({"password": "Passw0rd"}, "user-service.400.3", None),
        ({"email": "nobody"}, "user-service.400.5", "nobody is not a valid email"),
        ({"email": "a@b"}, "user-service.400.5", None),
        ({"email": "a" * 330 + "@b.se"}, "user-service.400.5", None),
        ({"roles": ["user", "king", "queen"]}, "user-service.400.4", "Roles contains invalid role(s) king, queen"),
    ],
)
async def test_what_is_wrong_with_a_new_person_is_said_as_documented(
    wire: Wire, admin: Person, fields: dict[str, Any], code: str, detail: str | None
):
    sent = {key: value for key, value in {**ANNA, **fields}.items() if value is not None}
    refused(await wire.ask("user-service.create-user", sent), 400, code, detail)
    refused(await wire.by(admin.access_token).call("POST", "/admin/user", sent), 400, code, detail)


async def test_an_address_belongs_to_one_person(wire: Wire):
    await made(wire)
    found = await wire.ask("user-service.create-user", {**ANNA, "userName": "other", "email": "ANNA@example.org"})
    refused(found, 400, "user-service.400.10")
    assert found.error["detail"].startswith(
        "Another account has already been registered with the provided email-address: "
    )
    refused(
        await wire.ask("user-service.create-user", {**ANNA, "email": "b@example.org"}),
        400,
        "fruster-user-service.USERNAME_NOT_UNIQUE",
    )


async def test_of_two_who_take_one_address_at_once_one_is_refused(wire: Wire):
    found = await asyncio.gather(
        *(wire.ask("user-service.create-user", {**ANNA, "userName": f"anna{number}"}) for number in range(4))
    )
    assert sorted(each.status for each in found) == [201, 400, 400, 400]
    assert {each.code for each in found if each.status == 400} == {"user-service.400.10"}


@pytest.mark.parametrize("field", ["personalNumber", "employee", "profile.employee"])
async def test_other_fields_can_be_unique_too(wire: Wire, configured: Reset, field: str):
    fields = ("REQUIRED_ONLY",) if "." in field else ("ALL",)
    configured(unique_fields=(field, "userName"), user_fields=fields)
    name = field.removeprefix("profile.")
    first = await made(wire, **{name: "191"})
    other = {**ANNA, "email": "b@example.org", "userName": "b"}
    code = f"fruster-user-service.{name.upper()}_NOT_UNIQUE"
    found = await wire.ask("user-service.create-user", {**other, name: "191"})
    refused(found, 400, code)
    assert found.error["title"] == f"{name} is not unique"
    second = await made(wire, **{**other, name: "192"})
    subject = "user-service.update-profile" if "." in field else "user-service.update-user"
    again = await wire.ask(subject, {"id": second["id"], name: "191"})
    assert again.code == code
    assert (await wire.ask(subject, {"id": first["id"], name: "191"})).status == 200
    await wire.ask(subject, {"id": first["id"], name: None})
    assert (await wire.ask(subject, {"id": second["id"], name: "191"})).status == 200


async def test_of_two_who_take_one_value_at_once_one_is_refused(wire: Wire, configured: Reset):
    configured(unique_fields=("personalNumber",))
    people = [{**ANNA, "email": f"a{number}@example.org", "userName": f"a{number}"} for number in range(4)]
    found = await asyncio.gather(*(wire.ask("user-service.create-user", each) for each in people))
    assert sorted(each.status for each in found) == [201, 400, 400, 400]
    assert {each.code for each in found} == {"", "fruster-user-service.PERSONALNUMBER_NOT_UNIQUE"}


FORGED = {
    "_id": "x",
    "salt": "x",
    "hashDate": "x",
    "emailVerificationToken": "x",
    "setPasswordToken": "x",
    "scopes": ["*"],
    "metadata": {"created": "1970-01-01T00:00:00.000Z"},
}


async def test_private_and_computed_fields_are_not_taken(wire: Wire, admin: Person):
    found = (await wire.by(admin.access_token).call("POST", "/admin/user", {**ANNA, **FORGED})).data
    assert found["scopes"] == ["profile.get"]
    assert not FORGED.keys() - {"scopes", "metadata"} & found.keys()
    assert found["metadata"]["created"] > "2020"
    changed = await wire.by(admin.access_token).call("PUT", f"/admin/user/{found['id']}", {**FORGED, "id": UNKNOWN})
    assert changed.data == {**found, "metadata": changed.data["metadata"]}


async def test_only_services_say_that_an_address_is_verified(wire: Wire, admin: Person):
    found = await wire.by(admin.access_token).call("POST", "/admin/user", {**ANNA, "emailVerified": True})
    assert "emailVerified" not in found.data
    path = f"/admin/user/{found.data['id']}"
    assert "emailVerified" not in (await wire.by(admin.access_token).call("PUT", path, {"emailVerified": True})).data
    for value in (True, False, True):
        told = {"id": found.data["id"], "emailVerified": value}
        assert (await wire.ask("user-service.update-user", told)).data["emailVerified"] is value


async def test_services_say_of_new_people_whether_their_address_is_verified(wire: Wire):
    assert (await made(wire, emailVerified=False))["emailVerified"] is False
    other = await made(wire, emailVerified=True, email="b@example.org", userName="b")
    assert other["emailVerified"] is True


async def test_nested_secrets_are_not_shown(wire: Wire, configured: Reset):
    configured(private_properties=("diagnosis",))
    found = await made(wire, card={"password": "x", "pages": [{"diagnosis": "x", "number": 1}]}, diagnosis="x")
    assert found["card"] == {"pages": [{"number": 1}]}
    assert "diagnosis" not in found


async def test_a_change_touches_what_it_names(wire: Wire, admin: Person):
    found = await made(wire)
    path = f"/admin/user/{found['id']}"
    sent = {"middleName": None, "favourite": None, "lastName": "Lind", "new": [1, 2.5, True]}
    changed = (await wire.by(admin.access_token).call("PUT", path, sent)).data
    expected = {**found, "lastName": "Lind", "new": [1, 2.5, True], "metadata": changed["metadata"]}
    assert changed == {key: value for key, value in expected.items() if key not in ("middleName", "favourite")}
    assert changed["metadata"]["updated"] >= found["metadata"]["updated"]


async def test_deactivated_people_are_disabled_in_the_directory(wire: Wire):
    found = await made(wire, deactivated=True)
    assert found["deactivated"] is True
    changed = await wire.ask("user-service.update-user", {"id": found["id"], "deactivated": False})
    assert "deactivated" not in changed.data


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"password": "Ab3defgh-safe"}, 400, "user-service.400.6"),
        ({"password": "Ab3defgh-safe", "email": "ANNA@example.org"}, 400, "user-service.400.6"),
        ({"email": "nobody"}, 400, "user-service.400.5"),
        ({"email": "b@example.org"}, 400, "user-service.400.10"),
        ({"userName": "b"}, 400, "fruster-user-service.USERNAME_NOT_UNIQUE"),
        ({"roles": ["king"]}, 400, "user-service.400.4"),
        ({"lastName": 5}, 400, "BAD_REQUEST"),
        ({"id": UNKNOWN, "lastName": "x"}, 404, "user-service.404.1"),
        ({"id": "nobody", "lastName": "x"}, 404, "user-service.404.1"),
    ],
)
async def test_what_is_wrong_with_a_change_is_said_as_documented(
    wire: Wire, admin: Person, fields: dict[str, Any], status: int, code: str
):
    await made(wire, email="b@example.org", userName="b")
    sent = {"id": (await made(wire))["id"], **fields}
    refused(await wire.ask("user-service.update-user", sent), status, code)
    refused(await wire.by(admin.access_token).call("PUT", f"/admin/user/{sent['id']}", sent), status, code)


async def test_an_unknown_person_is_named_as_documented(wire: Wire, admin: Person):
    asked = wire.by(admin.access_token)
    refused(await asked.call("GET", f"/admin/user/{UNKNOWN}"), 404, "fruster-user-service.NOT_FOUND", UNKNOWN)
    refused(
        await asked.call("DELETE", f"/admin/user/{UNKNOWN}"), 404, "fruster-user-service.NOT_FOUND", "user not found"
    )
    found = await asked.call("PUT", f"/admin/user/{UNKNOWN}", {})
    refused(found, 404, "user-service.404.1", f"User with id {UNKNOWN} was not found")
    refused(await wire.ask("user-service.delete-user", {"id": "x"}), 404, "fruster-user-service.NOT_FOUND")
    refused(await wire.ask("user-service.delete-user", {}), 400, "BAD_REQUEST")
    refused(await wire.ask("user-service.delete-user", {"id": UNKNOWN, "all": True}), 400, "BAD_REQUEST")


async def test_a_deleted_person_is_gone_and_signed_out(wire: Wire, admin: Person, sign_in: SignIn):
    other = await sign_in(email="other@example.org")
    asked = wire.by(admin.access_token)
    assert (await asked.call("DELETE", f"/admin/user/{other.user.id}")).status == 200
    refused(await asked.call("GET", f"/admin/user/{other.user.id}"), 404, "fruster-user-service.NOT_FOUND")
    refused(await wire.by(other.access_token).call("GET", "/me"), 403, "auth-service.403.1")


async def test_a_new_address_can_take_the_password(wire: Wire, configured: Reset):
    configured(require_password_on_email_update=True)
    found = await made(wire)
    change = {"id": found["id"], "email": "new@example.org"}
    refused(await wire.ask("user-service.update-user", change), 401, "fruster-user-service.PASSWORD_REQUIRED")
    wrong = {**change, "password": "Ab3wrong-safe"}
    refused(await wire.ask("user-service.update-user", wrong), 401, "fruster-user-service.UNAUTHORIZED")
    right = await wire.ask("user-service.update-user", {**change, "password": ANNA["password"]})
    assert right.data["email"] == "new@example.org"


async def test_names_can_be_kept_in_lower_case(wire: Wire, configured: Reset, runtime: Runtime, realm: Realm):
    configured(lower_case_name=True)
    found = await made(wire)
    assert [found[name] for name in ("firstName", "middleName", "lastName")] == ["Anna", "Maria", "Berg"]
    configured(lower_case_name=False)
    found = (await wire.ask("user-service.update-user", {"id": found["id"]})).data
    assert [found[name] for name in ("firstName", "middleName", "lastName")] == ["anna", "maria", "berg"]


async def test_names_and_passwords_are_needed_as_configured(wire: Wire, configured: Reset):
    configured(require_names=False, require_password=False, without_required_fields=True)
    found = await wire.ask("user-service.create-user", {"nickname": "x"})
    assert (found.status, found.data["nickname"]) == (201, "x")


async def test_me_is_whoever_asks(wire: Wire, sign_in: SignIn):
    somebody = await sign_in(roles=("wellbee:user",), email="me@example.org")
    found = await wire.by(somebody.access_token).call("GET", "/me")
    assert (found.data["id"], found.data["scopes"]) == (str(somebody.user.id), ["profile.get"])
    refused(await wire.call("GET", "/me"), 403, "MUST_BE_LOGGED_IN")


async def test_people_of_another_realm_do_not_exist(wire: Wire, stranger: Person, runtime: Runtime):
    found = await made(wire)
    theirs = Wire(wire.http, runtime, stranger.realm.slug, stranger.bearer)
    refused(await theirs.call("GET", f"/admin/user/{found['id']}"), 404, "fruster-user-service.NOT_FOUND")
    refused(await theirs.call("PUT", f"/admin/user/{found['id']}", {}), 404, "user-service.404.1")
    refused(await theirs.call("DELETE", f"/admin/user/{found['id']}"), 404, "fruster-user-service.NOT_FOUND")
    refused(await theirs.ask("user-service.delete-user", {"id": found["id"]}), 404, "fruster-user-service.NOT_FOUND")
    refused(await theirs.ask("user-service.add-roles", {"id": found["id"], "roles": []}), 404, "user-service.404.1")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/admin/user/{UNKNOWN}"),
        ("POST", "/admin/user"),
        ("PUT", f"/admin/user/{UNKNOWN}"),
        ("DELETE", f"/admin/user/{UNKNOWN}"),
        ("GET", "/admin/system/role"),
        ("POST", "/admin/system/role"),
        ("DELETE", "/admin/system/role"),
        ("POST", "/admin/system/role/scope"),
        ("DELETE", "/admin/system/role/scope"),
    ],
)
async def test_whoever_lacks_the_scope_reaches_nothing(wire: Wire, person: Person, method: str, path: str):
    refused(await wire.by(person.access_token).call(method, path, {}), 403, "PERMISSION_DENIED")
    refused(await wire.call(method, path, {}), 403, "MUST_BE_LOGGED_IN")


# profiles


@pytest.mark.parametrize(
    ("settings", "in_user", "in_profile"),
    [
        ({"user_fields": ("userName", "personalNumber")}, {"userName", "personalNumber"}, {"firstName", "favourite"}),
        ({"user_fields": ("REQUIRED_ONLY",)}, set[str](), {"userName", "firstName", "favourite"}),
        ({"profile_fields": ("favourite", "lastName")}, {"userName", "firstName"}, {"favourite", "lastName"}),
    ],
)
async def test_people_are_divided_into_users_and_profiles(
    wire: Wire, admin: Person, configured: Reset, settings: dict[str, Any], in_user: set[str], in_profile: set[str]
):
    configured(**settings)
    found = await made(wire)
    profile = found.pop("profile")
    assert in_user <= found.keys() >= {"id", "email", "roles", "scopes", "metadata"}
    assert in_profile <= profile.keys() >= {"id", "metadata"}
    assert not in_profile & found.keys()
    assert not (in_user | {"email", "roles", "scopes"}) & profile.keys()
    path = f"/admin/user/{found['id']}"
    asked = wire.by(admin.access_token)
    assert (await asked.call("GET", path)).data == found
    assert (await asked.call("GET", path + "?expand=1")).data == {**found, "profile": profile}


async def test_a_change_of_one_part_leaves_the_other_out(wire: Wire, configured: Reset):
    configured(user_fields=("userName",))
    found = await made(wire)
    both = {"id": found["id"], "firstName": "Eva", "favourite": 1, "userName": "eva", "email": "eva@example.org"}
    user = (await wire.ask("user-service.update-user", both)).data
    assert (user["userName"], user["email"]) == ("eva", "eva@example.org")
    both |= {"userName": "x", "email": "x@example.org", "roles": ["super-admin"], "deactivated": True}
    profile = (await wire.ask("user-service.update-profile", both)).data
    assert (profile["firstName"], profile["favourite"], profile["lastName"]) == ("Eva", 1, "Berg")
    assert not {"userName", "email", "roles", "scopes"} & profile.keys()


async def test_without_profiles_nobody_serves_them(wire: Wire):
    refused(await wire.ask("user-service.update-profile", {"id": UNKNOWN}), 404, "BUS_RESPONSE_TIMEOUT")


async def test_an_unknown_persons_profile_is_not_found(wire: Wire, configured: Reset):
    configured(user_fields=("userName",))
    refused(await wire.ask("user-service.update-profile", {"id": UNKNOWN}), 404, "user-service.404.1")
    refused(await wire.ask("user-service.update-profile", {}), 400, "BAD_REQUEST")


# roles of people


async def test_roles_are_added_and_taken_away(wire: Wire, runtime: Runtime):
    user_id = (await made(wire))["id"]
    given = await wire.ask("user-service.add-roles", {"id": user_id, "roles": ["admin", "user"]})
    assert (given.status, given.data) == (202, None)
    found = (await wire.ask("user-service.update-user", {"id": user_id})).data
    assert (sorted(found["roles"]), sorted(found["scopes"])) == (["admin", "user"], ["profile.get", "user.*"])
    assert (await wire.ask("user-service.remove-roles", {"id": user_id, "roles": ["user"]})).status == 202
    found = (await wire.ask("user-service.update-user", {"id": user_id})).data
    assert found["roles"] == ["admin"]
    refused(
        await wire.ask("user-service.remove-roles", {"id": user_id, "roles": ["admin"]}), 400, "user-service.400.14"
    )


async def test_roles_that_are_added_and_taken_away_at_once_are_all_counted(wire: Wire, runtime: Runtime, realm: Realm):
    names = [f"role-{at}" for at in range(8)]
    for name in names:
        await factories.a_role(runtime, realm, name)
    user_id = (await made(wire))["id"]
    await wire.ask("user-service.add-roles", {"id": user_id, "roles": names[:4]})
    await asyncio.gather(
        *(wire.ask("user-service.add-roles", {"id": user_id, "roles": [each]}) for each in names[4:]),
        *(wire.ask("user-service.remove-roles", {"id": user_id, "roles": [each]}) for each in names[:4]),
    )
    found = (await wire.ask("user-service.update-user", {"id": user_id})).data
    assert sorted(found["roles"]) == [*names[4:], "user"]


@pytest.mark.parametrize("subject", ["user-service.add-roles", "user-service.remove-roles"])
async def test_what_is_wrong_with_roles_is_said_as_documented(wire: Wire, subject: str):
    user_id = (await made(wire))["id"]
    refused(await wire.ask(subject, {"id": user_id, "roles": ["king"]}), 400, "user-service.400.4")
    refused(await wire.ask(subject, {"id": UNKNOWN, "roles": ["user"]}), 404, "user-service.404.1")
    refused(await wire.ask(subject, {"id": user_id}), 400, "BAD_REQUEST", "data should have required property 'roles'")
    refused(await wire.ask(subject, {"id": user_id, "roles": [], "x": 1}), 400, "BAD_REQUEST")


async def test_scopes_of_roles_are_told_in_order_and_unknown_roles_add_nothing(wire: Wire):
    found = await wire.ask("user-service.get-scopes", ["admin", "king", "user", "super-admin"])
    assert found.data == ["profile.get", "user.*", "*"]
    refused(await wire.ask("user-service.get-scopes", {"roles": []}), 400, "BAD_REQUEST")


async def test_nobody_gives_roles_that_may_do_more_than_they(
    wire: Wire, sign_in: SignIn, runtime: Runtime, realm: Realm
):
    await factories.a_role(runtime, realm, "clerk", "wellbee:admin.*")
    clerk = wire.by((await sign_in(roles=("clerk",))).access_token)
    refused(await clerk.call("POST", "/admin/user", {**ANNA, "roles": ["super-admin"]}), 403, "PERMISSION_DENIED")
    found = await clerk.call("POST", "/admin/user", ANNA)
    path = f"/admin/user/{found.data['id']}"
    refused(await clerk.call("PUT", path, {"roles": ["super-admin"]}), 403, "PERMISSION_DENIED")
    boss = await sign_in(roles=("admin",))
    refused(
        await clerk.call("PUT", f"/admin/user/{boss.user.id}", {"email": "x@example.org"}), 403, "PERMISSION_DENIED"
    )
