"""Hawk (HTTP request authentication with a MAC), always with SHA-256: reading the header, computing, comparing.

Pure computation; whose key it is, nonces and the answer's status are others' business. The forms are those of the Hawk
library, version 9, whose header takes no escapes: a value holds neither a double quote nor a backslash.
"""

import base64
import hashlib
import hmac
import re
from typing import Final

import msgspec

from roster.kit import secrets
from roster.kit.errors import InvalidToken

LONGEST: Final = 4096
"""Characters of a header; more is refused unread."""

_SCHEME: Final = re.compile(r"hawk[ \t]+", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r'[ \t]*([a-z]+)="([ !#-\[\]-~]+)"[ \t]*(?:,|\Z)', re.ASCII)
_KNOWN: Final = frozenset({"id", "ts", "nonce", "hash", "ext", "mac", "app", "dlg"})
_NEEDED: Final = frozenset({"id", "ts", "nonce", "mac"})
_DIGITS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_HOST: Final = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[^:\[\]\s/@]+)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE | re.ASCII
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


class MalformedHeader(InvalidToken):
    """The header is none that Hawk knows."""

    code = "malformed_header"
    text = "The Authorization header is not a valid Hawk header."


class Header(msgspec.Struct, frozen=True):
    """The attributes as sent. `ts` are seconds since 1970, as text because the MAC covers them as written."""

    id: str
    ts: str
    nonce: str
    mac: str
    hash: str | None = None
    ext: str | None = None
    app: str | None = None
    dlg: str | None = None

    @property
    def seconds(self) -> int:
        """`ts` as a number."""
        return int(self.ts)


class Target(msgspec.Struct, frozen=True):
    """What was asked for, as the client wrote it: path with query, undecoded; host and port of its base address."""

    method: str
    path: str
    host: str
    port: int


def is_hawk(text: str) -> bool:
    """Whether an Authorization header says that it is Hawk."""
    return text[:4].lower() == "hawk" and text[4:5] in ("", " ", "\t")


def parse(text: str) -> Header:
    """The header that `text` spells. Raises MalformedHeader for everything else, and nothing but that."""
    scheme = _SCHEME.match(text) if len(text) <= LONGEST else None
    if scheme is None:
        raise MalformedHeader
    found: dict[str, str] = {}
    at = scheme.end()
    while at < len(text):
        attribute = _ATTRIBUTE.match(text, at)
        if attribute is None or attribute[1] not in _KNOWN or attribute[1] in found:
            raise MalformedHeader
        found[attribute[1]] = attribute[2]
        at = attribute.end()
    if text.rstrip(" \t").endswith(",") or not found.keys() >= _NEEDED or not _DIGITS.fullmatch(found["ts"]):
        raise MalformedHeader
    return Header(**found)


def write(header: Header) -> str:
    """The text of a header, its attributes in the usual order."""
    values = msgspec.structs.asdict(header)
    order = ("id", "ts", "nonce", "hash", "ext", "mac", "app", "dlg")
    return "Hawk " + ", ".join(f'{name}="{values[name]}"' for name in order if values[name] is not None)


def place(host: str, scheme: str) -> tuple[str, int] | None:
    """Host and port of a Host header; without a port the scheme's own. None when it is no host."""
    found = _HOST.fullmatch(host.strip())
    if found is None:
        return None
    return found["host"].lower(), int(found["port"]) if found["port"] else _DEFAULT_PORTS.get(scheme, 80)


def mac(key: bytes, header: Header, target: Target, *, kind: str = "header") -> str:
    """The MAC over a request (`header`), or with `response` over its answer, whose hash and ext are the header's."""
    return _encoded(hmac.digest(key, normalized(header, target, kind=kind).encode("utf-8", "surrogatepass"), "sha256"))


def normalized(header: Header, target: Target, *, kind: str = "header") -> str:
    """The text that the MAC is computed over."""
    ext = (header.ext or "").replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"hawk.1.{kind}", header.ts, header.nonce, target.method.upper(), target.path]
    lines += [target.host.lower(), str(target.port), header.hash or "", ext]
    if header.app:
        lines += [header.app, header.dlg or ""]
    return "\n".join(lines) + "\n"


def is_signed(key: bytes, header: Header, target: Target) -> bool:
    """Whether this key made the header's MAC; takes the same time wherever they differ."""
    return secrets.same(mac(key, header, target).encode(), header.mac.encode("utf-8", "surrogatepass"))


def payload_hash(content_type: str, body: bytes) -> str:
    """The hash of a body; of the content type only what stands before its parameters, in lower case."""
    kind = content_type.partition(";")[0].strip().lower()
    made = hashlib.sha256(b"hawk.1.payload\n" + kind.encode("utf-8", "surrogatepass") + b"\n")
    made.update(body)
    made.update(b"\n")
    return _encoded(made.digest())


def fits_payload(header: Header, content_type: str, body: bytes) -> bool:
    """Whether the body is the one that was hashed; some clients leave the content type out when they hash.

    A header without a hash vouches for no body, which is for the caller to judge.
    """
    sent = (header.hash or "").encode("utf-8", "surrogatepass")
    if secrets.same(sent, payload_hash(content_type, body).encode()):
        return True
    return secrets.same(sent, payload_hash("", body).encode())


def is_fresh(header: Header, now: float, tolerance: int) -> bool:
    """Whether the client's clock is at most `tolerance` seconds off, either way."""
    return abs(header.seconds - now) <= tolerance


def challenge(key: bytes, now: int) -> str:
    """The `WWW-Authenticate` of an answer to a stale clock: our time, with a MAC so that the client can believe it."""
    made = _encoded(hmac.digest(key, f"hawk.1.ts\n{now}\n".encode(), "sha256"))
    return f'Hawk ts="{now}", tsm="{made}", error="Stale timestamp"'


def server_authorization(key: bytes, header: Header, target: Target, *, content_type: str, body: bytes) -> str:
    """The `Server-Authorization` of an answer, by which the client knows that it comes from who has the key."""
    made = payload_hash(content_type, body)
    answer = msgspec.structs.replace(header, hash=made, ext=None)
    return f'Hawk mac="{mac(key, answer, target, kind="response")}", hash="{made}"'


def sign(key: bytes, header: Header, target: Target) -> Header:
    """The header with the MAC that this key makes, as a client sends it."""
    return msgspec.structs.replace(header, mac=mac(key, header, target))


def joint_key(device_key: bytes, key: bytes) -> bytes:
    """The key of a request that a device signs together with a person's key or PIN; ours, not Onslip's.

    Who knows one of the two can neither sign nor try out guesses at the other.
    """
    return hmac.digest(device_key, b"roster.joint.1\n" + key, "sha256")


def write_key(key: bytes) -> str:
    """A key as it is handed to people, in Base64 (RFC 4648, section 4)."""
    return base64.b64encode(key).decode()


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
