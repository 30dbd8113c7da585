"""`fruster-web-bus`: what other services ask of the websockets."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.dialects.wellbee import audience
from roster.dialects.wellbee.subjects import EVERY_INSTANCE, Services
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime
from roster.web.request import Request

services: Final = Services(tag="fruster-web-bus")


class Client(msgspec.Struct, frozen=True, rename="camel"):
    """Whose sockets: those of one token, or all of a person."""

    jwt: Annotated[str, Meta(min_length=1)] | None = None
    user_id: Annotated[str, Meta(min_length=1)] | None = None


@services.serve(
    "fruster-web-bus.unregister-client", id="svc-webbus-unregister", writes=False, extra={EVERY_INSTANCE: True}
)
async def unregister(runtime: Runtime, request: Request, body: Client) -> None:
    """Close sockets; every process looks among its own, and all of them answer."""
    if (body.jwt is None) == (body.user_id is None):
        raise InvalidInput.of("body", "one_of", "should have either jwt or userId")
    audience.of(runtime).disconnect(request.realm_slug, user=body.user_id, token=body.jwt)
