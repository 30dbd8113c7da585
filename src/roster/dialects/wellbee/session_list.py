"""Sessions of a person: the list of them, and ending one or all (contract, groups auth and auth-service)."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from roster.core.flows import login
from roster.core.sessions import service as core
from roster.core.sessions.models import Session
from roster.dialects.wellbee import auth, cookies
from roster.dialects.wellbee.auth import READS_BY_ITSELF
from roster.dialects.wellbee.cookies import ForeignOrigin
from roster.kit import clock
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, InvalidToken, Unauthenticated
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="auth")

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_Detail = Literal["created", "lastActivity", "version", "userAgent"]
_Place = Annotated[int, Meta(ge=0, le=100_000)]


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """Which part of the list, in which order."""

    sort: _Detail = "lastActivity"
    sort_order: Literal[1, -1] = -1
    start: _Place = 0
    limit: _Place = 1000


class Details(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of a session."""

    created: str | None
    last_activity: str | None
    version: str | None
    user_agent: str | None


class Listed(Details, frozen=True, rename="camel", kw_only=True):
    """The same with the name by which it can be ended."""

    id: str


class ActiveSessions(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the sessions, and how many there are."""

    total_count: int
    sessions: list[Listed]


class Ending(msgspec.Struct, frozen=True):
    """What to end besides, or instead."""

    logoutAll: str = ""  # noqa: N815 (all three as they are documented or sent)
    logoutId: str = ""  # noqa: N815
    logOutId: str = ""  # noqa: N815


@ops.get("/auth/active-sessions", id="auth-active-sessions", errors=(InvalidInput,))
async def active_sessions(tx: Tx, query: Part) -> ActiveSessions:
    """The sessions of whoever asks, however they were opened."""
    if tx.actor.user_id is None:
        raise Unauthenticated
    found = await core.list_of(tx, tx.actor.user_id)
    listed = [_listed(tx.runtime, each) for each in part_of(found, query)]
    return ActiveSessions(len(found), listed)


async def log_out(runtime: Runtime, request: Request, actor: Actor, query: Ending) -> None:
    """End the session that the token belongs to, another one that is named, or all of them.

    A cookie is taken only from pages of this site; a sign-in that lacks its second factor can be given up so.
    """
    async with runtime.read(actor) as tx:
        found = auth.presented(tx, request)
    if found is None:
        raise Unauthenticated
    if found.is_cookie:
        cookies.refuse_other_sites(request)
    async with runtime.write(actor) as tx:
        if await login.abandon(tx, found.text):
            cookies.clear(request, runtime.settings)
            return
        try:
            tx.actor = (await auth.decoded(tx, request, found)).actor
        except InvalidToken:
            cookies.clear(request, runtime.settings)
            raise
        await _end(tx, request, query)


for _each in _METHODS:
    ops.route(
        _each,
        "/auth/logout",
        id="auth-logout" if _each == "POST" else f"auth-logout-{_each.lower()}",
        public=True,
        errors=(Unauthenticated, InvalidToken, ForeignOrigin),
        extra={READS_BY_ITSELF: True},
    )(log_out)


def part_of(found: Sequence[Session], asked: Part) -> list[Session]:
    """That part, in that order."""
    attribute = _ATTRIBUTES[asked.sort]
    ordered = sorted(found, key=lambda each: getattr(each, attribute), reverse=asked.sort_order == -1)
    return ordered[asked.start : asked.start + asked.limit]


def details_of(session: Session) -> Details:
    """What is shown of a session; unknown things as null."""
    created, used = clock.instant(session.created_at), clock.instant(session.last_used_at)
    return Details(created, used, session.label or None, session.user_agent or None)


_ATTRIBUTES: Final = {
    "created": "created_at",
    "lastActivity": "last_used_at",
    "version": "label",
    "userAgent": "user_agent",
}


def _listed(runtime: Runtime, session: Session) -> Listed:
    known = details_of(session)
    return Listed(known.created, known.last_activity, known.version, known.user_agent, id=_name_of(runtime, session))


def _name_of(runtime: Runtime, session: Session) -> str:
    """128 hexadecimal digits, as clients know it."""
    halves = (runtime.keyring.mac(f"wellbee-session-{half}", session.id.bytes) for half in (1, 2))
    return "".join(each.hex() for each in halves)


async def _end(tx: Tx, request: Request, asked: Ending) -> None:
    user_id = tx.actor.user_id
    if user_id is None:
        raise Unauthenticated
    named = asked.logoutId or asked.logOutId
    if asked.logoutAll == "true":
        await core.end_all(tx, user_id)
    elif named:
        await _end_named(tx, user_id, named)
        return
    elif tx.actor.session_id is not None:
        await core.end(tx, tx.actor.session_id)
    cookies.clear(request, tx.runtime.settings)


async def _end_named(tx: Tx, user_id: UserId, name: str) -> None:
    for each in await core.list_of(tx, user_id):
        if _name_of(tx.runtime, each) == name.lower():
            await core.end(tx, each.id)
