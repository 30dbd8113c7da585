"""What an organisation adds to its invitations (contract, tag invitation-config)."""

from typing import Final

from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import OrgChange
from roster.dialects.groupalarm import lookup, replies, wire
from roster.dialects.groupalarm.errors import NoInvitationText
from roster.kit.errors import Forbidden, InvalidInput
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="invitation-config")

_PATH: Final = "/invite/config/text/{organizationID}"


@ops.get(_PATH, id="GetInvitationText", errors=(NoInvitationText, OrgNotFound, Forbidden))
async def get_text(tx: Tx, organizationID: int) -> wire.InvitationText:
    """Read the text; for those who may change it."""
    org = await lookup.org(tx, organizationID)
    lookup.need(tx, "organization.edit", org)
    if org.invitation_text is None:
        raise NoInvitationText
    return wire.InvitationText(organization_id=org.number, text=org.invitation_text)


@ops.put(_PATH, id="SetInvitationText", errors=(InvalidInput, OrgNotFound, Forbidden))
async def set_text(tx: Tx, request: Request, organizationID: int, body: wire.InvitationText) -> wire.Success:
    """Store the text; an empty one is none."""
    if body.organization_id not in (0, organizationID):
        raise InvalidInput.of("organization_id", "contradiction", "Path and body name different organisations.")
    org = await lookup.org(tx, organizationID)
    lookup.need(tx, "organization.edit", org)
    await orgs.change(tx, org.id, OrgChange(invitation_text=body.text or None))
    return replies.done(request)
