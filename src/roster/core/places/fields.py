"""What places can be filtered and sorted by."""

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
        Field(name="kind", kind=Kind.TEXT, column="kind", sortable=True, indexed=True, nullable=False),
        Field(name="key", kind=Kind.TEXT, column="key", sortable=True, nullable=False),
        Field(name="name", kind=Kind.FOLDED, column="name", key="name_key", sortable=True, nullable=False),
        Field(name="members", kind=Kind.TEXT_LIST, column="members", nullable=False),
        Field(name="version", kind=Kind.INTEGER, column="version", sortable=True, nullable=False),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, nullable=False),
        Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
    ]
)
