"""Pages and cursors without a database."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.kit import secrets
from roster.kit.errors import InvalidInput
from roster.kit.filters import EVERYTHING, Attribute, Attributes, Compare, Field, Fields, Kind, Not, Op, Sort
from roster.kit.pages import MAX_LIMIT, InvalidCursor, Page, Slice, Walk

KEY = bytes(range(32))
REALM, OTHER = UUID(int=1), UUID(int=2)
FIELDS = Fields(
    [
        Field(name="name", kind=Kind.TEXT, column="name", sortable=True),
        Field(name="title", kind=Kind.TEXT, column="title", sortable=True),
        Field(name="seen", kind=Kind.INSTANT, column="seen", sortable=True),
        Field(name="active", kind=Kind.BOOLEAN, column="active", sortable=True),
    ],
    Attributes(column="attributes", defined={"size": Attribute(Kind.INTEGER), "weight": Attribute(Kind.NUMBER)}),
)
WHERE = Compare("name", Op.EQ, "x")


def walk(cursor: str | None = None, key: bytes = KEY, backwards: bool | None = None, **question: Any) -> Walk:
    known: dict[str, Any] = {"where": WHERE, "sorts": (Sort("name"),), "fields": FIELDS, "about": ("things", REALM)}
    return Walk(key, Page(1, cursor=cursor, backwards=backwards), **(known | question))


def cursor_after(values: tuple[object, ...] = ("x",), **question: Any) -> str:
    row = (*values, UUID(int=7))
    part = walk(**question).cut([row, row], lambda: None)
    assert part.next is not None
    return part.next


def test_a_cursor_brings_back_its_values_with_their_types():
    names = ("name", "seen", "active", "attributes.size", "attributes.weight")
    at = datetime(1969, 7, 20, 20, 17, 40, 123456, tzinfo=UTC)
    for values in [
        ("Åsa", at, True, Decimal("1.5"), Decimal("1E+300")),
        ("", at, False, 7, Decimal(0)),
        (None,) * 5,
    ]:
        sorts = [Sort(name) for name in names]
        opened = walk(cursor_after(values, sorts=sorts), sorts=sorts)
        assert opened.after == (*values, UUID(int=7))


@pytest.mark.parametrize(
    "question",
    [
        {"where": EVERYTHING},
        {"where": Not(WHERE)},
        {"where": Compare("name", Op.EQ, "y")},
        {"sorts": ()},
        {"sorts": (Sort("name", descending=True),)},
        {"sorts": (Sort("title"),)},
        {"sorts": (Sort("name"), Sort("seen"))},
        {"about": ("things", OTHER)},
        {"about": ("others", REALM)},
        {"key": bytes(32)},
        {"fields": Fields([Field(name="name", kind=Kind.UUID, column="name", sortable=True)])},
    ],
)
def test_a_cursor_is_good_for_its_own_question_only(question: dict[str, Any]):
    cursor = cursor_after()
    assert walk(cursor).after == ("x", UUID(int=7))
    with pytest.raises(InvalidCursor):
        walk(cursor, **question)


@given(st.integers(0), st.integers(1, 255))
def test_a_cursor_with_any_byte_changed_is_refused(place: int, change: int):
    data = bytearray(secrets.decode(cursor_after()) or b"")
    data[place % len(data)] ^= change
    with pytest.raises(InvalidCursor):
        walk(secrets.encode(bytes(data)))


@given(st.text(st.characters()))
def test_a_text_that_is_no_cursor_is_refused(text: str):
    with pytest.raises(InvalidCursor):
        walk(text)


@pytest.mark.parametrize("cut", [1, 8, 40])
def test_a_cursor_cut_short_or_lengthened_is_refused(cut: int):
    cursor = cursor_after()
    for damaged in (cursor[:-cut], cursor + "A" * cut, cursor + "=", "", "' OR 1=1 --", "\0", "é"):
        with pytest.raises(InvalidCursor):
            walk(damaged)


def test_a_cursor_signed_with_another_key_is_refused():
    payload = msgspec.msgpack.encode((False, "x", UUID(int=7)))
    with pytest.raises(InvalidCursor):
        walk(secrets.encode(bytes(32) + payload))


def test_a_cursor_knows_its_direction_and_the_caller_may_overrule_it():
    row = ("x", UUID(int=7))
    previous = (
        Walk(KEY, Page(1, offset=1), where=WHERE, sorts=(Sort("name"),), fields=FIELDS, about=("things", REALM))
        .cut([row], lambda: None)
        .previous
    )
    assert walk(previous).backwards
    assert not walk(previous, backwards=False).backwards
    assert not walk(cursor_after()).backwards
    assert walk(cursor_after(), backwards=True).backwards


def test_a_first_and_only_page_leads_nowhere():
    assert walk().cut([("item", "x", UUID(int=7))], str, total=1) == Slice(["item"], 1)
    assert walk().cut([], str) == Slice([])


def test_a_page_backwards_keeps_the_order_asked_for():
    rows = [(name, name, UUID(int=7)) for name in "dcb"]
    page = Page(2, backwards=True)
    part = Walk(KEY, page, where=WHERE, sorts=(Sort("name"),), fields=FIELDS, about=("things", REALM)).cut(rows, str)
    assert part.items == ["c", "d"]
    assert part.next is None
    assert walk(part.previous).after == ("c", UUID(int=7))


@pytest.mark.parametrize(
    ("numbers", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": MAX_LIMIT + 1}, "limit"),
        ({"limit": 1, "offset": -1}, "offset"),
        ({"limit": 1, "offset": 2**64}, "offset"),
        ({"limit": 1, "offset": 1, "cursor": "x"}, "offset"),
    ],
)
def test_a_page_that_cannot_be_is_refused(numbers: dict[str, Any], field: str):
    with pytest.raises(InvalidInput) as caught:
        Page(**numbers)
    assert caught.value.problems[0].field == field


def test_the_edges_of_a_page_have_cursors_though_there_is_no_more_on_request():
    question: dict[str, Any] = {"where": WHERE, "sorts": (Sort("name"),), "fields": FIELDS, "about": ()}
    rows = [("a", UUID(int=1)), ("b", UUID(int=2))]
    part = Walk(KEY, Page(2, edges=True), **question).cut(rows, lambda: None)
    assert part.next is None
    assert part.previous is None
    assert part.first is not None
    assert part.last is not None
    assert Walk(KEY, Page(2, cursor=part.first), **question).after == rows[0]
    assert Walk(KEY, Page(2, cursor=part.last), **question).after == rows[1]
    assert Walk(KEY, Page(2, edges=True), **question).cut([], lambda: None).last is None


def test_a_page_starts_at_one_place():
    for start in ({"offset": 1, "behind": REALM}, {"cursor": "x", "behind": REALM}, {"offset": 1, "cursor": "x"}):
        with pytest.raises(InvalidInput):
            Page(1, **start)  # type: ignore[arg-type]
