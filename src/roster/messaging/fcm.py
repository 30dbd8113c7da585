"""Push messages by Firebase Cloud Messaging, HTTP v1, as a Google service account.

The account proves itself with a JWT (RFC 7523) that Google changes for an access token, which lasts an hour.
"""

import ssl
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final, Self

import httpx
import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Meta

from roster.core.push.models import Push
from roster.kit import clock
from roster.messaging.carriers import Gone, NotNow, Refused
from roster.messaging.texts import Text
from roster.settings import Push as Settings

_SECONDS: Final = 10.0
_SIGNS_TOLD: Final = 200
_LONGEST: Final = 65_536
_SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LASTING: Final = 3600
_EARLY: Final = 60
"""Seconds before its end that an access token is not used any more."""
_NOT_FOREVER: Final = frozenset({401, 403, 408, 429})
"""Answers that speak of us, or of now, rather than of the message: settings can be put right meanwhile."""


class Account(msgspec.Struct, frozen=True):
    """The file that Google gives out for a service account, as far as it matters."""

    project_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:.-]{1,100}$")]
    private_key: str
    client_email: str
    token_uri: Annotated[str, Meta(pattern=r"^https?://")] = "https://oauth2.googleapis.com/token"  # noqa: S105
    private_key_id: str | None = None


class _Token(msgspec.Struct, frozen=True):
    access_token: Annotated[str, Meta(min_length=1, max_length=10_000)]
    expires_in: int = _LASTING


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str = ""


class _Error(msgspec.Struct, frozen=True):
    status: str = ""
    details: list[_Detail] = []


class _Failure(msgspec.Struct, frozen=True):
    error: _Error = _Error()


_TOKENS: dict[Path, tuple[str, float]] = {}
"""Access tokens of this process, and when they end (Unix seconds)."""


class Messenger:
    """One conversation with Google, over which several messages go."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url.rstrip("/")
        self._file = settings.service_account or Path()
        self._client = httpx.AsyncClient(timeout=_SECONDS, verify=_tls(), trust_env=False, follow_redirects=False)

    async def __aenter__(self) -> Self:
        try:
            self._account = _account(self._file)
            self._token = await self._access()
        except NotNow:
            await self._client.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, recipient: str, text: Text) -> None:
        """Hand over one message to a token. Raises Gone, Refused, NotNow."""
        message = composed(recipient, msgspec.convert(text.data, Push))
        url = f"{self._url}/v1/projects/{self._account.project_id}/messages:send"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        status, body = await self._post(url, content=msgspec.json.encode({"message": message}), headers=headers)
        if status == 200:
            return
        if status == 401:
            _TOKENS.pop(self._file, None)
        raise _sorted(status, body)

    async def _access(self) -> str:
        found, until = _TOKENS.get(self._file, ("", 0.0))
        if found and until > clock.now().timestamp():
            return found
        form = {"grant_type": _GRANT, "assertion": assertion(self._account)}
        status, body = await self._post(self._account.token_uri, data=form)
        try:
            token = msgspec.json.decode(body, type=_Token) if status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            token = None
        if token is None:
            raise NotNow(f"The account was not let in: {status}.")
        _TOKENS[self._file] = (token.access_token, clock.now().timestamp() + token.expires_in - _EARLY)
        return token.access_token

    async def _post(self, url: str, **what: Any) -> tuple[int, bytes]:
        try:
            async with self._client.stream("POST", url, **what) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _LONGEST:
                        raise NotNow("The answer is too long.")
                return answer.status_code, bytes(body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotNow(f"{type(error).__name__}: {error}"[:_SIGNS_TOLD]) from error


def sender(settings: Settings) -> str:
    """The account that messages are sent by. Raises NotNow when its file cannot be used."""
    account = _account(settings.service_account or Path())
    assertion(account)
    return account.client_email


def assertion(account: Account) -> str:
    """What the account shows to get an access token (RFC 7523, section 3)."""
    now = int(clock.now().timestamp())
    claims = {
        "iss": account.client_email,
        "scope": _SCOPE,
        "aud": account.token_uri,
        "iat": now,
        "exp": now + _LASTING,
    }
    header = {"alg": "RS256", "typ": "JWT", **({"kid": account.private_key_id} if account.private_key_id else {})}
    try:
        key = RSAKey.import_key(account.private_key)
        return jws.serialize_compact(header, msgspec.json.encode(claims), key, algorithms=["RS256"])
    except (JoseError, ValueError, TypeError) as error:
        raise NotNow("The key of the service account cannot be used.") from error


def composed(token: str, push: Push) -> dict[str, object]:
    """The message in the provider's form."""
    quiet = push.silent or not (push.title or push.body)
    shown = {name: text for name, text in (("title", push.title), ("body", push.body)) if text}
    aps: dict[str, object] = {"content-available": 1} if quiet else {}
    aps |= {} if push.sound is None or quiet else {"sound": push.sound}
    aps |= {} if push.badge is None else {"badge": push.badge}
    android: dict[str, object] = {"priority": "NORMAL" if quiet else "HIGH"}
    if push.sound is not None and not quiet:
        android["notification"] = {"sound": push.sound}
    headers = {"apns-priority": "5" if quiet else "10", "apns-push-type": "background" if quiet else "alert"}
    return {
        "token": token,
        **({} if quiet else {"notification": shown}),
        **({"data": push.data} if push.data else {}),
        "android": android,
        "apns": {"headers": headers, "payload": {"aps": aps}},
    }


def _sorted(status: int, body: bytes) -> Exception:
    try:
        error = msgspec.json.decode(body, type=_Failure).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        error = _Error()
    codes = [each.error_code for each in error.details if each.error_code]
    if "UNREGISTERED" in codes:
        return Gone("The app is gone from the device.")
    said = f"{status} {' '.join([error.status, *codes])}".strip()[:_SIGNS_TOLD]
    is_final = (400 <= status < 500 and status not in _NOT_FOREVER) or "SENDER_ID_MISMATCH" in codes
    return Refused(said) if is_final else NotNow(said)


def _account(file: Path) -> Account:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Account)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotNow("The file of the service account cannot be read.") from error


@lru_cache(1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
