"""Criteria of lists: query parameters → `kit.filters` (notes, section 4).

    lastName=like(doe)&dateCreated=gte(2026-01-01T00:00:00.000Z)&sort={"dateCreated":"DESC"}&limit=20

Every parameter but `limit`, `skip`, `page`, `sort` and those that start with `jwt_` or `oauth_` names a member and says
`value` or `op(value)`. Different members must all hold. A repeated member means "or": of several repeated ones the n-th
values belong together, and a member given once belongs to each of these groups.

Values have the type of the member, so that the name `2019` stays a text. A member that shows an empty text where the
directory has no value is compared as that empty text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from roster.dialects.acceleratxr import mapping
from roster.dialects.acceleratxr.errors import RangeArity
from roster.kit import filters
from roster.kit.filters import All, AnyOf, Compare, Filter, Not, Op, Sort
from roster.kit.pages import Page
from roster.web.query import Query

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
_PAGING: Final = ("limit", "skip", "page", "sort")
_RESERVED: Final = ("jwt_", "oauth_")
_CALL: Final = re.compile(r"([A-Za-z]+)\((.*)\)", re.DOTALL)
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_NEWEST_LAST: Final = (Sort("created_at"),)

Kind: TypeAlias = Literal["plain", "uid", "type", "optional", "flag", "list"]


class Member(msgspec.Struct, frozen=True):
    """A member that can be asked for, and the directory's field behind it.

    `uid` and `type`: identifiers and types of secrets, which are translated; `optional`: an empty text stands for no
    value; `flag`: true when the field has a value; `list`: texts of which one must be equal.
    """

    field: str
    kind: Kind = "plain"


Members = Mapping[str, Member]
_BASE: Final[Members] = {
    "uid": Member("id", "uid"),
    "dateCreated": Member("created_at"),
    "dateModified": Member("updated_at"),
    "version": Member("version"),
}
USER: Final[Members] = {
    **_BASE,
    "name": Member("username"),
    "email": Member("email", "optional"),
    "firstName": Member("given_name", "optional"),
    "lastName": Member("family_name", "optional"),
    "phone": Member("phone", "optional"),
    "roles": Member("roles", "list"),
    "externalIds": Member("external_ids", "list"),
    "verified": Member("email_verified_at", "flag"),
}
ROLE: Final[Members] = {
    **_BASE,
    "name": Member("name"),
    "description": Member("description"),
    "members": Member("members", "uid"),
    "owners": Member("owners", "uid"),
}
SECRET: Final[Members] = {
    **_BASE,
    "userId": Member("user_id", "uid"),
    "type": Member("kind", "type"),
    "description": Member("label"),
}


class Listing(msgspec.Struct, frozen=True):
    """What a request for a list asks for."""

    where: Filter | None
    sorts: tuple[Sort, ...]
    page: Page


def listing(query: Query, members: Members) -> Listing:
    """Criteria, order and page. Raises InvalidFilter, InvalidInput, RangeArity."""
    return Listing(criteria(query, members), _sorts(_once(query, "sort"), members), _page(query))


def criteria(query: Query, members: Members) -> Filter | None:
    """The criteria alone; None when there are none. Raises as `listing` does."""
    names = [name for name in query if name not in _PAGING and not name.lower().startswith(_RESERVED)]
    given = {name: [_condition(name, text, members) for text in query.get_all(name)] for name in names}
    if not given:
        return None
    width = max(len(each) for each in given.values())
    groups = [_group(list(given.values()), at) for at in range(width)]
    return groups[0] if width == 1 else AnyOf(tuple(groups))


def only_criteria(query: Query, members: Members) -> Filter | None:
    """The same where a page makes no sense and passing over one would do harm: deleting."""
    for name in _PAGING:
        if name in query:
            raise filters.problem(name, "not_allowed", "What is to be deleted is said by criteria alone.")
    return criteria(query, members)


def _group(given: Sequence[Sequence[Filter]], at: int) -> Filter:
    parts = tuple(each[0] if len(each) == 1 else each[at] for each in given if len(each) == 1 or at < len(each))
    return parts[0] if len(parts) == 1 else All(parts)


def _condition(name: str, text: str, members: Members) -> Filter:
    member = _member(name, members)
    call = _CALL.fullmatch(text)
    operator, argument = (call[1].lower(), call[2]) if call else ("eq", text)
    build = _OPERATORS.get(operator)
    if build is None:
        raise filters.problem(name, "wrong_operator", f"There is no operator {operator[:20]!r}.")
    return build(member, argument)


def _member(name: str, members: Members) -> Member:
    found = members.get(name)
    if found is None:
        raise filters.problem(name, "unknown_field", "There is no such member.")
    return found


# operators


def _equal(member: Member, text: str) -> Filter:
    return _any_of(member, [text])


def _any_of(member: Member, texts: Sequence[str]) -> Filter:
    if member.kind == "flag":
        return AnyOf(tuple(Compare(member.field, Op.EXISTS, text) for text in texts))
    values = [_value(member, text) for text in texts]
    found = Compare(member.field, Op.EQ, values[0]) if len(values) == 1 else Compare(member.field, Op.IN, values)
    return _or_missing(member, found, empty="" in texts)


def _in_list(member: Member, text: str) -> Filter:
    return _any_of(member, text.split(","))


def _like(member: Member, text: str) -> Filter:
    if member.kind not in ("plain", "optional"):
        raise filters.problem(member.field, "wrong_operator", "This member cannot be compared so.")
    return _or_missing(member, Compare(member.field, Op.CONTAINS, text), empty=text == "")


def _range(member: Member, text: str) -> Filter:
    bounds = text.split(",")
    if len(bounds) != 2:
        raise RangeArity.of(member.field, "range_arity", f"A range has two values, not {len(bounds)}.")
    return All((_ordered(Op.GE)(member, bounds[0]), _ordered(Op.LE)(member, bounds[1])))


def _ordered(op: Op) -> Callable[[Member, str], Filter]:
    """Comparison by order; the empty text comes before every other."""

    def build(member: Member, text: str) -> Filter:
        if member.kind == "flag":
            raise filters.problem(member.field, "wrong_operator", "True and false have no order.")
        holds = {Op.LT: text != "", Op.LE: True, Op.GT: False, Op.GE: text == ""}[op]
        return _or_missing(member, Compare(member.field, op, _value(member, text)), empty=holds)

    return build


def _negated(build: Callable[[Member, str], Filter]) -> Callable[[Member, str], Filter]:
    return lambda member, text: Not(build(member, text))


_OPERATORS: Final[Mapping[str, Callable[[Member, str], Filter]]] = {
    "eq": _equal,
    "ne": _negated(_equal),
    "not": _negated(_equal),
    "gt": _ordered(Op.GT),
    "gte": _ordered(Op.GE),
    "lt": _ordered(Op.LT),
    "lte": _ordered(Op.LE),
    "in": _in_list,
    "nin": _negated(_in_list),
    "like": _like,
    "range": _range,
}


def _value(member: Member, text: str) -> str:
    if member.kind == "type":
        return mapping.secret_kind(text)
    return mapping.identifier(text) if member.kind == "uid" else text


def _or_missing(member: Member, found: Filter, *, empty: bool) -> Filter:
    """The condition, and where it holds for the empty text, no value either."""
    if member.kind != "optional" or not empty:
        return found
    return AnyOf((Compare(member.field, Op.EXISTS, value=False), found))


# order and page


def _sorts(text: str | None, members: Members) -> tuple[Sort, ...]:
    if text is None or not text.strip():
        return _NEWEST_LAST
    if not text.lstrip().startswith("{"):
        return (Sort(_member(text, members).field),)
    return tuple(_sort(name, direction, members) for name, direction in _object(text).items()) or _NEWEST_LAST


def _object(text: str) -> Mapping[str, object]:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        sentence = 'A sort is the name of a member or an object such as {"name":"ASC"}.'
        raise filters.problem("sort", "malformed", sentence) from None


def _sort(name: str, direction: object, members: Members) -> Sort:
    way = direction.upper() if isinstance(direction, str) else ""
    if way not in ("ASC", "DESC"):
        raise filters.problem("sort", "malformed", "A direction is ASC or DESC.")
    return Sort(_member(name, members).field, descending=way == "DESC")


def _page(query: Query) -> Page:
    limit = min(_number(query, "limit", DEFAULT_LIMIT), MAX_LIMIT)
    skip = _number(query, "skip", limit * _number(query, "page", 0))
    return Page(limit=limit, offset=skip)


def _number(query: Query, name: str, default: int) -> int:
    text = _once(query, name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise filters.problem(name, "wrong_value", "The value must be a whole number, not below zero.")
    return int(text)


def _once(query: Query, name: str) -> str | None:
    given = query.get_all(name)
    if len(given) > 1:
        raise filters.problem(name, "repeated", "This parameter may be given only once.")
    return given[0] if given else None
