"""`roster serve` and `roster doctor` about the bus."""

import json

import pytest

from roster.bus.server import BusServer
from tests import servers
from tests.servers import Installation

REFUSED = {
    "nats://127.0.0.1:4222": "has no credentials",
    "nats://roster:s3cr3t@127.0.0.1:4222": "are well known",
    "nats://roster:sesame-4711@bus.example:4222": "has no TLS",
    "http://roster:sesame-4711@127.0.0.1:4222": "nats:// or tls://",
}


@pytest.mark.parametrize("url", REFUSED)
def test_a_server_does_not_start_with_a_bus_that_is_not_safe(installation: Installation, url: str):
    done = installation.roster("serve", "--port", "0", code=1, env={"ROSTER_BUS_URL": url})
    assert REFUSED[url] in done.stderr
    assert "sesame-4711" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_announces_its_bus_and_doctor_looks_at_it(installation: Installation):
    with servers.serving(installation, "--bus") as server:
        bus = BusServer(installation.data).credentials()
        assert bus is not None
        assert [each["text"] for each in installation.ask("doctor") if each["subject"] == "bus"] == ["lets us in"]
        server.wait_for_log("bus.connected")
    assert not [each for each in installation.ask("doctor") if each["subject"] == "bus"]


def test_doctor_says_when_the_bus_cannot_be_reached(installation: Installation):
    with servers.serving(installation):
        pass
    secret = "sesame-4711"
    variables = {"ROSTER_BUS_URL": f"nats://roster:{secret}@127.0.0.1:9"}
    done = installation.roster("doctor", "--json", code=1, env=variables)
    found = next(each for each in json.loads(done.stdout) if each["subject"] == "bus")
    assert (found["verdict"], found["text"]) == ("wrong", "cannot be reached, or does not let us in")
    assert secret not in done.stdout + done.stderr


def test_settings_show_the_address_of_the_bus_to_nobody(installation: Installation):
    variables = {"ROSTER_BUS_URL": "nats://roster:sesame-4711@127.0.0.1:4222"}
    done = installation.roster("settings", env=variables)
    assert "bus.url" in done.stdout
    assert "sesame-4711" not in done.stdout
