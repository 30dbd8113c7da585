"""Verifying addresses: whom it is asked of, by what message, and what the token does."""

import pytest

from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import PREFIX, Reset, Wire
from tests.dialects.wellbee.signing import PASSWORD, by_token

NEW = {"email": "New@example.org", "password": PASSWORD, "firstName": "Ny", "lastName": "Person", "roles": ["user"]}


async def made(wire: Wire, **changed: object) -> dict[str, object]:
    """A new person, as the service answers."""
    found = await wire.ask("user-service.create-user", {**NEW, **changed})
    assert found.status == 201, found
    return found.data


async def mailed(runtime: Runtime, realm: Realm) -> str:
    """The token of the newest message."""
    return await people.mailed_token(runtime, realm, "verify_email")


async def test_nobody_is_asked_where_nobody_must(runtime: Runtime, realm: Realm, wire: Wire):
    assert "emailVerified" not in await made(wire)
    assert await people.links(runtime, realm, "verify_email") == []
    assert (await by_token(wire, "new@example.org")).status == 200


@pytest.mark.parametrize("name", ["require_email_verification", "optional_email_verification"])
async def test_new_people_are_asked(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset, name: str):
    configured(**{name: True})
    assert (await made(wire))["emailVerified"] is False
    token = await mailed(runtime, realm)
    assert len(token) == 64
    expected = 400 if name == "require_email_verification" else 200
    assert (await by_token(wire, "new@example.org")).status == expected

    found = await wire.call("POST", f"/user/verify/{token.upper()}")

    assert (found.status, found.data) == (200, {"verifiedEmail": "new@example.org"})
    signed_in = await by_token(wire, "new@example.org")
    assert signed_in.status == 200
    again = await wire.call("POST", f"/user/verify/{token}")
    assert (again.status, again.code) == (400, "fruster-user-service.INVALID_TOKEN")
    assert again.error["detail"] == f"{token} is not a valid token"


async def test_it_may_be_asked_of_some_roles_only(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(require_email_verification=True, email_verification_for_roles=("admin",))
    assert "emailVerified" not in await made(wire)
    assert (await made(wire, email="other@example.org", roles=["user", "admin"]))["emailVerified"] is False
    assert [to for to, _ in await people.links(runtime, realm, "verify_email")] == ["other@example.org"]


async def test_services_verify_too(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(optional_email_verification=True)
    await made(wire)
    for wrong in ("", "x", "a" * 64):
        found = await wire.ask("user-service.verify-email", {"tokenId": wrong})
        assert (found.status, found.code) == (400, "fruster-user-service.INVALID_TOKEN")
    assert (await wire.ask("user-service.verify-email", {})).code == "fruster-user-service.INVALID_TOKEN"
    found = await wire.ask("user-service.verify-email", {"tokenId": await mailed(runtime, realm)})
    assert found.data == {"verifiedEmail": "new@example.org"}


async def test_a_token_ends_with_its_time_its_address_and_its_person(
    runtime: Runtime, realm: Realm, wire: Wire, configured: Reset
):
    configured(optional_email_verification=True)
    known = await made(wire)
    first = await mailed(runtime, realm)
    changed = await wire.ask("user-service.update-user", {"id": known["id"], "email": "newer@example.org"})
    assert changed.data["emailVerified"] is False
    assert (await wire.call("POST", f"/user/verify/{first}")).code == "fruster-user-service.INVALID_TOKEN"
    second = await mailed(runtime, realm)
    await people.execute(runtime, "UPDATE proofs SET expires_at = now() WHERE realm_id = $1", realm.id)
    assert (await wire.call("POST", f"/user/verify/{second}")).code == "fruster-user-service.INVALID_TOKEN"


async def test_an_address_that_is_only_compared_as_the_same_is_verified_anew_and_takes_the_password(
    runtime: Runtime, realm: Realm, wire: Wire, configured: Reset
):
    known = await made(wire, email="ny@fass.de")
    configured(require_email_verification=True, require_password_on_email_update=True, email_pattern=".+@.+")
    sent = {"id": known["id"], "email": "ny@faß.de"}
    assert (await wire.ask("user-service.update-user", sent)).code == "fruster-user-service.PASSWORD_REQUIRED"
    changed = await wire.ask("user-service.update-user", {**sent, "password": PASSWORD})
    assert changed.data["emailVerified"] is False
    assert [to for to, _ in await people.links(runtime, realm, "verify_email")] == ["ny@faß.de"]


async def test_the_message_is_sent_again_with_another_token(
    runtime: Runtime, realm: Realm, wire: Wire, configured: Reset
):
    configured(optional_email_verification=True)
    await made(wire)
    first = await mailed(runtime, realm)
    assert (await wire.call("POST", "/user/resend-verification/new@example.org")).status == 200
    assert (await wire.ask("user-service.resend-verification", {"email": "NEW@example.org"})).status == 200
    second = await mailed(runtime, realm)
    assert (await wire.call("POST", f"/user/verify/{first}")).status == 400
    assert (await wire.call("POST", f"/user/verify/{second}")).status == 200


async def test_asking_again_tells_nobody_who_there_is(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, configured: Reset
):
    configured(optional_email_verification=True)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, eva.id, UserChange(email_verified=True))
    await made(wire)
    for address in ("eva%40example.org", "nobody@example.org", "eva", "new@example.org"):
        found = await wire.call("POST", f"/user/resend-verification/{address}")
        assert (found.status, found.data) == (200, None)
    assert (await wire.ask("user-service.resend-verification", {"email": "nobody@example.org"})).status == 200
    assert (await wire.ask("user-service.resend-verification", {})).code == "BAD_REQUEST"
    sent = [to for to, _ in await people.links(runtime, realm, "verify_email") if to.endswith("example.org")]
    assert sent == ["new@example.org", "new@example.org"]


async def test_nobody_is_flooded(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(optional_email_verification=True)
    await made(wire)
    for _ in range(8):
        assert (await wire.call("POST", "/user/resend-verification/new@example.org")).status == 200
    sent = [to for to, _ in await people.links(runtime, realm, "verify_email") if to == "new@example.org"]
    assert len(sent) == 6


async def test_a_token_of_another_realm_verifies_nothing(
    runtime: Runtime, realm: Realm, wire: Wire, configured: Reset, stranger: Person
):
    configured(optional_email_verification=True)
    await made(wire)
    other = Wire(wire.http, runtime, stranger.realm.slug)
    found = await other.call("POST", f"/user/verify/{await mailed(runtime, realm)}")
    assert found.code == "fruster-user-service.INVALID_TOKEN"


async def test_the_operators_words_are_sent(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(
        optional_email_verification=True,
        email_verification_subject="Hej :user-firstName:",
        email_verification_message="Hej :user-firstName: :token: :link: :user-nothing:",
        verify_email_url="https://app.example.org/#/verify/:token:?x=1&y=2",
    )
    await made(wire)
    recipient, values = (await people.links(runtime, realm, "letter"))[-1]
    token = str(values["html"]).split()[2]
    link = f"https://app.example.org/#/verify/{token}?x=1&amp;y=2"
    assert (recipient, values["subject"]) == ("new@example.org", "Hej Ny")
    assert str(values["html"]).strip() == f"Hej Ny {token} {link}"
    assert (await wire.call("POST", f"/user/verify/{token}")).status == 200


async def test_the_page_verifies_after_a_press(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(optional_email_verification=True)
    await made(wire)
    token = await mailed(runtime, realm)
    address = f"/realms/{realm.slug}{PREFIX}/verify-email?token={token}"
    for _ in range(2):
        assert (await wire.http.get(address)).status_code == 200
    assert (await wire.http.post(address, data={"token": token})).status_code == 200
    assert (await wire.http.post(address, data={"token": token})).status_code == 400


async def test_the_page_may_lead_to_the_application(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(optional_email_verification=True, email_verification_redirect_url="https://app.example.org/in")
    await made(wire)
    token = await mailed(runtime, realm)
    address = f"/realms/{realm.slug}{PREFIX}/verify-email?token={token}"
    shown = await wire.http.get(address)
    assert "form-action 'self' https://app.example.org" in shown.headers["content-security-policy"]
    done = await wire.http.post(address, data={"token": token})
    assert done.headers["location"] == "https://app.example.org/in?verified=new%40example.org"
    again = await wire.http.post(address, data={"token": token})
    assert again.headers["location"] == "https://app.example.org/in?error=fruster-user-service.INVALID_TOKEN"


async def test_a_page_sends_the_message_again(runtime: Runtime, realm: Realm, wire: Wire, configured: Reset):
    configured(optional_email_verification=True)
    await made(wire)
    address = f"/realms/{realm.slug}{PREFIX}/resend-verification"
    assert 'name="email"' in (await wire.http.get(address)).text
    known = await wire.http.post(address, data={"email": "new@example.org"})
    unknown = await wire.http.post(address, data={"email": "nobody@example.org"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    sent = [to for to, _ in await people.links(runtime, realm, "verify_email") if to == "new@example.org"]
    assert len(sent) == 2
