"""Which addresses of a bus are used, and which are refused before anybody connects."""

import pytest

from roster.bus import address
from roster.bus.address import BusRefused


def test_an_address_keeps_its_credentials_apart():
    found = address.read("nats://us%40er:p%2Fw%20d-4711@127.0.0.1:4223")
    assert (found.servers, found.user, found.password) == (("nats://127.0.0.1:4223",), "us@er", "p/w d-4711")
    assert "4711" not in repr(found)


def test_a_name_alone_is_a_token():
    found = address.read("nats://tok-8f7a6b5c@localhost")
    assert (found.servers, found.user, found.password) == (("nats://localhost:4222",), None, "tok-8f7a6b5c")


def test_a_cluster_has_several_addresses():
    found = address.read("tls://a:sesame-77@n1.example:4222, tls://a:sesame-77@n2.example")
    assert found.servers == ("tls://n1.example:4222", "tls://n2.example:4222")
    assert found.encrypted


@pytest.mark.parametrize(
    "text",
    [
        "nats://127.0.0.1:4222",
        "nats://@127.0.0.1:4222",
        "tls://n1.example",
        "nats://user:@127.0.0.1",
    ],
)
def test_a_bus_that_lets_anybody_in_is_refused(text: str):
    with pytest.raises(BusRefused, match=r"credentials|well known"):
        address.read(text)


@pytest.mark.parametrize("password", ["password", "T0pS3cr3t", "s3cr3t", "changeme", "nats", "PASS", "secret"])
def test_passwords_of_manuals_are_refused(password: str):
    for text in (f"nats://service:{password}@127.0.0.1", f"nats://{password}@127.0.0.1"):
        with pytest.raises(BusRefused, match="well known") as refused:
            address.read(text)
        assert password not in str(refused.value)


def test_another_machine_needs_tls_unless_it_is_said_otherwise():
    text = "nats://a:sesame-77@n1.example:4222"
    with pytest.raises(BusRefused, match="TLS"):
        address.read(text)
    assert not address.read(text, allow_plain=True).encrypted
    assert address.read(text.replace("nats:", "tls:")).encrypted


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"])
def test_this_machine_needs_none(host: str):
    assert not address.read(f"nats://a:sesame-77@{host}:4222").encrypted


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost.example", "127.0.0.1.example", "[::]"])
def test_what_looks_like_this_machine_and_is_not_needs_it(host: str):
    with pytest.raises(BusRefused, match="TLS"):
        address.read(f"nats://a:sesame-77@{host}:4222")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "http://a:sesame-77@127.0.0.1",
        "ws://a:sesame-77@127.0.0.1",
        "127.0.0.1:4222",
        "nats://a:sesame-77@127.0.0.1:99999",
        "nats://a:sesame-77@",
        "nats://a:sesame-77@127.0.0.1/subject",
        "nats://a:sesame-77@127.0.0.1?x=1",
        "nats://a:sesame-77@127.0.0.1,tls://a:sesame-77@127.0.0.1",
        "nats://a:sesame-77@127.0.0.1,nats://b:sesame-77@127.0.0.1",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str):
    with pytest.raises(BusRefused) as refused:
        address.read(text)
    assert "sesame-77" not in str(refused.value)
