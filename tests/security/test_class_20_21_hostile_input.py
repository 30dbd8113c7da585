"""Classes 20 and 21: forged questions, and input that is too much: no fault, nothing stored, in the dialect's own form.

Also covered: `tests/web/test_binding.py` and `test_hostile.py` (the frame), `tests/storage/test_sql_hostile.py` (SQL),
`tests/kit/test_filters.py` (limits of a filter), `tests/kit/test_pages.py` (forged cursors).
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.kit import secrets
from roster.storage.runtime import Runtime
from roster.web import body as bodies
from roster.web import plain_page
from roster.web.operation import Operation
from tests.core.people import Person
from tests.dialects.calling import ADDRESS
from tests.security import walking
from tests.security.fronts import DIALECTS, PREFIXES, Front, House
from tests.security.stored import snapshot

JSON = {"Content-Type": "application/json"}
MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"a":',
    "two values": b"{}{}",
    "a comment": b"{/**/}",
    "single quotes": b"{'a':1}",
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "a number beyond doubles": b'{"a":1e999999}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-32": '{"a":1}'.encode("utf-32"),
    "Latin-1": b'{"a":"\xe5"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a raw NUL": b'{"a":"\x00"}',
    "a raw line break": b'{"a":"\n"}',
    "too deep lists": b"[" * 100_000,
    "too deep objects": b'{"a":' * 100_000,
    "too deep and closed": b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a list": b"[]",
    "a text": b'"text"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "a binary file": bytes(range(256)) * 50,
    "a form": b"username=a&password=b",
    "many unknown members": b"{" + b",".join(b'"k%d":1' % number for number in range(5_000)) + b"}",
}
OPEN: dict[str, tuple[bytes, ...]] = {
    "updateMe": (b'{"a":', b'{"k0":'),  # no member is required, and unknown ones are ignored
    "StoreSettings": (b'{"k0":',),  # members are what a program makes of them
}
"""How good bodies of these operations may begin, too."""
VALUES: dict[str, Any] = {
    "NUL": "a\0b",
    "half a pair": "\ud800",
    "the other half": "a\udfffb",
    "a long text": "x" * 100_000,
    "a huge integer": 10**30,
    "a negative one": -(10**30),
    "just too large": 2**63,
    "a huge float": 1e300,
    "a list": [1],
    "nested lists": [[[[[[]]]]]],
    "an object": {"$gt": ""},
    "a boolean": True,
    "an empty text": "",
    "spaces": "   ",
    "control signs": "\x01\x1b[31m\x7f",
    "SQL": "'; DROP TABLE users; --",
    "a template": "{{7*7}}${7*7}<%= 7*7 %>#{7*7}%(a)s{0}",
    "a path": "../../../../etc/passwd",
}
UNDEMANDING = {("wellbee", "auth-tfa-sms-disable"), ("wellbee", "user-bankid-deactivate")}
"""Where no member is required, and what is no JSON counts as nothing (contract, section 9)."""


def operations() -> Iterator[tuple[str, Operation]]:
    """All that read a JSON body."""
    for name, dialect in DIALECTS.items():
        for each in dialect.operations:
            is_page = each.produces == plain_page.HTML
            if each.body_type not in (None, bytes) and "application/json" in each.consumes and not is_page:
                yield name, each


BODIES = [pytest.param(name, each, id=f"{name}-{each.id}") for name, each in operations()]


def conforms(front: Front, answer: httpx.Response) -> None:
    """A refusal in the dialect's own form."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    body = answer.json()
    assert len(answer.content) < 20_000
    if front.name == "fulfillmenttools":
        assert answer.headers["content-type"] == "application/json"
        assert all("summary" in each for each in body)
        return
    if front.name == "groupalarm":
        assert answer.headers["content-type"] == "application/json"
        assert body["success"] is False
        return
    if front.name == "onslip360":
        assert body["code"]
        assert body["message"]
        return
    if front.name == "wellbee":
        assert body.keys() == {"message"} or body["error"]["code"]
        return
    if front.name == "native":
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    else:
        assert answer.headers["content-type"] == "application/json"
        assert body.keys() == {"code", "status", "message"}
    assert body["status"] == answer.status_code


def refused(front: Front, operation: Operation, answer: httpx.Response) -> None:
    """A refusal, wherever something has to be said."""
    if (front.name, operation.id) in UNDEMANDING and answer.status_code == 200:
        return
    conforms(front, answer)


def path_of(operation: Operation) -> str:
    """Its path with parameters that lead nowhere."""
    path = operation.path.replace("~{realm}", "~[realm]").replace("{slug}", "x").replace("{", "").replace("}", "")
    return path.replace("~[realm]", "~{realm}")


@pytest.mark.parametrize(("name", "operation"), BODIES)
async def test_what_is_no_json_or_none_of_ours_is_refused_and_changes_nothing(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, name: str, operation: Operation
):
    front = Front(name, client, realm)
    _, token = await walking.signed_in(runtime, realm, "admin")
    before = await snapshot(runtime, realm)
    for what, content in MALFORMED.items():
        if content.startswith(OPEN.get(operation.id, ())):
            continue
        answer = await front.call(operation.method, path_of(operation), token=token, content=content, headers=JSON)
        if not (what == "nothing" and not operation.body_required):
            refused(front, operation, answer)
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {**JSON, "Content-Encoding": "gzip"},
        {**JSON, "Content-Length": "99999999999"},
        {**JSON, "Content-Length": "-1"},
        {**JSON, "Content-Length": "1e3"},
        {},
    ):
        answer = await front.call(operation.method, path_of(operation), token=token, content=b"{}", headers=headers)
        refused(front, operation, answer)

    assert await snapshot(runtime, realm) == before


@pytest.mark.parametrize(("name", "id"), [(name, each.id) for name, each in operations()])
async def test_no_member_of_a_body_that_would_succeed_can_hold_what_it_must_not(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, name: str, id: str
):
    """One member after the other takes every hostile value: refused or taken, but never a fault, and no NUL is kept."""
    chief, token = await walking.signed_in(runtime, realm, "admin")
    asked = await walking.request(runtime, realm, name, id, chief.user)
    good = asked.more.get("json")
    if not isinstance(good, dict):
        return
    front = Front(name, client, realm)
    for member in good:
        for value in VALUES.values():
            content = json.dumps({**good, member: value}).encode()
            headers = {**asked.more.get("headers", {}), **JSON}
            more = {key: each for key, each in asked.more.items() if key not in ("json", "headers")}
            answer = await front.call(
                asked.method,
                asked.path,
                token=token if asked.needs_token else None,
                content=content,
                headers=headers,
                **more,
            )
            assert answer.status_code < 500, (member, value, answer.text[:300])
            if value in ("a\0b", "\ud800", "a\udfffb"):
                conforms(front, answer)


QUERIES = [
    "%", "%00", "%ff", "%c0%af", "a=%ed%a0%80", "&".join(["a=1"] * 600), "a=" + "x" * 20_000, "limit=-1", "limit=0",
    "limit=99999999999999999999", "limit=1e3", "limit=NaN", "limit[]=1", "limit=%00", "limit=1&limit=2", "cursor=x",
    "cursor=" + "A" * 3000, "cursor=AAAA", "total=maybe", "deleted=all", "filter=" + "(" * 3000, "filter=not+" * 100,
    "filter=id+eq+%22%00%22", 'filter=id+eq+"%5Cud800"', "filter=" + "id+pr+and+" * 300 + "id+pr", "filter='--",
    "filter=id%20eq%20null;DROP", "filter=attributes.a.b.c.d+pr", "filter=attributes.%27+pr",
    "filter=username+matches+%22(a+)+$%22", "filter=hash+pr", "filter=password+pr", "filter=grams+pr",
    "filter=username_key+pr", "filter=realm_id+pr", "sort=hash", "sort=username;DROP+TABLE+users",
    "sort=attributes.x", "sort=" + ",".join(["username"] * 50), 'sort={"__proto__":1}', 'sort={"name":{"$gt":1}}',
    "sort=" + "%7B%22a%22:" * 200, "name=like(" + "x" * 5000 + ")", "name=in(" + "a," * 3000 + ")", "name=$where",
    "name[$ne]=x", "name=ne(", "uid=eq(not-a-uuid)", "version=gt(99999999999999999999)", "skip=99999999999",
    "dateCreated=gt(0000-00-00)", "dateCreated=range(1)", "roles=in(admin)", "$where=1", "constructor=1",
    "page=9999999&limit=1000",
]  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/users", "/roles", "/sessions", "/audit", "/users/count", "/api-keys", "/messages", "/realms"]
)
async def test_no_query_brings_a_fault(runtime: Runtime, client: httpx.AsyncClient, realm: Realm, path: str):
    _, token = await walking.signed_in(runtime, realm, "admin")
    before = await snapshot(runtime, realm)
    for name in PREFIXES:
        front = Front(name, client, realm)
        for query in QUERIES:
            answer = await front.call("GET", f"{path}?{query}", token=token)
            assert answer.status_code < 500, (query, answer.text[:300])
            if answer.status_code >= 400:
                conforms(front, answer)
    assert await snapshot(runtime, realm) == before


async def test_a_question_about_stored_secrets_cannot_be_asked(front: Front, runtime: Runtime, admin: Person):
    token = await walking.token_for(runtime, admin.realm, admin.user)
    for field in ("hash", "sealed", "lookup", "password", "secret", "grams", "email_key", "realm_id", "access_version"):
        if front.name == "native":
            paths = [f"/users?filter={field} pr", f"/users?sort={field}", f"/sessions?filter={field} pr"]
        else:
            paths = [f"/users?{field}=x", f"/users?sort={field}", f"/users/me/secrets?{field}=like(a)"]
        for path in paths:
            assert (await front.call("GET", path, token=token)).status_code == 400, path


# forged tokens for naming a realm


@pytest.mark.parametrize("slug", ["\0", "a\0b", "\ud800", "\x1b", "main\n", "", "x" * 3000, "../main", "é"])
@pytest.mark.parametrize("path", ["/refresh", "/verify", "/recover/confirm", "/sign-in/mfa", "/pages/verify"])
async def test_a_made_up_token_that_names_an_odd_realm_is_just_no_token(
    client: httpx.AsyncClient, main_realm: Realm, path: str, slug: str
):
    claims = json.dumps({"iss": f"x/realms/{slug}"}).encode()
    token = f"{secrets.encode(b'{}')}.{secrets.encode(claims)}.AAAA"
    body = {"refresh_token": token, "token": token, "mfa_token": token, "password": "correct horse", "code": "123456"}
    wanted = {"/refresh": ("refresh_token",), "/verify": ("token",), "/pages/verify": ("token",)}
    names = wanted.get(path, ("token", "password") if "recover" in path else ("mfa_token", "code"))
    sent = {name: body[name] for name in names}
    kind: dict[str, Any] = {"data": sent} if "pages" in path else {"json": sent}

    answer = await client.post(f"{ADDRESS}/api/v1{path}", **kind)

    assert answer.status_code == (200 if "pages" in path else 401), answer.text
    assert (await client.get(f"{ADDRESS}/api/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 401


# work that grows faster than the input

SLOW: dict[str, bytes] = {
    "strings without end": b"[" * 40 + b'\\"' * 500_000,
    "quotes without end": b"[" * 40 + b'"\\\\' * 300_000,
    "a long name over many members": b'{"' + b"a" * 500_000 + b'":[' + b"0," * 250_000 + b'0],"n":9999999999999999999}',
    "many numbers that are too large": b"[" + b",".join([b"9" * 25] * 35_000) + b"]",
    "many texts that cannot be stored": b"[" + b",".join([b'"\\u0000"'] * 100_000) + b"]",
}


@pytest.mark.parametrize("what", SLOW)
def test_looking_at_a_body_takes_time_in_proportion_to_its_length(what: str):
    """What takes time with the square of the length would need minutes for these, and hold up everybody."""
    with pytest.raises(bodies.InvalidInput) as refused:
        bodies.screen(SLOW[what])

    assert len(refused.value.problems) <= 50
    assert sum(len(each.field) + len(each.text) for each in refused.value.problems) < 50_000


@pytest.mark.parametrize("what", SLOW)
async def test_strangers_cannot_make_us_slow_or_talkative(front: Front, what: str):
    path = "/sign-up" if front.name == "native" else "/users"

    conforms(front, await front.call("POST", path, content=SLOW[what], headers=JSON))


async def test_an_imported_hash_is_checked_at_a_bounded_price(runtime: Runtime, realm: Realm):
    """See `tests/core/credentials/test_hashing.py`; here only that the front doors take no longer secret than that."""
    async with House(runtime).client() as client:
        for name in PREFIXES:
            answer = await Front(name, client, realm).sign_in("eva", "x" * 60_000)
            assert answer.status_code in (400, 401)
