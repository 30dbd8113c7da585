"""Reading values by the kind of their field."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.kit import clock, values
from roster.kit.values import Kind, WrongValue

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, "2019", "2019"),
        (Kind.FOLDED, "Åsa", "Åsa"),
        (Kind.TEXT_LIST, "", ""),
        (Kind.JSON, "true", "true"),
        (Kind.INTEGER, "007", 7),
        (Kind.INTEGER, "-9223372036854775808", -(2**63)),
        (Kind.INTEGER, "9223372036854775807", 2**63 - 1),
        (Kind.NUMBER, "-1.50", Decimal("-1.5")),
        (Kind.NUMBER, "1e300", Decimal("1E+300")),
        (Kind.BOOLEAN, "true", True),
        (Kind.BOOLEAN, "False", False),
        (Kind.INSTANT, "2026-01-01", NEW_YEAR),
        (Kind.INSTANT, "2026-01-01T00:00:00Z", NEW_YEAR),
        (Kind.INSTANT, "2026-01-01t00:00:00z", NEW_YEAR),
        (Kind.INSTANT, "2025-12-31T19:00:00.000-05:00", NEW_YEAR),
        (Kind.INSTANT, "2026-01-01T00:00:00.0000009Z", NEW_YEAR),
        (Kind.UUID, "0190A1B2-0000-7000-8000-000000000001", UUID("0190a1b2-0000-7000-8000-000000000001")),
    ],
)
def test_a_text_is_read_by_the_kind_of_its_field(kind: Kind, text: str, value: object):
    found = values.parse(kind, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(
            (Kind.INTEGER, text)
            for text in ("", " 1", "1.0", "+1", "1_0", "٣", "9223372036854775808", "-" * 40, "1" * 99)
        ),
        *((Kind.NUMBER, text) for text in ("", "NaN", "Infinity", "1e9999", "1,5", ".5", "0x1", "1e")),
        *((Kind.BOOLEAN, text) for text in ("", "1", "yes", "t")),
        *(
            (Kind.INSTANT, text)
            for text in (
                "",
                "now",
                "infinity",
                "2026-02-30",
                "2026-13-01T00:00:00Z",
                "2026-01-01T00:00:00",  # no distance from UTC
                "2026-01-01T25:00:00Z",
                "2026-01-01T00:00:00+99:00",
                "0000-01-01",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:59:59-14:00",
                "20260101",
                "2026-W01-1",
                "٢٠٢٦-01-01",
                "2026-01-01\n",
            )
        ),
        *(
            (Kind.UUID, text)
            for text in ("", "0190a1b2000070008000000000000001", "{0190a1b2-0000-7000-8000-000000000001}")
        ),
        *((kind, text) for kind in Kind for text in ("a\0b", "\0", "\ud800", "x\udfff")),
    ],
)
def test_a_text_that_spells_no_value_of_the_kind_is_refused(kind: Kind, text: str):
    with pytest.raises(WrongValue):
        values.parse(kind, text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, 5),
        (Kind.FOLDED, None),
        (Kind.TEXT_LIST, ["a"]),
        (Kind.INTEGER, True),
        (Kind.INTEGER, 1.0),
        (Kind.INTEGER, 2**63),
        (Kind.NUMBER, float("nan")),
        (Kind.NUMBER, float("-inf")),
        (Kind.NUMBER, Decimal("sNaN")),
        (Kind.NUMBER, Decimal("1E+5000")),
        (Kind.BOOLEAN, 1),
        (Kind.INSTANT, datetime(2026, 1, 1)),  # noqa: DTZ001 - what is refused
        (Kind.INSTANT, 0),
        (Kind.JSON, {}),
        (Kind.JSON, None),
        (Kind.JSON, NEW_YEAR),
        (Kind.JSON, -(2**63) - 1),
    ],
)
def test_a_value_of_another_type_is_refused(kind: Kind, value: object):
    with pytest.raises(WrongValue):
        values.typed(kind, value)


def test_values_with_a_type_are_taken_as_they_are():
    assert values.typed(Kind.NUMBER, 0.1) == Decimal("0.1")
    assert values.typed(Kind.JSON, False) is False
    assert values.typed(Kind.INSTANT, NEW_YEAR) is not None
    assert values.typed(Kind.JSON, 3) == 3


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_64_bit_integer_is_read_back(number: int):
    assert values.parse(Kind.INTEGER, str(number)) == number


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_that_is_written_is_read_back(at: datetime):
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert values.parse(Kind.INSTANT, clock.instant(at)) == at


@given(st.sampled_from(Kind), st.text(st.characters(), max_size=40))
def test_no_text_does_anything_but_give_a_value_or_a_refusal(kind: Kind, text: str):
    with suppress(WrongValue):
        assert values.typed(kind, values.parse(kind, text)) is not None
