"""Class 25 and cross-site requests: sessions are new, cookies are closed, other sites' pages achieve nothing.

Also covered: `tests/dialects/native/test_sign_in.py` (cookies of the native API), `tests/web/test_mounts.py` (CORS).
"""

import re
from typing import Any

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.dialects.calling import ADDRESS
from tests.security import walking
from tests.security.fronts import DIALECTS, PREFIXES, Front, House
from tests.security.stored import snapshot

COOKIES = {"native": "roster_session", "acceleratxr": "jwt", "fulfillmenttools": "roster_session", "wellbee": "jwt"}
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8080.evil.example"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "https://127.0.0.1:8080"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Referer": "http://127.0.0.1:8080/"},
    {},
]
QUIET = [{"Sec-Fetch-Site": "none"}, {"Referer": "http://127.0.0.1:8080/"}, {}]
"""What programs that keep a cookie say of themselves, which Wellbee's platform lets in; no other site's page does."""
WRITING = [
    (name, operation.id)
    for name, dialect in DIALECTS.items()
    for operation in dialect.operations
    if name in COOKIES and (name, operation.id) in walking.CLOSED and operation.writes
]


@pytest.mark.parametrize(("name", "id"), WRITING)
async def test_a_cookie_changes_nothing_when_another_sites_page_sends_it(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, name: str, id: str
):
    chief, token = await walking.signed_in(runtime, realm, "admin")
    asked = await walking.request(runtime, realm, name, id, chief.user)
    front, before = Front(name, client, realm), await snapshot(runtime, realm)

    for foreign in FOREIGN:
        if name == "wellbee" and foreign in QUIET:
            continue
        more = {key: value for key, value in asked.more.items() if key != "headers"}
        headers = {**asked.more.get("headers", {}), **foreign, "Cookie": f"{COOKIES[name]}={token}"}
        answer = await front.call(asked.method, asked.path, headers=headers, **more)
        assert answer.status_code in (401, 403), foreign
    assert await snapshot(runtime, realm) == before


async def test_no_get_changes_anything_by_a_cookie(runtime: Runtime, client: httpx.AsyncClient, realm: Realm):
    """A link is enough to send those."""
    _, token = await walking.signed_in(runtime, realm, "admin")
    for name, cookie in COOKIES.items():
        front = Front(name, client, realm)
        for operation in front.dialect.operations:
            if operation.method != "GET" or (name, operation.id) in walking.STREAMS:
                continue
            before = await snapshot(runtime, realm)
            path = re.sub(r"\{\w+\}", "me", operation.path)
            more: dict[str, Any] = {"content": b'{"secret":"another long secret"}'} if operation.body_type else {}
            kind = {"Content-Type": "application/json"} if operation.body_type else {}
            headers = {"Cookie": f"{cookie}={token}", "Sec-Fetch-Site": "cross-site", **kind}
            await front.call("GET", path, headers=headers, **more)
            after = await snapshot(
                runtime, realm, but=frozenset({"counters", "audit_entries", "outbox_events", "sessions"})
            )
            changed = {table for table in after if after[table] != before[table]}
            assert changed <= ({"messages", "proofs"} if "recover" in path else set()), operation.id


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_a_link_with_a_name_and_a_secret_in_it_leaves_nobody_signed_in(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, person: Person, site: str
):
    """`https://mallory:secret@…/auth/password` would sign a visitor in as Mallory."""
    front = Front("acceleratxr", client, realm)

    answer = await front.sign_in("eva", PASSWORD, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})

    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_programs_and_own_pages_get_the_cookie(client: httpx.AsyncClient, realm: Realm, person: Person):
    front = Front("acceleratxr", client, realm)
    for headers in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}):
        assert "set-cookie" in (await front.sign_in("eva", PASSWORD, headers=headers)).headers


async def test_cookies_are_closed_to_scripts_and_other_sites(client: httpx.AsyncClient, realm: Realm, person: Person):
    body = {"username": "eva", "password": PASSWORD, "cookie": True}
    native = await Front("native", client, realm).call("POST", "/sign-in", json=body, headers={"Origin": ADDRESS})
    other = await Front("acceleratxr", client, realm).sign_in("eva", PASSWORD)

    for cookie in [*native.headers.get_list("set-cookie"), *other.headers.get_list("set-cookie")]:
        assert "; HttpOnly" in cookie
        assert "; SameSite=Lax" in cookie or "; SameSite=Strict" in cookie
        assert "Domain=" not in cookie


async def test_over_https_cookies_are_secure(runtime: Runtime, realm: Realm, person: Person):
    async with House(runtime, trusted_proxies=1).client() as client:
        body = {"username": "eva", "password": PASSWORD, "cookie": True}
        headers = {"Origin": ADDRESS, "X-Forwarded-Proto": "https"}
        answer = await Front("native", client, realm).call("POST", "/sign-in", json=body, headers=headers)

    assert [cookie for cookie in answer.headers.get_list("set-cookie") if "; Secure" not in cookie] == []


async def test_every_sign_in_opens_a_session_of_its_own(front: Front, runtime: Runtime, person: Person):
    """Nothing that was there before is taken over: no cookie, no header, no token decides about the new session."""
    old = (await people.sign_in(runtime, person)).access_token
    planted = {"Cookie": f"{COOKIES[front.name]}={old}", "X-Session-Id": "planted"}
    first = await front.sign_in("eva", PASSWORD, headers=planted)
    second = await front.sign_in("eva", PASSWORD, headers=planted)

    tokens = [old, front.token_of(first), front.token_of(second)]
    sids = {re.findall(r'"sid":"([^"]+)"', people.payload_of(token))[0] for token in tokens}
    assert len(sids) == 3


async def test_a_new_password_ends_what_others_opened(front: Front, runtime: Runtime, person: Person):
    stolen = (await people.sign_in(runtime, person)).access_token
    mine = (await people.sign_in(runtime, person)).access_token
    if front.name == "native":
        body = {"password": "another long secret", "current_password": PASSWORD}
        answer = await front.call("PUT", "/me/password", token=mine, json=body)
    else:
        answer = await front.call(
            "PUT", "/users/me/secrets/password", token=mine, json={"secret": "another long secret"}
        )

    assert answer.status_code in (200, 204)
    assert (await front.me(stolen)).status_code == 401
    assert (await front.me(mine)).status_code == 200


async def test_a_session_that_is_ended_in_one_front_door_is_ended_in_all(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, person: Person
):
    native, other = (Front(name, client, realm) for name in PREFIXES)
    token = other.token_of(await other.sign_in("eva", PASSWORD))
    assert (await native.me(token)).status_code == 200

    assert (await native.call("POST", "/sign-out", token=token)).status_code == 204
    assert (await other.me(token)).status_code == 401


async def test_answers_are_neither_cached_nor_sniffed_nor_readable_by_other_origins(
    front: Front, runtime: Runtime, person: Person
):
    token = (await people.sign_in(runtime, person)).access_token
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        for answer in (await front.me(token, headers=headers), await front.me(headers=headers)):
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in answer.headers
