"""Labels, and the people that they are attached to."""

from typing import Final

from roster.core.access.errors import Escalation
from roster.core.labels import service
from roster.core.labels.errors import LabelNameTaken, LabelNotDeleted, LabelNotFound
from roster.core.labels.models import Label, Subject
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.dialects.native import etags
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base
from roster.dialects.native.mapping import labels as mapping
from roster.dialects.native.wire import labels as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden, NotFound, StaleVersion
from roster.kit.filters import InvalidFilter
from roster.kit.ids import LabelId, UserId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Labels")


@ops.get("/labels", id="listLabels", needs="labels.read", errors=(Forbidden, InvalidFilter, InvalidCursor))
async def list_labels(tx: Tx, query: wire.LabelsQuery) -> Listing[wire.Label]:
    """Labels in the order in which they were made, unless sorted otherwise."""
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where, sorts = queries.parse_filter(query.filter), queries.parse_sort(query.sort)
    return base.listing(await service.search(tx, where, sorts, page, deleted=query.deleted), mapping.label_out)


@ops.post(
    "/labels",
    id="createLabel",
    status=201,
    needs="labels.write",
    errors=(Forbidden, LabelNameTaken),
    returns=wire.Label,
)
async def create_label(tx: Tx, request: Request, body: wire.LabelCreate) -> Reply:
    """Make a label in a category."""
    made = await service.create(tx, mapping.label_draft(body))
    return _answer(made, 201, f"{request.prefix}/labels/{made.id}")


@ops.get("/labels/{label_id}", id="getLabel", needs="labels.read", errors=(LabelNotFound,), returns=wire.Label)
async def get_label(tx: Tx, label_id: LabelId) -> Reply:
    """One label, a deleted one too."""
    return _answer(await service.get(tx, label_id))


@ops.patch(
    "/labels/{label_id}",
    id="patchLabel",
    needs="labels.write",
    errors=(LabelNotFound, Forbidden, StaleVersion, LabelNameTaken),
    returns=wire.Label,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_label(tx: Tx, label_id: LabelId, request: Request, body: wire.LabelPatch) -> Reply:
    """Change a label: what is absent stays."""
    change = mapping.label_change(body)
    return _answer(await service.change(tx, label_id, change, version=etags.version_of(request)))


@ops.delete(
    "/labels/{label_id}",
    id="deleteLabel",
    status=204,
    needs="labels.write",
    errors=(LabelNotFound, Forbidden, StaleVersion),
    parameters=(etags.IF_MATCH,),
)
async def delete_label(tx: Tx, label_id: LabelId, request: Request) -> None:
    """Delete a label: nothing shows it any more, until it is restored."""
    await service.delete(tx, label_id, version=etags.version_of(request))


@ops.post(
    "/labels/{label_id}/restore",
    id="restoreLabel",
    needs="labels.write",
    errors=(LabelNotFound, LabelNotDeleted, LabelNameTaken, Forbidden),
    returns=wire.Label,
)
async def restore_label(tx: Tx, label_id: LabelId) -> Reply:
    """Bring a deleted label back, also to what it was attached to."""
    return _answer(await service.restore(tx, label_id))


@ops.get(
    "/users/{user_id}/labels",
    id="listUserLabels",
    needs="labels.read, and users.read or being that person",
    errors=(UserNotFound, Forbidden, NotFound),
)
async def list_user_labels(tx: Tx, user_id: UserId) -> Listing[wire.Label]:
    """A person's labels, all of them."""
    await users.get(tx, user_id)
    return Listing(items=[mapping.label_out(each) for each in await service.of_person(tx, user_id)])


@ops.put(
    "/users/{user_id}/labels/{label_id}",
    id="attachLabel",
    status=204,
    needs="users.write",
    errors=(UserNotFound, LabelNotFound, Forbidden, Escalation, NotFound),
)
async def attach_label(tx: Tx, user_id: UserId, label_id: LabelId) -> None:
    """Attach a label to a person; once it is, nothing more happens."""
    await users.get(tx, user_id)
    await service.add(tx, Subject.USER, user_id, label_id)


@ops.delete(
    "/users/{user_id}/labels/{label_id}",
    id="detachLabel",
    status=204,
    needs="users.write",
    errors=(UserNotFound, LabelNotFound, Forbidden, Escalation, NotFound),
)
async def detach_label(tx: Tx, user_id: UserId, label_id: LabelId) -> None:
    """Take a label away from a person."""
    await users.get(tx, user_id)
    await service.remove(tx, Subject.USER, user_id, label_id)


def _answer(label: Label, status: int = 200, location: str = "") -> Reply:
    return etags.with_tag(mapping.label_out(label), label.version, status, location)
