"""What people can be searched and sorted by."""

from collections.abc import Mapping
from typing import LiteralString

from roster.core.attributes.models import Definition
from roster.core.users import held, numbers_store, store
from roster.core.users.drafting import EXACT
from roster.kit.filters import Attribute, Attributes, Field, Fields, Kind, Visibility

_PRIVATE = Visibility.PRIVATE


def _folded(
    name: LiteralString,
    key: LiteralString,
    *,
    begun: bool = False,
    indexed: bool = False,
    walked: bool = False,
    basic: bool = False,
    nullable: bool = True,
) -> Field:
    return Field(
        name=name,
        kind=Kind.FOLDED,
        column=name,
        key=key,
        grams="grams",
        pairs="grams" if name in EXACT else None,
        sketch="sketch",
        beginnings="beginnings(realm_id, username_key)" if name == "username" else None,
        begun=begun,
        sortable=True,
        indexed=indexed,
        walked=walked,
        unique=name == "username",
        nullable=nullable,
        patterns=True,
        visibility=Visibility.BASIC if basic else _PRIVATE,
    )


FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, indexed=True, nullable=False),
        Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, indexed=True, nullable=False),
        _folded("username", "username_key", indexed=True, walked=True, basic=True, nullable=False),
        _folded("email", "email_key", indexed=True),
        _folded("display_name", "display_key", indexed=True),
        _folded("given_name", "given_key"),
        _folded("family_name", "family_key", indexed=True, begun=True),
        Field(name="phone", kind=Kind.TEXT, column="phone", sortable=True, visibility=_PRIVATE),
        Field(name="phone_key", kind=Kind.TEXT, column="phone_key", visibility=_PRIVATE),
        Field(name="locale", kind=Kind.TEXT, column="locale", visibility=_PRIVATE),
        Field(name="personal_number", kind=Kind.TEXT, column="personal_number", pairs="grams", visibility=_PRIVATE),
        Field(
            name="own_username",  # of those who are not named by their address
            kind=Kind.TEXT,
            column="(CASE WHEN username_key IS DISTINCT FROM email_key THEN username END)",
            visibility=_PRIVATE,
        ),
        Field(name="facets", kind=Kind.DOCUMENT, column="facets", nullable=False, visibility=_PRIVATE),
        Field(name="status", kind=Kind.TEXT, column="status", sortable=True, nullable=False, visibility=_PRIVATE),
        Field(name="tags", kind=Kind.TEXT_LIST, column="tags", nullable=False, visibility=_PRIVATE),
        Field(name="email_verified_at", kind=Kind.INSTANT, column="email_verified_at", visibility=_PRIVATE),
        Field(name="phone_verified_at", kind=Kind.INSTANT, column="phone_verified_at", visibility=_PRIVATE),
        Field(name="version", kind=Kind.INTEGER, column="version", sortable=True, nullable=False),
        Field(
            name="created_at",
            kind=Kind.INSTANT,
            column="created_at",
            sortable=True,
            indexed=True,
            walked=True,
            nullable=False,
        ),
        Field(name="updated_at", kind=Kind.INSTANT, column="updated_at", sortable=True, nullable=False),
        Field(name="roles", kind=Kind.TEXT_LIST, column=store.ROLE_NAMES, nullable=False, visibility=_PRIVATE),
        Field(
            name="role_numbers",
            kind=Kind.TEXT_LIST,
            column=numbers_store.ROLE_NUMBERS,
            nullable=False,
            visibility=_PRIVATE,
        ),
        Field(
            name="label_numbers",
            kind=Kind.TEXT_LIST,
            column=numbers_store.LABEL_NUMBERS,
            nullable=False,
            visibility=_PRIVATE,
        ),
        Field(name="updated_by_number", kind=Kind.INTEGER, column=numbers_store.UPDATED_BY, visibility=_PRIVATE),
        Field(name="external_ids", kind=Kind.TEXT_LIST, column=store.EXTERNAL_IDS, nullable=False, visibility=_PRIVATE),
        Field(
            name="is_external",
            kind=Kind.BOOLEAN,
            column=held.IS_EXTERNAL,
            sortable=True,
            nullable=False,
            visibility=_PRIVATE,
        ),
        Field(name="first_role", kind=Kind.TEXT, column=held.FIRST_ROLE, sortable=True, visibility=_PRIVATE),
        Field(name="is_limited", kind=Kind.BOOLEAN, column=held.IS_LIMITED, nullable=False, visibility=_PRIVATE),
        Field(name="facilities", kind=Kind.ROWS, column=held.FACILITIES, rows=held.VALUE, visibility=_PRIVATE),
        Field(name="assignments", kind=Kind.ROWS, column=held.ASSIGNMENTS, rows=held.ASSIGNMENT, visibility=_PRIVATE),
        Field(name="last_sign_in_at", kind=Kind.INSTANT, column="last_sign_in_at", sortable=True, visibility=_PRIVATE),
        Field(
            name="activity",  # whoever never signed in is taken for the longest absent, and comes last when descending
            kind=Kind.INSTANT,
            column="coalesce(last_sign_in_at, 'epoch'::timestamptz)",
            filterable=False,
            sortable=True,
            nullable=False,
            visibility=_PRIVATE,
        ),
        Field(name="deleted_at", kind=Kind.INSTANT, column="deleted_at", sortable=True, visibility=_PRIVATE),
    ]
)
"""Fixed fields; a realm's custom fields join under `attributes.`."""

_KINDS: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "instant": Kind.INSTANT,
    "list": Kind.TEXT_LIST,
    "any": Kind.JSON,
}
_UNDEFINED = Attribute(Kind.JSON, _PRIVATE)


def custom(known: Mapping[str, Definition]) -> Attributes:
    """A realm's custom fields; those that nobody has defined are searchable by those who may see everything."""
    defined = {name: Attribute(_KINDS[each.kind], Visibility(each.visibility)) for name, each in known.items()}
    return Attributes(column="attributes", sketch="sketch", pairs="grams", defined=defined, undefined=_UNDEFINED)
