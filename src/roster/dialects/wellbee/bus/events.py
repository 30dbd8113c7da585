"""What listeners on the bus are told of what happens in the directory (notes, section 19).

They may be told twice; the second time `reqId` is the same.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from roster.bus.models import Event
from roster.bus.relay import Told
from roster.dialects.wellbee.bus import client

USER_DELETED: Final = "pub.user-service.user-deleted"
ORGANISATION_DELETED: Final = "pub.organisation-service.organisation-deleted"

_TOLD: Final[Mapping[str, tuple[str, Callable[[Event], object]]]] = {
    "user.deleted": (USER_DELETED, lambda event: {"userId": str(event.subject_id)}),
    "user.erased": (USER_DELETED, lambda event: {"userId": str(event.subject_id)}),
    "org.deleted": (ORGANISATION_DELETED, lambda event: {"organisationId": str(event.subject_id)}),
}
TYPES: Final = tuple(_TOLD)


def translate(event: Event) -> Iterable[Told]:
    """The messages about an event of the directory."""
    subject, data = _TOLD[event.type]
    yield Told(subject, client.told(data(event), req_id=str(event.id)))
