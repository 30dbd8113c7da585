"""`user-service.…`: finding users and profiles, for other services, and `GET /admin/user` (contract)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from roster.core.users import documents as people
from roster.core.users import removal
from roster.core.users.documents import LIMITS
from roster.dialects.wellbee import aggregates, finding, nested, query, shapes, subjects
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.finding import Asked
from roster.dialects.wellbee.query import Part
from roster.dialects.wellbee.refusals import EmptyQuery, InvalidQuery, Malformed, NotExposed
from roster.dialects.wellbee.subjects import Services
from roster.dialects.wellbee.user_service import require_profiles
from roster.kit.errors import InvalidInput, TooLarge
from roster.storage import listing
from roster.storage.tx import Tx
from roster.web.operation import Operations, Parameter
from roster.web.query import Query

ops: Final = Operations(tag="admin")
services: Final = Services(tag="user-service")

Members = Annotated[dict[str, object], Meta(min_length=1)]
_MOST_DELETED: Final = 50_000
"""People deleted by one call."""
_NAMED: Final = frozenset({"start", "limit", "searchField", "searchValue", "access_token"})
_LISTING: Final = (
    Parameter(name="start", schema={"type": "integer", "minimum": 0}),
    Parameter(name="limit", schema={"type": "integer", "minimum": 1}),
    Parameter(name="searchField", description="A dotted path."),
    Parameter(name="searchValue", description="An expression, found without regard to case, for `searchField`."),
    Parameter(name="*", description="Everything else is a condition: `a=1`, `a[$gt]=1`."),
)


class OrganisationGone(msgspec.Struct, frozen=True, rename="camel"):
    """An organisation that is no more."""

    organisation_id: Annotated[str, Meta(min_length=1, max_length=200)]


class ByQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which profiles."""

    query: Members
    filter: Members | None = None
    start: Annotated[int, Meta(ge=0, le=2**31)] = 0
    limit: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    sort: Members | None = None
    case_insensitive_sort: bool = False

    def asked(self, part: Part) -> Asked:
        """The list that this asks for."""
        return Asked(
            query=self.query,
            filter=self.filter,
            start=self.start,
            limit=self.limit,
            sort=self.sort,
            ignores_case=self.case_insensitive_sort,
            part=part,
        )


class UsersByQuery(ByQuery, frozen=True, rename="camel"):
    """Which users; `count` asks for their number alone."""

    expand: Literal["profile", "true"] | None = None
    count: bool = False


class Users(msgspec.Struct, frozen=True, rename="camel"):
    """Users, and how many there are."""

    total_count: int
    users: list[Document]


class Profiles(msgspec.Struct, frozen=True, rename="camel"):
    """Profiles, and how many there are."""

    total_count: int
    profiles: list[Document]


class Aggregate(msgspec.Struct, frozen=True):
    """The stages of an aggregation."""

    aggregate: Annotated[list[dict[str, object]], Meta(min_length=1)]


class Aggregated(msgspec.Struct, frozen=True):
    """Users that came out of one."""

    users: list[Document]


@ops.get("/admin/user", id="admin-user-list", needs="admin.*", errors=(InvalidQuery, Malformed), parameters=_LISTING)
async def list_users(tx: Tx, query: Query) -> list[Document]:
    """People, filtered by whatever else the address says of their fields."""
    with _as_query():
        conditions: Document = nested.of((name, value) for name, value in query.items() if name not in _NAMED)
    field, value = query.get("searchField"), query.get("searchValue")
    if field and value:
        found: Document = {"$and": [conditions, {field: {"$regex": value, "$options": "i"}}]}
        conditions = found
    asked = Asked(query=conditions, start=_number(query, "start") or 0, limit=_number(query, "limit"), spoken=True)
    return await finding.shown(tx, asked)


@services.serve("user-service.get-user", id="svc-user-get-user", writes=False, errors=(InvalidQuery,))
async def get_user(tx: Tx, body: Document) -> list[Document]:
    """Users who match what is sent."""
    if not body and not tx.runtime.settings.dialects.wellbee.allow_get_all:
        raise InvalidQuery(text="The query is empty.")
    return (await finding.find_or_nothing(tx, Asked(query=body))).documents


@services.serve(
    "user-service.get-users-by-query", id="svc-user-get-users-by-query", writes=False, errors=(InvalidQuery,)
)
async def get_users(tx: Tx, body: UsersByQuery) -> Users:
    """Users who match, in the order asked for, part by part."""
    asked = body.asked("user" if body.expand is None else "both")
    if body.count:
        return Users(await finding.count(tx, asked), [])
    found = await finding.find_or_nothing(tx, asked)
    return Users(found.total, found.documents)


@services.serve("user-service.get-profiles-by-query", id="svc-user-get-profiles", writes=False, errors=(InvalidQuery,))
async def get_profiles(tx: Tx, body: ByQuery) -> Profiles:
    """Profiles that match. Only where there are profiles."""
    require_profiles(tx)
    found = await finding.find_or_nothing(tx, body.asked("profile"))
    return Profiles(found.total, found.documents)


@services.serve(
    "user-service.get-by-aggregate", id="svc-user-get-by-aggregate", writes=False, errors=(Malformed, NotExposed)
)
async def get_by_aggregate(tx: Tx, body: Aggregate) -> list[Document]:
    """What comes out of an aggregation over users."""
    with _as_bad_request():
        return await aggregates.run(tx, body.aggregate)


@services.serve(
    "user-service.get-users-by-aggregate",
    id="svc-user-get-users-by-aggregate",
    writes=False,
    errors=(Malformed, NotExposed),
)
async def get_users_by_aggregate(tx: Tx, body: Aggregate) -> Aggregated:
    """The same without what is private, which is in no aggregation anyway, and without keys of groups."""
    with _as_bad_request():
        rows = await aggregates.run(tx, body.aggregate)
    return Aggregated([{name: value for name, value in row.items() if name != "_id"} for row in rows])


@services.serve(
    "user-service.delete-users-by-query", id="svc-user-delete-by-query", errors=(InvalidQuery, EmptyQuery, Malformed)
)
async def delete_users(tx: Tx, body: Document) -> None:
    """Delete everybody who matches what is sent, but one administrator."""
    if not [name for name in body if name != "$comment"]:
        raise EmptyQuery
    where = query.parse(body, await shapes.seen(tx), "both")
    async with listing.bounded(tx, where):
        if await people.count(tx, where) > _MOST_DELETED:
            raise TooLarge(f"More than {_MOST_DELETED} people at once are not deleted.")
        await removal.delete_many(tx, where, limits=LIMITS)


@services.serve(
    "pub.organisation-service.organisation-deleted", id="event-organisation-deleted", extra={subjects.LISTENS: True}
)
@services.serve(
    "pub.wb-organisation-service.organisation-deleted",
    id="event-organisation-deleted-alias",
    extra={subjects.LISTENS: True},
)
async def forget_organisation(tx: Tx, body: OrganisationGone) -> None:
    """Delete everybody whose account is tied to an organisation that was removed elsewhere, but one administrator."""
    field = tx.runtime.settings.dialects.wellbee.organisation_field
    if field:
        where = query.parse({field: body.organisation_id}, await shapes.seen(tx), "both")
        await removal.delete_many(tx, where, limits=LIMITS)


@contextmanager
def _as_query() -> Iterator[None]:
    """Conditions of an address that are too deep are refused like those of a query."""
    try:
        yield
    except InvalidInput as error:
        if error.problems[0].code == "too_deep":
            raise InvalidQuery(text=error.message) from error
        raise


@contextmanager
def _as_bad_request() -> Iterator[None]:
    """Aggregations have one word for all that is wrong with them."""
    try:
        yield
    except InvalidQuery as error:
        raise NotExposed(text=error.message) from error


def _number(query: Query, name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput.of(name, "wrong_type", "Expected int")
    return int(text)
