"""Signed requests (notes, section 3), from the raw request to the documented refusal."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.audit import service as audit
from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft, SigningKey
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.dialects.onslip360 import dialect
from roster.kit import hawk
from roster.kit.hawk import Target
from roster.kit.pages import Page
from roster.settings import Dialects, Onslip360Dialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests import factories
from tests.dialects.calling import ADDRESS, client_of
from tests.dialects.conftest import Person, SignIn
from tests.dialects.onslip360.conftest import ASA, PREFIX, Hawk, Wire, refusal

REFUSED = (401, "unauthorized")


async def a_key(runtime: Runtime, person: Person, alias: str = "ci", **known: Any) -> SigningKey:
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        return await signing.create(tx, person.user.id, SigningDraft(alias=alias, **known))


@pytest.fixture(autouse=True)
def no_bearer(runtime: Runtime, bearer: None) -> Iterator[None]:
    """As an installation is without being told otherwise."""
    with_bearer = runtime.settings
    runtime.settings = msgspec.structs.replace(with_bearer, dialects=Dialects())
    yield
    runtime.settings = with_bearer


@pytest.fixture
async def key(runtime: Runtime, boss: Person) -> SigningKey:
    return await a_key(runtime, boss)


@pytest.fixture
def signed(wire: Wire) -> Wire:
    """The dialect asked without any token."""
    return wire.by_someone(None)


Sign = Callable[..., Hawk]


@pytest.fixture
def sign(key: SigningKey) -> Sign:
    """The boss's signature."""

    def make(identifier: str = "", secret: bytes = b"", **changed: Any) -> Hawk:
        return Hawk(identifier or key.identifier, secret or key.key, **changed)

    return make


async def test_the_identifier_is_the_documented_one(key: SigningKey, realm: Realm):
    assert key.identifier == f"key:boss+ci@{realm.slug}"


async def test_a_signed_request_is_taken(signed: Wire, sign: Sign):
    listed = await signed.get("users/?q=alias%3Dboss;s=-name;o=0;c=50;d=t", auth=sign())
    made = await signed.post("users/", ASA, auth=sign())

    assert [each["alias"] for each in listed.json()] == ["boss"]
    assert made.status_code == 201
    assert (await signed.get("", auth=sign())).json()["user"]["alias"] == "boss"


@pytest.mark.parametrize("path", ["users", "users/", "users/.json", "users/?q=", "users/?c=1&o=0", "users/?ql=s%76"])
async def test_the_signature_covers_the_path_as_it_was_sent(signed: Wire, sign: Sign, path: str):
    """Rule 3: nothing is decoded, added or cut off."""
    assert (await signed.get(path, auth=sign())).status_code == 200


async def test_the_realm_may_be_sent_in_any_spelling(signed: Wire, sign: Sign):
    assert (await signed.http.get(f"{PREFIX}/%7E{signed.slug}/users/", auth=sign())).status_code in (200, 404)
    assert (await signed.get(f"/~{signed.slug}/users/", auth=sign())).status_code == 200


async def test_a_body_may_come_in_pieces(signed: Wire, sign: Sign):
    """Rule 5."""
    text = msgspec.json.encode(ASA)
    where = f"{PREFIX}/~{signed.slug}/users/"
    request = signed.http.build_request("POST", where, content=text, headers={"Content-Type": "application/json"})
    header = hawk.write(sign().header(request))

    async def pieces() -> AsyncIterator[bytes]:
        yield text[:9]
        yield text[9:]

    sent = {"Content-Type": "application/json", "Authorization": header}
    assert (await signed.http.post(where, content=pieces(), headers=sent)).status_code == 201


async def test_a_hash_without_the_content_type_is_taken_too(signed: Wire, sign: Sign):
    """Vector 4: some clients leave it empty when they hash."""
    body = msgspec.json.encode(ASA)

    made = await signed.post("users/", ASA, auth=sign(hash=hawk.payload_hash("", body)))

    assert made.status_code == 201


async def test_a_body_without_a_hash_is_taken_unless_it_must_have_one(signed: Wire, sign: Sign, runtime: Runtime):
    assert (await signed.post("users/", ASA, auth=sign(hash=None))).status_code == 201
    before = runtime.settings
    security = msgspec.structs.replace(before.security, require_payload_hash=True)
    runtime.settings = msgspec.structs.replace(before, security=security)
    try:
        assert refusal(await signed.post("users/", {**ASA, "alias": "bo"}, auth=sign(hash=None))) == REFUSED
        assert (await signed.get("users/", auth=sign())).status_code == 200
    finally:
        runtime.settings = before


async def test_the_overriding_method_is_the_signed_one(signed: Wire, sign: Sign, boss: Person):
    where = f"{PREFIX}/~{signed.slug}/users/{boss.user.number}"
    override = {"X-HTTP-Method-Override": "PATCH"}
    path = where

    changed = await signed.http.post(where, json={"name": "Chief"}, headers=override, auth=sign())
    as_post = Target("POST", path, "127.0.0.1", 8080)
    wrong = await signed.http.post(where, json={"name": "x"}, headers=override, auth=sign(target=as_post))

    assert changed.json()["name"] == "Chief"
    assert refusal(wrong) == REFUSED


async def test_whatever_differs_from_what_was_signed_is_refused(signed: Wire, sign: Sign):
    path = f"{PREFIX}/~{signed.slug}/users/"
    targets = [
        Target("HEAD", path, "127.0.0.1", 8080),
        Target("GET", path.removesuffix("/"), "127.0.0.1", 8080),
        Target("GET", path + "?c=1", "127.0.0.1", 8080),
        Target("GET", path, "localhost", 8080),
        Target("GET", path, "127.0.0.1", 80),
        Target("GET", path.removeprefix(PREFIX), "127.0.0.1", 8080),
    ]
    for target in targets:
        assert refusal(await signed.get("users/", auth=sign(target=target))) == REFUSED
    for sent in ({"hash": hawk.payload_hash("application/json", b"{}")}, {"hash": "x"}):
        assert refusal(await signed.post("users/", ASA, auth=sign(**sent))) == REFUSED


async def test_a_wrong_key_or_name_learns_nothing(signed: Wire, sign: Sign, key: SigningKey, realm: Realm):
    right = key.identifier
    answers = [
        await signed.get("users/", auth=sign(secret=b"wrong")),
        await signed.get("users/", auth=sign(f"key:nobody+ci@{realm.slug}")),
        await signed.get("users/", auth=sign(f"key:boss+other@{realm.slug}")),
        await signed.get("users/", auth=sign("key:boss+ci@nowhere")),
        await signed.get("users/", auth=sign(f"usr:boss@{realm.slug}")),
        await signed.get("users/", auth=sign(f"pin:boss@{realm.slug}")),
        await signed.get("users/", auth=sign(f"dev:1@{realm.slug}")),
        await signed.get("users/", auth=sign("nonsense")),
        await signed.get("users/", auth=sign(right + " " + right)),
        await signed.get("users/", auth=sign("x" * 5000)),
    ]

    assert {refusal(each) for each in answers} == {REFUSED}
    assert len({each.json()["message"] for each in answers[:7]}) == 1
    assert {each.headers["www-authenticate"] for each in answers} == {"Hawk"}


async def test_a_malformed_header_is_refused(signed: Wire):
    for header in ("Hawk", "Hawk ", "Hawk id=", 'Hawk id="", ts="1", nonce="x", mac=""', "Hawk " + "x" * 5000):
        assert refusal(await signed.get("users/", headers={"Authorization": header})) == REFUSED


async def test_a_request_is_taken_once(signed: Wire, sign: Sign):
    again = sign(ts=None, nonce="a1B2c3")
    again.sent.pop("ts")

    assert (await signed.get("users/", auth=again)).status_code == 200
    assert refusal(await signed.get("users/", auth=again)) == REFUSED


@pytest.mark.parametrize("seconds", [-62, 62, 10_000])
async def test_a_wrong_clock_is_told_the_time(signed: Wire, sign: Sign, key: SigningKey, seconds: float):
    answer = await signed.get("users/", auth=sign(seconds=seconds))

    assert refusal(answer) == REFUSED
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Hawk ts="')
    now = int(challenge.partition('ts="')[2].partition('"')[0])
    assert challenge == hawk.challenge(key.key, now)


async def test_a_clock_a_little_off_does_no_harm(signed: Wire, sign: Sign):
    for seconds in (-50, 50):
        assert (await signed.get("users/", auth=sign(seconds=seconds))).status_code == 200


async def test_a_key_of_another_realm_opens_nothing(signed: Wire, stranger: Person, runtime: Runtime):
    theirs = await a_key(runtime, stranger)

    for path in ("users/", "", "company", "roles/"):
        assert refusal(await signed.get(path, auth=Hawk(theirs.identifier, theirs.key))) == (404, "not-found")


async def test_who_runs_all_realms_may_sign_for_any(signed: Wire, platform: Person, runtime: Runtime):
    ours = await a_key(runtime, platform, f"ci-{factories.uuid4().hex[:8]}")

    answer = await signed.get("users/", auth=Hawk(ours.identifier, ours.key))

    assert answer.status_code == 200


async def test_a_key_may_be_limited(signed: Wire, boss: Person, runtime: Runtime):
    limited = await a_key(runtime, boss, "limited", permissions=["onslip360:show-users", "users.read"])
    auth = Hawk(limited.identifier, limited.key)

    assert (await signed.get("users/", auth=auth)).status_code == 200
    assert refusal(await signed.post("users/", ASA, auth=auth)) == (403, "forbidden")
    assert (await signed.get("", auth=auth)).json()["permissions"] == ["show-users"]


async def test_a_key_stops_working_with_its_person(signed: Wire, sign: Sign, sign_in: SignIn, runtime: Runtime):
    other = await sign_in(roles=("admin",), username="other")
    theirs = await a_key(runtime, other)
    auth = Hawk(theirs.identifier, theirs.key)
    assert (await signed.get("users/", auth=auth)).status_code == 200

    await signed.delete(f"users/{other.user.number}", auth=sign())

    assert refusal(await signed.get("users/", auth=auth)) == REFUSED


async def test_bearer_tokens_are_not_taken(wire: Wire):
    assert refusal(await wire.get("users/")) == REFUSED


async def test_acting_as_another_is_written_down_with_both_names(
    signed: Wire, sign: Sign, key: SigningKey, cashier: Person, runtime: Runtime, realm: Realm
):
    auth = sign(f"{key.identifier} usr:carl@{realm.slug}")
    assert refusal(await signed.get("", auth=auth)) == (403, "forbidden")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await realms.change(tx, realm.slug, RealmChange(settings={"possess": True}))

    info = (await signed.get("", auth=auth)).json()
    own = f"users/{info['user']['id']}"
    renamed = await signed.patch(own, {"name": "Carl"}, auth=auth)

    assert info["user"]["alias"] == "carl"
    assert (renamed.json()["name"], (await signed.get(own, auth=auth)).status_code) == ("Carl", 200)
    for change in ({"email": "mine@example.org"}, {"password": "YSBrZXk="}, {"pin": "YSBrZXk="}):
        assert refusal(await signed.patch(own, change, auth=auth)) == (403, "forbidden")
    assert "edit-users" not in info["permissions"]
    assert refusal(await signed.post("users/", ASA, auth=auth)) == (403, "forbidden")
    assert refusal(await signed.get("users/", auth=sign(f"{key.identifier} usr:nobody@{realm.slug}"))) == (
        403,
        "forbidden",
    )


async def served(
    runtime: Runtime, wire: Wire, site: Site, auth: Hawk, headers: dict[str, str], base: str
) -> httpx.Response:
    app = Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=site)
    async with client_of(app, base_url=base) as client:
        return await client.get(f"{PREFIX}/~{wire.slug}/users/", auth=auth, headers=headers)


async def test_behind_a_proxy_the_public_address_is_the_signed_one(runtime: Runtime, signed: Wire, sign: Sign):
    """Rule 4."""
    public = Target("GET", f"{PREFIX}/~{signed.slug}/users/", "roster.example", 443)
    inside, proxied = "http://10.0.0.7:8080", Site(public_url=ADDRESS, trusted_proxies=1)
    forwarded = {"X-Forwarded-Host": "Roster.Example", "X-Forwarded-Proto": "https"}

    behind = await served(runtime, signed, proxied, sign(target=public), forwarded, inside)
    kept = {"Host": "roster.example", "X-Forwarded-Proto": "https"}
    keeping_host = await served(runtime, signed, proxied, sign(target=public), kept, inside)
    made_up = await served(runtime, signed, Site(public_url=ADDRESS), sign(target=public), forwarded, inside)

    assert (behind.status_code, keeping_host.status_code) == (200, 200)
    assert refusal(made_up) == REFUSED


@pytest.mark.parametrize(
    ("configured", "address", "port"),
    [
        ("roster.example:8443", ADDRESS, 8443),
        ("roster.example", "https://id.example", 443),
        ("roster.example", "http://id.example", 80),
    ],
)
async def test_the_public_address_may_be_configured(
    runtime: Runtime, signed: Wire, sign: Sign, configured: str, address: str, port: int
):
    public = Target("GET", f"{PREFIX}/~{signed.slug}/users/", "roster.example", port)
    before = runtime.settings
    dialects = Dialects(onslip360=Onslip360Dialect(public_host=configured))
    runtime.settings = msgspec.structs.replace(before, dialects=dialects)
    try:
        answer = await served(runtime, signed, Site(public_url=address), sign(target=public), {}, "http://10.0.0.7:81")
    finally:
        runtime.settings = before

    assert answer.status_code == 200


async def test_what_is_changed_is_in_the_trail_with_who_signed(
    signed: Wire, sign: Sign, boss: Person, runtime: Runtime, realm: Realm
):
    await signed.post("users/", ASA, auth=sign())

    async with runtime.read(factories.roster_in(realm)) as tx:
        entries = (await audit.search(tx, None, (), Page(limit=10))).items
    made = next(each for each in entries if each.action == "user.created" and each.dialect == "onslip360")
    assert made.actor_id == boss.user.id
