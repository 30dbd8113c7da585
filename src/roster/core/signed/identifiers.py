"""What the identifier of a signed request names.

    key:USERNAME+ALIAS@REALM      a key of a person
    usr:USERNAME@REALM            a person's password, as the key that clients make of it
    dev:DEVICE@REALM              a trusted device: what it calls itself, or its number
    pin:USERNAME@REALM dev:DEVICE@REALM    a PIN on a trusted device; both keys sign together
    … usr:USERNAME@REALM          behind one of the others: in the name of that person

`key` and `usr` may be followed by `dev` too, which then signs along. Instead of a username an id is taken.
"""

from functools import lru_cache
from typing import Final

import msgspec

_SCHEMES: Final = frozenset({"key", "usr", "pin", "dev"})
_LONGEST: Final = 1000


class Part(msgspec.Struct, frozen=True):
    """One part. `alias` is that of a key, else empty."""

    scheme: str
    name: str
    alias: str
    realm: str


class Named(msgspec.Struct, frozen=True):
    """The signer, the device that signs along, and in whose name."""

    signer: Part
    device: Part | None = None
    possessed: Part | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a person's key and nothing else."""
        return self.signer.scheme == "key" and self.device is None and self.possessed is None


@lru_cache(1000)
def read(text: str) -> Named | None:
    """What the text names; None for a text that names nothing. A PIN without a device names nothing."""
    if len(text) > _LONGEST:
        return None
    parts = [_part(each) for each in text.split(" ")]
    first, rest = parts[0], parts[1:]
    device = rest.pop(0) if rest and (rest[0] is None or rest[0].scheme == "dev") else None
    possessed = rest.pop(0) if rest and rest[0] is not None and rest[0].scheme == "usr" else None
    if rest or first is None or None in parts or not _fits(first, device):
        return None
    return Named(first, device, possessed)


def _fits(signer: Part, device: Part | None) -> bool:
    if signer.scheme == "dev":
        return device is None
    if device is None:
        return signer.scheme != "pin"
    return device.realm == signer.realm


def _part(text: str) -> Part | None:
    scheme, _, rest = text.partition(":")
    name, _, realm = rest.rpartition("@")
    alias = ""
    if scheme == "key":
        name, _, alias = name.rpartition("+")
    if scheme not in _SCHEMES or not name or not realm or (scheme == "key" and not alias):
        return None
    return Part(scheme, name, alias, realm)
