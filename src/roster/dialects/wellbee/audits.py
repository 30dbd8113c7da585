"""The audit trail: what was done with people, by the directory and by other services (contract, groups audit and
audit-service).

Both kinds of entries are shown in one form. Of the directory's own the payload names the fields that were changed, and
never their values.
"""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.core.audit import notes
from roster.core.audit import service as audit
from roster.core.audit.models import Entry
from roster.dialects.wellbee import audit_query
from roster.dialects.wellbee.subjects import Services
from roster.kit import clock, ids
from roster.kit.errors import InvalidInput
from roster.kit.filters import Compare, Filter, Op, Sort
from roster.kit.pages import MAX_LIMIT, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="audit")
services: Final = Services(tag="audit-service")

_HIDDEN: Final = "********"
_SECRETS: Final = frozenset(
    {
        *("password", "newpassword", "confirmpassword", "oldpassword", "authorization", "cookie", "set-cookie"),
        *("token", "accesstoken", "refreshtoken", "access_token", "refresh_token", "registrationtoken", "code", "jwt"),
        *("secret", "salt", "pin"),
    }
)
"""Members of payloads that are never kept, in lower case."""

Start = Annotated[int, Meta(ge=0, le=2**31)]
Limit = Annotated[int, Meta(ge=1)]


class Part(msgspec.Struct, frozen=True):
    """Which part of a list is wanted; no more than a thousand entries come at once."""

    start: Start = 0
    limit: Limit | None = None

    def page(self) -> Page:
        """The same for the directory."""
        return Page(min(self.limit or MAX_LIMIT, MAX_LIMIT), offset=self.start, total=True)


class Audit(msgspec.Struct, frozen=True, rename="camel"):
    """An entry."""

    id: UUID
    user_id: UUID | None
    action: str
    timestamp: str
    message: str | UnsetType = UNSET
    payload: dict[str, object] | UnsetType = UNSET
    req_id: str | UnsetType = UNSET


class Audits(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the trail, and how many entries there are in all."""

    total_count: int
    audits: list[Audit]


class NewAudit(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An entry to be written."""

    user_id: UUID
    action: str
    message: str | None = None
    payload: dict[str, object] | None = None
    timestamp: datetime | None = None


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries that fulfil a query."""

    query: dict[str, object]
    start: Start = 0
    limit: Limit | None = None
    sort: dict[str, object] | None = None


@ops.get("/audit/{userId}", id="audit-user-logs", needs="audit.get", errors=(InvalidInput,))
async def of_user(tx: Tx, userId: str, query: Part) -> Audits:
    """What was done with one person, newest first."""
    user_id = ids.parse(userId)
    if user_id is None:
        return Audits(0, [])
    return await listed(tx, Compare("subject_id", Op.EQ, user_id), (), query)


@services.serve("audit-service.create-audit", id="svc-audit-create", status=201, errors=(InvalidInput,))
async def create_audit(tx: Tx, body: NewAudit) -> Audit:
    """Write an entry about somebody."""
    return shown(
        await notes.write(
            tx,
            body.user_id,
            body.action,
            message=body.message,
            payload=without_secrets(body.payload or {}),
            at=body.timestamp,
        )
    )


@services.serve("audit-service.get-audits-by-query", id="svc-audit-query", writes=False, errors=(InvalidInput,))
async def find_audits(tx: Tx, body: Asked) -> Audits:
    """Entries that fulfil a query, newest first unless sorted otherwise."""
    if not body.query and not tx.runtime.settings.dialects.wellbee.allow_get_all:
        raise InvalidInput.of("query", "wrong_value", "should NOT have fewer than 1 properties")
    where = audit_query.parse(tx.runtime, body.query)
    return await listed(tx, where, audit_query.sorts(body.sort or {}), Part(body.start, body.limit))


async def listed(tx: Tx, where: Filter, sorts: tuple[Sort, ...], part: Part) -> Audits:
    """A part of the entries that the filter leaves, newest first unless sorted otherwise."""
    found = await audit.search(tx, where, sorts, part.page())
    return Audits(found.total or 0, [shown(each) for each in found.items])


def shown(entry: Entry) -> Audit:
    """An entry as it is answered with."""
    fields: dict[str, object] = {"fields": sorted(entry.changes)} if entry.changes else {}
    payload = notes.payload_of(entry) if notes.is_note(entry) else fields
    return Audit(
        id=entry.id,
        user_id=entry.subject_id,
        action=entry.action,
        timestamp=clock.instant(entry.at),
        message=notes.message_of(entry) or UNSET,
        payload=payload or UNSET,
        req_id=entry.request_id or UNSET,
    )


def without_secrets(payload: dict[str, object]) -> dict[str, object]:
    """The same with everything covered that is called a secret, at any depth."""
    return {name: _HIDDEN if name.lower() in _SECRETS else _covered(value) for name, value in payload.items()}


def _covered(value: object) -> object:
    if isinstance(value, dict):
        return without_secrets(msgspec.convert(value, dict[str, object]))
    if isinstance(value, list):
        return [_covered(each) for each in msgspec.convert(value, list[object])]
    return value
