"""PostgreSQL answers filters, sorts and pages as the model in plain Python does, for random rows and questions."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roster.kit import filters
from roster.kit.filters import EVERYTHING, Filter, Sort
from roster.kit.pages import Page, Slice, Walk
from roster.storage import pool, sql
from tests.storage import filter_model
from tests.storage.filter_model import Row
from tests.storage.things import FIELDS, FILTERS, LISTING, ROWS, SORTS, TABLE, store

KEY = bytes(32)
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
