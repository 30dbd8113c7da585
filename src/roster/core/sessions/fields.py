"""What sessions can be filtered and sorted by."""

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
        Field(name="user_id", kind=Kind.UUID, column="user_id", nullable=False),
        Field(name="dialect", kind=Kind.TEXT, column="dialect", nullable=False),
        Field(name="label", kind=Kind.TEXT, column="label", nullable=False),
        Field(name="user_agent", kind=Kind.TEXT, column="user_agent", nullable=False),
        Field(name="address", kind=Kind.TEXT, column="address", nullable=False),
        Field(name="factors", kind=Kind.TEXT_LIST, column="factors", nullable=False),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, nullable=False),
        Field(name="last_used_at", kind=Kind.INSTANT, column="last_used_at", sortable=True, nullable=False),
        Field(name="expires_at", kind=Kind.INSTANT, column="expires_at", sortable=True, nullable=False),
    ]
)
