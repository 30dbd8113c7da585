"""What roles can be filtered and sorted by."""

from roster.core.access import store
from roster.kit.filters import Field, Fields, Visibility
from roster.kit.values import Kind

FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
        Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, indexed=True, nullable=False),
        Field(
            name="name",
            kind=Kind.FOLDED,
            column="name",
            key="name_key",
            sortable=True,
            indexed=True,
            nullable=False,
        ),
        Field(
            name="display_name",
            kind=Kind.FOLDED,
            column="coalesce(nullif(display_name, ''), name)",
            key="coalesce(nullif(display_name_key, ''), name_key)",
            sortable=True,
            nullable=False,
            patterns=True,
        ),
        Field(name="description", kind=Kind.TEXT, column="description", sortable=True, nullable=False),
        Field(name="permissions", kind=Kind.TEXT_LIST, column="permissions", nullable=False),
        Field(
            name="members",
            kind=Kind.TEXT_LIST,
            column=store.MEMBERS,
            nullable=False,
            visibility=Visibility.PRIVATE,
        ),
        Field(
            name="owners",
            kind=Kind.TEXT_LIST,
            column=store.OWNERS,
            nullable=False,
            visibility=Visibility.PRIVATE,
        ),
        Field(name="built_in", kind=Kind.BOOLEAN, column="built_in", nullable=False),
        Field(name="version", kind=Kind.INTEGER, column="version", sortable=True, nullable=False),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, indexed=True, nullable=False),
        Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
    ]
)
