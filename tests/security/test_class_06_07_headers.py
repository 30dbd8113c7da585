"""Classes 6 and 7: what a request says about itself must not end up in mail, nor decide about limits.

`tests/web/test_mounts.py` has which hop counts; here it is tried against a limit.
"""

import pytest

from roster.core.flows import granting
from roster.core.limits import service as limits
from roster.core.realms.models import Realm
from roster.core.sessions.models import Opening
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.dialects.calling import ADDRESS
from tests.security.fronts import PREFIXES, Front, House

POISON = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "http://evil.example/",
    "X-Rewrite-URL": "http://evil.example/",
    "Forwarded": "host=evil.example;proto=https",
    "Origin": "http://evil.example",
    "Referer": "http://evil.example/",
}


@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize("name", PREFIXES)
async def test_links_in_mail_lead_to_the_configured_address_whatever_the_request_says(
    runtime: Runtime, realm: Realm, name: str, proxies: int
):
    async with House(runtime, trusted_proxies=proxies).client() as client:
        front = Front(name, client, realm)
        assert (await front.register("eva", "eva@example.org", headers=POISON)).status_code == 201
        assert (await front.recover("eva", headers=POISON)).status_code in (200, 202)

    mails = await people.links(runtime, realm, "verify_email") + await people.links(runtime, realm, "recover_password")
    assert len(mails) == 2
    for recipient, values in mails:
        assert recipient == "eva@example.org"
        assert str(values["link"]).startswith(f"{ADDRESS}/realms/{realm.slug}{PREFIXES[name]}/")
        assert "evil" not in str(values)


@pytest.mark.parametrize("proxies", [0, 1, 2])
@pytest.mark.parametrize("name", PREFIXES)
async def test_forged_addresses_do_not_escape_a_limit(
    runtime: Runtime, realm: Realm, person: Person, name: str, proxies: int
):
    """An attacker writes what they like in front; each trusted proxy appends whom it saw."""
    house = House(runtime, trusted_proxies=proxies)
    statuses: set[int] = set()
    async with house.client("198.51.100.7") as client:
        front = Front(name, client, realm)
        for number in range(40):
            forged = [f"203.0.113.{number}", f"2001:db8:{number:x}::1"]
            seen = ["198.51.100.7", "192.0.2.254"][:proxies]
            headers = {"X-Forwarded-For": ", ".join([*forged, *seen]), "X-Real-IP": forged[0], "Client-IP": forged[0]}
            statuses.add((await front.recover("nobody-there", headers=headers)).status_code)

    assert 429 in statuses


@pytest.mark.parametrize("port", ["{host}:{port}", "{host}"])
async def test_a_proxy_that_writes_ports_does_not_switch_the_limit_off(
    runtime: Runtime, realm: Realm, person: Person, port: str
):
    statuses: set[int] = set()
    async with House(runtime, trusted_proxies=1).client("10.0.0.1") as client:
        front = Front("native", client, realm)
        for number in range(40):
            hop = port.format(host="198.51.100.7", port=40000 + number)
            statuses.add((await front.recover("nobody", headers={"X-Forwarded-For": hop})).status_code)

    assert 429 in statuses


@pytest.mark.parametrize("text", ["unknown", "_hidden", "fe80::1%eth0", "[2001:db8::1]", "999.1.1.1", "\x85"])
def test_what_is_no_address_is_counted_all_the_same(text: str):
    assert limits.network(text)
    assert limits.network(text) == limits.network(text)


def test_a_host_cannot_leave_its_network():
    assert limits.network("2001:db8:1:2::1") == limits.network("2001:db8:1:2:ffff::9")
    assert limits.network("::ffff:192.0.2.1") == limits.network("192.0.2.1")
    assert limits.network("192.0.2.1") != limits.network("192.0.2.2")


@pytest.mark.parametrize("name", PREFIXES)
async def test_no_answer_points_to_a_host_that_the_request_named(runtime: Runtime, name: str):
    realm = await factories.a_realm(runtime)
    person = await people.a_member(runtime, realm, roles=("admin",))
    await people.with_second_factor(runtime, person)
    async with House(runtime).client() as client:
        front = Front(name, client, realm)
        first = await front.sign_in(person.username, people.PASSWORD, headers=POISON)
        token = await _token(runtime, person)
        made = await front.call("POST", "/roles", token=token, json={"name": "editors"}, headers=POISON)

    assert made.status_code == 201
    for answer in (first, made):
        assert "evil" not in str(answer.headers) + answer.text


async def _token(runtime: Runtime, person: Person) -> str:
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        granted = await granting.grant(tx, person.user, Opening(person.id, ("password",)), None)
    return granted.access_token
