"""What the members of an organisation can be filtered and sorted by.

Whom they may not see more of than that they exist, pending members with an account in use, are found by nothing else.
What lists of members are sorted and searched by most, the membership has itself, in part in indexes that begin with the
organisation: the database keeps it as the person has it.
"""

from typing import LiteralString

from roster.kit.filters import Field, Fields
from roster.kit.values import Kind

HIDDEN: LiteralString = "(m.state = 'pending' AND u.status <> 'pending')"
"""Of whom an organisation's list says no more than that they exist."""


def _shown(column: LiteralString) -> LiteralString:
    return "(CASE WHEN NOT " + HIDDEN + " THEN u." + column + " END)"


def _fields(*, grams: LiteralString | None) -> Fields:
    def named(name: str, column: LiteralString, key: LiteralString, *, nullable: bool = True) -> Field:
        kind = Kind.FOLDED
        return Field(name=name, kind=kind, column=column, key=key, grams=grams, sortable=True, nullable=nullable)

    return Fields(
        [
            Field(name="membership_id", kind=Kind.UUID, column="m.id", sortable=True, indexed=True, nullable=False),
            Field(name="state", kind=Kind.TEXT, column="m.state", nullable=False),
            Field(name="external_id", kind=Kind.TEXT, column="m.external_id", sortable=True),
            Field(name="joined_at", kind=Kind.INSTANT, column="m.joined_at", sortable=True),
            Field(name="id", kind=Kind.UUID, column="u.id", sortable=True, indexed=True, nullable=False),
            Field(name="number", kind=Kind.INTEGER, column="u.number", sortable=True, nullable=False),
            named("username", "u.username", "u.username_key", nullable=False),
            named("email", "m.email_key", "m.email_key"),
            named("display_name", _shown("display_name"), _shown("display_key")),
            named("given_name", "m.given_key", "m.given_key"),
            named("family_name", "m.family_key", "m.family_key"),
            Field(name="phone", kind=Kind.TEXT, column=_shown("phone")),
            Field(name="status", kind=Kind.TEXT, column="u.status", nullable=False),
        ]
    )


KEPT = frozenset({"membership_id", "state", "external_id", "joined_at", "given_name", "family_name", "email"})
"""What the membership has itself."""
FIELDS = _fields(grams=None)
"""For searches that begin with the members."""
FIELDS_OF_PEOPLE = _fields(grams="u.grams")
"""The same for those that begin with the people, whom trigrams find."""
