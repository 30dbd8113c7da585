"""What devices can be filtered and sorted by; never their keys."""

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
        Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, indexed=True, nullable=False),
        Field(name="name", kind=Kind.FOLDED, column="name", key="name_key", sortable=True, nullable=False),
        Field(name="kind", kind=Kind.TEXT, column="kind", sortable=True, nullable=False),
        Field(name="description", kind=Kind.TEXT, column="description", nullable=False),
        Field(name="status", kind=Kind.TEXT, column="status", sortable=True, nullable=False),
        Field(name="external_id", kind=Kind.TEXT, column="external_id", sortable=True),
        Field(name="tags", kind=Kind.TEXT_LIST, column="tags", nullable=False),
        Field(name="version", kind=Kind.INTEGER, column="version", sortable=True, nullable=False),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, indexed=True, nullable=False),
        Field(name="created_by", kind=Kind.UUID, column="created_by"),
        Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
        Field(name="updated_by", kind=Kind.UUID, column="updated_by"),
        Field(name="deleted_at", kind=Kind.INSTANT, column="deleted_at", sortable=True),
    ]
)
