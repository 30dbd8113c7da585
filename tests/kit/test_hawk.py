"""Hawk: the vectors of the contract's notes, the header's grammar, and clients that send anything at all."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.kit import hawk
from roster.kit.hawk import Header, MalformedHeader, Target

KEY = b"0123456789abcdef0123456789abcdef"
BODY = (
    '{"name":"Åsa Öberg","alias":"asa","email":"asa@example.org","pin":"cGluLWtleQ==","password":"cHctLWtleQ=="}'
).encode()
PATCH = b'{"email":"asa@example.com"}'
USERS = "/onslip/v1/~acme/users/"
LISTED = USERS + "?q=alias%3Dasa;s=-name;o=0;c=50;d=t"
HASHES = {
    3: "fG8Z6EYSvCc930XfYhR9esh8mCz4zT7o4+nBm9nqcII=",
    4: "BGhnKdkrBbdfbu39x82B7PlXa/Rl7dZmwRSE43umf7I=",
    5: "LW8yH1AdnG+PA5/3YVRwp4GtPFx5F4JPYFh9HLq0EKw=",
}
VECTORS = [
    (1, "key:boss+ci@acme", "GET", "/onslip/v1/~acme", "ITmBC+6UKUhdTCGQY/dVEo1Q1A4LCNdJyn+yHXALbzI="),
    (2, "key:boss+ci@acme", "GET", LISTED, "J1LD9D0P6Qt3ep601M6oaVxB3ABOF2EL4K9kh4EnN8E="),
    (3, "key:boss+ci@acme", "POST", USERS, "3CeIh/FjUWe3aTeBp3FF/WWQJKxe1Lysu2A/keuUMRI="),
    (4, "key:boss+ci@acme", "POST", USERS, "VZh8tyCnm3sGpxXQqmgEbOh6SXcu8ZB+n/Er6uWAp5A="),
    (5, "key:boss+ci@acme", "PATCH", USERS + "7", "21t/zjviRh97CIKMmsiVB8U/6OaAyMJcmCT32KcSJrU="),
    (6, "key:boss+ci@acme usr:asa@acme", "DELETE", USERS + "7", "vgOxBgb3UaLIAGuf0kQPkWaakhNeJcBMuA+UqZY0nUw="),
]
PLAIN = Header(id="key:boss+ci@acme", ts="1735689600", nonce="a1B2c3", mac="bWFj")
GET = Target("GET", "/onslip/v1/~acme", "roster.example", 443)


def target_of(number: int, method: str, path: str) -> Target:
    return Target(method, path, "localhost", 8080) if number == 5 else Target(method, path, "roster.example", 443)


@pytest.mark.parametrize(("number", "who", "method", "path", "expected"), VECTORS)
def test_the_macs_of_the_notes_come_out(number: int, who: str, method: str, path: str, expected: str):
    header = msgspec.structs.replace(PLAIN, id=who, hash=HASHES.get(number), mac=expected)
    target = target_of(number, method, path)

    assert hawk.mac(KEY, header, target) == expected
    assert hawk.is_signed(KEY, hawk.parse(hawk.write(header)), target)


def test_the_hashes_of_the_notes_come_out():
    assert hawk.payload_hash("application/json", BODY) == HASHES[3]
    assert hawk.payload_hash("Application/JSON ; charset=utf-8", BODY) == HASHES[3]
    assert hawk.payload_hash("", BODY) == HASHES[4]
    assert hawk.payload_hash("application/json", PATCH) == HASHES[5]


@pytest.mark.parametrize("number", [3, 4])
def test_a_body_may_be_hashed_with_or_without_its_type(number: int):
    header = msgspec.structs.replace(PLAIN, hash=HASHES[number])

    assert hawk.fits_payload(header, "application/json", BODY)
    assert not hawk.fits_payload(header, "application/json", BODY + b" ")
    assert not hawk.fits_payload(PLAIN, "application/json", b"")


def test_a_stale_clock_is_told_the_time_of_the_notes():
    assert hawk.challenge(KEY, 1735689600) == (
        'Hawk ts="1735689600", tsm="Sd8bmQUjpQgGpCTEYCQOPJW6YZaKeUlDxW1tUPuEMMU=", error="Stale timestamp"'
    )


def test_an_answer_is_signed_as_in_the_notes():
    made = hawk.server_authorization(KEY, PLAIN, GET, content_type="application/json", body=b'{"permissions":[]}')

    assert made == (
        'Hawk mac="oE/jGMzo5FTYbrcIwd+iFRrlIsB2Elgg9PjtG0dYgd4=", hash="ZGeYUxF6WTsLyzwK+MrCPgPB8HFBSOn4c57/FntzMkg="'
    )


def test_what_the_mac_covers_is_written_out():
    header = msgspec.structs.replace(PLAIN, hash="aGFzaA==", ext="two\nlines\\", app="tills", dlg="boss")

    assert hawk.normalized(header, Target("get", "/A?b=c", "Roster.Example", 80)) == (
        "hawk.1.header\n1735689600\na1B2c3\nGET\n/A?b=c\nroster.example\n80\naGFzaA==\ntwo\\nlines\\\\\ntills\nboss\n"
    )


def test_without_an_app_no_delegate_is_covered():
    header = msgspec.structs.replace(PLAIN, dlg="boss")

    assert hawk.normalized(header, GET) == hawk.normalized(PLAIN, GET)


@pytest.mark.parametrize(
    "change", [{"ts": "1735689601"}, {"nonce": "a1B2c4"}, {"hash": "x"}, {"ext": "x"}, {"app": "x"}, {"mac": "é"}]
)
def test_whatever_is_changed_the_mac_no_longer_fits(change: dict[str, str]):
    signed = hawk.sign(KEY, PLAIN, GET)

    assert hawk.is_signed(KEY, signed, GET)
    assert not hawk.is_signed(KEY, msgspec.structs.replace(signed, **change), GET)
    assert not hawk.is_signed(KEY[1:], signed, GET)


@pytest.mark.parametrize("part", ["method", "path", "host", "port"])
def test_the_mac_fits_one_request_only(part: str):
    signed = hawk.sign(KEY, PLAIN, GET)
    other = msgspec.structs.replace(GET, **{part: 8443 if part == "port" else "/other"})

    assert not hawk.is_signed(KEY, signed, other)


def test_every_attribute_is_read_in_any_order():
    text = 'HAWK  dlg="d",app="a" , mac="m+/=", ext="it\'s; {x}~", hash="h", nonce="n", ts="12", id="key:å"'

    with pytest.raises(MalformedHeader):
        hawk.parse(text)
    assert hawk.parse(text.replace("å", "b+c@d e")) == Header(
        id="key:b+c@d e", ts="12", nonce="n", mac="m+/=", hash="h", ext="it's; {x}~", app="a", dlg="d"
    )


GOOD = 'Hawk id="a", ts="1", nonce="n", mac="m"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hawk",
        "Hawk ",
        "Hawk,",
        GOOD[5:],
        GOOD.replace("Hawk", "Hawks"),
        GOOD.replace("Hawk", "Bearer"),
        GOOD + ",",
        GOOD + ", ",
        GOOD + " x",
        GOOD + ', id="b"',
        GOOD + ', bewit="b"',
        GOOD + ', ID="b"',
        GOOD + ', ext=""',
        GOOD + ', ext="a\\"b"',
        GOOD + ', ext="a\\\\b"',
        GOOD + ', ext="a\nb"',
        GOOD + ', ext="\x00"',
        GOOD + ", ext=a",
        GOOD + ' ext="a"',
        GOOD.replace('id="a", ', ""),
        GOOD.replace('ts="1", ', ""),
        GOOD.replace('nonce="n", ', ""),
        GOOD.replace(', mac="m"', ""),
        GOOD.replace('"1"', '"-1"'),
        GOOD.replace('"1"', '"1.5"'),
        GOOD.replace('"1"', '"1e3"'),
        GOOD.replace('"1"', '"\u0661"'),
        GOOD.replace('"1"', '"9999999999999"'),
        GOOD + ', ext="' + "a" * 4096 + '"',
    ],
)
def test_what_is_no_hawk_header_is_refused(text: str):
    with pytest.raises(MalformedHeader):
        hawk.parse(text)


def test_a_header_may_have_4096_signs_and_not_one_more():
    longest = GOOD + ', ext="' + "a" * (4096 - len(GOOD) - 8) + '"'
    assert len(longest) == 4096

    assert hawk.parse(longest).ext is not None
    with pytest.raises(MalformedHeader):
        hawk.parse(longest[:-1] + 'a"')


@given(st.one_of(st.text(), st.text(alphabet='Hawk idtsnoncemac="\\,+@: 1', max_size=80).map("Hawk ".__add__)))
def test_reading_raises_nothing_but_its_own_error(text: str):
    try:
        header = hawk.parse(text)
    except MalformedHeader:
        return
    assert hawk.parse(hawk.write(header)) == header


SIGNS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), min_size=1, max_size=40)


@given(SIGNS, st.integers(0, 10**12 - 1), SIGNS, SIGNS, st.one_of(st.none(), SIGNS))
def test_what_is_written_is_read_again(id: str, ts: int, nonce: str, mac: str, ext: str | None):
    header = Header(id=id, ts=str(ts), nonce=nonce, mac=mac, ext=ext)

    assert hawk.parse(hawk.write(header)) == header
    hawk.is_signed(KEY, header, GET)


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("Roster.Example", "https", ("roster.example", 443)),
        ("roster.example", "http", ("roster.example", 80)),
        ("localhost:8080", "http", ("localhost", 8080)),
        ("[::1]:8080", "http", ("[::1]", 8080)),
        ("[::1]", "https", ("[::1]", 443)),
        ("a b", "http", None),
        ("", "http", None),
        ("user@host", "http", None),
        ("host:port", "http", None),
    ],
)
def test_host_and_port_are_taken_apart(host: str, scheme: str, expected: tuple[str, int] | None):
    assert hawk.place(host, scheme) == expected


def test_a_clock_may_be_off_by_the_tolerance_either_way():
    assert hawk.is_fresh(PLAIN, 1735689660, 60)
    assert hawk.is_fresh(PLAIN, 1735689540, 60)
    assert not hawk.is_fresh(PLAIN, 1735689661, 60)
    assert not hawk.is_fresh(PLAIN, 1735689539, 60)


@pytest.mark.parametrize(
    ("text", "expected"), [("Hawk x", True), ("hawk", True), ("Hawks x", False), ("Basic x", False)]
)
def test_the_scheme_is_recognised(text: str, expected: bool):
    assert hawk.is_hawk(text) is expected


def test_a_key_is_handed_over_in_base64():
    assert hawk.write_key(KEY) == "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
