"""What the members of an organisation can be filtered and sorted by.

Whom they may not see more of than that they exist, pending members with an account in use, are found by nothing else.
"""

from typing import LiteralString

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

HIDDEN: LiteralString = "(m.state = 'pending' AND u.status <> 'pending')"
"""Of whom an organisation's list says no more than that they exist."""


def _shown(column: LiteralString) -> LiteralString:
    return "(CASE WHEN NOT " + HIDDEN + " THEN u." + column + " END)"


FIELDS = Fields(
    [
        Field(name="membership_id", kind=Kind.UUID, column="m.id", sortable=True, indexed=True, nullable=False),
        Field(name="state", kind=Kind.TEXT, column="m.state", nullable=False),
        Field(name="external_id", kind=Kind.TEXT, column="m.external_id", sortable=True),
        Field(name="joined_at", kind=Kind.INSTANT, column="m.joined_at", sortable=True),
        Field(name="id", kind=Kind.UUID, column="u.id", sortable=True, indexed=True, nullable=False),
        Field(name="number", kind=Kind.INTEGER, column="u.number", sortable=True, nullable=False),
        Field(
            name="username", kind=Kind.FOLDED, column="u.username", key="u.username_key", sortable=True, nullable=False
        ),
        Field(name="email", kind=Kind.FOLDED, column=_shown("email"), key=_shown("email_key"), sortable=True),
        Field(
            name="display_name",
            kind=Kind.FOLDED,
            column=_shown("display_name"),
            key=_shown("display_key"),
            sortable=True,
        ),
        Field(name="given_name", kind=Kind.FOLDED, column=_shown("given_name"), key=_shown("given_key"), sortable=True),
        Field(
            name="family_name",
            kind=Kind.FOLDED,
            column=_shown("family_name"),
            key=_shown("family_key"),
            sortable=True,
        ),
        Field(name="phone", kind=Kind.TEXT, column=_shown("phone")),
        Field(name="status", kind=Kind.TEXT, column="u.status", nullable=False),
    ]
)
