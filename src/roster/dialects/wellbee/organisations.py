"""What sockets may ask about organisations."""

from typing import Final, cast

import msgspec

from roster.core.memberships import service as memberships
from roster.core.orgs import service as orgs
from roster.dialects.wellbee.catalogue import NAME
from roster.dialects.wellbee.subjects import Services
from roster.kit.actor import Actor
from roster.kit.errors import Unauthenticated
from roster.storage.tx import Tx

services: Final = Services(tag="organisation")
_USUAL: Final = "ORGANISATION"


class OrganisationName(msgspec.Struct, frozen=True):
    """An organisation as its members see it; `type` is what kind Wellbee calls it, such as FAMILY."""

    name: str
    type: str


@services.serve("ws.get.organisation.my", id="ws-organisation-name", writes=False)
async def my_organisation(tx: Tx, actor: Actor) -> OrganisationName | None:
    """The organisation that the caller has belonged to for longest; nothing for those who belong to none."""
    if actor.user_id is None:
        raise Unauthenticated
    joined = [each for each in await memberships.of_user(tx, actor.user_id) if each.state == "active"]
    if not joined:
        return None
    org = await orgs.get(tx, min(joined, key=lambda each: each.created_at).org_id)
    return OrganisationName(org.name, cast("str", org.facets.get(NAME, {}).get("type", _USUAL)))
