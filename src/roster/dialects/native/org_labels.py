"""Labels of organisations, and the members who carry them."""

from typing import Final

from roster.core.labels import org_labels as service
from roster.core.labels.errors import LabelNameTaken, LabelNotDeleted, LabelNotFound, TooManyOrgLabels
from roster.core.labels.models import OrgLabel
from roster.core.memberships import labels as member_labels
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound
from roster.dialects.native import etags
from roster.dialects.native.mapping import labels as mapping
from roster.dialects.native.wire import labels as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden, StaleVersion
from roster.kit.ids import LabelId, OrgId, UserId
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Labels of organisations")
_ALL: Final = "/organisations/{org_id}/labels"
_ONE: Final = "/organisations/{org_id}/labels/{label_id}"
_CARRIED: Final = "/organisations/{org_id}/members/{user_id}/labels"
_READS: Final = "labels.read in the organisation"
_WRITES: Final = "labels.write in the organisation"


@ops.get(_ALL, id="listOrganisationLabels", needs=_READS, errors=(OrgNotFound, Forbidden))
async def list_labels(tx: Tx, org_id: OrgId) -> Listing[wire.OrgLabel]:
    """All labels of the organisation by number."""
    return Listing(items=[mapping.org_label_out(each) for each in await service.labels_of(tx, org_id)])


@ops.post(
    _ALL,
    id="createOrganisationLabel",
    status=201,
    needs=_WRITES,
    errors=(OrgNotFound, Forbidden, LabelNameTaken, TooManyOrgLabels),
    returns=wire.OrgLabel,
)
async def create_label(tx: Tx, org_id: OrgId, request: Request, body: wire.OrgLabelCreate) -> Reply:
    """Make a label."""
    made = await service.create(tx, org_id, mapping.org_label_draft(body))
    return _answer(made, 201, f"{request.prefix}/organisations/{org_id}/labels/{made.id}")


@ops.get(
    _ONE,
    id="getOrganisationLabel",
    needs=_READS,
    errors=(OrgNotFound, Forbidden, LabelNotFound),
    returns=wire.OrgLabel,
)
async def get_label(tx: Tx, org_id: OrgId, label_id: LabelId) -> Reply:
    """One label, a deleted one too."""
    return _answer(await service.get(tx, org_id, label_id))


@ops.patch(
    _ONE,
    id="patchOrganisationLabel",
    needs=_WRITES,
    errors=(OrgNotFound, Forbidden, LabelNotFound, StaleVersion, LabelNameTaken),
    returns=wire.OrgLabel,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_label(tx: Tx, org_id: OrgId, label_id: LabelId, request: Request, body: wire.OrgLabelPatch) -> Reply:
    """Change a label: what is absent stays."""
    version, change = etags.version_of(request), mapping.org_label_change(body)
    return _answer(await service.change(tx, org_id, label_id, change, version=version))


@ops.delete(
    _ONE,
    id="deleteOrganisationLabel",
    status=204,
    needs=_WRITES,
    errors=(OrgNotFound, Forbidden, LabelNotFound, StaleVersion),
    parameters=(etags.IF_MATCH,),
)
async def delete_label(tx: Tx, org_id: OrgId, label_id: LabelId, request: Request) -> None:
    """Delete a label: nobody carries it any more, until it is restored."""
    await service.delete(tx, org_id, label_id, version=etags.version_of(request))


@ops.post(
    f"{_ONE}/restore",
    id="restoreOrganisationLabel",
    needs=_WRITES,
    errors=(OrgNotFound, Forbidden, LabelNotFound, LabelNotDeleted, LabelNameTaken, TooManyOrgLabels),
    returns=wire.OrgLabel,
)
async def restore_label(tx: Tx, org_id: OrgId, label_id: LabelId) -> Reply:
    """Bring a deleted label back, also to those who carried it."""
    return _answer(await service.restore(tx, org_id, label_id))


@ops.get(
    f"{_ONE}/members",
    id="listLabelCarriers",
    needs="labels.read and members.read in the organisation",
    errors=(OrgNotFound, Forbidden, LabelNotFound),
)
async def list_carriers(tx: Tx, org_id: OrgId, label_id: LabelId) -> Listing[wire.Carrier]:
    """Who carries a label, by number; whoever may not see members finds themselves only."""
    label = await service.get(tx, org_id, label_id)
    found = await member_labels.carriers(tx, [await orgs.get(tx, org_id)], [label])
    return Listing(items=[mapping.carrier_out(each) for each in found.get(label.id, [])])


@ops.get(
    _CARRIED,
    id="listMemberLabels",
    needs="labels.read in the organisation; members.read there, or being that person",
    errors=(OrgNotFound, Forbidden, NotAMember),
)
async def list_member_labels(tx: Tx, org_id: OrgId, user_id: UserId) -> Listing[wire.OrgLabel]:
    """The labels that a member carries, by number."""
    known = await service.labels_of(tx, org_id)
    member = await memberships.get(tx, org_id, user_id)
    held = (await member_labels.of_members(tx, [member])).get(member.id, [])
    return Listing(items=[mapping.org_label_out(each) for each in known if each.id in held])


@ops.put(
    f"{_CARRIED}/{{label_id}}",
    id="giveMemberLabel",
    status=204,
    needs=_WRITES,
    errors=(OrgNotFound, Forbidden, NotAMember, LabelNotFound),
)
async def give_label(tx: Tx, org_id: OrgId, user_id: UserId, label_id: LabelId) -> None:
    """Give a member a label; once they have it, nothing more happens."""
    await member_labels.give(tx, org_id, label_id, user_id)


@ops.delete(
    f"{_CARRIED}/{{label_id}}",
    id="takeMemberLabel",
    status=204,
    needs=_WRITES,
    errors=(OrgNotFound, Forbidden, NotAMember, LabelNotFound),
)
async def take_label(tx: Tx, org_id: OrgId, user_id: UserId, label_id: LabelId) -> None:
    """Take a label from a member."""
    await member_labels.take(tx, org_id, label_id, user_id)


def _answer(label: OrgLabel, status: int = 200, location: str = "") -> Reply:
    return etags.with_tag(mapping.org_label_out(label), label.version, status, location)
