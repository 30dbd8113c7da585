"""The frame that every operation stands in: envelope, credentials, scopes."""

from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import Wire


async def test_an_answer_stands_in_an_envelope(wire: Wire, admin: Person):
    found = await wire.by(admin.access_token).call("GET", f"/admin/user/{admin.user.id}")
    assert (found.status, found.data["id"]) == (200, str(admin.user.id))
    assert len(found.headers["x-fruster-req-id"]) == 36


async def test_whoever_has_no_token_must_be_logged_in(wire: Wire, admin: Person):
    found = await wire.call("GET", f"/admin/user/{admin.user.id}")
    assert (found.status, found.code, found.error["detail"]) == (403, "MUST_BE_LOGGED_IN", "")


async def test_whoever_lacks_the_scope_is_told_which(wire: Wire, person: Person):
    found = await wire.by(person.access_token).call("GET", f"/admin/user/{person.user.id}")
    assert (found.status, found.code) == (403, "PERMISSION_DENIED")
    assert found.error["detail"] == "User does not have permission for admin.*"


async def test_nobody_answers_at_an_unknown_address(wire: Wire):
    found = await wire.call("GET", "/nothing/here")
    assert (found.status, found.code) == (404, "BUS_RESPONSE_TIMEOUT")


async def test_a_subject_of_services_is_reached_on_the_bus_only(wire: Wire, admin: Person):
    over_http = await wire.by(admin.access_token).call("REQUEST", "/user-service/get-user", {"email": "x@example.org"})
    assert (over_http.status, over_http.code) == (404, "BUS_RESPONSE_TIMEOUT")
