"""Users: making, reading, listing, changing and deleting them, and what happens when that is asked for wrongly."""

from typing import Any
from uuid import UUID

import pytest

from roster.core.access import service as access
from roster.core.access.models import Wanted
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.tokens import keys
from roster.core.users import service as users
from roster.kit import ids
from roster.kit.ids import UserId, uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.tokens.forging import Genuine
from tests.dialects.conftest import Person, SignIn, signed_in
from tests.dialects.fulfillmenttools.conftest import Wire, refusal

MIRA: dict[str, Any] = {
    "firstname": "Mira",
    "lastname": "Okafor",
    "username": "mokafor",
    "password": "pine-Lantern-42",
    "locale": "en_US",
    "assignedRoles": [{"ref": "FULFILLER", "context": [{"type": "FACILITY", "values": ["fac-muc-01"]}]}],
}


def at(*facilities: str) -> list[dict[str, Any]]:
    """A context that names these facilities."""
    return [{"type": "FACILITY", "values": list(facilities)}]


def role(name: str, *facilities: str) -> dict[str, Any]:
    """A role in these facilities, as it is sent."""
    return {"ref": name, "context": at(*facilities)} if facilities else {"ref": name}


async def made(wire: Wire, by: Person, name: str = "", **members: Any) -> dict[str, Any]:
    """Somebody who was made through the dialect."""
    body = {**MIRA, "username": name or f"user-{uuid7().hex[20:]}", **members}
    answer = await wire.post("/api/users", body, by=by)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def changed(wire: Wire, by: Person, user: dict[str, Any], *actions: dict[str, Any]) -> Any:
    """The answer to a change of that user with the version seen."""
    body = {"version": user["version"], "actions": [{"action": "ModifyUser", **each} for each in actions]}
    return await wire.patch(f"/api/users/{user['id']}", body, by=by)


@pytest.fixture
async def supervisor(wire: Wire, runtime: Runtime, realm: Realm, admin: Person) -> Person:
    """Somebody who supervises one facility."""
    made_ = await made(wire, admin, assignedRoles=[role("SUPERVISOR", "fac-muc-01")])
    return await person_of(runtime, realm, made_)


async def person_of(runtime: Runtime, realm: Realm, user: dict[str, Any]) -> Person:
    """A user of the dialect, signed in."""
    user_id = ids.parse(user["id"])
    assert user_id is not None
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await signed_in(runtime, realm, await users.get(tx, UserId(user_id)))


async def test_a_user_is_made_and_read_with_all_members(wire: Wire, admin: Person):
    user = await made(wire, admin, "mokafor", email="mira@example.org", customAttributes={"shift": "late", "level": 3})
    assert user == {
        "id": user["id"],
        "username": "mokafor",
        "firstname": "Mira",
        "lastname": "Okafor",
        "email": "mira@example.org",
        "locale": "en_US",
        "version": 1,
        "created": user["created"],
        "lastModified": user["created"],
        "authenticationProvider": {"type": "EMAIL_PASSWORD"},
        "assignedRoles": [{"ref": "FULFILLER", "context": at("fac-muc-01"), "contextLimitations": at("fac-muc-01")}],
        "facilityLimitations": ["fac-muc-01"],
        "assignedFacilities": [{"id": "fac-muc-01", "facilityRef": "fac-muc-01"}],
        "customClaims": {
            "roles": [
                {
                    "name": "FULFILLER",
                    "facilities": ["fac-muc-01"],
                    "context": at("fac-muc-01"),
                    "contextLimitations": at("fac-muc-01"),
                }
            ]
        },
        "customAttributes": {"shift": "late", "level": 3},
    }
    assert (await wire.get(f"/api/users/{user['id']}", by=admin)).json() == user


async def test_the_older_form_gives_the_same_role(wire: Wire, admin: Person):
    old = {"assignedRoles": None, "roles": [{"name": "FULFILLER", "facilities": ["fac-muc-01"]}]}
    body = {name: value for name, value in {**MIRA, **old}.items() if value is not None}
    assert (await wire.post("/api/users", body, by=admin)).json()["assignedRoles"][0]["context"] == at("fac-muc-01")


async def test_attached_facilities_limit_roles_that_name_none(wire: Wire, admin: Person):
    attached = [{"facilityRef": "fac-ber-02", "assignedZones": [{"zoneRef": "z1"}]}]
    user = await made(wire, admin, assignedRoles=[role("FULFILLER")], assignedFacilities=attached)
    assert user["assignedRoles"][0]["context"] == [*at("fac-ber-02"), {"type": "ZONE", "values": ["z1"]}]


@pytest.mark.parametrize("spelling", ["context", "contextLimitations"])
async def test_narrowings_are_read_in_both_spellings(wire: Wire, admin: Person, spelling: str):
    user = await made(wire, admin, assignedRoles=[{"ref": "FULFILLER", spelling: at("f1")}])
    assert user["facilityLimitations"] == ["f1"]


async def test_umlauts_in_usernames_are_written_out(wire: Wire, admin: Person):
    assert (await made(wire, admin, "jörg.weiß"))["username"] == "joerg.weiss"
    taken = await wire.post("/api/users", {**MIRA, "username": "Joerg.Weiss"}, by=admin)
    assert taken.status_code == 400


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"password": "short"}, "password"),
        ({"password": "1234567"}, "password"),
        ({"username": "a/b"}, "username"),
        ({"username": None}, "username"),
        ({"locale": "xx_XX"}, "locale"),
        ({"email": "nowhere"}, "email"),
        ({"assignedRoles": []}, "assignedRoles"),
        ({"assignedRoles": [role("FULFILLER", "f")] * 11}, "assignedRoles"),
        ({"assignedRoles": [role("NOBODY", "f")]}, "roles"),
        ({"assignedRoles": [role("FULFILLER")]}, "context:"),
        (
            {"assignedRoles": [{"ref": "FULFILLER", "context": [*at("a"), *at("b")]}]},
            "assignedRoles[0].context[1].type",
        ),
        ({"assignedRoles": [{"ref": "FULFILLER", "context": [{"type": "MOON", "values": []}]}]}, "assignedRoles"),
        ({"customAttributes": {"a.b": 1}}, "customAttributes"),
        ({"customAttributes": {"$a": 1}}, "customAttributes"),
    ],
)
async def test_what_cannot_be_made_is_a_400_and_leaves_nothing(
    wire: Wire, admin: Person, change: dict[str, Any], member: str
):
    answer = await wire.post("/api/users", {**MIRA, **change}, by=admin)
    assert answer.status_code == 400
    assert member in answer.text
    assert (await wire.get("/api/users", by=admin)).json()["total"] == 1


async def test_a_user_without_any_role_is_refused(wire: Wire, admin: Person):
    body = {name: value for name, value in MIRA.items() if name != "assignedRoles"}
    assert refusal(await wire.post("/api/users", body, by=admin))[0] == 400
    two = [{"name": "FULFILLER", "facilities": ["f"]}, {"name": "ADMINISTRATOR"}]
    assert refusal(await wire.post("/api/users", {**body, "roles": two}, by=admin))[0] == 400


async def test_a_taken_username_is_a_400(wire: Wire, admin: Person):
    await made(wire, admin, "mokafor")
    assert refusal(await wire.post("/api/users", {**MIRA, "username": "MOkafor"}, by=admin))[0] == 400


# changing


async def test_actions_change_what_they_name(wire: Wire, admin: Person):
    user = await made(wire, admin, customAttributes={"shift": "late", "level": 3})
    answer = await changed(
        wire, admin, user, {"firstname": "Mo"}, {"lastname": "Ada", "customAttributes": {"level": 4}}
    )
    after = answer.json()
    assert (after["firstname"], after["lastname"], after["customAttributes"]) == ("Mo", "Ada", {"level": 4})
    assert after["version"] > user["version"]
    assert (await wire.get(f"/api/users/{user['id']}", by=admin)).json() == after
    cleared = await changed(wire, admin, after, {"customAttributes": None})
    assert "customAttributes" not in cleared.json()


async def test_a_stale_version_is_a_409_with_both_versions_and_changes_nothing(wire: Wire, admin: Person):
    user = await made(wire, admin)
    current = (await changed(wire, admin, user, {"firstname": "Mo"})).json()
    new = {"firstname": "X", "password": "cedar-Rocket-77", "assignedRoles": [role("ADMINISTRATOR")]}
    answer = await changed(wire, admin, user, new)
    assert answer.status_code == 409
    assert answer.json()[0]["requestVersion"] == user["version"]
    assert answer.json()[0]["version"] == current["version"]
    assert (await wire.get(f"/api/users/{user['id']}", by=admin)).json() == current


@pytest.mark.parametrize(
    "bad",
    [
        {"assignedRoles": [role("NOBODY")]},
        {"assignedRoles": [role("FULFILLER")]},
        {"password": "1234567"},
        {"email": "nowhere"},
        {"locale": "xx_XX"},
        {"action": "DeleteUser"},
    ],
)
async def test_one_bad_action_undoes_all(wire: Wire, admin: Person, bad: dict[str, Any]):
    user = await made(wire, admin)
    answer = await changed(wire, admin, user, {"firstname": "Mo"}, bad)
    assert answer.status_code == 400
    assert (await wire.get(f"/api/users/{user['id']}", by=admin)).json() == user


async def test_a_password_that_came_with_a_refused_role_is_not_stored(wire: Wire, admin: Person, realm: Realm):
    user = await made(wire, admin, "mokafor")
    bad = {"password": "cedar-Rocket-77", "assignedRoles": [role("FULFILLER")]}
    assert (await changed(wire, admin, user, bad)).status_code == 400
    assert (await wire.sign_in(f"mokafor@{realm.slug}.com", "pine-Lantern-42")).status_code == 200


async def test_limits_that_the_dialect_has_no_word_for_stay(wire: Wire, admin: Person, runtime: Runtime, realm: Realm):
    user = await made(wire, admin)
    user_id = UserId(UUID(user["id"]))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_assignments(tx, user_id, [Wanted("FULFILLER", {"facility": ["f1"], "shelf": ["s1"]})])
    stale = await changed(wire, admin, user, {"assignedRoles": [role("FULFILLER", "f2")]})
    assert stale.status_code == 409
    user["version"] += 1
    answer = await changed(wire, admin, user, {"assignedRoles": [role("FULFILLER", "f2")]})
    assert answer.status_code == 200, answer.text
    async with runtime.read(factories.roster_in(realm)) as tx:
        held = await access.assignments_of(tx, user_id)
    assert [each.contexts for each in held] == [{"facility": ["f2"], "shelf": ["s1"]}]


async def test_there_are_at_most_five_actions(wire: Wire, admin: Person):
    user = await made(wire, admin)
    assert (await changed(wire, admin, user, *[{"firstname": "Mo"}] * 6)).status_code == 400
    assert (await changed(wire, admin, user, *[{"firstname": "Mo"}] * 5)).status_code == 200


async def test_roles_are_replaced_and_facilities_moved(wire: Wire, admin: Person):
    user = await made(wire, admin)
    user = (await changed(wire, admin, user, {"assignedRoles": [role("SUPERVISOR", "f1", "f2")]})).json()
    assert [each["ref"] for each in user["assignedRoles"]] == ["SUPERVISOR"]
    assert user["facilityLimitations"] == ["f1", "f2"]
    user = (await changed(wire, admin, user, {"assignedFacilities": [{"facilityRef": "f3"}]})).json()
    assert user["facilityLimitations"] == ["f3"]
    user = (await changed(wire, admin, user, {"roles": [{"name": "ADMINISTRATOR"}]})).json()
    assert user["assignedRoles"] == [{"ref": "ADMINISTRATOR", "context": [], "contextLimitations": []}]
    assert "facilityLimitations" not in user


async def test_a_new_password_signs_in_and_ends_sessions(wire: Wire, admin: Person, runtime: Runtime, realm: Realm):
    user = await made(wire, admin, "mokafor")
    session = await person_of(runtime, realm, user)
    assert (await changed(wire, admin, user, {"password": "cedar-Rocket-77"})).status_code == 200
    assert (await wire.get("/api/users/me/effectivepermissions", by=session)).status_code == 401
    assert (await wire.sign_in(f"mokafor@{realm.slug}.com", "pine-Lantern-42")).status_code == 400
    assert (await wire.sign_in(f"mokafor@{realm.slug}.com", "cedar-Rocket-77")).status_code == 200


async def test_signing_in_is_noted_without_a_new_version(wire: Wire, admin: Person, realm: Realm):
    user = await made(wire, admin, "mokafor")
    assert "lastLogin" not in user
    assert (await wire.sign_in(f"mokafor@{realm.slug}.com", "pine-Lantern-42")).status_code == 200
    after = (await wire.get(f"/api/users/{user['id']}", by=admin)).json()
    assert after.pop("lastLogin") >= user["created"]
    assert after == user


# deleting and attaching


async def test_a_deleted_user_is_gone_and_so_are_their_tokens(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
):
    user = await made(wire, admin)
    session = await person_of(runtime, realm, user)
    answer = await wire.call("DELETE", f"/api/users/{user['id']}", by=admin, json={"ignored": True})
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert (await wire.get(f"/api/users/{user['id']}", by=admin)).status_code == 404
    assert (await wire.get("/api/users/me/effectivepermissions", by=session)).status_code == 401
    assert (await wire.delete(f"/api/users/{user['id']}", by=admin)).status_code == 404


async def test_people_may_delete_themselves(wire: Wire, admin: Person, supervisor: Person):
    assert (await wire.delete(f"/api/users/{supervisor.user.id}", by=supervisor)).status_code == 200
    assert (await wire.get(f"/api/users/{supervisor.user.id}", by=admin)).status_code == 404


async def test_the_last_administrator_stays(wire: Wire, admin: Person):
    assert (await wire.delete(f"/api/users/{admin.user.id}", by=admin)).status_code == 403
    assert (await wire.get(f"/api/users/{admin.user.id}", by=admin)).status_code == 200


async def test_a_facility_is_attached_to_roles_that_are_limited_to_some(wire: Wire, admin: Person):
    roles = [role("FULFILLER", "f1"), role("ADMINISTRATOR")]
    user = await made(wire, admin, assignedRoles=roles)
    for _ in range(2):
        answer = await wire.post(f"/api/users/{user['id']}/assignedFacilities", {"facilityRef": "f2"}, by=admin)
        assert (answer.status_code, answer.json()) == (200, {})
    after = (await wire.get(f"/api/users/{user['id']}", by=admin)).json()
    assert (user["version"], after["version"], after["lastModified"] > user["lastModified"]) == (1, 2, True)
    assert (await changed(wire, admin, user, {"assignedRoles": roles})).status_code == 409
    assert [each["context"] for each in after["assignedRoles"]] == [at("f1", "f2"), []]
    assert (await wire.post(f"/api/users/{user['id']}/assignedFacilities", {}, by=admin)).status_code == 400


async def test_the_roles_of_a_user_are_read_with_what_they_permit(wire: Wire, admin: Person):
    user = await made(wire, admin)
    found = (await wire.get(f"/api/users/{user['id']}/permissions", by=admin)).json()
    assert [(each["name"], each["facilityRefs"], each["context"][0]) for each in found] == [
        ("FULFILLER", ["fac-muc-01"], at("fac-muc-01")[0])
    ]
    assert "PICKJOB_READ" in found[0]["permissions"]
    assert "USER_READ" not in found[0]["permissions"]


# who may


async def test_whoever_may_change_users_only_is_answered_with_them(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
):
    await wire.post("/api/roles", {"name": "CHANGER", "permissions": ["USER_MODIFY"]}, by=admin)
    await wire.post("/api/roles", {"name": "BARE", "permissions": []}, by=admin)
    changer = await person_of(runtime, realm, await made(wire, admin, assignedRoles=[role("CHANGER")]))
    bare = await made(wire, admin, assignedRoles=[role("BARE")])
    answer = await changed(wire, changer, bare, {"firstname": "Ida", "assignedRoles": [role("BARE", "f1")]})
    assert (answer.status_code, answer.json()["assignedRoles"][0]["context"]) == (200, at("f1"))
    assert (await wire.get(f"/api/users/{bare['id']}", by=changer)).status_code == 403
    assert (await wire.get("/api/users", by=changer)).status_code == 403


OPERATIONS = [
    ("GET", "/api/users/{}", None),
    ("PATCH", "/api/users/{}", {"version": 1, "actions": [{"action": "ModifyUser", "firstname": "X"}]}),
    ("DELETE", "/api/users/{}", None),
    ("POST", "/api/users/{}/assignedFacilities", {"facilityRef": "fac-muc-01"}),
    ("GET", "/api/users/{}/permissions", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_outside_of_ones_facilities_nobody_can_be_told_from_nobody(
    wire: Wire, admin: Person, supervisor: Person, method: str, path: str, body: object
):
    outside = await made(wire, admin, assignedRoles=[role("FULFILLER", "fac-ber-02")])
    answers = [
        await wire.call(method, path.format(each), by=supervisor, json=body)
        for each in (outside["id"], uuid7(), "no-id")
    ]
    assert [(each.status_code, each.text) for each in answers] == [(403, answers[0].text)] * 3
    assert (await wire.get(f"/api/users/{outside['id']}", by=admin)).json() == outside
    for unknown in (uuid7(), "no-id"):
        assert (await wire.call(method, path.format(unknown), by=admin, json=body)).status_code == 404


async def test_a_supervisor_manages_people_of_the_own_facility(wire: Wire, admin: Person, supervisor: Person):
    inside = await made(wire, admin)
    assert (await wire.get(f"/api/users/{inside['id']}", by=supervisor)).status_code == 200
    after = await changed(wire, supervisor, inside, {"firstname": "Mo", "password": "cedar-Rocket-77"})
    assert after.status_code == 200, after.text
    own = await made(wire, supervisor, assignedRoles=[role("FULFILLER")])
    assert own["facilityLimitations"] == ["fac-muc-01"]
    assert (await wire.get("/api/users", by=supervisor)).json()["total"] == 3
    assert (await wire.delete(f"/api/users/{own['id']}", by=supervisor)).status_code == 200


@pytest.mark.parametrize("given", [role("ADMINISTRATOR"), role("FULFILLER", "fac-ber-02"), role("admin")])
async def test_nobody_gives_a_role_or_a_place_beyond_their_own(
    wire: Wire, admin: Person, supervisor: Person, given: dict[str, Any]
):
    inside = await made(wire, admin)
    before = (await wire.get("/api/users", by=admin)).json()["total"]
    assert (await wire.post("/api/users", {**MIRA, "assignedRoles": [given]}, by=supervisor)).status_code == 403
    assert (await changed(wire, supervisor, inside, {"firstname": "X", "assignedRoles": [given]})).status_code == 403
    assert (await wire.get("/api/users", by=admin)).json()["total"] == before
    assert (await wire.get(f"/api/users/{inside['id']}", by=admin)).json() == inside
    widened = await wire.post(
        f"/api/users/{inside['id']}/assignedFacilities", {"facilityRef": "fac-ber-02"}, by=supervisor
    )
    assert widened.status_code == 403


async def test_without_the_documented_key_nothing_is_told(wire: Wire, sign_in: SignIn, admin: Person):
    nobody = await sign_in()
    for method, path, body in [("GET", "/api/users", None), ("POST", "/api/users", MIRA), *OPERATIONS]:
        answer = await wire.call(method, path.format(admin.user.id), by=nobody, json=body)
        assert answer.status_code == 403


async def test_foreign_expired_and_revoked_tokens_are_a_401(
    wire: Wire, admin: Person, stranger: Person, sign_in: SignIn, runtime: Runtime, realm: Realm
):
    revoked = await sign_in(roles=("admin",))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await sessions.cut(tx, revoked.user.id, "test")
        genuine = Genuine.of(admin.access_token, await keys.signing(tx))
    expired = genuine.signed(claims={"exp": 1_700_000_000})
    for token in (stranger.access_token, revoked.access_token, expired, "nonsense", None):
        assert (await wire.post("/api/users", MIRA, token=token)).status_code == 401
    assert (await wire.get("/api/users", by=admin)).json()["total"] == 2


# lists


async def test_the_list_goes_on_behind_an_id_in_both_orders(wire: Wire, admin: Person):
    names = ["Cy", "ada", "Bo", "Dee"]
    made_ = [(await made(wire, admin, lastname=name))["id"] for name in names]
    everybody = [str(admin.user.id), *made_]
    assert await walked(wire, admin, "size=2") == everybody
    by_name = [made_[1], made_[2], made_[0], made_[3], str(admin.user.id)]
    assert await walked(wire, admin, "size=2&orderBy=LASTNAME") == by_name


async def walked(wire: Wire, by: Person, query: str) -> list[str]:
    """All ids of a list, page by page as the vendor's Java client goes through it."""
    found: list[str] = []
    start = ""
    while True:
        page = (await wire.get(f"/api/users?{query}{start}", by=by)).json()
        found += [user["id"] for user in page["users"]]
        assert page["total"] >= len(found)
        if not page["pageInfo"]["endCursor"]:
            return found
        start = f"&startAfterId={page['pageInfo']['endCursor']}"


async def test_the_list_can_be_narrowed_to_a_facility(wire: Wire, admin: Person):
    first = await made(wire, admin, assignedRoles=[role("FULFILLER", "f1")])
    await made(wire, admin, assignedRoles=[role("FULFILLER", "f2")])
    assert await walked(wire, admin, "facilityId=f1") == [first["id"]]
    assert await walked(wire, admin, "facilityId=f1&includeAdminUsers=true") == [str(admin.user.id), first["id"]]
    assert await walked(wire, admin, "facilityId=f3") == []


@pytest.mark.parametrize(
    "query", ["size=0", "size=101", "size=x", "orderBy=FIRSTNAME", "startAfterId=x", f"startAfterId={UUID(int=7)}"]
)
async def test_a_wrong_window_of_the_list_is_a_400(wire: Wire, admin: Person, query: str):
    assert (await wire.get(f"/api/users?{query}", by=admin)).status_code == 400
