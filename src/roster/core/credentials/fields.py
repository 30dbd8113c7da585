"""What a person's credentials can be filtered and sorted by; never their secrets."""

from roster.core.credentials import store
from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, nullable=False),
        Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, nullable=False),
        Field(name="user_id", kind=Kind.UUID, column="user_id", sortable=True, nullable=False),
        Field(name="kind", kind=Kind.TEXT, column="kind", sortable=True, nullable=False),
        Field(name="label", kind=Kind.TEXT, column="label", sortable=True, nullable=False),
        Field(name="alias", kind=Kind.TEXT, column=store.ALIAS, sortable=True),
        Field(name="version", kind=Kind.INTEGER, column="version", sortable=True, nullable=False),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, nullable=False),
        Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
    ]
)
