"""What people may choose as a secret."""

import pytest

from roster.core.credentials import rules
from roster.kit.errors import InvalidInput


@pytest.mark.parametrize(
    "secret", ["a bit odd", "12345 and 6", "ÅÄÖåäö!!", "   spaces   ", "\U0001f600" * 8, "x" * 1024]
)
def test_length_is_all_that_counts(secret: str):
    rules.check(secret, 8)


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ("1234567", "too_short"),
        ("", "too_short"),
        ("x" * 1025, "too_long"),
        ("password", "too_common"),
        ("PassWord1", "too_common"),
        ("12345678", "too_common"),
        ("broken \ud800 text", "invalid_text"),
    ],
)
def test_a_bad_secret_is_refused_with_its_reason(secret: str, code: str):
    with pytest.raises(InvalidInput) as caught:
        rules.check(secret, 8, field="secret")

    assert [(problem.field, problem.code) for problem in caught.value.problems] == [("secret", code)]


def test_a_realm_may_ask_for_more():
    with pytest.raises(InvalidInput):
        rules.check("twelve signs", 13)
