"""Class 33: hashes, seeds, keys and tokens are in no answer, no log and no figure; files are for their owner alone."""

import base64
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from roster import logs
from roster.core.realms.models import Realm
from roster.settings import secret_key
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.security import walking
from tests.security.fronts import PREFIXES, Front, House

HANDS_OUT = {
    ("native", "enrolTotp"): {"secret", "uri"},
    ("native", "confirmTotp"): {"codes"},
    ("native", "renewBackupCodes"): {"codes"},
    ("native", "createApiKey"): {"key"},
    ("acceleratxr", "UserSecret.create"): {"secret"},
    ("acceleratxr", "UserSecret.enroll"): {"codes"},
    ("groupalarm", "MFACreate"): {"image", "secret", "url"},
    ("groupalarm", "MFAGenerateBackupCodes"): {"backupCodes"},
    ("groupalarm", "PersonalAccessTokenCreate"): {"token"},
    ("groupalarm", "PersonalAccessTokenRegenerate"): {"token"},
    ("groupalarm", "OrganizationTokenCreate"): {"token"},
    ("groupalarm", "GetUser"): {"token"},
    ("onslip360", "addAccessToken"): {"key"},
    ("onslip360", "regenerateAccessToken"): {"key"},
    ("onslip360", "requestOAuthAccessToken"): {"secret"},
    ("onslip360", "authorizeIntegration"): {"code"},
}
"""What an answer shows this once, because it has just been made; GroupAlarm gives back the token that was sent."""
TOKENS = {"access_token", "refresh_token", "mfa_token", "token", "accessToken", "refreshToken"}
LOOKS_SECRET = re.compile(r"\$(argon2|2[aby]|pbkdf2|scrypt)|eyJ[\w-]{10,}\.|\brk_[\w-]{20}|\brr_[\w-]{20}|otpauth:")


@pytest.fixture
def captured() -> Iterator[LogCapture]:
    """What is logged besides the access log."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[structlog.processors.format_exc_info, capture])
    yield capture
    structlog.configure(**before)


async def _stored(runtime: Runtime, realm: Realm) -> set[str]:
    """Every hash, digest, sealed text and private key of the realm, in the forms in which they could be written."""
    async with runtime.lease() as tx:
        rows = await tx.rows("SELECT hash, lookup, sealed FROM credentials WHERE realm_id = $1", realm.id)
        rows += await tx.rows("SELECT NULL, sealed, NULL FROM signing_keys WHERE realm_id = $1", realm.id)
        rows += await tx.rows("SELECT NULL, sealed, NULL FROM messages WHERE realm_id = $1", realm.id)
        rows += await tx.rows("SELECT NULL, sealed, NULL FROM devices WHERE realm_id = $1", realm.id)
        rows += await tx.rows("SELECT NULL, lookup, NULL FROM org_tokens WHERE realm_id = $1", realm.id)
    found: set[str] = {runtime.settings.security.secret_key.hex()}
    for row in rows:
        for value in row:
            if isinstance(value, bytes) and len(value) > 2:
                found |= {value.hex(), base64.b64encode(value).decode(), base64.urlsafe_b64encode(value).decode()}
            elif isinstance(value, str):
                found.add(value)
    return found


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("name", "id"), [each for each in walking.OPERATIONS if each not in walking.STREAMS])
async def test_no_operation_answers_or_logs_a_secret(
    runtime: Runtime, house: House, captured: LogCapture, realm: Realm, name: str, id: str
):
    chief, token = await walking.signed_in(runtime, realm, "admin")
    asked = await walking.request(runtime, realm, name, id, chief.user)
    signed, keys = {}, ()
    if name == "onslip360":
        signature = await walking.signature(runtime, realm, chief.user)
        signed, keys = {"auth": signature}, (signature.key.hex(), base64.b64encode(signature.key).decode())
    async with house.client() as client:
        front = Front(name, client, realm)
        answer = await asked.send(front, token, **signed)
        figures = (await client.get("http://127.0.0.1:8080/metrics")).text

    assert answer.status_code == asked.status if asked.status else answer.status_code < 500, answer.text
    handed = HANDS_OUT.get((name, id), set()) | (TOKENS if (name, id) in walking.PUBLIC or "Auth" in id else set())
    is_json = answer.headers.get("content-type", "").startswith("application/") and answer.content
    shown = str(_without(answer.json(), handed)) if is_json and b"\n{" not in answer.content else answer.text
    stored = await _stored(runtime, realm)
    assert not LOOKS_SECRET.search(shown.replace(asked.more.get("params", {}).get("token", "\n"), "")), shown
    written = house.logged() + str(captured.entries) + figures
    for secret in (*stored, *asked.secrets, *keys, token):
        assert secret not in written
        if secret not in str(asked.more.get("params")):
            assert secret not in shown
    assert not LOOKS_SECRET.search(written)


PLACES: dict[str, Any] = {
    "the query": lambda secret: {"params": dict.fromkeys(("token", "jwt_token", "password", "api_key"), secret)},
    "the query, in other names": lambda secret: {
        "params": dict.fromkeys(
            ("oauth_token", "access_token", "refresh_token", "code", "otp", "Secret", "PIN"), secret
        )
    },
    "the query, encoded": lambda secret: {"params": httpx.QueryParams(f"%74oken={secret}&jwt%5Ftoken={secret}")},
    "a bearer": lambda secret: {"headers": {"Authorization": f"Bearer {secret}"}},
    "a basic header": lambda secret: {
        "headers": {"Authorization": "Basic " + base64.b64encode(f"eva:{secret}".encode()).decode()}
    },
    "a cookie": lambda secret: {"headers": {"Cookie": f"jwt={secret}; roster_session={secret}"}},
    "another header": lambda secret: {"headers": {"X-Api-Key": secret, "Proxy-Authorization": secret}},
    "a body": lambda secret: {"content": f'{{"password":"{secret}","secret":"{secret}","token":"{secret}"}}'.encode()},
    "a broken body": lambda secret: {"content": f'{{"password":"{secret}'.encode()},
    "a form": lambda secret: {"data": {"password": secret, "token": secret}},
}
SECRET = "Tr0ub4dor-and-3-staples-in-a-row"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "path", ["/sign-in", "/users/x/secrets", "/auth/password", "/auth/totp", "/refresh", "/nowhere"]
)
async def test_a_secret_is_logged_wherever_it_is_sent_from_and_repeated_nowhere(
    runtime: Runtime, house: House, captured: LogCapture, realm: Realm, place: str, path: str
):
    sent = PLACES[place](SECRET)
    async with house.client() as client:
        for name in PREFIXES:
            for method in ("GET", "POST"):
                more: dict[str, Any] = {
                    **sent,
                    "headers": {"Content-Type": "application/json", **sent.get("headers", {})},
                }
                if "data" in sent:
                    more["headers"] = sent.get("headers", {})
                answer = await Front(name, client, realm).call(method, path, **more)
                assert SECRET not in answer.text + str(answer.headers)

    assert path in house.logged()
    for text in (SECRET, base64.b64encode(f"eva:{SECRET}".encode()).decode()):
        assert text not in house.logged() + str(captured.entries)


async def test_a_fault_of_ours_tells_the_caller_nothing_and_the_log_no_secret(
    runtime: Runtime, house: House, capsys: pytest.CaptureFixture[str], realm: Realm, person: Person
):
    """The key of the realm is broken behind our back; the sign-in that needs it fails in the middle."""
    before = structlog.get_config()
    logs.configure("console", "debug")
    try:
        await people.sign_in(runtime, person)
        broken = people.a_worker(runtime)
        await people.execute(runtime, "UPDATE signing_keys SET sealed = '\\x00' WHERE realm_id = $1", realm.id)
        async with House(broken).client() as client:
            answers = [await Front(name, client, realm).sign_in("eva", PASSWORD) for name in PREFIXES]
    finally:
        structlog.configure(**before)
    logged = capsys.readouterr()

    for answer in answers:
        assert answer.status_code == 500
        assert not re.search(r"Traceback|\.py|sealed|signing|Error\b", answer.text)
    assert PASSWORD not in logged.err + logged.out
    assert "argon2" not in logged.err + logged.out


def test_the_log_masks_what_its_name_or_form_gives_away():
    event = logs.redact(
        None,  # type: ignore[arg-type]
        "info",
        {
            "event": "something.happened",
            "password": SECRET,
            "new_token": SECRET,
            "Authorization": f"Bearer {SECRET}",
            "dsn": f"postgresql://roster:{SECRET}@db/roster",
            "nested": {"api_key": SECRET, "list": [{"secret": SECRET}]},
            "url": f"postgresql://roster:{SECRET}@db/roster",
            "header": f"Authorization: Bearer {SECRET}",
        },
    )

    assert SECRET not in str(event)


def test_the_key_of_the_installation_is_for_its_owner_alone(tmp_path: Path):
    file = secret_key.ensure(tmp_path / "data")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) & 0o007 == 0


def test_settings_show_no_secret(tmp_path: Path, runtime: Runtime):
    settings = factories.settings(tmp_path, **{"admin.password": SECRET, "mail.password": SECRET})

    assert SECRET not in repr(settings) + str(settings) + repr(settings.admin) + repr(settings.mail)
    assert settings.security.secret_key.hex() not in repr(settings.security)
    assert repr(settings.security.secret_key) not in repr(settings)
