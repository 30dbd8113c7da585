"""What labels and their categories can be filtered and sorted by."""

from collections.abc import Iterable

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

CATEGORY_NUMBER = (
    "(SELECT c.number FROM label_categories c WHERE c.realm_id = labels.realm_id AND c.id = labels.category_id)"
)


def _with(own: Iterable[Field]) -> Fields:
    return Fields(
        [
            Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
            Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, indexed=True, nullable=False),
            Field(name="name", kind=Kind.FOLDED, column="name", key="name_key", sortable=True, nullable=False),
            *own,
            Field(name="tags", kind=Kind.TEXT_LIST, column="tags", nullable=False),
            Field(name="version", kind=Kind.INTEGER, column="version", sortable=True, nullable=False),
            Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, nullable=False),
            Field(name="created_by", kind=Kind.UUID, column="created_by"),
            Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
            Field(name="updated_by", kind=Kind.UUID, column="updated_by"),
            Field(name="deleted_at", kind=Kind.INSTANT, column="deleted_at", sortable=True),
        ]
    )


LABELS = _with(
    [
        Field(name="category_id", kind=Kind.UUID, column="category_id", nullable=False),
        Field(name="category_number", kind=Kind.INTEGER, column=CATEGORY_NUMBER, sortable=True, nullable=False),
    ]
)
CATEGORIES = _with([Field(name="resources", kind=Kind.TEXT_LIST, column="resources", nullable=False)])
