"""Short cuts to normal forms lead where the libraries do."""

import email_validator
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.users import normal
from roster.kit.errors import Problem
from roster.kit.text import fold

LOCALS = ["a", "A.b", "a..b", ".a", "a.", "x" * 64, "x" * 65, "\u00fc", "a b", '"q"', "a+b", "", "a'b", "\uff41"]
DOMAINS = [
    "example.com",
    "EXAMPLE.com",
    "xn--bcher-kva.de",
    "b\u00fccher.de",
    "ab--c.com",
    "localhost",
    "x.local",
    "x.invalid",
    "test",
    "[1.2.3.4]",
    "-a.com",
    "a_b.com",
    "x" * 64 + ".com",
    ("x" * 60 + ".") * 4 + "com",
    "example.com.",
    "ex ample.com",
    "",
    ".com",
]


@pytest.mark.parametrize("domain", DOMAINS, ids=range(len(DOMAINS)))
@pytest.mark.parametrize("local", LOCALS, ids=range(len(LOCALS)))
def test_addresses_have_the_form_that_the_library_gives_them(local: str, domain: str):
    address = f"{local}@{domain}"
    try:
        expected = email_validator.validate_email(
            address, check_deliverability=False, allow_smtputf8=True, test_environment=True
        ).normalized
    except email_validator.EmailNotValidError:
        expected = None

    found = normal.email(address)

    assert (None if isinstance(found, Problem) else found) == (expected and (expected, fold(expected)))


@given(st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)), st.from_regex(r"[0-9]{2,12}", fullmatch=True))
def test_international_numbers_have_the_form_that_the_library_gives_them(code: int, rest: str):
    text = f"+{code}{rest}"

    assert normal.phone(text, "SE") == (text, normal.phone_key(text, "SE"))


@given(st.from_regex(r"\+[0-9]{1,17}", fullmatch=True))
def test_so_have_numbers_of_no_country(text: str):
    assert normal.phone(text, "SE") == (text, normal.phone_key(text, "SE"))
