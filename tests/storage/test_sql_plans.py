"""The statements are ones that PostgreSQL can answer from the indexes that people have; and what `matches` does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random
from typing import Any, LiteralString
from uuid import UUID

import asyncpg
import pytest
import re2

from roster.kit import documents, patterns
from roster.kit.filters import (
    EVERYTHING,
    All,
    AnyOf,
    Attribute,
    Attributes,
    Compare,
    Field,
    Fields,
    Filter,
    Holds,
    Kind,
    Not,
    Op,
    Some,
    Sort,
)
from roster.kit.pages import Page, Walk
from roster.kit.text import fold
from roster.kit.values import WrongValue
from roster.storage import pool, sql
from tests.storage import things

REALM = UUID(int=1)
PIECES = [
    *("a", "B", "0", "_", "-", " ", ".", "^", "$", "|", "*", "+", "?", "{2}", "{1,3}", "{0,}", "(", "(?:", ")", "()"),
    *(
        "[ab]",
        "[^a0]",
        "[A-Z-]",
        r"[\w.]",
        r"[^\D]",
        r"\d",
        r"\w",
        r"\W",
        r"\S",
        r"\b",
        r"\B",
        r"\x41",
        r"\-",
        ".*",
        ".+?",
    ),
]


def _person(name: LiteralString, key: LiteralString, *, nullable: bool = True) -> Field:
    return Field(
        name=name,
        kind=Kind.FOLDED,
        column=name,
        key=key,
        grams="grams",
        sketch="sketch",
        sortable=True,
        nullable=nullable,
        walked=name == "username",
        unique=name == "username",
    )


PEOPLE = Fields(
    [
        _person("username", "username_key", nullable=False),
        _person("email", "email_key"),
        Field(name="created_at", kind=Kind.INSTANT, column="created_at", sortable=True, nullable=False, walked=True),
    ],
    Attributes(column="attributes", sketch="sketch", pairs="grams", undefined=Attribute(Kind.JSON)),
)
LISTING = sql.Listing(columns="id", tables="people", condition="realm_id = $1")


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Plans as for a large table: what sorts or reads all rows is out of the question."""
    connection = await pool.connect(dsn)
    await connection.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_incremental_sort = off")
    await connection.execute("CREATE TEMPORARY TABLE people (LIKE users)")
    yield connection
    await connection.close()


async def copy_index(connection: asyncpg.Connection, name: str) -> None:
    """Give the empty copy of the table this one index, so that the planner has no other to prefer."""
    definition = await connection.fetchval("SELECT indexdef FROM pg_indexes WHERE indexname = $1", name)
    await connection.execute(definition.replace(" ON public.users ", " ON people "))


async def plan_of(connection: asyncpg.Connection, statement: LiteralString, args: tuple[object, ...]) -> str:
    return "\n".join(row[0] for row in await connection.fetch("EXPLAIN " + statement, *args))


async def plan_of_page(
    connection: asyncpg.Connection, sorts: list[Sort], after: tuple[object, ...], *, backwards: bool = False
) -> str:
    row = (*after, UUID(int=5))
    about = ("users", REALM)
    question: dict[str, Any] = {"where": EVERYTHING, "sorts": sorts, "fields": PEOPLE, "about": about}
    first = Walk(bytes(32), Page(1, backwards=backwards), **question).cut([row, row], lambda: None)
    walk = Walk(bytes(32), Page(25, cursor=first.previous if backwards else first.next), **question)
    return await plan_of(connection, *sql.compile_page(LISTING, PEOPLE, walk, args=(REALM,), realm_id=REALM))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_cursor_starts_in_the_middle_of_an_index(
    connection: asyncpg.Connection, *, descending: bool, backwards: bool
):
    await copy_index(connection, "users_by_created")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    plan = await plan_of_page(connection, [Sort("created_at", descending)], (at,), backwards=backwards)
    sign = "<" if descending != backwards else ">"
    assert f"Index Cond: ((realm_id = '{REALM}'::uuid) AND (ROW(created_at, id) {sign} ROW(" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("descending", [False, True])
async def test_a_cursor_starts_in_the_middle_of_an_index_over_a_column_with_missing_values(
    connection: asyncpg.Connection, *, descending: bool
):
    await copy_index(connection, "users_by_email")
    plan = await plan_of_page(connection, [Sort("email", descending)], ("a@example.org",))
    sign = "<" if descending else ">"
    assert f"(ROW(email_key, id) {sign} ROW(" in plan
    assert ("(email_key IS NULL)" in plan) == (not descending)
    assert "Filter" not in plan


async def test_mixed_directions_still_start_at_the_first_key(connection: asyncpg.Connection):
    await copy_index(connection, "users_by_created")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    plan = await plan_of_page(connection, [Sort("created_at"), Sort("username", descending=True)], (at, "asa"))
    assert f"Index Cond: ((realm_id = '{REALM}'::uuid) AND (created_at >= " in plan


@pytest.mark.parametrize(
    ("where", "index", "by"),
    [
        (Compare("email", Op.CONTAINS, "example"), "users_by_grams", "Index Cond: (grams @> "),
        (Compare("email", Op.STARTS, "exa"), "users_by_grams", "Index Cond: (grams @> "),
        (Compare("email", Op.STARTS, "ex"), "users_by_email", "AND (email_key >= 'ex'::text)"),
        (Compare("email", Op.EQ, "a@example.org"), "users_by_email", "AND (email_key = 'a@example.org'::text)"),
        (Compare("username", Op.IN, ["asa", "bo"]), "users_username_key", "AND (username_key = ANY "),
        (Compare("attributes.colour", Op.EQ, "red"), "users_by_grams", "Index Cond: (grams && "),
        (Compare("attributes.colour", Op.IN, ["red", "blue"]), "users_by_grams", "Index Cond: (grams && "),
    ],
)
async def test_a_comparison_can_use_its_index(connection: asyncpg.Connection, where: Filter, index: str, by: str):
    await copy_index(connection, index)
    assert by in await plan_of(connection, *sql.compile_count(LISTING, PEOPLE, where, args=(REALM,), realm_id=REALM))


@pytest.mark.parametrize(("sort", "index"), [("created_at", "users_by_created"), ("username", "users_username_key")])
@pytest.mark.parametrize("descending", [False, True])
async def test_a_glance_looks_at_rows_only_where_the_index_says_that_they_may_match(
    connection: asyncpg.Connection, sort: str, index: str, *, descending: bool
):
    await copy_index(connection, index)
    await copy_index(connection, "users_pkey")
    where = AnyOf((Compare("email", Op.CONTAINS, "exa"), Compare("attributes.colour", Op.EQ, 'r"d')))
    walk = Walk(bytes(32), Page(25), where=where, sorts=[Sort(sort, descending)], fields=PEOPLE, about=())
    assert sql.has_glance(LISTING, PEOPLE, walk)
    found = sql.compile_glance(LISTING, PEOPLE, walk, args=(REALM,), realm_id=REALM, steps=1_000)
    plan = await plan_of(connection, *found)
    assert f"Index Only Scan {'Backward ' if descending else ''}using " in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    "where",
    [
        EVERYTHING,
        AnyOf(()),
        Not(Compare("email", Op.CONTAINS, "exa")),
        Compare("email", Op.CONTAINS, ""),
        AnyOf((Compare("email", Op.CONTAINS, "exa"), Compare("created_at", Op.GE, datetime(2026, 1, 1, tzinfo=UTC)))),
        Compare("attributes.size", Op.EQ, 5),
        Compare("email", Op.IN, [f"{number}@example.org" for number in range(20)]),
    ],
)
async def test_a_filter_that_sketches_do_not_answer_has_no_glance(where: Filter):
    walk = Walk(bytes(32), Page(25), where=where, sorts=[Sort("created_at")], fields=PEOPLE, about=())
    assert not sql.has_glance(LISTING, PEOPLE, walk)


@pytest.mark.parametrize(
    "where",
    [Compare("attributes.site", Op.EQ, "a"), Holds("attributes.site", documents.Ordered((), ">", 5))],
)
async def test_what_is_looked_for_in_documents_is_read_once_and_not_for_each_row(
    connection: asyncpg.Connection, where: Filter
):
    """In a plan that is kept for all values nothing is worked out beforehand."""
    condition, args = sql.compile_where(where, PEOPLE, 1, realm_id=REALM)
    await connection.execute(f"PREPARE kept AS SELECT FROM people WHERE {condition}")
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    rows = await connection.fetch(f"EXPLAIN (VERBOSE) EXECUTE kept({', '.join(['NULL'] * len(args))})")
    (looking,) = [row[0] for row in rows if row[0].strip().startswith("Filter: ")]
    assert "attributes @" in looking
    assert "::json" not in looking


async def test_short_needles_are_found_without_trigrams():
    short, _ = sql.compile_where(Compare("email", Op.CONTAINS, "ab"), PEOPLE, 1, realm_id=REALM)
    assert "grams" not in short
    folded_long, _ = sql.compile_where(Compare("email", Op.CONTAINS, "aß"), PEOPLE, 1, realm_id=REALM)
    assert "grams" in folded_long


async def test_a_regular_expression_is_run_by_postgresql_alone(connection: asyncpg.Connection):
    await connection.execute(things.TABLE)
    rows = [things.row_of(name=name, title=name or "") for name in ("Asa", "bo7", None)]
    ids = [row["id"] for row in rows]
    realm_id = await things.store(connection, rows)

    async def matching(where: Filter) -> list[UUID]:
        condition, args = sql.compile_where(where, things.FIELDS, 2, realm_id=realm_id)
        query = f"SELECT id FROM things WHERE realm_id = $1 AND {condition} ORDER BY id"
        return [row["id"] for row in await connection.fetch(query, realm_id, *args)]

    assert await matching(Compare("name", Op.MATCHES, "^as")) == ids[:1]
    assert await matching(Compare("title", Op.MATCHES, "^as")) == []
    assert await matching(Compare("title", Op.MATCHES, r"\d$")) == ids[1:2]
    assert await matching(Not(Compare("name", Op.MATCHES, r"\d$"))) == sorted([ids[0], ids[2]])


async def test_a_regular_expression_means_to_postgresql_what_it_means_elsewhere(connection: asyncpg.Connection):
    """Compared with another engine, on as many expressions and texts as one statement takes quickly."""
    options = re2.Options()
    options.log_errors = False
    random = Random(7)
    texts = ["".join(random.choices("aAbB01_ -sS", k=random.randrange(9))) for _ in range(40)]
    pairs: list[tuple[str, str, bool]] = []
    while len(pairs) < 20_000:
        source = "".join(random.choices(PIECES, k=random.randrange(1, 9)))
        try:
            expected = re2.compile("(?i)" + source, options)
            found = patterns.read(source, folded=True)
        except (re2.error, WrongValue):
            continue
        pairs += [(found.sql, fold(text), bool(expected.search(text))) for text in texts]
    expressions, subjects, answers = zip(*pairs, strict=True)
    query = (
        'SELECT array_agg(s COLLATE "C" ~ p ORDER BY n) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY x(p, s, n)'
    )
    got = await connection.fetchval(query, list(expressions), list(subjects))
    assert [pair for pair, answer in zip(pairs, got, strict=True) if pair[2] != answer] == []
    assert 0.1 < sum(answers) / len(answers) < 0.9


async def test_an_order_alone_has_its_tiebreak_and_its_own_parameters(connection: asyncpg.Connection):
    order, args = sql.compile_order([Sort("number", descending=True)], things.FIELDS, 1, tiebreak="id")
    assert (order, args) == ("number DESC, id DESC", ())
    order, args = sql.compile_order([Sort("attributes.size")], things.FIELDS, 3, tiebreak="id")
    assert args == ("size",)
    assert "$3::text" in order
    assert order.endswith(", id")


async def test_rows_that_belong_to_a_row_are_looked_for_by_all_that_one_of_them_must_be(
    connection: asyncpg.Connection,
):
    await connection.execute("CREATE TEMPORARY TABLE pets (owner text, kind text, age int)")
    await connection.executemany(
        "INSERT INTO pets VALUES ($1, $2, $3)", [("a", "cat", 1), ("a", "dog", 9), ("b", "cat", 9)]
    )
    pets = Fields(
        [Field(name="kind", kind=Kind.TEXT, column="kind"), Field(name="age", kind=Kind.INTEGER, column="age")]
    )
    fields = Fields([Field(name="pets", kind=Kind.ROWS, column="pets WHERE pets.owner = o.owner", rows=pets)])
    old_cat = Some("pets", All((Compare("kind", Op.EQ, "cat"), Compare("age", Op.GT, 5))))

    async def owners(where: Filter) -> str:
        condition, args = sql.compile_where(where, fields, 1, realm_id=REALM)
        rows = await connection.fetch(
            f"SELECT o.owner FROM (VALUES ('a'), ('b'), ('c')) o (owner) WHERE {condition}", *args
        )
        return "".join(row[0] for row in rows)

    assert await owners(old_cat) == "b"
    assert await owners(Not(old_cat)) == "ac"
    assert await owners(Some("pets", EVERYTHING)) == "ab"
    assert await owners(Some("pets", Not(Compare("kind", Op.EQ, "cat")))) == "a"
