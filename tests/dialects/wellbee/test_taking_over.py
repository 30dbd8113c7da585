"""Sessions of a Fruster installation that Roster takes the place of."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from roster.core.flows import adopting
from roster.core.flows.adopting import Counts
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.kit import clock, secrets
from roster.settings import SettingsError
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import Reset, Wire
from tests.dialects.wellbee.signing import Browser, is_signed_in

SECRET = "of the installation before this one"
SALT = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd"


def token(user: User, exp: str, secret: str = SECRET) -> str:
    """A token as the platform's own service made them."""
    payload = '{"exp":' + exp + ',"salt":"' + SALT + '","id":"' + str(user.id) + '"}'
    signed = secrets.encode(b'{"typ":"JWT","alg":"HS256"}') + "." + secrets.encode(payload.encode())
    return signed + "." + secrets.encode(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))


def row(user: User, exp: str, **changed: Any) -> bytes:
    """Its session, as mongoexport writes it."""
    name = hmac.digest(f"{exp} {user.id}{SALT}".encode(), b"", "sha512").hex()
    document = {
        "_id": {"$oid": "5c6d1f0e9d1e8a0001a1b2c3"},
        "id": name,
        "userId": str(user.id),
        "sessionDetails": {
            "version": "2.1",
            "userAgent": "app/2.1",
            "created": {"$date": (clock.now() - timedelta(days=1)).isoformat()},
        },
        "expires": {"$date": (clock.now() + timedelta(days=3)).isoformat()},
        **changed,
    }
    return json.dumps(document).encode() + b"\n"


def soon(days: float = 2) -> str:
    """A time in the platform's own writing, with a fraction."""
    return f"{(clock.now() + timedelta(days=days)).timestamp():.3f}".rstrip("0").rstrip(".")


async def taken(runtime: Runtime, realm: Realm, *lines: bytes) -> Counts:
    """What becomes of these rows."""
    return await adopting.sessions(runtime, factories.roster_in(realm), lines, dialect="wellbee")


@pytest.fixture
def legacy(realm: Realm, configured: Reset) -> None:
    """The test's realm takes the place of the installation."""
    configured(legacy_jwt_secret=SECRET, realm=realm.slug)


@pytest.mark.usefixtures("legacy")
async def test_an_old_cookie_is_still_good(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    exp = soon()
    assert await taken(runtime, realm, row(eva, exp)) == Counts(taken=1)
    browser = Browser(wire)
    browser.cookie = f"jwt={token(eva, exp)}"

    found = await browser.call("GET", "/auth/active-sessions")

    (only,) = found.data["sessions"]
    assert (only["version"], only["userAgent"]) == ("2.1", "app/2.1")
    decoded = await wire.ask("auth-service.decode-token", token(eva, exp))
    assert decoded.data["id"] == str(eva.id)
    assert (await browser.call("POST", "/auth/logout")).status == 200
    assert not await is_signed_in(wire, token(eva, exp))


@pytest.mark.usefixtures("legacy")
async def test_taking_over_again_changes_nothing(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    exp = soon()
    await taken(runtime, realm, row(eva, exp))
    assert await taken(runtime, realm, row(eva, exp)) == Counts(left=1)
    assert await is_signed_in(wire, token(eva, exp))


@pytest.mark.usefixtures("legacy")
async def test_only_live_sessions_of_people_who_may_sign_in_are_taken(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, stranger: Person
):
    exp = soon()
    off = await factories.a_person(runtime, realm, "off")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, off.id, UserChange(status="disabled"))
    past = {"$date": {"$numberLong": "1500000000000"}}
    found = await taken(
        runtime,
        realm,
        row(off, exp),
        row(stranger.user, exp),
        row(eva, exp, expires=past),
        b"\n",
        b"not json\n",
        row(eva, exp, id="x"),
        row(eva, exp, userId="x"),
        row(eva, exp, expires="soon"),
    )
    assert found == Counts(left=3, refused=4)
    assert not await is_signed_in(wire, token(eva, exp))


@pytest.mark.usefixtures("legacy")
async def test_a_token_without_a_session_or_with_another_secret_is_no_good(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, person: Person
):
    exp = soon()
    assert not await is_signed_in(wire, token(eva, exp))
    await taken(runtime, realm, row(eva, exp))
    assert not await is_signed_in(wire, token(eva, exp, "another secret of some length"))
    assert not await is_signed_in(wire, token(person.user, exp))
    assert not await is_signed_in(wire, token(eva, soon(1)))


@pytest.mark.usefixtures("legacy")
async def test_a_token_that_has_expired_is_no_good(runtime: Runtime, realm: Realm, wire: Wire, eva: User):
    exp = soon(-0.01)
    await taken(runtime, realm, row(eva, exp))
    assert not await is_signed_in(wire, token(eva, exp))


async def test_the_secret_counts_in_the_configured_realm_only(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User, configured: Reset
):
    exp = soon()
    await taken(runtime, realm, row(eva, exp))
    assert not await is_signed_in(wire, token(eva, exp))
    configured(legacy_jwt_secret=SECRET)
    assert not await is_signed_in(wire, token(eva, exp))


@pytest.mark.usefixtures("legacy")
async def test_a_session_that_was_taken_over_is_no_recent_sign_in(
    runtime: Runtime, realm: Realm, wire: Wire, eva: User
):
    exp = soon()
    await taken(runtime, realm, row(eva, exp))
    found = await wire.by(token(eva, exp)).call("POST", "/auth/enable-tfa-sms", {"phoneNumber": "+46701234567"})
    assert found.code == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "flag",
    [
        {"dialects.wellbee.legacy_jwt_secret": "fe1a1915a379f3be5394b64d14794932"},
        {"admin.password": "Frosties2019"},
    ],
)
def test_a_server_does_not_start_with_secrets_that_everybody_knows(tmp_path: Any, flag: dict[str, object]):
    with pytest.raises(SettingsError, match="which is published; choose another one"):
        factories.settings(tmp_path, **flag)
