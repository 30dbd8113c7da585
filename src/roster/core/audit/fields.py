"""What the trail can be filtered and sorted by."""

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="at", kind=Kind.INSTANT, column="at", sortable=True, indexed=True, nullable=False),
        Field(name="id", kind=Kind.UUID, column="id", nullable=False),
        Field(name="action", kind=Kind.TEXT, column="action", nullable=False),
        Field(name="actor_kind", kind=Kind.TEXT, column="actor_kind", nullable=False),
        Field(name="actor_id", kind=Kind.UUID, column="actor_id"),
        Field(name="actor_name", kind=Kind.TEXT, column="actor_name", nullable=False),
        Field(name="acting_for", kind=Kind.UUID, column="acting_for"),
        Field(name="acting_for_name", kind=Kind.TEXT, column="acting_for_name", nullable=False),
        Field(name="session_id", kind=Kind.UUID, column="session_id"),
        Field(name="device_id", kind=Kind.UUID, column="device_id"),
        Field(name="dialect", kind=Kind.TEXT, column="dialect", nullable=False),
        Field(name="request_id", kind=Kind.TEXT, column="request_id", nullable=False),
        Field(name="address", kind=Kind.TEXT, column="address", nullable=False),
        Field(name="subject_kind", kind=Kind.TEXT, column="subject_kind", nullable=False),
        Field(name="subject_id", kind=Kind.UUID, column="subject_id"),
    ]
)
