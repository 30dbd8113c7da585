"""Regular expressions of callers: what is taken, what is refused, and what every match has in it."""

import pytest
import re2
from hypothesis import assume, given
from hypothesis import strategies as st

from roster.kit import patterns
from roster.kit.text import fold
from roster.kit.values import WrongValue

SIGNS = "abAB0_ -^$.|*+?(){}[]\\,:dwsbnx1ß"


@pytest.mark.parametrize(
    ("text", "sql", "start", "part"),
    [
        ("^Oka", "^oka", "oka", "oka"),
        ("straße", "strasse", "", "strasse"),
        ("^(Jo|Ja)n$", "^(?:jo|ja)n$", "", "n"),
        ("(?i)abc+def", "abc+def", "", "def"),
        ("(?:ab){2,3}?c", "(?:ab){2,3}c", "", "ab"),
        ("x?^ab", "x?^ab", "", "ab"),
        ("a-b", r"a\-b", "", "a-b"),
        (r"\d\w", r"[0-9][0-9A-Z\_a-z]", "", ""),
        ("[A-Z]", "[A-Za-z]", "", ""),
        ("[^Ä]", "[^Ää]", "", ""),
        ("ß+", "(?:ss)+", "", "ss"),
        (r"\x41\u00e9", "aé", "", "aé"),
        ("a{x", r"a\{x", "", "a{x"),
        ("", "", "", ""),
    ],
)
def test_an_expression_is_written_anew_for_folded_texts(text: str, sql: str, start: str, part: str):
    assert patterns.read(text, folded=True) == patterns.Pattern(sql, start, part)


@pytest.mark.parametrize(
    "text",
    [
        *(r"(a)\1", "(?=a)", "(?!a)", "(?<=a)b", "(?<n>a)", "(?P<n>a)", "(?>a)", "(?x)a", "a*+", "a**", "a{2}{3}"),
        *("(", ")", "a)", "[", "[]", "[z-a]", "[[:alpha:]]", "*", "+a", "a|*b", "^*", r"\b+", "\\", r"\k", r"\p{L}"),
        *(
            "a{101}",
            "a{3,2}",
            "{2}",
            "((a{50}){50}){50}",
            "(a{30}){30}",
            "(a?){100}",
            r"(\b.*){50}",
            "x" * 257,
            "(" * 21 + "a" + ")" * 21,
        ),
        *("(" * 21 + "a" + ")" * 21, "\0", "\ud800", r"\x00", r"\ud800", r"\u00", r"[a-\d]"),
    ],
)
def test_what_needs_memory_grows_or_is_no_expression_is_refused(text: str):
    with pytest.raises(WrongValue):
        patterns.read(text, folded=True)


@given(st.text(max_size=300) | st.text(SIGNS, max_size=40), st.booleans())
def test_any_text_is_read_or_refused(text: str, folded: bool):
    try:
        found = patterns.read(text, folded=folded)
    except WrongValue:
        return
    assert len(found.sql) < 20_000


@given(st.text("abc0_ -^$.|*+?()[]", max_size=12), st.text("abcß0_ -", max_size=8))
def test_what_every_match_has_in_it_is_in_every_match(text: str, subject: str):
    try:
        found = patterns.read(text, folded=True)
    except WrongValue:
        return
    options = re2.Options()
    options.log_errors = False
    subject = fold(subject)
    if re2.compile(found.sql, options).search(subject):
        assert subject.startswith(found.start)
        assert found.part in subject


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12), st.booleans())
def test_a_plain_text_as_an_expression_is_that_text(text: str, folded: bool):
    assume(patterns.is_plain(text))
    expected = fold(text) if folded else text
    escaped = "".join(sign if sign.isalnum() or not sign.isascii() else "\\" + sign for sign in expected)
    assert patterns.read(text, folded=folded).sql == escaped


@pytest.mark.parametrize("text", ["", "a.", "^a", "a b", "a-b", "o\u0308", "a" * 257])
def test_what_may_mean_something_else_is_not_plain(text: str):
    assert not patterns.is_plain(text)
