"""Documents that callers send, as people to be made and changes of people.

Only what is named here reaches the directory: private and computed fields are left where they are, silently, so that a
client may send back what it was shown.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, cast

from roster.core.users import normal
from roster.core.users.models import User, UserChange, UserDraft
from roster.dialects.wellbee.catalogue import NAME
from roster.dialects.wellbee.documents import NAMES, TEXTS, VERIFYING, own_name, remembered
from roster.dialects.wellbee.refusals import InvalidEmail
from roster.dialects.wellbee.shapes import COMPUTED, SECRET, Shape
from roster.kit import secrets
from roster.kit.errors import InvalidInput, Problem
from roster.kit.patch import UNSET

Part = Literal["whole", "user", "profile"]
_APART: Final = SECRET | COMPUTED | {"roles", "emailVerified", "deactivated", "profile"}
"""Not taken as fields; some of them are read one by one."""


def draft(sent: Mapping[str, object], shape: Shape, *, trusted: bool, unique: bool = True) -> UserDraft:
    """The person that a document describes. `trusted` callers may say that an address is verified.

    Without a user name it is the address; where several people may share one (not `unique`), a new name.
    """
    known, attributes = _read(sent, shape, "whole")
    email = known.get("email")
    known["username"] = known.get("username") or _name(email if isinstance(email, str) else None, unique=unique)
    verified = sent.get("emailVerified") if trusted else None
    return UserDraft(
        **known,
        attributes=attributes,
        status="disabled" if sent.get("deactivated") else "active",
        email_verified=verified is True,
        facets={NAME: {VERIFYING: True}} if verified is False else {},
    )


def change(sent: Mapping[str, object], person: User, shape: Shape, *, part: Part, trusted: bool) -> UserChange:
    """What a document changes about a person; fields of the other part are left out."""
    known, attributes = _read(sent, shape, part)
    if "username" in known or ("email" in known and own_name(person) is None):
        email = known.get("email", person.email)
        known["username"] = known.get("username") or _name(cast("str | None", email), unique=True)
    if "deactivated" in sent and _is_in("deactivated", shape, part):
        known["status"] = "disabled" if sent["deactivated"] else "active"
    verified = sent.get("emailVerified") if trusted and part != "profile" else None
    if isinstance(verified, bool):
        known["email_verified"] = verified
        known["facets"] = {NAME: {**remembered(person), VERIFYING: not verified}}
    return UserChange(**known, attributes=attributes or UNSET)


def roles(sent: Mapping[str, object]) -> list[str] | None:
    """The roles that a document names, each once; None when it says nothing of roles. Raises InvalidInput."""
    given = sent.get("roles")
    if given is None:
        return None
    if not isinstance(given, list):
        raise _wrong("roles", "array")
    for at, each in enumerate(cast("list[object]", given)):
        if not isinstance(each, str):
            raise _wrong(f"roles[{at}]", "str")
    return list(dict.fromkeys(cast("list[str]", given)))


def require(sent: Mapping[str, object], *names: str) -> None:
    """Raise InvalidInput for the first of these that is not there."""
    missing = next((name for name in names if sent.get(name) is None), None)
    if missing is not None:
        raise InvalidInput.of(missing, "required", "This member is required.")


def text(sent: Mapping[str, object], name: str) -> str | None:
    """The text with this name; None without one. Raises InvalidInput for what is no text."""
    found = sent.get(name)
    if found is not None and not isinstance(found, str):
        raise _wrong(name, "str")
    return found


def check_email(sent: Mapping[str, object], pattern: str) -> None:
    """Raise InvalidEmail for an address that does not look like one."""
    email = text(sent, "email")
    if email is not None and (len(email) > 320 or re.search(pattern, email, re.IGNORECASE) is None):
        raise InvalidEmail(text=f"{email[:100]} is not a valid email")


def _read(sent: Mapping[str, object], shape: Shape, part: Part) -> tuple[dict[str, Any], dict[str, object]]:
    """Members of the directory's own, and custom fields; None clears."""
    known: dict[str, Any] = {}
    attributes: dict[str, object] = {}
    for name, value in _fields(sent, shape, part):
        if name in TEXTS:
            known[TEXTS[name]] = _text(name, value, shape)
        else:
            attributes[name] = _text(name, value, shape) if name in NAMES else value
    return known, attributes


def _fields(sent: Mapping[str, object], shape: Shape, part: Part) -> Iterator[tuple[str, object]]:
    for name, value in sent.items():
        if name in _APART and (name != "profile" or shape.is_split):
            continue
        if name.startswith("$"):
            raise InvalidInput.of(name[:64], "invalid_name", "A field's name does not begin with $.")
        if _is_in(name, shape, part):
            yield name, value


def _is_in(name: str, shape: Shape, part: Part) -> bool:
    return part == "whole" or shape.in_profile(name) == (part == "profile")


def _text(name: str, value: object, shape: Shape) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong(name, "str")
    return value.lower() if name == "email" or (shape.is_lower and name in NAMES) else value


def _name(email: str | None, *, unique: bool) -> str:
    if email is None:
        return f"person-{secrets.token(6).lower()}"
    return normal.name_for(email) if unique else normal.name_for(email.partition("@")[0] + "/")


def _wrong(name: str, kind: str) -> InvalidInput:
    return InvalidInput([Problem(name, "wrong_type", f"Expected {kind}")])
