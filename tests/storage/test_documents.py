"""Conditions on JSON: PostgreSQL answers them as Python does, for random documents and conditions."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from roster.kit import documents, filters, patterns, text
from roster.kit.documents import Element, Equals, Every, Like, OfType, Opposite, Ordered, Present, Same, Sized, Test
from roster.kit.filters import Filter, Holds, InvalidFilter, Limits, Not
from roster.storage import pool, sql
from tests.storage import filter_model
from tests.storage.filter_model import Row
from tests.storage.things import DOCUMENT_FILTERS, DOCUMENTS, FIELDS, TABLE, row_of, store

thorough = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await pool.connect(dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


async def found_by(connection: asyncpg.Connection, realm_id: UUID, where: Filter) -> set[UUID]:
    checked = filters.check(where, FIELDS, may_see_private=True)
    condition, args = sql.compile_where(checked, FIELDS, 2, realm_id=realm_id)
    rows = await connection.fetch(f"SELECT id FROM things WHERE realm_id = $1 AND {condition}", realm_id, *args)
    return {row["id"] for row in rows}


@thorough
@given(rows=DOCUMENTS, where=DOCUMENT_FILTERS)
async def test_a_condition_finds_the_rows_that_python_finds(
    connection: asyncpg.Connection, rows: list[Row], where: Filter
):
    realm_id = await store(connection, rows)
    expected = {row["id"] for row in rows if filter_model.holds(where, row, FIELDS)}
    assert await found_by(connection, realm_id, where) == expected


DOCUMENT = {
    "text": "Åsa\nBerg",
    "number": 1.0,
    "yes": True,
    "nothing": None,
    "list": [1, "two", {"name": "x", "count": 3}, {"name": "y", "count": 1}],
    "empty": [],
    "object": {"a": 1, "b": [1, 2]},
    'o"d.d$': {"0": "zero"},
}
MEANINGS: list[tuple[Test, bool]] = [
    (Equals(("number",), (1,)), True),
    (Equals(("number",), (Decimal("1.00"),)), True),
    (Equals(("number",), ("1",)), False),
    (Equals(("number",), (True,)), False),
    (Equals(("yes",), (1,)), False),
    (Equals(("yes",), (True,)), True),
    (Equals(("list",), ("two",)), True),
    (Equals(("list", "name"), ("y",)), True),
    (Equals(("list", "2", "name"), ("x",)), True),
    (Equals(("list", "3", "name"), ("x",)), False),
    (Equals(('o"d.d$', "0"), ("zero",)), True),
    (Equals(("nothing",), (None,)), True),
    (Equals(("missing",), (None,)), True),
    (Equals(("missing", "deeper"), (None, 1)), True),
    (Equals(("text",), (None,)), False),
    (Equals(("empty",), (None,)), False),
    (Equals(("text",), ()), False),
    (Present(("nothing",)), True),
    (Present(("missing",)), False),
    (Ordered(("number",), "<", 2), True),
    (Ordered(("number",), "<", "2"), False),
    (Ordered(("text",), ">", "Zeta"), True),
    (Ordered(("list",), ">", 0), True),
    (Sized(("list",), 4), True),
    (Sized(("empty",), 0), True),
    (Sized(("text",), 9), False),
    (OfType(("number",), ("integer",)), True),
    (OfType(("list",), ("array",)), True),
    (OfType(("list",), ("object",)), True),
    (OfType(("text",), ("array", "number")), False),
    (Same(("object",), {"b": [1, 2], "a": 1}), True),
    (Same(("object",), {"a": 1}), False),
    (Same(("object", "b"), [1, 2]), True),
    (Same(("list",), {"name": "x", "count": 3}), True),
    (Element(("list",), Every((Equals(("name",), ("x",)), Ordered(("count",), ">", 2)))), True),
    (Element(("list",), Every((Equals(("name",), ("y",)), Ordered(("count",), ">", 2)))), False),
    (Element(("object",), Equals(("a",), (1,))), False),
    (Element(("list",), Opposite(Present(("name",)))), True),
    (Element(("empty",), Every(())), False),
]


@pytest.mark.parametrize(("test", "expected"), MEANINGS, ids=lambda each: repr(each)[:60])
async def test_what_conditions_mean(connection: asyncpg.Connection, test: Test, expected: bool):
    inside = documents.under(test, ("free",))
    row = row_of(attributes={"free": DOCUMENT})
    realm_id = await store(connection, [row])
    assert documents.holds(inside, row["attributes"]) is expected
    assert bool(await found_by(connection, realm_id, Holds("attributes.free", test))) is expected
    assert bool(await found_by(connection, realm_id, Not(Holds("attributes.free", test)))) is not expected


@pytest.mark.parametrize(
    ("expression", "flags", "expected"),
    [
        ("^Åsa", "", True),
        ("^åsa", "", False),
        ("^åsa", "i", True),
        ("Berg$", "", True),
        ("^Berg", "", False),
        ("^Berg", "m", True),
        ("a.B", "", False),
        ("a.B", "s", True),
        ("\\bBerg\\b", "", True),
        ('"', "", False),
    ],
)
async def test_expressions_are_run_with_their_options(
    connection: asyncpg.Connection, expression: str, flags: str, expected: bool
):
    realm_id = await store(connection, [row_of(attributes={"free": DOCUMENT})])
    test = Like(("text",), patterns.read(expression, folded=False).sql, flags)
    assert bool(await found_by(connection, realm_id, Holds("attributes.free", test))) is expected


@pytest.mark.parametrize(
    "name", ['")', "' OR TRUE --", '" ? (1 == 1)', "\\", "\\u0022", "$", "*", "**", "a\nb", "\u2028"]
)
async def test_no_name_and_no_value_leaves_its_place(connection: asyncpg.Connection, name: str):
    realm_id = await store(
        connection, [row_of(attributes={"free": {"other": 1}}), row_of(attributes={"free": {name: name}})]
    )
    for test in (Equals((name,), (name,)), Present((name,)), Same((), {name: name}), Element((name,), Present(()))):
        found = await found_by(connection, realm_id, Holds("attributes.free", test))
        assert len(found) == (0 if isinstance(test, Element) else 1)


def test_every_comparison_of_a_condition_counts():
    inside = Every(tuple(Present((str(number),)) for number in range(6)))
    with pytest.raises(InvalidFilter) as refused:
        filters.check(Holds("attributes.free", inside), FIELDS, may_see_private=True, limits=Limits(terms=5))
    assert refused.value.problems[0].code == "too_many"


def test_an_expression_inside_of_a_condition_is_seen():
    inside = Element((), Opposite(Every((Present(()), Like((), "a")))))
    assert filters.has_pattern(Not(Holds("attributes.free", inside)))
    assert not filters.has_pattern(Holds("attributes.free", Present(())))


def test_equal_values_have_equal_hashes_in_one_realm():
    realm_id, other = UUID(int=1), UUID(int=2)
    document: dict[str, Any] = {"a": [{"b": 1.0}, {"b": "x"}], "c": True, "d": None}
    hashes = text.pairs(realm_id, document)
    assert len(hashes) == 3
    assert text.pair(realm_id, ("a", "b"), Decimal("1.00")) in hashes
    assert text.pair(realm_id, ("a", "b"), "x") in hashes
    assert text.pair(realm_id, ("c",), True) in hashes
    assert text.pair(realm_id, ("c",), 1) not in hashes
    assert not set(text.pairs(other, document)) & set(hashes)
