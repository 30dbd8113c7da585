"""Reading files: what each form says, and everything that can be wrong with them."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.attributes.models import Definition
from roster.core.transfer import sources
from roster.core.transfer.errors import MalformedSource
from roster.core.transfer.sources import csv
from roster.core.transfer.sources.person import LONGEST, Person, Read
from roster.kit import clock
from roster.kit.patch import present
from tests.core.transfer import keycloak_export


def read(
    form: str, data: bytes, *, size: int = 1000, after: int = 0, known: dict[str, Definition] | None = None
) -> list[Read]:
    """All rows of a file that arrives in pieces."""
    source = sources.reader(form, after=after, known=known or {})
    found = [each for start in range(0, len(data), size) for each in source.feed(data[start : start + size])]
    return [*found, *source.finish()]


def person(read: Read) -> Person:
    assert read.person is not None, read.problems
    return read.person


def code(read: Read) -> str:
    assert read.person is None
    return read.problems[0].code


def named(read: Read) -> dict[str, object]:
    """What the row says."""
    return {name: value for name, value in present(person(read)).items() if value not in (None, [])}


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_counted_from_one_and_empty_ones_say_nothing(size: int):
    data = '\ufeff{"username": "ada"}\r\n\n  {"username": "björn"}\n{"username": "eve"}'.encode()

    found = read("roster", data, size=size)

    assert [(each.row, person(each).username) for each in found] == [(1, "ada"), (3, "björn"), (4, "eve")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "malformed"),
        (b"nonsense", "malformed"),
        (b'{"username": "a"} x', "malformed"),
        (b"[]", "invalid_value"),
        (b"3", "invalid_value"),
        (b'{"username": 3}', "invalid_value"),
        (b'{"username": ""}', "invalid_value"),
        (b'{"username": "' + b"x" * 201 + b'"}', "invalid_value"),
        (b'{"user_name": "a"}', "invalid_value"),
        (b'{"username": "a", "status": "away"}', "invalid_value"),
        (b'{"username": "a", "tags": "x"}', "invalid_value"),
        (b'{"username": "a", "roles": [1]}', "invalid_value"),
        (b'{"username": "a", "roles": [{"role": "x", "right": 1}]}', "invalid_value"),
        (b'{"username": "a", "created_at": "2001-01-01T00:00:00"}', "invalid_value"),
        (b'{"username": "a", "created_at": "yesterday"}', "invalid_value"),
        (b'{"username": "a", "id": "1"}', "invalid_value"),
        (b'{"username": "a", "attributes": {"x": 1e999}}', "invalid_value"),
        (b'{"username": "a", "attributes": {"x": NaN}}', "malformed"),
        (b'{"username": "a", "attributes": {"x": "\\u0000"}}', "invalid_text"),
        (b'{"username": "a", "attributes": {"\\u0000": 1}}', "invalid_text"),
        (b'{"username": "a\\u0000"}', "invalid_text"),
        (b'{"username": "\\ud800"}', "malformed"),
        (b'{"username": "\xed\xa0\x80"}', "not_utf8"),
        (b'{"username": "\xff"}', "not_utf8"),
        (b'{"username": "a", "attributes": {"x": ' + b"[" * 40 + b"]" * 40 + b"}}", "too_deep"),
        (b'{"username": "a", "attributes": {"x": ' + b"[" * 9000 + b"]" * 9000 + b"}}", "too_deep"),
        (b'{"username": "' + b"x" * LONGEST + b'"}', "too_long"),
        (b"x" * 10_000_000, "too_long"),
    ],
)
def test_a_bad_line_is_a_problem_of_its_own(line: bytes, expected: str):
    found = read("roster", b'{"username": "first"}\n' + line + b'\n{"username": "last"}\n', size=1 << 16)

    assert [each.row for each in found] == [1, 2, 3]
    assert code(found[1]) == expected
    assert person(found[2]).username == "last"


def test_problems_hold_no_value_of_the_file():
    lines = (
        b'{"username": "a", "status": "hunter2"}\n{"username": "a", "password": 12345}\n{"password_hash": ["hunter2"]}'
    )

    texts = [each.text for found in read("roster", lines) for each in found.problems]

    assert len(texts) == 3
    assert not any("hunter2" in text or "12345" in text for text in texts)


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_bring_a_reader_down(data: bytes, size: int):
    for form in ("roster", "csv", "keycloak"):
        for prefix in (b"", b"username,attributes.x\n", b'{"users": ['):
            with suppress(MalformedSource):
                for each in read(form, prefix + data, size=size):
                    assert each.person is not None or each.problems


def test_a_table_says_everything_that_fits_into_cells():
    table = (
        "\ufeffusername;email;email_verified;status;tags;roles;created_at;attributes.size;attributes.note;version\r\n"
        'ada;ada@example.com;yes;disabled;/a|/b\\|c;cook;2001-02-03T04:05:06Z;37;"two\r\nlines; and ""quotes""";7\r\n'
        ";;;;;;;;;\r\n"
        "null;;0;;;;;;;\r\n"
    ).encode()
    size = Definition("size", "integer", "", False, None, "private", "self", clock.now(), clock.now())

    for piece in (1, 7, 1000):
        first, second = read("csv", table, size=piece, known={"size": size})

        assert named(first) == {
            "username": "ada",
            "email": "ada@example.com",
            "email_verified": True,
            "status": "disabled",
            "tags": ["/a", "/b|c"],
            "roles": ["cook"],
            "created_at": person(first).created_at,
            "attributes": {"size": 37, "note": 'two\r\nlines; and "quotes"'},
        }
        assert (second.row, named(second)) == (3, {"username": "null", "email_verified": False})


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (b"a,b,c", "wrong_columns"),
        (b"a", "wrong_columns"),
        (b"a,\xff", "not_utf8"),
        (b"a,\0", "invalid_text"),
        (b"a," + b"x" * (LONGEST + 1), "too_long"),
        (b'a,"' + b"x" * 200_000 + b"\n" + b"x" * 200_000 + b'"', "malformed"),
    ],
)
def test_a_bad_record_is_a_problem_of_its_own(record: bytes, expected: str):
    found = read("csv", b"username,display_name\nfirst,1\n" + record + b"\nlast,2\n", size=1 << 16)

    assert code(found[1]) == expected
    assert (person(found[0]).username, person(found[-1]).username) == ("first", "last")


def test_a_stray_quote_does_not_swallow_what_follows():
    found = read("csv", b'username,display_name\nada,5" pipe\nbob,b\n')

    assert [person(each).username for each in found] == ["ada", "bob"]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\n",
        b"username,shoe\n",
        b"username,username\n",
        b"\xff\xfeu\0s\0",
        b"attributes.\n",
        b"username," * 40_000,
    ],
)
def test_a_table_without_a_good_header_is_refused_as_a_whole(header: bytes):
    with pytest.raises(MalformedSource):
        read("csv", header + b"a,b\n")


@given(st.lists(st.text(alphabet="ab|\\,é", min_size=1)))
def test_several_names_fit_into_one_cell(names: list[str]):
    assert csv.split(csv.joined(names)) == names


def test_realm_exports_of_keycloak_are_read_whatever_their_pieces():
    data = json.dumps(keycloak_export.export(), indent=1, ensure_ascii=False).encode()

    whole = read("keycloak", data, size=len(data))

    assert len(whole) == keycloak_export.PEOPLE + 1
    assert [each.person for each in whole] == [each.person for each in read("keycloak", data, size=61)]
    assert code(whole[-1]) == "invalid_value"
    assert named(whole[10]) == {
        "username": "person-10",
        "email": "Person-10@example.com",
        "email_verified": False,
        "given_name": "Ada",
        "family_name": "Example-10",
        "locale": "sv",
        "status": "active",
        "attributes": {"department": "dep-3", "nick_names": ["a", "b"]},
        "facets": {"keycloak": {"id": "00000000-0000-4000-8000-000000000010"}},
        "tags": ["/staff/kitchen"],
        "roles": ["offline_access", "cook", "shop:buyer"],
        "created_at": person(whole[10]).created_at,
        "password_hash": person(whole[10]).password_hash,
    }


def test_roles_that_nobody_has_are_read_too():
    source = sources.reader("keycloak", after=0, known={})
    list(source.feed(json.dumps(keycloak_export.export()).encode()))

    assert source.roles == {
        "offline_access": "",
        "cook": "Cooks",
        "admin": "",
        "shop:buyer": "",
        "shop:nobody-has-it": "",
    }


def test_a_part_of_a_split_export_is_read():
    found = read("keycloak", b'{"realm": "x", "users": [{"username": "ada"}, {"username": "bob"}]}')

    assert [(each.row, person(each).username) for each in found] == [(1, "ada"), (2, "bob")]


@pytest.mark.parametrize(
    "text", ["{}", '{"users": []}', '{"users": [ ] , "x": 1}', '{"users": null}', ' {"users": {}} ']
)
def test_an_export_without_people_has_none(text: str):
    assert read("keycloak", text.encode()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"{}"',
        "{",
        '{"users": [{"username": "ada"}',
        '{"users": [{"username": "ada"}]',
        '{"users": ["',
        '{"users": []} {}',
        '{"users" "x": []}',
        '{{"users": []}}',
        "username,email\nada,b",
        '{"username": "ada"}\n{"username": "bob"}',
        '{"a": "' + "x" * (9 << 20) + '"}',
        '{"roles": {"realm": [' + '{"name": "x"},' * 700_000 + "]}}",
        '{"roles": {"realm": 3}}',
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_realm_export_is_refused_as_a_whole(text: str):
    with pytest.raises(MalformedSource):
        read("keycloak", text.encode(), size=1 << 20)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("3", "invalid_value"),
        ('{"username": 3}', "invalid_value"),
        ('{"username": "a", "createdTimestamp": 99999999999999999}', "malformed"),
        ('{"username": "a", "createdTimestamp": 1e30}', "invalid_value"),
        ('{"username": "a", "attributes": {"x": {"y": 1}}}', "invalid_value"),
        ('{"username": "a", "attributes": {"x": ["\\u0000"]}}', "invalid_text"),
        ('{"username": "a" "b"}', "malformed"),
        ('{"username": "' + "x" * (300 << 10) + '"}', "too_long"),
        ('{"username": "a", "x": ' + "[" * 5000 + "]" * 5000 + "}", "too_deep"),
        ('{"username": "a", "serviceAccountClientId": "shop"}', "invalid_value"),
    ],
    ids=lambda text: text[:40],
)
def test_a_bad_person_in_an_export_is_a_problem_of_its_own(user: str, expected: str):
    data = f'{{"users": [{{"username": "first"}}, {user}, {{"username": "last"}}]}}'.encode()

    found = read("keycloak", data, size=4096)

    assert [each.row for each in found] == [1, 2, 3]
    assert code(found[1]) == expected
    assert person(found[2]).username == "last"


@pytest.mark.parametrize("form", ["roster", "csv", "keycloak"])
def test_reading_goes_on_behind_any_row(form: str):
    data = {
        "roster": b'{"username": "a"}\n\n{"username": 3}\n{"username": "d"}\n',
        "csv": b'username,display_name\na,"1\n2"\nb,2\nc,3\nd,4\n',
        "keycloak": b'{"users": [{"username": "a"}, {"username": 3}, {"username": "c"}]}',
    }[form]
    whole = read(form, data)

    for after in range(5):
        assert read(form, data, after=after, size=3) == [each for each in whole if each.row > after]
