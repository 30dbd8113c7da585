"""What the sign-in flows answer."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import msgspec

from roster.core.sessions.models import Session
from roster.core.users.models import User
from roster.kit.ids import UserId
from roster.storage.tx import Tx

ClaimsFor = Callable[[Tx, User], Awaitable[Mapping[str, object]]]
"""What a dialect adds to the access tokens it hands out."""


class Terms(msgspec.Struct, frozen=True):
    """What a front door's contract says about signing in, beyond the directory's own rules.

    `find` says whom a name means, where that is not whom `users.find_by_identifier` finds. `require` is asked once the
    secret was right, and raises what refuses the person. `lasting` is how long the session lasts at most, in seconds.
    `refresh_for` asks for a refresh token in another product's form (`sessions.texts`), good for so many seconds.
    """

    find: Callable[[Tx, str], Awaitable[User | None]] | None = None
    require: Callable[[Tx, User], Awaitable[None]] | None = None
    lasting: int | None = None
    refresh_for: int | None = None


class Granted(msgspec.Struct, frozen=True):
    """Signed in. `expires_in` is of the access token, in seconds."""

    session: Session
    user: User
    access_token: str
    refresh_token: str
    expires_in: int


class Renewed(msgspec.Struct, frozen=True):
    """A session that goes on; `refresh_token` takes the place of the one shown, where these are exchanged."""

    session: Session
    user: User
    refresh_token: str | None


class ChosenKeys(msgspec.Struct, frozen=True):
    """What a client has made of a password and a PIN that a person typed; None is left alone."""

    password: bytes | None = None
    pin: bytes | None = None


class EmailChange(msgspec.Struct, frozen=True):
    """A wish for another address that waits to be confirmed."""

    user_id: UserId
    email: str
    created_at: datetime
    expires_at: datetime


class StepNeeded(msgspec.Struct, frozen=True):
    """The first factor was right; `proof` with a code of one of `factors` signs in within `expires_in` seconds."""

    proof: str
    factors: tuple[str, ...]
    expires_in: int
