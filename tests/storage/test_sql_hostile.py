"""Nothing a caller sends becomes SQL: values, names of fields, sorts, cursors."""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from roster.kit import filters, ids
from roster.kit.filters import EVERYTHING, Compare, Filter, InvalidFilter, Op, Sort
from roster.kit.pages import InvalidCursor, Page, Walk
from roster.storage import pool, sql
from tests.storage.filter_model import Row
from tests.storage.things import FIELDS, LISTING, TABLE, row_of, store

CORPUS = [
    "' OR '1'='1",
    "'; DROP TABLE things; --",
    "') OR TRUE --",
    '" OR ""="',
    "$1",
    "$99::text",
    "%s %(name)s {name} :name ?",
    "\\'; SELECT pg_sleep(10); --",
    "E'\\x27' || (SELECT 1)",
    "/* */ UNION SELECT NULL --",
    "abc%_\\",
    "\\",
    "'{}'::jsonb",
    '{"a": "b"}',
    "attributes->>'secret'",
    "name) > (SELECT 1",
    "id; SELECT 1",
    "\u02bc OR 1=1",
    "\ufeff\u202e\x01\x7f",
    'COLLATE "x"',
]
NOWHERE = UUID(int=0)
TEXTUAL = [Op.EQ, Op.NE, Op.LT, Op.GE, Op.CONTAINS, Op.STARTS, Op.ENDS]
ASKED = ["name", "title", "attributes.colour", "attributes.free", "attributes.free.deep"]


@pytest.fixture(scope="module")
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await pool.connect(dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


def a_row(text: str) -> Row:
    attributes = {"colour": text, "marks": [text], "free": text, text.replace(".", ""): text}
    return row_of(name=text, title=text, tags=[text], attributes=attributes)


def compiled(where: Filter, realm_id: UUID = NOWHERE) -> sql.Compiled:
    checked = filters.check(where, FIELDS, may_see_private=True)
    return sql.compile_where(checked, FIELDS, 2, realm_id=realm_id)


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("name", ASKED)
def test_the_statement_is_the_same_whatever_the_value(name: str, text: str):
    harmless = "harmless" if len(text) >= 3 else "h"
    for op in TEXTUAL:
        assert compiled(Compare(name, op, text))[0] == compiled(Compare(name, op, harmless))[0]
    assert compiled(Compare(name, Op.IN, [text] * 9))[0] == compiled(Compare(name, Op.IN, [harmless] * 9))[0]


@pytest.mark.parametrize("text", CORPUS)
async def test_a_hostile_value_is_found_as_the_text_it_is(connection: asyncpg.Connection, text: str):
    realm_id = await store(connection, [a_row(text), a_row("somebody else")])
    names = [*ASKED[:4], "tags", "attributes.marks"]
    for where in [Compare(name, op, text) for name in names for op in (Op.EQ, Op.CONTAINS) if FIELDS[name].takes(op)]:
        condition, args = compiled(where, realm_id)
        found = await connection.fetch(f"SELECT title FROM things WHERE realm_id = $1 AND {condition}", realm_id, *args)
        assert [row["title"] for row in found] == [text], where


@pytest.mark.parametrize("text", CORPUS)
async def test_a_hostile_name_is_an_unknown_field_or_the_name_of_a_custom_one(
    connection: asyncpg.Connection, text: str
):
    with pytest.raises(InvalidFilter):
        compiled(Compare(text, Op.EQ, "x"))
    with pytest.raises(InvalidFilter):
        filters.check_sorts([Sort(text)], FIELDS, may_see_private=True)
    with pytest.raises(KeyError):
        sql.compile_order([Sort(text)], FIELDS, 1, tiebreak="id")
    name = text.replace(".", "")
    realm_id = await store(connection, [a_row(text), a_row("somebody else")])
    for op in (Op.EQ, Op.CONTAINS, Op.GE):
        condition, args = compiled(Compare(f"attributes.{name}", op, text), realm_id)
        assert condition == compiled(Compare("attributes.harmless", op, text))[0]
        found = await connection.fetch(f"SELECT title FROM things WHERE realm_id = $1 AND {condition}", realm_id, *args)
        assert [row["title"] for row in found] == [text]


@pytest.mark.parametrize("text", CORPUS)
async def test_a_hostile_value_travels_in_a_cursor_as_a_value(connection: asyncpg.Connection, text: str):
    realm_id = await store(connection, [a_row(text), a_row(text), a_row("\U0010ffff")])
    sorts, seen, cursor = [Sort("title"), Sort("name", descending=True)], list[str](), None
    while True:
        page = Page(1, cursor=cursor)
        walk = Walk(bytes(32), page, where=EVERYTHING, sorts=sorts, fields=FIELDS, about=("things", realm_id))
        statement, args = sql.compile_page(LISTING, FIELDS, walk, args=(realm_id,), realm_id=realm_id)
        assert text == "\\" or text not in statement or text in ("$1", "'{}'::jsonb")
        rows = [tuple(row) for row in await connection.fetch(statement, *args)]
        seen += [row[1] for row in rows[:1]]
        cursor = walk.cut(rows, str).next
        if cursor is None:
            break
    assert seen == [text, text, "\U0010ffff"]


@pytest.mark.parametrize("text", CORPUS)
def test_a_hostile_cursor_is_refused(text: str):
    with pytest.raises(InvalidCursor):
        Walk(bytes(32), Page(1, cursor=text), where=EVERYTHING, sorts=[], fields=FIELDS, about=("things",))


async def test_a_cursor_of_one_realm_does_not_open_another(connection: asyncpg.Connection):
    realm_id = await store(connection, [a_row("a"), a_row("b")])
    walk = Walk(bytes(32), Page(1), where=EVERYTHING, sorts=[], fields=FIELDS, about=("things", realm_id))
    statement, args = sql.compile_page(LISTING, FIELDS, walk, args=(realm_id,), realm_id=realm_id)
    cursor = walk.cut([tuple(row) for row in await connection.fetch(statement, *args)], str).next
    assert cursor
    with pytest.raises(InvalidCursor):
        Walk(
            bytes(32), Page(1, cursor=cursor), where=EVERYTHING, sorts=[], fields=FIELDS, about=("things", ids.uuid7())
        )
