"""A table with a field of every kind, random rows for it, and random questions about them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from hypothesis import strategies as st

from roster.kit import documents, ids, text
from roster.kit.documents import Test
from roster.kit.filters import (
    All,
    AnyOf,
    Attribute,
    Attributes,
    Compare,
    Field,
    Fields,
    Filter,
    Holds,
    Not,
    Op,
    Sort,
)
from roster.kit.values import Kind
from roster.storage import sql
from tests.storage.filter_model import Row

TABLE = """
CREATE TEMPORARY TABLE things (
    realm_id uuid NOT NULL, id uuid NOT NULL,
    name text COLLATE "C", name_key text COLLATE "C", title text COLLATE "C" NOT NULL,
    number bigint NOT NULL, level integer, active boolean, seen timestamptz, made timestamptz NOT NULL, ref uuid,
    sketch text COLLATE "C" GENERATED ALWAYS AS
        (CASE WHEN level IS NULL THEN coalesce(name_key, '') || E'\n' || attributes::text END) STORED,
    tags text[] NOT NULL, attributes jsonb NOT NULL, grams integer[] NOT NULL, secret text, note text,
    PRIMARY KEY (realm_id, id))
"""
DEFINED = {
    "size": Kind.INTEGER,
    "weight": Kind.NUMBER,
    "colour": Kind.TEXT,
    "flag": Kind.BOOLEAN,
    "born": Kind.INSTANT,
    "owner": Kind.UUID,
    "marks": Kind.TEXT_LIST,
}
FIELDS = Fields(
    [
        Field(name="id", kind=Kind.UUID, column="id", sortable=True, nullable=False),
        Field(
            name="name",
            kind=Kind.FOLDED,
            column="name",
            key="name_key",
            grams="grams",
            sketch="sketch",
            begun=True,
            sortable=True,
            patterns=True,
        ),
        Field(name="title", kind=Kind.TEXT, column="title", sortable=True, nullable=False, patterns=True),
        Field(name="number", kind=Kind.INTEGER, column="number", sortable=True, nullable=False),
        Field(name="level", kind=Kind.INTEGER, column="level", sortable=True),
        Field(name="active", kind=Kind.BOOLEAN, column="active", sortable=True),
        Field(name="seen", kind=Kind.INSTANT, column="seen", sortable=True),
        Field(name="made", kind=Kind.INSTANT, column="made", sortable=True, walked=True, nullable=False),
        Field(name="ref", kind=Kind.UUID, column="ref", sortable=True),
        Field(name="tags", kind=Kind.TEXT_LIST, column="tags", nullable=False),
    ],
    Attributes(
        column="attributes",
        sketch="sketch",
        pairs="grams",
        defined={name: Attribute(kind) for name, kind in DEFINED.items()},
        undefined=Attribute(Kind.JSON),
    ),
)
LISTING = sql.Listing(columns="id", tables="things", condition="realm_id = $1")
CUSTOM = ("free", "free.deep", "o'hara")
ASKED = [*FIELDS, *(f"attributes.{name}" for name in (*DEFINED, *CUSTOM))]
SORTABLE = [name for name in ASKED if FIELDS[name].sortable]

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "A", "ab", "abc", "ABCD", "%", "_", "\\", "a%c", "ß", "SS", "É", "e\u0301", "ﬁn", "'; --"]
    ),
    st.text("aAbB%_\\'ßéİ", max_size=5),
)
INTEGERS = st.one_of(st.integers(-2, 2), st.sampled_from([-(2**63), 2**63 - 1]))
DECIMALS = st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("-1.50"), Decimal("1E+30"), Decimal(2)])
INSTANTS = st.one_of(
    st.sampled_from([datetime(2026, 1, 31, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]),
    st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999),
)
UUIDS = st.integers(0, 3).map(lambda number: UUID(int=number))
MEMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(-2, 2, allow_nan=False),
    TEXTS,
    st.lists(TEXTS | st.integers(0, 2), max_size=2),
    INSTANTS.map(datetime.isoformat),
    UUIDS.map(str),
    st.sampled_from(["2026-02-30T00:00:00Z", "2026-01-31", "now", "infinity", "0001-01-01T00:00:00+14:00"]),
)
VALUES = {
    Kind.TEXT: TEXTS,
    Kind.FOLDED: TEXTS,
    Kind.INTEGER: INTEGERS,
    Kind.NUMBER: DECIMALS,
    Kind.BOOLEAN: st.booleans(),
    Kind.INSTANT: INSTANTS,
    Kind.UUID: UUIDS,
    Kind.TEXT_LIST: TEXTS,
    Kind.JSON: TEXTS | st.integers(-2, 2) | DECIMALS | st.booleans(),
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.builds(ids.uuid7),
            "name": st.none() | TEXTS,
            "title": TEXTS,
            "number": INTEGERS,
            "level": st.none() | st.integers(-2, 2),
            "active": st.none() | st.booleans(),
            "seen": st.none() | INSTANTS,
            "made": INSTANTS,
            "ref": st.none() | UUIDS,
            "tags": st.lists(TEXTS, max_size=3),
            "attributes": st.dictionaries(
                st.sampled_from([*DEFINED, "free", "o'hara"]), MEMBERS | st.fixed_dictionaries({"deep": MEMBERS})
            ),
        }
    ),
    max_size=12,
)


@st.composite
def comparisons(draw: st.DrawFn) -> Compare:
    field = FIELDS[draw(st.sampled_from(ASKED))]
    op = draw(st.sampled_from([op for op in Op if field.takes(op) and op is not Op.MATCHES]))
    match op:
        case Op.EXISTS:
            value: Any = draw(st.booleans())
        case Op.IN:
            value = draw(st.lists(VALUES[field.kind], max_size=4 if draw(st.booleans()) else 12))
        case Op.CONTAINS | Op.STARTS | Op.ENDS:
            value = draw(TEXTS)
        case Op.LT | Op.LE | Op.GT | Op.GE if field.kind is Kind.JSON:
            value = draw(TEXTS | DECIMALS)
        case _:
            value = draw(VALUES[field.kind])
    return Compare(field.name, op, value)


def _nested(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    groups = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(groups.map(All), groups.map(AnyOf), parts.map(Not))


FILTERS = st.recursive(comparisons(), _nested, max_leaves=6)
_STEPS = st.sampled_from(["deep", "deeper", "0", "1", 'o"hara'])
_PATHS = st.lists(_STEPS, max_size=2).map(tuple)
_PLAIN = st.none() | st.booleans() | st.integers(-2, 2) | DECIMALS | st.floats(-2, 2, allow_nan=False) | TEXTS
_TESTS_OF_VALUES = st.one_of(
    st.builds(documents.Equals, _PATHS, st.lists(_PLAIN, max_size=3).map(tuple)),
    st.builds(
        documents.Ordered, _PATHS, st.sampled_from(["<", "<=", ">", ">="]), st.integers(-2, 2) | DECIMALS | TEXTS
    ),
    st.builds(documents.Present, _PATHS),
    st.builds(documents.OfType, _PATHS, st.lists(st.sampled_from(documents.TYPES), max_size=2).map(tuple)),
    st.builds(documents.Sized, _PATHS, st.integers(0, 2)),
)


def _nested_tests(parts: st.SearchStrategy[Test]) -> st.SearchStrategy[Test]:
    groups = st.lists(parts, max_size=3).map(tuple)
    return st.one_of(
        groups.map(documents.Every),
        groups.map(documents.Either),
        parts.map(documents.Opposite),
        st.builds(documents.Element, _PATHS, parts),
    )


_DEEP = st.dictionaries(
    st.sampled_from(["deep", "deeper", "0", 'o"hara']),
    MEMBERS
    | st.lists(st.fixed_dictionaries({"deeper": MEMBERS}) | MEMBERS.filter(lambda each: not isinstance(each, list))),
    max_size=3,
)
DOCUMENTS = st.lists(
    st.fixed_dictionaries({"free": MEMBERS | _DEEP | st.lists(_DEEP, max_size=2)}).map(
        lambda each: row_of(attributes=each)
    ),
    max_size=8,
)
"""Rows with a custom field that goes deeper. No list stands in a list: there the path language takes one more apart."""
HELD = st.one_of(
    st.builds(
        Holds,
        st.sampled_from(["attributes.free", "name", "level", "active", "tags"]),
        st.recursive(_TESTS_OF_VALUES, _nested_tests, max_leaves=5),
    ),
    st.builds(
        Holds, st.just("attributes.free"), st.builds(documents.Same, _PATHS, _DEEP | st.lists(_PLAIN, max_size=2))
    ),
)
DOCUMENT_FILTERS = st.recursive(HELD, _nested, max_leaves=3)
SORTS = st.lists(
    st.builds(Sort, st.sampled_from(SORTABLE), st.booleans()), max_size=3, unique_by=lambda sort: sort.field
)


def row_of(**known: object) -> Row:
    """One row with these values and little else."""
    return {
        **dict.fromkeys(("name", "level", "active", "seen", "ref")),
        "id": ids.uuid7(),
        "title": "",
        "number": 0,
        "made": datetime(2026, 1, 1, tzinfo=UTC),
        "tags": [],
        "attributes": {},
        **known,
    }


async def store(connection: asyncpg.Connection, rows: Sequence[Row]) -> UUID:
    """Put the rows into a realm of their own."""
    realm_id = ids.uuid7()
    plain = ("id", "name", "title", "number", "level", "active", "seen", "made", "ref", "tags")
    await connection.executemany(
        f"INSERT INTO things (realm_id, {', '.join(plain)}, name_key, attributes, grams)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::jsonb, $14)",
        [
            (
                realm_id,
                *(row[name] for name in plain),
                None if row["name"] is None else text.fold(row["name"]),
                msgspec.json.encode(row["attributes"]).decode(),
                [
                    *([] if row["name"] is None else text.grams(realm_id, row["name"])),
                    *text.pairs(realm_id, row["attributes"]),
                ],
            )
            for row in rows
        ],
    )
    return realm_id
