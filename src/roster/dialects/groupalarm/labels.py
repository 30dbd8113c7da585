"""Labels of organisations, and who carries them (contract, tag labels; notes, section 12)."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta

from roster.core.availability import service as availability
from roster.core.labels import org_labels
from roster.core.labels.errors import LabelNameTaken, LabelNotFound, TooManyOrgLabels
from roster.core.labels.models import Facets, OrgLabel, OrgLabelChange, OrgLabelDraft
from roster.core.memberships import labels as member_labels
from roster.core.memberships import service as memberships
from roster.core.memberships.errors import NotAMember
from roster.core.memberships.models import Membership
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNotFound
from roster.core.orgs.models import Org
from roster.core.users import numbers
from roster.dialects.groupalarm import auth, lookup, mapping_labels, replies, texts, wire_labels
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import UserId
from roster.kit.text import fold
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="labels")

_ONE: Final = "/label/{labelID}"
_ASSIGNEE: Final = "/label/{labelID}/assignees/{userID}"
_CHANGING: Final = (InvalidInput, Forbidden, LabelNotFound, LabelNameTaken, TooManyOrgLabels)
_GIVING: Final = (InvalidInput, Forbidden, LabelNotFound, NotAMember)
_PAGING: Final = ("limit", "offset", "all", "search", "type")
"""Whoever sends one of these wants a page, everybody else the whole list (notes, section 12)."""


class Listing(replies.Page, frozen=True, kw_only=True):
    """Which labels of which organisation; with `user` those that this member carries."""

    organization: lookup.Number
    user: Annotated[int, Meta(ge=0)] = 0
    type: Literal["normal", "smart", "all"] = "normal"
    all: bool = False
    search: Annotated[str, Meta(max_length=200)] = ""


@ops.get("/labels", id="GetLabels", errors=(InvalidInput, OrgNotFound, Forbidden))
async def list_labels(tx: Tx, request: Request, query: Listing) -> list[wire_labels.Label] | wire_labels.LabelList:
    """List the labels of an organisation: all of them, or a page for whoever asks for one."""
    org = await lookup.org(tx, query.organization)
    is_page = any(name in request.query for name in _PAGING)
    part = slice(query.offset, query.offset + query.limit) if is_page and not query.all else slice(None)
    found = [each for each in await org_labels.labels_of(tx, org.id) if _is_wanted(each, query)]
    if query.user:
        carried = [each for each in await _shown(tx, [org], found) if query.user in each.assignees]
        labels, total = carried[part], len(carried)
    else:
        labels, total = await _shown(tx, [org], found[part]), len(found)
    return wire_labels.LabelList(labels, total) if is_page else labels


@ops.post("/label", id="CreateLabel", status=201, errors=(*_CHANGING, OrgNotFound))
async def create(tx: Tx, body: wire_labels.LabelWrite) -> wire_labels.Label:
    """Make a label of an organisation."""
    org = await lookup.org(tx, body.organization_id)
    lookup.need(tx, "label.create", org)
    facets = await _facets(tx, org, None, body)
    made = await org_labels.create(tx, org.id, OrgLabelDraft(body.name, facets))
    await _assign(tx, org, made, body)
    return (await _shown(tx, [org], [made]))[0]


@ops.get("/label/organizations", id="GetOrganizationsWithLabels", errors=(InvalidInput,), extra=auth.PERSON_ONLY)
async def list_own(tx: Tx, query: replies.Page) -> wire_labels.OrganizationsWithLabelList:
    """List the caller's organisations with the labels that the caller carries there."""
    me = auth.me(tx.actor)
    joined = {each.org_id: each for each in await memberships.of_user(tx, me) if each.state == "active"}
    found = sorted((await orgs.with_ids(tx, list(joined))).values(), key=lambda org: org.number)
    page = found[query.offset : query.offset + query.limit]
    number = (await numbers.of(tx, [me]))[me]
    labels: dict[int, list[wire_labels.Label]] = {}
    for each in await _shown(tx, page, await _own(tx, page, list(joined.values()))):
        if number in each.assignees:
            labels.setdefault(each.organization_id, []).append(each)
    shown = await lookup.shown(tx, page)
    return wire_labels.OrganizationsWithLabelList(
        [wire_labels.OrganizationWithLabels(labels.get(each.id, []), each) for each in shown], len(found)
    )


@ops.get(_ONE, id="GetLabel", errors=(LabelNotFound,))
async def get(tx: Tx, labelID: int) -> wire_labels.Label:
    """Read a label."""
    org, found = await org_labels.find_numbered(tx, labelID)
    return (await _shown(tx, [org], [found]))[0]


@ops.put(_ONE, id="UpdateLabel", errors=_CHANGING)
async def update(tx: Tx, labelID: int, body: wire_labels.LabelWrite) -> wire_labels.Label:
    """Replace a label; who carries it stays when that is left out."""
    org, found = await org_labels.find_numbered(tx, labelID)
    lookup.need(tx, "label.edit", org)
    if body.organization_id != org.number or body.id not in (0, labelID):
        raise InvalidInput.of("id", "contradiction", "A label stays in its organisation, and path and body name one.")
    change = OrgLabelChange(body.name, await _facets(tx, org, found, body))
    changed = await org_labels.change(tx, org.id, found.id, change)
    await _assign(tx, org, changed, body)
    return (await _shown(tx, [org], [changed]))[0]


@ops.delete(_ONE, id="DeleteLabel", errors=(Forbidden, LabelNotFound))
async def delete(tx: Tx, request: Request, labelID: int) -> wire_labels.Message:
    """Delete a label; nobody carries it any more."""
    org, found = await org_labels.find_numbered(tx, labelID)
    lookup.need(tx, "label.delete", org)
    await org_labels.delete(tx, org.id, found.id)
    return _done(request, replies.DELETED)


@ops.post(_ASSIGNEE, id="AssignLabel", errors=_GIVING)
async def assign(tx: Tx, request: Request, labelID: int, userID: int) -> wire_labels.Message:
    """Give a member of its organisation a label."""
    org, found, user_id = await _assignable(tx, labelID, userID)
    await member_labels.give(tx, org.id, found.id, user_id)
    return _done(request, replies.SAVED)


@ops.delete(_ASSIGNEE, id="UnassignLabel", errors=_GIVING)
async def unassign(tx: Tx, request: Request, labelID: int, userID: int) -> wire_labels.Message:
    """Take a label from a member."""
    org, found, user_id = await _assignable(tx, labelID, userID)
    await member_labels.take(tx, org.id, found.id, user_id)
    return _done(request, replies.DELETED)


def _is_wanted(label: OrgLabel, query: Listing) -> bool:
    kind = "smart" if mapping_labels.is_smart(label) else "normal"
    return query.type in ("all", kind) and fold(query.search.strip()) in fold(label.name)


async def _own(tx: Tx, page: Sequence[Org], joined: Sequence[Membership]) -> list[OrgLabel]:
    """Labels of these organisations that the caller carries, and those of which it is computed who does."""
    carried = {label_id for some in (await member_labels.of_members(tx, joined)).values() for label_id in some}
    found = await org_labels.of_orgs(tx, page)
    return [each for each in found if each.id in carried or mapping_labels.is_smart(each)]


async def _assignable(tx: Tx, label: int, user: int) -> tuple[Org, OrgLabel, UserId]:
    org, found = await org_labels.find_numbered(tx, label)
    lookup.need(tx, "label.edit", org)
    if mapping_labels.is_smart(found):
        raise InvalidInput.of("labelID", "computed", "Who carries this label is computed.")
    return org, found, await lookup.member_id(tx, user)


async def _facets(tx: Tx, org: Org, label: OrgLabel | None, body: wire_labels.LabelWrite) -> Facets:
    facets = mapping_labels.facets(body)
    others = await org_labels.numbered(tx, [org.id], mapping_labels.named(body))
    mapping_labels.require_usable(label, body, others)
    return facets


async def _assign(tx: Tx, org: Org, label: OrgLabel, body: wire_labels.LabelWrite) -> None:
    """Nobody is given a computed label; of others the assignees sent are all there are."""
    if body.smart_label_configuration is None and body.assignees is None:
        return
    wanted = [] if body.smart_label_configuration else body.assignees or []
    known = await numbers.ids_of(tx, wanted)
    if not known.keys() >= set(wanted):
        raise InvalidInput.of("assignees", "not_a_member", "Only members of the organisation carry labels.")
    await member_labels.give_to(tx, org.id, label.id, list(known.values()))


async def _shown(tx: Tx, found: Sequence[Org], labels: Sequence[OrgLabel]) -> list[wire_labels.Label]:
    """Labels of these organisations as the wire shows them; what they refer to is read once for all."""
    referred = {number for each in labels for number in mapping_labels.referred(each)}
    others = await org_labels.numbered(tx, [org.id for org in found], referred)
    everything = {each.id: each for each in (*labels, *others.values())}
    carriers = await member_labels.carriers(tx, found, list(everything.values()))
    ready = await availability.ready(tx, {each.membership_id for some in carriers.values() for each in some})
    known = mapping_labels.Known({org.id: org.number for org in found}, others, carriers, ready)
    return [mapping_labels.label_out(each, known) for each in labels]


def _done(request: Request, key: str) -> wire_labels.Message:
    return wire_labels.Message(texts.done(key, texts.language(request)))
