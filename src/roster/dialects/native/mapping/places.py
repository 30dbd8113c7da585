"""Places."""

from roster.core.places.models import Place, PlaceDraft
from roster.dialects.native.mapping.base import instant
from roster.dialects.native.wire import places


def place_out(place: Place) -> places.Place:
    """A place."""
    return places.Place(
        id=place.id,
        kind=place.kind,  # type: ignore[arg-type]
        key=place.key,
        name=place.name,
        members=place.members,
        version=place.version,
        created_at=instant(place.created_at),
        updated_at=instant(place.updated_at),
    )


def place_in(body: places.PlacePut) -> PlaceDraft:
    """What a place shall be."""
    return PlaceDraft(body.name, body.members)
