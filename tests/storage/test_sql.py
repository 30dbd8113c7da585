"""PostgreSQL answers filters, sorts and pages as the model in plain Python does, for random rows and questions."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster.kit import filters
from roster.kit.filters import EVERYTHING, All, AnyOf, Compare, Filter, Not, Op, Sort
from roster.kit.pages import Page, Slice, Walk
from roster.storage import pool, sql
from roster.storage.sql import Listing
from tests.storage import filter_model
from tests.storage.filter_model import Row
from tests.storage.things import FIELDS, FILTERS, LISTING, ROWS, SORTS, TABLE, TEXTS, row_of, store

KEY = bytes(32)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NO_INSTANTS = [
    "2026-02-30T00:00:00Z",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "now",
    "-infinity",
    "epoch",
    "0001-01-01T00:00:00Z",
    "",
]
thorough = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await pool.connect(dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


async def ask(
    connection: asyncpg.Connection,
    realm_id: UUID,
    page: Page,
    *,
    where: Filter = EVERYTHING,
    sorts: Sequence[Sort] = (),
) -> Slice[UUID]:
    walk = Walk(KEY, page, where=where, sorts=sorts, fields=FIELDS, about=("things", realm_id))
    statement, args = sql.compile_page(LISTING, FIELDS, walk, args=(realm_id,), realm_id=realm_id)
    rows = [tuple(row) for row in await connection.fetch(statement, *args)]
    return walk.cut(rows, lambda found: found)


async def walk_through(connection: asyncpg.Connection, realm_id: UUID, page: Page, **question: Any) -> list[list[UUID]]:
    """All pages from the first one on, in the direction of that one, which later ones take from their cursors."""
    pages: list[list[UUID]] = []
    backwards = page.backwards
    while True:
        part = await ask(connection, realm_id, page, **question)
        pages.append(part.items)
        onward = part.previous if backwards else part.next
        if onward is None:
            return pages
        page = Page(page.limit, cursor=onward)


def custom(value: object, **more: object) -> Row:
    return row_of(attributes={"free": value, "colour": value, "born": value, "size": value, "marks": value, **more})


EMPTY = row_of()
SPECIAL = [
    # missing is NULL, absent or JSON null; an empty list has no element, empty text is a value
    (EMPTY, Compare("level", Op.EQ, 0), False),
    (EMPTY, Compare("level", Op.NE, 0), True),
    (EMPTY, Not(Compare("level", Op.LT, 0)), True),
    (EMPTY, Not(Not(Compare("level", Op.LT, 0))), False),
    (EMPTY, Compare("attributes.colour", Op.NE, "x"), True),
    (EMPTY, Compare("attributes.free", Op.EXISTS, False), True),
    (EMPTY, Compare("tags", Op.EXISTS, True), False),
    (custom(None), Compare("attributes.free", Op.EXISTS, True), False),
    (custom([]), Compare("attributes.free", Op.EXISTS, True), False),
    (custom([]), Compare("attributes.marks", Op.EXISTS, False), True),
    (custom(""), Compare("attributes.free", Op.EXISTS, True), True),
    (row_of(name=""), Compare("name", Op.EXISTS, True), True),
    (row_of(name=""), Compare("name", Op.CONTAINS, ""), True),
    # groups without parts
    (EMPTY, All(()), True),
    (EMPTY, Not(All(())), False),
    (EMPTY, AnyOf(()), False),
    (EMPTY, Compare("level", Op.IN, ()), False),
    (EMPTY, Not(Compare("attributes.free", Op.IN, ())), True),
    # patterns of LIKE are texts
    (row_of(name="abc", title="abc"), Compare("title", Op.CONTAINS, "a_c"), False),
    (row_of(name="abc", title="abc"), Compare("name", Op.STARTS, "a%"), False),
    (row_of(name="a_c%\\"), Compare("name", Op.EQ, "A_C%\\"), True),
    (row_of(name="a_c%\\"), Compare("name", Op.ENDS, "_C%\\"), True),
    # folded fields know no case, others do
    (row_of(name="Straße", title="Straße"), Compare("name", Op.CONTAINS, "STRASSE"), True),
    (row_of(name="Straße", title="Straße"), Compare("title", Op.CONTAINS, "STRASSE"), False),
    (row_of(name="\uff21nna"), Compare("name", Op.IN, ("bo", "ANNA")), True),
    # lists hold what one of their elements is; custom fields without definition are values or lists
    (row_of(tags=["a", "b"]), Compare("tags", Op.EQ, "b"), True),
    (row_of(tags=["ab"]), Compare("tags", Op.CONTAINS, "a"), False),
    (custom(["a", 1]), Compare("attributes.free", Op.EQ, 1), True),
    (custom(["a", 1]), Compare("attributes.free", Op.NE, "a"), False),
    (custom(["a"]), Compare("attributes.colour", Op.EQ, "a"), False),
    (custom(["a"]), Compare("attributes.marks", Op.EQ, "a"), True),
    (custom("a"), Compare("attributes.marks", Op.EQ, "a"), False),
    (custom({"deep": [3]}), Compare("attributes.free.deep", Op.EQ, Decimal(3)), True),
    (custom([{"deep": 3}]), Compare("attributes.free.deep", Op.EQ, 3), False),
    # values of another type are there, and compare with nothing
    (custom("5"), Compare("attributes.size", Op.GE, 0), False),
    (custom("5"), Compare("attributes.size", Op.EXISTS, True), True),
    (custom(5), Compare("attributes.size", Op.EQ, 5), True),
    (custom(5.5), Compare("attributes.size", Op.GT, 5), True),
    (custom(True), Compare("attributes.free", Op.EQ, 1), False),
    (custom(1e300), Compare("attributes.free", Op.GT, Decimal("1E+299")), True),
    (custom("2026-01-01T02:00:00+02:00"), Compare("attributes.born", Op.EQ, NEW_YEAR), True),
    *((custom(text), Compare("attributes.born", Op.LE, NEW_YEAR.replace(year=9000)), False) for text in NO_INSTANTS),
]


@pytest.mark.parametrize(("row", "where", "expected"), SPECIAL)
async def test_a_special_case_is_answered_as_the_language_says(
    connection: asyncpg.Connection, row: Row, where: Filter, *, expected: bool
):
    assert filter_model.holds(where, row, FIELDS) is expected
    realm_id = await store(connection, [row])
    statement, args = sql.compile_count(LISTING, FIELDS, where, args=(realm_id,), realm_id=realm_id)
    assert await connection.fetchval(statement, *args) == expected


@thorough
@given(rows=ROWS, where=FILTERS)
async def test_a_filter_finds_the_rows_that_the_model_finds(
    connection: asyncpg.Connection, rows: list[Row], where: Filter
):
    realm_id = await store(connection, rows)
    checked = filters.check(where, FIELDS, may_see_private=True)
    condition, args = sql.compile_where(checked, FIELDS, 2, realm_id=realm_id)
    found = await connection.fetch(f"SELECT id FROM things WHERE realm_id = $1 AND {condition}", realm_id, *args)
    expected = {row["id"] for row in rows if filter_model.holds(checked, row, FIELDS)}
    assert {row["id"] for row in found} == expected
    statement, args = sql.compile_count(LISTING, FIELDS, checked, args=(realm_id,), realm_id=realm_id)
    assert await connection.fetchval(statement, *args) == len(expected)


@thorough
@given(names=st.lists(TEXTS, min_size=1, max_size=8), length=st.integers(0, 4), op=st.sampled_from([Op.STARTS, Op.EQ]))
async def test_of_whom_a_listing_gathers_nobody_is_missed_whose_name_begins_so(
    connection: asyncpg.Connection, names: list[str], length: int, op: Op
):
    rows = [row_of(name=name) for name in (*names, None)]
    realm_id = await store(connection, rows)
    where = filters.check(All((Compare("name", op, names[0][:length]),)), FIELDS, may_see_private=True)
    listing = msgspec.structs.replace(LISTING, gathered=True, begun="left(name_key, 2) = (")
    statement, args = sql.compile_count(listing, FIELDS, where, args=(realm_id,), realm_id=realm_id)
    expected = sum(filter_model.holds(where, row, FIELDS) for row in rows)
    assert await connection.fetchval(statement, *args) == expected


@thorough
@given(rows=ROWS, sorts=SORTS, limit=st.integers(1, 4))
async def test_pages_visit_every_row_once_in_order_in_both_directions(
    connection: asyncpg.Connection, rows: list[Row], sorts: list[Sort], limit: int
):
    realm_id = await store(connection, rows)
    expected = [row["id"] for row in filter_model.in_order(rows, sorts, FIELDS)]
    forwards = await walk_through(connection, realm_id, Page(limit), sorts=sorts)
    assert [id for page in forwards for id in page] == expected
    back = await walk_through(connection, realm_id, Page(limit, backwards=True), sorts=sorts)
    assert [id for page in reversed(back) for id in page] == expected
    assert all(len(page) == limit for page in (forwards[:-1] + back[:-1]))


@thorough
@given(rows=ROWS, sorts=SORTS, offset=st.integers(0, 13))
async def test_an_offset_and_a_cursor_lead_to_the_same_rows(
    connection: asyncpg.Connection, rows: list[Row], sorts: list[Sort], offset: int
):
    realm_id = await store(connection, rows)
    expected = [row["id"] for row in filter_model.in_order(rows, sorts, FIELDS)]
    part = await ask(connection, realm_id, Page(3, offset=offset), sorts=sorts)
    assert part.items == expected[offset : offset + 3]
    if part.previous:
        before = await ask(connection, realm_id, Page(3, cursor=part.previous), sorts=sorts)
        assert before.items == expected[max(0, offset - 3) : offset]
        # A cursor is a place: whoever says the direction may go the other way from it.
        after = await ask(connection, realm_id, Page(3, cursor=part.previous, backwards=False), sorts=sorts)
        assert after.items == expected[offset + 1 : offset + 4]


@thorough
@given(
    rows=ROWS,
    where=FILTERS,
    limit=st.integers(1, 4),
    descending=st.booleans(),
    listing=st.sampled_from([LISTING, msgspec.structs.replace(LISTING, gathered=True)]),
    gather=st.booleans(),
)
async def test_a_glance_and_what_is_gathered_show_the_same_pages(
    connection: asyncpg.Connection,
    rows: list[Row],
    where: Filter,
    limit: int,
    *,
    descending: bool,
    listing: Listing,
    gather: bool,
):
    """All rows are near here, so a glance lacks none."""
    realm_id = await store(connection, rows)
    checked = filters.check(where, FIELDS, may_see_private=True)
    sorts = [Sort("made", descending)]
    matching = [row for row in rows if filter_model.holds(checked, row, FIELDS)]
    expected = [row["id"] for row in filter_model.in_order(matching, sorts, FIELDS)]
    page, seen = Page(limit), list[UUID]()
    while True:
        walk = Walk(KEY, page, where=checked, sorts=sorts, fields=FIELDS, about=("things", realm_id))
        known: dict[str, Any] = {"args": (realm_id,), "realm_id": realm_id}
        if gather or not sql.has_glance(listing, FIELDS, walk):
            compiled = sql.compile_page(listing, FIELDS, walk, gather=True, **known)
        else:
            compiled = sql.compile_glance(listing, FIELDS, walk, steps=1_000, **known)
        found = [tuple(row) for row in await connection.fetch(compiled[0], *compiled[1])]
        part = walk.cut(found, lambda found: found)
        seen += part.items
        if part.next is None:
            break
        page = Page(limit, cursor=part.next)
    assert seen == expected
