"""People as answers to sign-ins and decoded tokens show them."""

from collections.abc import Mapping, Sequence

from roster.core.users.models import User
from roster.dialects.wellbee import lookup
from roster.dialects.wellbee.documents import Document
from roster.storage.tx import Tx


async def whole(tx: Tx, user: User) -> Document:
    """A person with roles, scopes and profile."""
    return await lookup.one(tx, user, expand=True)


async def signed_in(tx: Tx, user: User) -> Document:
    """What somebody is told about themselves when they sign in."""
    return _only(await whole(tx, user), tx.runtime.settings.dialects.wellbee.signed_in_fields)


def at(document: Mapping[str, object], path: str) -> object:
    """What stands at a dotted path; None for nothing."""
    found: object = document
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return found  # pyright: ignore[reportUnknownVariableType]


def _only(document: Mapping[str, object], paths: Sequence[str]) -> Document:
    found: Document = {}
    for path in paths:
        value = at(document, path)
        if value is not None:
            _put(found, path, value)
    return found


def _put(document: Document, path: str, value: object) -> None:
    first, _, rest = path.partition(".")
    if not rest:
        document[first] = value
        return
    inner = document.setdefault(first, {})
    if isinstance(inner, dict):
        _put(inner, rest, value)  # pyright: ignore[reportUnknownArgumentType]
