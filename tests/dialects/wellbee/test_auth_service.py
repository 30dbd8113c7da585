"""What other services ask of the authentication service, on the bus."""

import pytest

from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.dialects.wellbee import jwt
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import Reset, Wire
from tests.dialects.wellbee.signing import by_token, is_signed_in, tokens

COOKIE = "auth-service.generate-jwt-token-for-user.cookie"
TOKEN = "auth-service.generate-jwt-token-for-user.token"


async def test_a_token_decodes_to_the_person_as_they_are_now(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, _ = await tokens(wire)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(given_name="Evelina"))

    found = await wire.ask("auth-service.decode-token", access)

    assert (found.data["id"], found.data["firstName"], found.data["team"]) == (str(eva.id), "Evelina", "blue")
    assert "scopes" in found.data


async def test_access_tokens_of_the_realm_decode_too(wire: Wire, person: Person):
    found = await wire.ask("auth-service.decode-token", person.access_token)
    assert found.data["id"] == str(person.user.id)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x", "deleted"])
async def test_what_is_no_token_does_not_decode(wire: Wire, text: str):
    found = await wire.ask("auth-service.decode-token", text)
    assert (found.status, found.code, found.error["title"]) == (403, "auth-service.403.1", "Invalid JWT token")


@pytest.mark.parametrize("data", [None, 1, {"token": "x"}, ["x"]])
async def test_a_token_is_a_text(wire: Wire, data: object):
    assert (await wire.ask("auth-service.decode-token", data)).code == "BAD_REQUEST"


async def test_a_token_decodes_no_more_once_its_session_is_over(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, _ = await tokens(wire)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(status="disabled"))
    found = await wire.ask("auth-service.decode-token", access)
    assert (found.code, found.error["detail"]) == ("auth-service.403.1", "Token expired")


async def test_a_token_of_another_realm_does_not_decode(runtime: Runtime, wire: Wire, eva: User, stranger: Person):
    access, _ = await tokens(wire)
    other = Wire(wire.http, runtime, stranger.realm.slug)
    found = await other.ask("auth-service.decode-token", access)
    assert found.error["detail"] == "Signature verification failed"


@pytest.mark.parametrize(
    "query", [{"email": "EVA@example.org"}, {"userName": "eva"}, {"team": "blue", "lastName": "Ek"}]
)
async def test_services_sign_the_person_in_who_fits_a_query(wire: Wire, eva: User, query: dict[str, object]):
    found = await wire.ask(TOKEN, {**query, "additionalPayload": {"device": "tablet", "scopes": ["*"]}})
    assert found.data["profile"]["id"] == str(eva.id)
    assert await is_signed_in(wire, found.data["accessToken"])
    decoded = await wire.ask("auth-service.decode-token", found.data["accessToken"])
    assert decoded.data["device"] == "tablet"
    assert decoded.data["scopes"] == []
    again = await wire.ask("auth-service.refresh-token", {"refreshToken": found.data["refreshToken"], "headers": {}})
    assert await is_signed_in(wire, again.data["accessToken"])


async def test_services_sign_people_in_by_cookie(wire: Wire, eva: User):
    found = await wire.ask(COOKIE, {"id": str(eva.id)})
    assert found.data["id"] == str(eva.id)
    assert found.headers["set-cookie"].startswith("jwt=eyJ")
    assert ";HttpOnly" in found.headers["set-cookie"]


@pytest.mark.parametrize("name", ["web", "app"])
async def test_the_old_subjects_work_too(wire: Wire, eva: User, name: str):
    found = await wire.ask(f"auth-service.generate-jwt-token-for-user.{name}", {"id": str(eva.id)})
    assert found.status == 200


@pytest.mark.parametrize("subject", [COOKIE, TOKEN])
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({}, 400, "BAD_REQUEST"),
        ({"additionalPayload": {}}, 400, "BAD_REQUEST"),
        ({"id": {"$ne": 1}}, 400, "BAD_REQUEST"),
        ({"userName": "eva", "additionalPayload": {"exp": 1}}, 400, "BAD_REQUEST"),
        ({"userName": "eva", "additionalPayload": {"salt": ""}}, 400, "BAD_REQUEST"),
        ({"userName": "eva", "additionalPayload": {"x": "y" * 3000}}, 400, "BAD_REQUEST"),
        ({"userName": "eva", "additionalPayload": "x"}, 400, "BAD_REQUEST"),
        ({"userName": "nobody"}, 404, "auth-service.404.2"),
        ({"id": "nobody"}, 404, "auth-service.404.2"),
        ({"lastName": "Ek"}, 500, "auth-service.500.1"),
        ({"userName": "off"}, 403, "auth-service.403.2"),
    ],
)
async def test_services_are_told_why_nobody_was_signed_in(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, subject: str, data: object, status: int, code: str
):
    await factories.a_person(runtime, realm, "sister", family_name="Ek")
    await factories.a_person(runtime, realm, "off", status="disabled")
    found = await wire.ask(subject, data)
    assert (found.status, found.code) == (status, code)


async def test_nobody_signs_people_in_over_http(wire: Wire, admin: Person, eva: User):
    path = "/" + TOKEN.replace(".", "/")
    assert (await wire.by(admin.access_token).call("POST", path, {"id": str(eva.id)})).code == "BUS_RESPONSE_TIMEOUT"


async def test_services_read_the_sessions_of_people(wire: Wire, eva: User):
    await tokens(wire)
    await tokens(wire)
    found = await wire.ask("auth-service.get-session-details-by-user-id", {"userId": str(eva.id), "limit": 1})
    assert found.data["totalCount"] == 2
    (only,) = found.data["sessionDetails"]
    assert only.keys() == {"created", "lastActivity", "version", "userAgent"}


@pytest.mark.parametrize("data", [{}, {"userId": "x"}, {"userId": "x", "limit": 0}])
async def test_sessions_are_those_of_somebody(wire: Wire, data: object):
    assert (await wire.ask("auth-service.get-session-details-by-user-id", data)).code == "BAD_REQUEST"


async def test_services_sign_people_out(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    access, refresh = await tokens(wire)
    nobody = await factories.a_person(runtime, realm, "nobody")
    found = await wire.ask("auth-service.logout-users-by-id", {"userIds": [str(eva.id), str(nobody.id)]})
    assert (found.status, found.data) == (200, None)
    assert not await is_signed_in(wire, access)
    again = await wire.ask("auth-service.refresh-token", {"refreshToken": refresh, "headers": {}})
    assert (again.status, again.code) == (420, "auth-service.420.1")


@pytest.mark.parametrize("data", [{}, {"userIds": "x"}, {"userIds": ["x"]}])
async def test_people_are_signed_out_by_id(wire: Wire, data: object):
    assert (await wire.ask("auth-service.logout-users-by-id", data)).code == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "BAD_REQUEST"),
        ({"refreshToken": "x"}, "BAD_REQUEST"),
        ({"refreshToken": "x", "headers": {}}, "auth-service.404.1"),
        ({"refreshToken": "x", "headers": {}, "additionalPayload": {"exp": 1}}, "BAD_REQUEST"),
    ],
)
async def test_a_refresh_of_services_needs_the_token_and_headers(wire: Wire, data: object, code: str):
    assert (await wire.ask("auth-service.refresh-token", data)).code == code


async def test_what_is_added_to_a_token_stays_out_of_what_is_its_own(wire: Wire, eva: User):
    _, refresh = await tokens(wire)
    sent = {"refreshToken": refresh, "headers": {}, "additionalPayload": {"unit": 7}}
    found = await wire.ask("auth-service.refresh-token", sent)
    claims = jwt.claims_of(found.data["accessToken"])
    assert claims is not None
    assert (str(claims.id), claims.extra) == (str(eva.id), {"unit": 7})


# people who have to verify their address


async def test_whoever_has_to_verify_an_address_cannot_sign_in_before(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, configured: Reset
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(facets={"wellbee": {"verifying": True}}))
    configured(optional_email_verification=True)
    assert (await by_token(wire)).status == 200
    configured(require_email_verification=True)
    found = await by_token(wire)
    assert (found.status, found.code) == (400, "fruster-user-service.EMAIL_NOT_VERIFIED")
    assert (await by_token(wire, password="Wrong 4 sure")).code == "user-service.401.3"
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(email_verified=True))
    assert (await by_token(wire)).status == 200
