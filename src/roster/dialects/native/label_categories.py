"""Categories of labels."""

from typing import Final

from roster.core.labels import categories as service
from roster.core.labels.errors import CategoryInUse, CategoryNameTaken, CategoryNotFound, LabelNotDeleted
from roster.core.labels.models import Category
from roster.dialects.native import etags
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base
from roster.dialects.native.mapping import labels as mapping
from roster.dialects.native.wire import labels as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden, StaleVersion
from roster.kit.filters import InvalidFilter
from roster.kit.ids import CategoryId
from roster.kit.pages import InvalidCursor, Page
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Labels")


@ops.get(
    "/label-categories",
    id="listLabelCategories",
    needs="labels.read",
    errors=(Forbidden, InvalidFilter, InvalidCursor),
)
async def list_categories(tx: Tx, query: wire.LabelsQuery) -> Listing[wire.Category]:
    """Categories in the order in which they were made, unless sorted otherwise."""
    page = Page(query.limit, cursor=query.cursor, total=query.total)
    where, sorts = queries.parse_filter(query.filter), queries.parse_sort(query.sort)
    return base.listing(await service.search(tx, where, sorts, page, deleted=query.deleted), mapping.category_out)


@ops.post(
    "/label-categories",
    id="createLabelCategory",
    status=201,
    needs="labels.write",
    errors=(Forbidden, CategoryNameTaken),
    returns=wire.Category,
)
async def create_category(tx: Tx, request: Request, body: wire.CategoryCreate) -> Reply:
    """Make a category of labels."""
    made = await service.create(tx, mapping.category_draft(body))
    return _answer(made, 201, f"{request.prefix}/label-categories/{made.id}")


@ops.get(
    "/label-categories/{category_id}",
    id="getLabelCategory",
    needs="labels.read",
    errors=(CategoryNotFound,),
    returns=wire.Category,
)
async def get_category(tx: Tx, category_id: CategoryId) -> Reply:
    """One category, a deleted one too."""
    return _answer(await service.get(tx, category_id))


@ops.patch(
    "/label-categories/{category_id}",
    id="patchLabelCategory",
    needs="labels.write",
    errors=(CategoryNotFound, Forbidden, StaleVersion, CategoryNameTaken),
    returns=wire.Category,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_category(tx: Tx, category_id: CategoryId, request: Request, body: wire.CategoryPatch) -> Reply:
    """Change a category: what is absent stays."""
    change = mapping.category_change(body)
    return _answer(await service.change(tx, category_id, change, version=etags.version_of(request)))


@ops.delete(
    "/label-categories/{category_id}",
    id="deleteLabelCategory",
    status=204,
    needs="labels.write",
    errors=(CategoryNotFound, Forbidden, StaleVersion, CategoryInUse),
    parameters=(etags.IF_MATCH,),
)
async def delete_category(tx: Tx, category_id: CategoryId, request: Request) -> None:
    """Delete a category that has no labels; it can be restored."""
    await service.delete(tx, category_id, version=etags.version_of(request))


@ops.post(
    "/label-categories/{category_id}/restore",
    id="restoreLabelCategory",
    needs="labels.write",
    errors=(CategoryNotFound, LabelNotDeleted, CategoryNameTaken, Forbidden),
    returns=wire.Category,
)
async def restore_category(tx: Tx, category_id: CategoryId) -> Reply:
    """Bring a deleted category back."""
    return _answer(await service.restore(tx, category_id))


def _answer(category: Category, status: int = 200, location: str = "") -> Reply:
    return etags.with_tag(mapping.category_out(category), category.version, status, location)
