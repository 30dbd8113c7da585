"""Percent-encoding and query strings: exact where valid, refused where not."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.kit.errors import InvalidInput
from roster.web import path
from roster.web.query import MAX_COUNT, MAX_LENGTH, Query

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_a_query_comes_out_as_it_was_put_in(pairs: list[tuple[str, str]]):
    pairs = [pair for pair in pairs if any(pair)]

    assert Query(urlencode(pairs).encode()).items() == pairs


@given(TEXT)
def test_a_path_segment_comes_out_as_it_was_put_in_slashes_included(text: str):
    assert path.split("/users/" + quote(text, safe="")) == ["users", text]


@given(st.binary(max_size=40))
def test_any_bytes_are_a_query_or_a_clean_refusal(raw: bytes):
    try:
        for name, value in Query(raw).items():
            (name + value).encode()
            assert "\0" not in name + value
    except InvalidInput:
        pass


@pytest.mark.parametrize("raw", [b"a=%", b"a=%1", b"a=%zz", b"a=%ff", b"a=%00", b"%00=a", b"a=%ed%a0%80", b"a=\xff"])
def test_broken_encoding_is_refused(raw: bytes):
    with pytest.raises(InvalidInput):
        Query(raw).items()


def test_too_many_or_too_long_parameters_are_refused():
    with pytest.raises(InvalidInput):
        Query(b"a&" * (MAX_COUNT + 1)).items()
    with pytest.raises(InvalidInput):
        Query(b"a" * (MAX_LENGTH + 1)).items()


def test_names_may_repeat_and_keep_their_order():
    query = Query(b"b=1&a=2&b=3&c&d=")

    assert query.get("b") == "1"
    assert query.get_all("b") == ["1", "3"]
    assert list(query) == ["b", "a", "c", "d"]
    assert ("c" in query, "e" in query, query.get("c"), query.get("e", "x"), len(query)) == (True, False, "", "x", 5)


def test_a_dialect_may_separate_by_semicolons_too():
    assert Query(b"q=a%3Bb;s=-name&c=50", "&;").items() == [("q", "a;b"), ("s", "-name"), ("c", "50")]
