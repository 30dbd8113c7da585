"""Parameters of lists: `q`, `s`, `o`, `c`, `d`, `ql` (notes, section 5) → `kit.filters`. Pure.

Keys of users are no members here: nobody filters or sorts by them, whatever they may see.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, Literal, TypeAlias, cast, get_args

import msgspec

from roster.dialects.onslip360 import catalogue, grammar
from roster.dialects.onslip360.catalogue import SystemRole
from roster.kit import clock, values
from roster.kit.errors import InvalidInput
from roster.kit.filters import All, AnyOf, Compare, Filter, Not, Op, Sort
from roster.kit.pages import Page
from roster.web.operation import Parameter
from roster.web.query import Query

MAX_COUNT: Final = 1000
_CREATED_FIRST: Final = (Sort("created_at"),)
_WORDS: Final = ("name", "alias", "email")
_OPS: Final[Mapping[str, Op]] = {"<": Op.LT, "<=": Op.LE, ">": Op.GT, ">=": Op.GE}

Kind: TypeAlias = Literal["text", "number", "instant", "list", "permissions", "system-roles"]


class Member(msgspec.Struct, frozen=True):
    """A member that can be asked for, and the directory's field behind it.

    `instead` are fields that show through where the field itself has no value.
    """

    field: str
    kind: Kind = "text"
    instead: tuple[str, ...] = ()
    sortable: bool = True


Members = Mapping[str, Member]
BASE: Final[Members] = {
    "id": Member("number", "number"),
    "created": Member("created_at", "instant"),
    "updated": Member("updated_at", "instant"),
}
USER: Final[Members] = {
    **BASE,
    "deleted": Member("deleted_at", "instant"),
    "updated-by": Member("updated_by_number", "number", sortable=False),
    "name": Member("display_name", instead=("username", "given_name", "family_name")),
    "alias": Member("username"),
    "email": Member("email"),
    "identity-number": Member("personal_number", sortable=False),
    "tags": Member("tags", "list", sortable=False),
    "roles": Member("role_numbers", "list", sortable=False),
    "labels": Member("label_numbers", "list", sortable=False),
    "system-roles": Member("roles", "system-roles", sortable=False),
}
ROLE: Final[Members] = {
    **BASE,
    "name": Member("name"),
    "permissions": Member("permissions", "permissions", sortable=False),
}
TILL: Final[Members] = {
    **BASE,
    "deleted": Member("deleted_at", "instant"),
    "name": Member("name"),
    "type": Member("kind"),
    "description": Member("description", sortable=False),
    "device-id": Member("external_id"),
    "tags": Member("tags", "list", sortable=False),
}
_BADGE: Final[Members] = {
    **BASE,
    "deleted": Member("deleted_at", "instant"),
    "name": Member("name"),
    "tags": Member("tags", "list", sortable=False),
}
LABEL: Final[Members] = {**_BADGE, "label-category": Member("category_number", "number")}
CATEGORY: Final[Members] = {**_BADGE, "resources": Member("resources", "list", sortable=False)}
INTEGRATION: Final[Members] = {**BASE, "name": Member("name"), "alias": Member("alias")}
TOKEN: Final[Members] = {**BASE, "name": Member("label"), "alias": Member("alias")}

PARAMETERS: Final = (
    Parameter(name="q", description="Filter expression; an empty one means no filter."),
    Parameter(name="s", description="Member to sort by; a leading minus reverses. Default: creation order."),
    Parameter(name="o", description="Offset into the sorted list.", schema={"type": "integer", "minimum": 0}),
    Parameter(name="c", description="At most 1000; a negative number means the same.", schema={"type": "integer"}),
    Parameter(
        name="d", description="`t` also returns deleted entities.", schema={"type": "string", "enum": ["t", "f"]}
    ),
    Parameter(name="ql", description="Locale for text matching; comparisons here do not depend on it."),
    Parameter(name="If-None-Match", where="header", description="Entity tags; a match gives 304."),
)


class Listing(msgspec.Struct, frozen=True):
    """What a request for a list asks for. `only_count` for a page of nothing."""

    where: Filter | None
    sorts: tuple[Sort, ...]
    page: Page
    deleted: bool
    only_count: bool


def listing(query: Query, members: Members) -> Listing:
    """Filter, order and page. Raises BadQuery, InvalidInput."""
    count = _count(query)
    return Listing(
        where=grammar.parse(_once(query, "q") or "", partial(_term, members)),
        sorts=_sorts(_once(query, "s") or "", members),
        page=Page(limit=max(1, count), offset=_number(query, "o", 0, lowest=0), total=True),
        deleted=_flag(query, "d"),
        only_count=count == 0,
    )


def _term(members: Members, name: str, operator: str, value: str) -> Filter:
    if not values.storable(value) or not values.storable(name):
        raise grammar.bad("The query has characters that cannot be stored.")
    if not operator:
        words = [member for each in _WORDS if (member := members.get(each)) is not None]
        return AnyOf(tuple(_text(member, ":", value) for member in words))
    member = _member(members, name)
    return _KINDS[member.kind](member, operator, value)


def _member(members: Members, name: str) -> Member:
    member = members.get(name)
    if member is None:
        raise grammar.bad(f"There is no member {name[:100]!r} to ask for.")
    return member


def _text(member: Member, operator: str, value: str) -> Filter:
    if operator == "!=":
        return Not(_text(member, "=", value))
    found = _compared(member.field, operator, value)
    if not member.instead:
        return found
    others = AnyOf(tuple(_compared(field, operator, value) for field in member.instead))
    return AnyOf((found, All((Compare(member.field, Op.EXISTS, value=False), others))))


def _compared(field: str, operator: str, value: str) -> Filter:
    if operator == ":":
        return Compare(field, Op.CONTAINS, value)
    return Compare(field, _OPS.get(operator, Op.EQ), value)


def _plain(member: Member, operator: str, value: str) -> Filter:
    """Numbers: the core gives the text its type, or refuses it."""
    if operator == "!=":
        return Not(Compare(member.field, Op.EQ, value))
    return Compare(member.field, _OPS.get(operator, Op.EQ), value)


def _instant(member: Member, operator: str, value: str) -> Filter:
    """A time stands for all that are shown like it, so that nothing is later than the time that stands in it."""
    try:
        first, last = clock.alike(cast("datetime", values.parse(values.Kind.INSTANT, value)))
    except values.WrongValue as wrong:
        raise grammar.bad(str(wrong)) from None
    if operator in _OPS:
        return Compare(member.field, _OPS[operator], first if operator in ("<", ">=") else last)
    found = All((Compare(member.field, Op.GE, first), Compare(member.field, Op.LE, last)))
    return Not(found) if operator == "!=" else found


def _list(member: Member, operator: str, value: str) -> Filter:
    if operator in _OPS:
        raise grammar.bad("Lists have no order.")
    found = Compare(member.field, Op.EQ, value)
    return Not(found) if operator == "!=" else found


def _permissions(member: Member, operator: str, value: str) -> Filter:
    return _list(member, operator, catalogue.permission(value))


def _system_roles(member: Member, operator: str, value: str) -> Filter:
    role: SystemRole | None = next((each for each in get_args(SystemRole) if each == value), None)
    if role is None:
        raise grammar.bad(f"There is no system role {value[:100]!r}.")
    return _list(member, operator, catalogue.ROLE_NAMES[role])


_KINDS: Final[Mapping[Kind, Callable[[Member, str, str], Filter]]] = {
    "text": _text,
    "number": _plain,
    "instant": _instant,
    "list": _list,
    "permissions": _permissions,
    "system-roles": _system_roles,
}


def _sorts(text: str, members: Members) -> tuple[Sort, ...]:
    name = text.strip()
    if not name:
        return _CREATED_FIRST
    member = _member(members, name.removeprefix("-"))
    if not member.sortable:
        raise grammar.bad(f"The list cannot be sorted by {name[:100]!r}.")
    return (Sort(member.field, descending=name.startswith("-")),)


def _count(query: Query) -> int:
    count = _number(query, "c", MAX_COUNT)
    return count if 0 <= count <= MAX_COUNT else MAX_COUNT


def _number(query: Query, name: str, default: int, *, lowest: int | None = None) -> int:
    text = _once(query, name)
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
        raise InvalidInput.of(name, "wrong_value", "The value must be a whole number.")
    if lowest is not None and int(text) < lowest:
        raise InvalidInput.of(name, "out_of_range", f"The value must not be below {lowest}.")
    return int(text)


def _flag(query: Query, name: str) -> bool:
    text = _once(query, name)
    if text not in (None, "", "t", "f"):
        raise InvalidInput.of(name, "wrong_value", "The value must be t or f.")
    return text == "t"


def _once(query: Query, name: str) -> str | None:
    given = query.get_all(name)
    if len(given) > 1:
        raise InvalidInput.of(name, "repeated", "This parameter may be given only once.")
    return given[0] if given else None
