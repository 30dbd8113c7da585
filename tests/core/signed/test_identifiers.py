"""What identifiers of signed requests name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.signed import identifiers
from roster.core.signed.identifiers import Named, Part


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key:boss+ci@acme", Named(Part("key", "boss", "ci", "acme"))),
        ("key:a+b@c.d+ci@acme", Named(Part("key", "a+b@c.d", "ci", "acme"))),
        ("usr:asa@acme", Named(Part("usr", "asa", "", "acme"))),
        ("usr:asa@example.org@acme", Named(Part("usr", "asa@example.org", "", "acme"))),
        ("dev:12@acme", Named(Part("dev", "12", "", "acme"))),
        ("key:a+b@acme usr:c@other", Named(Part("key", "a", "b", "acme"), None, Part("usr", "c", "", "other"))),
        ("pin:a@acme dev:1@acme", Named(Part("pin", "a", "", "acme"), Part("dev", "1", "", "acme"))),
        ("key:a+b@acme dev:1@acme", Named(Part("key", "a", "b", "acme"), Part("dev", "1", "", "acme"))),
        (
            "pin:a@acme dev:1@acme usr:c@acme",
            Named(Part("pin", "a", "", "acme"), Part("dev", "1", "", "acme"), Part("usr", "c", "", "acme")),
        ),
    ],
)
def test_an_identifier_is_taken_apart(text: str, expected: Named):
    assert identifiers.read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "boss",
        "key:",
        "key:boss@acme",
        "key:+ci@acme",
        "key:boss+@acme",
        "key:boss+ci",
        "key:boss+ci@",
        "usr:@acme",
        "mailto:boss@acme",
        "KEY:boss+ci@acme",
        "pin:asa@acme",
        "pin:asa@acme usr:boss@acme",
        "pin:asa@acme dev:1@other",
        "dev:1@acme dev:2@acme",
        "key:a+b@acme ",
        " key:a+b@acme",
        "key:a+b@acme  usr:c@acme",
        "key:a+b@acme usr:c@acme usr:d@acme",
        "key:a+b@acme usr:c@acme dev:1@acme",
        "key:a+b@acme key:c+d@acme",
        "key:a+b@acme pin:c@acme",
        "key:" + "a" * 1000 + "+b@acme",
    ],
)
def test_what_names_nobody_is_nothing(text: str):
    assert identifiers.read(text) is None


@given(st.text(alphabet="keyusrpindev:+@ ab1", max_size=60))
def test_reading_never_fails(text: str):
    identifiers.read(text)
