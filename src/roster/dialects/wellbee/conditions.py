"""What a sign-in takes in this API: how people are named, and what must be so besides the password."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from roster.core.flows.models import Terms
from roster.core.users import service as users
from roster.core.users.models import User
from roster.dialects.wellbee import documents, people
from roster.dialects.wellbee.signing_in import EmailNotVerified
from roster.kit.errors import BadCredentials, InvalidInput
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_SCALAR: Final = (str, int, float, bool)
_MOST: Final = 20


def text(body: Mapping[str, object], name: str) -> str:
    """A member that must be text. Raises InvalidInput."""
    found = body.get(name)
    if found is None:
        raise InvalidInput.of(name, "required", "This member is required.")
    if not isinstance(found, str):
        raise InvalidInput.of(name, "wrong_type", "Expected str")
    return found


def terms(
    runtime: Runtime, further: Mapping[str, object], *, lasting: int | None = None, refresh_for: int | None = None
) -> Terms:
    """The terms of this API; `further` are fields that the person must have with these values. Raises InvalidInput."""
    return Terms(finder(runtime), partial(_require, further=scalars(further)), lasting, refresh_for)


def finder(runtime: Runtime) -> Callable[[Tx, str], Awaitable[User | None]]:
    """Finds whom a name means that people sign in with."""
    return partial(_named, fields=runtime.settings.dialects.wellbee.username_fields)


def scalars(given: Mapping[str, object]) -> Mapping[str, object]:
    """Conditions that compare with one value each, as they were given. Raises InvalidInput for anything else."""
    if len(given) > _MOST:
        raise InvalidInput.of("body", "too_many", "has too many conditions")
    for name, value in given.items():
        if name.startswith("$") or not isinstance(value, _SCALAR):
            raise InvalidInput.of(name[:64], "wrong_type", "should be a text, a number, true or false")
    return given


async def _named(tx: Tx, name: str, *, fields: tuple[str, ...]) -> User | None:
    """Whoever has this user name or address, in any letter case; ids and telephone numbers name nobody here."""
    user = await users.find_by_identifier(tx, name)
    if user is None:
        return None
    known = {"userName": user.username, "email": user.email or ""}
    return user if fold(name.strip()) in [fold(known[each]) for each in fields] else None


async def _require(tx: Tx, user: User, *, further: Mapping[str, object]) -> None:
    shown = await people.whole(tx, user)
    if any(not _same(people.at(shown, name), value) for name, value in further.items()):
        raise BadCredentials
    if tx.runtime.settings.dialects.wellbee.require_email_verification and documents.is_verified(user) is False:
        raise EmailNotVerified


def _same(left: object, right: object) -> bool:
    """Equal and of one type; a list holds a value when one of its elements is it."""
    if isinstance(left, list):
        return any(_same(each, right) for each in left)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    alike = isinstance(left, bool) == isinstance(right, bool) and (numbers or type(left) is type(right))
    return alike and left == right
