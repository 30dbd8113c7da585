"""Sessions of a whole realm."""

from typing import Final

from roster.core.sessions import search, service
from roster.core.sessions.errors import SessionNotFound
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base, people
from roster.dialects.native.wire import people as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden
from roster.kit.filters import Compare, InvalidFilter, Op
from roster.kit.ids import SessionId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Sessions")


@ops.get("/sessions", id="listSessions", needs="sessions.read", errors=(Forbidden, InvalidFilter, InvalidCursor))
async def list_sessions(tx: Tx, query: wire.SessionsQuery) -> Listing[wire.Session]:
    """Live sessions of everybody, newest first."""
    whose = Compare("user_id", Op.EQ, query.user_id) if query.user_id else None
    where = queries.both(queries.parse_filter(query.filter), whose)
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    found = await search.search(tx, where, queries.parse_sort(query.sort), page)
    return base.listing(found, lambda each: people.session_out(each, tx.actor.session_id))


@ops.get(
    "/sessions/{session_id}",
    id="getSession",
    needs="sessions.read, or being that person",
    errors=(SessionNotFound,),
)
async def get_session(tx: Tx, session_id: SessionId) -> wire.Session:
    """One live session."""
    session = await service.get(tx, session_id)
    if session.ended_at is not None or session.expires_at <= tx.now:
        raise SessionNotFound
    return people.session_out(session, tx.actor.session_id)


@ops.delete(
    "/sessions/{session_id}",
    id="endSession",
    status=204,
    needs="sessions.write, or being that person",
    errors=(SessionNotFound, Forbidden),
)
async def end_session(tx: Tx, session_id: SessionId) -> None:
    """End a session; its tokens fail from now on."""
    await service.end(tx, session_id)
