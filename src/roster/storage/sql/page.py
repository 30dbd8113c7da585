"""Orders and pages: one statement that fetches one row more than the page holds.

A walk goes on after the row its cursor names by comparing with that row's values, never by counting rows: where an
index holds the order, a page deep in the list costs what the first one does.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from roster.kit.filters import EVERYTHING, Field, Fields, Filter, Sort
from roster.kit.pages import Page, Walk
from roster.storage.sql.columns import comparable, type_of
from roster.storage.sql.glance import needles, past, sketched
from roster.storage.sql.parameters import Compiled, Parameters, numbered
from roster.storage.sql.where import beginnings, condition


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What a feature lists. `condition` narrows it to the realm and uses $1, $2 … for its own arguments.

    With `gathered` the rows that meet the condition are found before filter and order are looked at: for few rows with
    an index of their own, since PostgreSQL may otherwise walk through all others in the wanted order; with `begun`, and
    a text's first two letters and `)` behind it, that index also finds whose text begins so. With `whole`
    nearly every row of the realm meets it. With `decides` it asks of rows what the actor may know, and so is asked
    where changes are made. `counted` are the tables that are enough for counting, where not all are needed.
    `name` is that of listings that show the same, so that a cursor of one fits the others.
    """

    columns: LiteralString
    tables: LiteralString
    condition: LiteralString
    counted: LiteralString = ""
    name: LiteralString = ""
    gathered: bool = False
    begun: LiteralString = ""
    whole: bool = False
    decides: bool = False
    tiebreak: LiteralString = "id"  # a uuid column, unique and not null: makes every order total


class _Key(msgspec.Struct, frozen=True):
    """One key of an order as it is walked. NULL is the greatest value, as in PostgreSQL's own order."""

    expression: LiteralString
    type: LiteralString
    descending: bool
    nullable: bool


def compile_order(sorts: Sequence[Sort], fields: Fields, first_parameter: int, *, tiebreak: LiteralString) -> Compiled:
    """The terms of an ORDER BY clause, with placeholders from `first_parameter` on."""
    parameters = Parameters(first_parameter - 1)
    keys = _keys(sorts, fields, parameters, tiebreak=tiebreak, backwards=False)
    return _order([key.expression for key in keys], keys), parameters.values


def compile_count(
    listing: Listing, fields: Fields, where: Filter, *, args: tuple[object, ...], realm_id: UUID
) -> Compiled:
    """How many rows there are in all. It reads every one of them, so only on request."""
    parameters = Parameters(len(args))
    wanted = _wanted(listing, fields, where, parameters, realm_id)
    return "SELECT count(*) FROM " + (listing.counted or listing.tables) + " WHERE " + wanted, args + parameters.values


def compile_page(
    listing: Listing,
    fields: Fields,
    walk: Walk,
    *,
    args: tuple[object, ...],
    realm_id: UUID,
    gather: bool = False,
    letter: str = "",
    crowds: Sequence[str] = (),
) -> Compiled:
    """The rows of one page and one more, in walking order; each ends in its sort values and id, as `Walk.cut` wants.

    With `gather` all matching rows are found first and then put in order: for filters that few of them fulfil. Of those
    that are not on the page only what decides is read, which is a small part of a row. With `letter` they are only
    those that begin with it in what they are sorted by, which must be a field with `beginnings`. Of `crowds`, which are
    such beginnings, only as many are looked for as the page has room for, along the order.
    """
    parameters = Parameters(len(args))
    keys = _keys(walk.sorts, fields, parameters, tiebreak=listing.tiebreak, backwards=walk.backwards)
    names: list[LiteralString] = [numbered("cursor_", place) for place in range(len(keys))]
    order = " ORDER BY " + _order(names, keys)
    ending = order + _window(walk.page, parameters)
    wanted = " FROM " + listing.tables + " WHERE " + _wanted(listing, fields, walk.where, parameters, realm_id)
    if letter:
        wanted += _begin_with(letter, crowds, fields[walk.sorts[0].field], parameters, realm_id)
    places = _places(keys, walk, parameters)
    if gather or listing.gathered:
        found = "(SELECT " + _shown(keys) + wanted + " AND " + _judged(listing, " OR ".join(places)) + " OFFSET 0)"
        for crowd in crowds:
            along = _along(listing, fields, walk, parameters, realm_id=realm_id, crowd=crowd)
            found += " UNION ALL (SELECT " + _shown(keys) + along + _first(walk.page, parameters) + ")"
        near = "(SELECT * FROM (" + found + ") found" + ending + ") near"
        same = " ON realm_id = $1 AND " + listing.tiebreak + " = " + names[-1]
        start = "SELECT " + ", ".join([listing.columns, *names]) + " FROM " + near + " JOIN "
        return start + listing.tables + same + order, args + parameters.values
    start = "SELECT " + listing.columns + ", " + _shown(keys) + wanted + " AND "
    branches: list[LiteralString] = [start + at + ending for at in places]
    if len(branches) == 1:
        return branches[0], args + parameters.values
    return "(" + ") UNION ALL (".join(branches) + ")" + ending, args + parameters.values


def has_glance(listing: Listing, fields: Fields, walk: Walk) -> bool:
    """Whether an index holds both the order and sketches that tell something about the filter."""
    walked = len(walk.sorts) == 1 and fields[walk.sorts[0].field].walked
    return walked and not listing.gathered and bool(needles(walk.where, fields))


def compile_glance(
    listing: Listing, fields: Fields, walk: Walk, *, args: tuple[object, ...], realm_id: UUID, steps: int
) -> Compiled:
    """The same page from a walk over so many entries of an index that holds sketches: see `has_glance`.

    Rows are looked at only when their sketch holds what the filter looks for. A page that is not full may lack rows
    that come later.
    """
    parameters = Parameters(len(args))
    keys = _keys(walk.sorts, fields, parameters, tiebreak=listing.tiebreak, backwards=walk.backwards)
    near = _along(listing, fields, walk, parameters, realm_id=realm_id, steps=steps)
    query = "SELECT " + listing.columns + ", " + _shown(keys) + near + _window(walk.page, parameters)
    return query, args + parameters.values


def compile_letter(
    listing: Listing, fields: Fields, walk: Walk, *, args: tuple[object, ...], beyond: str = ""
) -> Compiled:
    """The letter that the next row begins with in what they are sorted by, be it one that matches or not.

    With `beyond`, the next after all that begin with that letter. Of `args` it needs the realm alone.
    """
    realm = args[:1]
    parameters = Parameters(len(realm))
    keys = _keys(walk.sorts, fields, parameters, tiebreak=listing.tiebreak, backwards=walk.backwards)
    (place,) = _places(keys, walk, parameters)
    if beyond:
        bound: LiteralString = " < " if keys[0].descending else " >= "
        first = beyond if keys[0].descending else past(beyond)
        place += " AND " + keys[0].expression + bound + parameters.add(first, "text")
    start = "SELECT left(" + keys[0].expression + ", 1) FROM " + listing.tables + " WHERE realm_id = $1 AND " + place
    return start + " ORDER BY " + _order([keys[0].expression], keys[:1]) + " LIMIT 1", realm + parameters.values


def compile_place(
    listing: Listing, fields: Fields, walk: Walk, row: UUID, *, args: tuple[object, ...], realm_id: UUID
) -> Compiled:
    """The values by which a walk goes on after this row, which need not match the filter but must be in the list."""
    parameters = Parameters(len(args))
    keys = _keys(walk.sorts, fields, parameters, tiebreak=listing.tiebreak, backwards=walk.backwards)
    wanted = _wanted(listing, fields, EVERYTHING, parameters, realm_id)
    start = "SELECT " + ", ".join([key.expression for key in keys]) + " FROM " + listing.tables + " WHERE " + wanted
    return start + " AND " + listing.tiebreak + " = " + parameters.add(row, "uuid"), args + parameters.values


def _along(
    listing: Listing,
    fields: Fields,
    walk: Walk,
    parameters: Parameters,
    *,
    realm_id: UUID,
    steps: int | None = None,
    crowd: str = "",
) -> LiteralString:
    """What follows the columns of a walk along an index that holds sketches: so many entries, or all of a crowd."""
    field = fields[walk.sorts[0].field]
    keys = _keys(walk.sorts, fields, parameters, tiebreak=listing.tiebreak, backwards=walk.backwards)
    (place,) = _places(keys, walk, parameters)
    along = keys[:1] if field.unique else keys
    order = " ORDER BY " + _order([key.expression for key in along], along)
    end = " OFFSET 0" if steps is None else " LIMIT " + parameters.add(steps, "bigint")
    part = " AND " + _range_of(crowd, field, parameters) if crowd else ""
    near = "SELECT " + keys[0].expression + " AS near_key, id AS near_id, sketch FROM " + listing.tables
    there = "SELECT * FROM " + listing.tables + " WHERE realm_id = $1 AND id = near.near_id AND "
    exact = _wanted(listing, fields, walk.where, parameters, realm_id)
    start = " FROM (" + near + " WHERE realm_id = $1 AND " + place + part + order + end
    middle = ") near CROSS JOIN LATERAL (" + there + exact + " OFFSET 0) " + listing.tables
    outer: list[LiteralString] = ["near_key", "near_id"]
    ending = " ORDER BY " + _order(outer[: len(along)], along)
    return start + middle + " WHERE " + sketched("near.sketch", needles(walk.where, fields), parameters) + ending


def _range_of(crowd: str, field: Field, parameters: Parameters) -> LiteralString:
    """From the beginning itself to what comes behind everything that begins so."""
    key = comparable(field, parameters)
    return key + " >= " + parameters.add(crowd, "text") + " AND " + key + " < " + parameters.add(past(crowd), "text")


def _begin_with(
    letter: str, crowds: Sequence[str], field: Field, parameters: Parameters, realm_id: UUID
) -> LiteralString:
    """Those who begin with the letter, but not with one of these; an index finds them with what else is asked."""
    if field.beginnings is None:
        return ""
    asked = " & !".join([_lexeme(realm_id, each) for each in (letter, *crowds)])
    return " AND " + field.beginnings + " @@ " + parameters.add(asked, "text") + "::tsquery"


def _lexeme(realm_id: UUID, beginning: str) -> str:
    quoted = beginning.replace("\\", "\\\\").replace("'", "''")
    return f"'{realm_id}{quoted}'"


def _first(page: Page, parameters: Parameters) -> LiteralString:
    """As many as can be on the page, with those before it."""
    return " LIMIT " + parameters.add(page.offset + page.limit + 1, "bigint")


def _window(page: Page, parameters: Parameters) -> LiteralString:
    limit = " LIMIT " + parameters.add(page.limit + 1, "bigint")
    return limit + " OFFSET " + parameters.add(page.offset, "bigint") if page.offset else limit


def _shown(keys: Sequence[_Key]) -> LiteralString:
    return ", ".join([key.expression + numbered(" AS cursor_", at) for at, key in enumerate(keys)])


def _wanted(listing: Listing, fields: Fields, where: Filter, parameters: Parameters, realm_id: UUID) -> LiteralString:
    narrowed = "(" + listing.condition + ")"
    if where == EVERYTHING:
        return narrowed
    if listing.gathered and listing.begun:
        for letters in beginnings(where, fields):
            narrowed += " AND " + listing.begun + parameters.add(letters, "text") + ")"
    return narrowed + " AND " + _judged(listing, condition(where, fields, parameters, realm_id))


def _judged(listing: Listing, condition_: LiteralString) -> LiteralString:
    """What only tells apart the rows that a listing gathers is put so that no index can answer it."""
    return "(" + condition_ + ") IS TRUE" if listing.gathered else "(" + condition_ + ")"


def _keys(
    sorts: Sequence[Sort], fields: Fields, parameters: Parameters, *, tiebreak: LiteralString, backwards: bool
) -> list[_Key]:
    """The tiebreak goes the way of the last sort, so that one index read in one direction serves a single sort."""
    keys: list[_Key] = []
    for sort in sorts:
        field = fields[sort.field]
        expression = comparable(field, parameters)
        keys.append(_Key(expression, type_of(field), sort.descending != backwards, field.nullable))
    descending = keys[-1].descending if keys else backwards
    return [*keys, _Key(tiebreak, "uuid", descending, nullable=False)]


def _order(names: Sequence[LiteralString], keys: Sequence[_Key]) -> LiteralString:
    directions: list[LiteralString] = [" DESC" if key.descending else "" for key in keys]
    return ", ".join([name + direction for name, direction in zip(names, directions, strict=True)])


def _places(keys: Sequence[_Key], walk: Walk, parameters: Parameters) -> list[LiteralString]:
    """Conditions that hold for the rows after the cursor; of two, all rows of the first come before the second's.

    They are separate statements, because PostgreSQL finds the start of a range in an index, but not of an OR.
    """
    if walk.after is None:
        return ["TRUE"]
    values: list[LiteralString | None] = [
        None if value is None else parameters.add(value, key.type) for key, value in zip(keys, walk.after, strict=True)
    ]
    return ["(" + branch + ")" for branch in _after(keys, values)]


def _after(keys: Sequence[_Key], values: Sequence[LiteralString | None]) -> list[LiteralString]:
    """The rows after these values, in one condition or two: with a value to compare the first key with, and NULL."""
    key, value = keys[0], values[0]
    sign: LiteralString = " < " if key.descending else " > "
    rest = " OR ".join(_after(keys[1:], values[1:])) if len(keys) > 1 else "FALSE"
    missing, present = key.expression + " IS NULL", key.expression + " IS NOT NULL"
    if value is None:
        same = missing + " AND (" + rest + ")"
        return [same, present] if key.descending else [same]
    tail: list[LiteralString] = [missing] if key.nullable and not key.descending else []
    if (row := _row(keys, values, sign)) is not None:
        return [row, *tail]
    bound = key.expression + sign.rstrip() + "= " + value
    return [bound + " AND (" + key.expression + sign + value + " OR " + rest + ")", *tail]


def _row(keys: Sequence[_Key], values: Sequence[LiteralString | None], sign: LiteralString) -> LiteralString | None:
    """One comparison of rows, where that says the same: one direction, nothing missing, no NULL to come later."""
    given: list[LiteralString] = [value for value in values if value is not None]
    uniform = all(key.descending == keys[0].descending for key in keys)
    later = any(key.nullable and not key.descending for key in keys[1:])
    if len(given) < len(values) or not uniform or later:
        return None
    return "(" + ", ".join([key.expression for key in keys]) + ")" + sign + "(" + ", ".join(given) + ")"
