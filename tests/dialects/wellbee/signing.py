"""People with a password, and what signing in gives them."""

import re
from typing import TYPE_CHECKING, Any

import msgspec

from roster.core.credentials import hashing
from roster.core.credentials import service as credentials
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

if TYPE_CHECKING:
    from tests.dialects.wellbee.conftest import Answer, Wire

PASSWORD = "Correct horse 4 battery"
NEW_PASSWORD = "Staple 4 of another kind"
HASH = hashing.hash_secret(PASSWORD)


class Browser:
    """Keeps the cookie of one person as a browser would."""

    def __init__(self, wire: "Wire") -> None:
        self.wire = wire
        self.cookie = ""
        self.set_cookie = ""

    async def call(self, method: str, path: str, json: object = None, **headers: str) -> "Answer":
        """One request with the cookie; `Sec_Fetch_Site="none"` is a header."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = self.cookie
        self.wire.http.cookies.clear()
        found = await self.wire.call(method, path, json, headers=sent)
        self.wire.http.cookies.clear()
        self.set_cookie = found.headers.get("set-cookie", "")
        if self.set_cookie:
            self.cookie = self.set_cookie.partition(";")[0]
        return found

    @property
    def token(self) -> str:
        """What the cookie holds."""
        return self.cookie.partition("=")[2]


async def by_token(wire: "Wire", name: str = "eva", password: str = PASSWORD, **further: Any) -> "Answer":
    """A sign-in of a program."""
    wire.http.cookies.clear()
    return await wire.call("POST", "/auth/token", {"username": name, "password": password, **further})


async def tokens(wire: "Wire", name: str = "eva", password: str = PASSWORD) -> tuple[str, str]:
    """Access token and refresh token of a sign-in that must work."""
    found = await by_token(wire, name, password)
    assert found.status == 200, found
    return found.data["accessToken"], found.data["refreshToken"]


async def by_cookie(wire: "Wire", name: str = "eva", password: str = PASSWORD) -> Browser:
    """A browser after a sign-in that must work."""
    browser = Browser(wire)
    found = await browser.call("POST", "/auth/cookie", {"username": name, "password": password})
    assert found.status == 200, found
    return browser


async def is_signed_in(wire: "Wire", token: str) -> bool:
    """Whether a token is good at this moment."""
    wire.http.cookies.clear()
    return (await wire.by(token).call("GET", "/auth/active-sessions")).status == 200


async def sms_code(runtime: Runtime, realm: Realm) -> str:
    """The newest code that was texted."""
    _, values = (await people.links(runtime, realm, "sms_code"))[-1]
    return str(values["code"])


async def later(runtime: Runtime, realm: Realm, seconds: int) -> None:
    """As if what was texted so far had been texted so much earlier."""
    await people.execute(
        runtime,
        "UPDATE sms_codes SET created_at = created_at - make_interval(secs => $2),"
        " expires_at = expires_at - make_interval(secs => $2) WHERE realm_id = $1",
        realm.id,
        seconds,
    )


async def give_password(runtime: Runtime, realm: Realm, user: User, encoded: str = HASH) -> None:
    """Let somebody sign in with what this is a hash of."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await credentials.replace_password(tx, user.id, encoded)


def configured(runtime: Runtime, **values: object) -> Runtime:
    """The same server with other settings of this dialect."""
    own = msgspec.structs.replace(runtime.settings.dialects.wellbee, **values)
    dialects = msgspec.structs.replace(runtime.settings.dialects, wellbee=own)
    other = Runtime(
        msgspec.structs.replace(runtime.settings, dialects=dialects), runtime.pool, runtime.keyring, runtime.workers
    )
    other.memo = runtime.memo
    return other


def expires(header: str) -> str:
    """When a cookie ends."""
    found = re.search(r"expires=([^;]+)", header)
    assert found is not None
    return found[1]
