"""Places that roles can be limited to, and groups of them."""

from typing import Final

from roster.core.places import service
from roster.core.places.errors import GroupGivesMore, PlaceNotFound, TooManyMembers
from roster.dialects.native import etags
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base
from roster.dialects.native.mapping import places as mapping
from roster.dialects.native.wire import places as wire
from roster.dialects.native.wire.base import Listing, SearchQuery
from roster.kit.errors import Forbidden, StaleVersion
from roster.kit.filters import InvalidFilter
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Places")


@ops.get("/places", id="listPlaces", needs="places.read", errors=(Forbidden, InvalidFilter, InvalidCursor))
async def list_places(tx: Tx, query: SearchQuery) -> Listing[wire.Place]:
    """Registered places by kind and key, unless sorted otherwise.

    For example `filter=kind eq "facility_group" and members eq "F-12"`: the groups that a facility belongs to.
    """
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where = queries.parse_filter(query.filter)
    return base.listing(await service.search(tx, where, queries.parse_sort(query.sort), page), mapping.place_out)


@ops.get(
    "/places/{kind}/{key}",
    id="getPlace",
    needs="places.read",
    errors=(PlaceNotFound, Forbidden),
    returns=wire.Place,
)
async def get_place(tx: Tx, kind: str, key: str) -> Reply:
    """One place: a `facility`, a `facility_group` or a `zone`."""
    place = await service.get(tx, kind, key)
    return etags.with_tag(mapping.place_out(place), place.version)


@ops.put(
    "/places/{kind}/{key}",
    id="putPlace",
    needs="places.write, and of a group all that others may do within it",
    errors=(Forbidden, StaleVersion, TooManyMembers, GroupGivesMore),
    returns=wire.Place,
    parameters=(etags.IF_MATCH,),
)
async def put_place(tx: Tx, kind: str, key: str, request: Request, body: wire.PlacePut) -> Reply:
    """Register a place, or replace what is known of it. `If-Match: "0"` only registers.

    Whoever has a role within a group has it in all its facilities, from their next request on.
    """
    place = await service.put(tx, kind, key, mapping.place_in(body), version=etags.version_of(request))
    return etags.with_tag(mapping.place_out(place), place.version)


@ops.delete(
    "/places/{kind}/{key}",
    id="deletePlace",
    status=204,
    needs="places.write, and of a group all that others may do within it",
    errors=(PlaceNotFound, Forbidden, StaleVersion, GroupGivesMore),
    parameters=(etags.IF_MATCH,),
)
async def delete_place(tx: Tx, kind: str, key: str, request: Request) -> None:
    """Forget a place. Roles that are limited to it stay so; a group has no facilities any more."""
    await service.delete(tx, kind, key, version=etags.version_of(request))
