"""What people have by other tables, as fields of searches: roles and where they hold, facilities, identities."""

from typing import Final, LiteralString

from roster.kit.filters import Field, Fields, Kind

_ROLES: Final = (
    "assignments a JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
    " WHERE a.realm_id = users.realm_id AND a.user_id = users.id AND a.org_id IS NULL"
)
_PLACES: Final = " ?| '{facility,facility_group}'"


def _values(of: LiteralString) -> LiteralString:
    return "jsonb_array_elements_text(" + of + ") each (value) WHERE TRUE"


IS_EXTERNAL: Final = (
    "EXISTS (SELECT FROM credentials c"
    " WHERE c.realm_id = users.realm_id AND c.user_id = users.id AND c.kind = 'external')"
)
FIRST_ROLE: Final = "(SELECT min(r.name_key) FROM " + _ROLES + ")"
IS_LIMITED: Final = (
    "NOT EXISTS (SELECT FROM " + _ROLES + " AND NOT a.contexts" + _PLACES + " AND NOT r.ceiling" + _PLACES + ")"
)
"""No role reaches every facility."""
FACILITIES: Final = (
    "assignments a JOIN roles r ON r.realm_id = a.realm_id AND r.id = a.role_id"
    " CROSS JOIN LATERAL places_left(r.ceiling, a.contexts) AS w (kind, value, inside) CROSS JOIN LATERAL ("
    "SELECT w.value WHERE w.kind = 'facility' AND (w.inside IS NULL OR EXISTS (SELECT FROM places p"
    " WHERE p.realm_id = users.realm_id AND p.kind = 'facility_group' AND p.key = w.inside"
    " AND w.value = ANY(p.members)))"
    " UNION ALL SELECT unnest(p.members) FROM places p WHERE w.kind = 'facility_group' AND p.realm_id = users.realm_id"
    " AND p.kind = 'facility_group' AND p.key = w.value) each (value)"
    " WHERE a.realm_id = users.realm_id AND a.user_id = users.id AND a.org_id IS NULL"
)
"""The facilities that a role reaches, as role and assignment leave them together."""
ASSIGNMENTS: Final = _ROLES

_TEXT: Final = Field(name="value", kind=Kind.TEXT, column='each.value COLLATE "C"', nullable=False)
VALUE: Final = Fields([_TEXT])
ASSIGNMENT: Final = Fields(
    [
        Field(name="role", kind=Kind.FOLDED, column="r.name", key="r.name_key", nullable=False),
        Field(name="facilities", kind=Kind.ROWS, column=_values("a.contexts -> 'facility'"), rows=VALUE),
        Field(
            name="contexts",
            kind=Kind.ROWS,
            column="jsonb_each(a.contexts) place (kind, held) WHERE TRUE",
            rows=Fields(
                [
                    Field(name="kind", kind=Kind.TEXT, column='place.kind COLLATE "C"', nullable=False),
                    Field(name="values", kind=Kind.ROWS, column=_values("place.held"), rows=VALUE),
                ]
            ),
        ),
    ]
)
"""One assignment of a person: the role, and where it holds."""
