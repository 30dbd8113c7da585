"""What organisations can be filtered and sorted by."""

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
        Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, indexed=True, nullable=False),
        Field(name="parent_id", kind=Kind.UUID, column="parent_id"),
        Field(name="name", kind=Kind.FOLDED, column="name", key="name_key", sortable=True, nullable=False),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, nullable=False),
        Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
    ]
)
