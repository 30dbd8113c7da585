"""Classes 20, 22 and 33 for what only other services ask, on the bus: they act as programs that may do everything in
the realm of the bus. So nothing of another realm is within their reach, no message is a fault of ours, and no
question is answered about what is secret. That no answer holds a secret: `tests/dialects/wellbee`, every operation.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.dialects.wellbee import messages
from roster.dialects.wellbee.subjects import WHOLE, is_for_sockets, subject_of
from roster.settings import Dialects, WellbeeDialect
from roster.storage.runtime import Runtime
from roster.web.answer import Answer
from tests import factories
from tests.dialects.wellbee import cases
from tests.dialects.wellbee.cases import BUS, HTTP, OPERATIONS, Case
from tests.dialects.wellbee.conftest import bus_front
from tests.security import fronts, walking
from tests.security.stored import snapshot
from tests.security.test_class_20_21_hostile_input import MALFORMED, VALUES

NOWHERE = "http://127.0.0.1:9"
SHAPES = ("nothing", "half an object", "Latin-1", "too deep and closed", "a list", "a text", "a number", "null", "true")
"""What an operation itself could stumble over; all else is the frame's, which is tried over HTTP."""
ECHOES = {"interceptor-message-audit", "interceptor-login-bankid", "svc-mail-send", "svc-mail-send-deprecated"}
"""Whose answers repeat what was sent."""
WORDS = ("password", "salt", "hashDate", "emailVerificationToken", "setPasswordToken")


@pytest.fixture(autouse=True)
def profiles(runtime: Runtime) -> Iterator[None]:
    """People have profiles, so that what is about them is served; Stripe is known, and does not answer."""
    before = runtime.settings
    wellbee = WellbeeDialect(profile_fields=("team",), stripe_key="sk_test_of_ours", stripe_url=NOWHERE)
    runtime.settings = msgspec.structs.replace(before, dialects=Dialects(wellbee=wellbee))
    yield
    runtime.settings = before


async def ask(runtime: Runtime, realm: Realm, id: str, content: bytes, case: Case, *, by: object = None) -> Answer:
    """One message."""
    operation = OPERATIONS[id]
    extra = {"userId": str(by)} if is_for_sockets(operation) else {}
    request = messages.request_of(subject_of(operation), content, realm=realm.slug, query=case.query, extra=extra)
    return await bus_front(runtime).answer(request)


def content_of(case: Case) -> bytes:
    """The good message."""
    return msgspec.json.encode({} if case.body is None else case.body)


def is_no_fault(answer: Answer, case: Case) -> bool:
    """Whether it is not ours when something went wrong."""
    return answer.status < 500 or (answer.status == 503 and bool(case.provider))


def shown(answer: Answer) -> str:
    """The answer as text."""
    assert isinstance(answer.body, bytes)
    return answer.body.decode()


async def test_what_is_of_another_realm_is_out_of_reach(runtime: Runtime, realm: Realm, other_realm: Realm):
    mine, theirs = await factories.a_person(runtime, realm), await factories.a_person(runtime, other_realm)
    world = await cases.a_world(runtime, other_realm, theirs)
    filled = {id: await case.filled(world) for id, case in BUS.items()}
    before = await snapshot(runtime, other_realm)

    for id, case in filled.items():
        answer = await ask(runtime, realm, id, content_of(case), case, by=mine.id)
        assert is_no_fault(answer, case), (id, answer.body)
        if WHOLE not in OPERATIONS[id].extra:
            sent = json.dumps(case.body)
            for known in (str(world.pat.id), "pat@example.org", "Berg", *world.secrets):
                assert known in sent or known not in shown(answer), (id, answer.body)
    assert await snapshot(runtime, other_realm) == before


async def test_no_message_is_a_fault_of_ours(runtime: Runtime, realm: Realm):
    """What is no JSON, or none of the operation's; and good messages with every member made hostile in turn."""
    caller = await factories.a_person(runtime, realm)
    world = await cases.a_world(runtime, realm, caller)
    once = {OPERATIONS[id].handler: id for id in BUS}.values()
    for id, case in {id: await BUS[id].filled(world) for id in once}.items():
        for content in (*(MALFORMED[each] for each in SHAPES), *_spoiled(case.body)):
            answer = await ask(runtime, realm, id, content, case, by=caller.id)
            assert is_no_fault(answer, case), (id, content[:300], answer.body)
            assert isinstance(answer.body, bytes)
            assert len(answer.body) < 20_000 or id in ECHOES, id
        for value in VALUES.values():
            if isinstance(value, str) and case.query and value.isprintable():
                changed = msgspec.structs.replace(case, query=dict.fromkeys(case.query, value))
                assert (await ask(runtime, realm, id, b"{}", changed, by=caller.id)).status < 500


async def test_a_message_about_a_person_gives_nobody_more_than_that_person_has(
    runtime: Runtime, realm: Realm, other_realm: Realm
):
    """`http.…` on the bus by nobody, by an administrator of another realm, and by somebody without any role."""
    caller, plain = await factories.a_person(runtime, realm), await factories.a_person(runtime, realm)
    stranger = await factories.a_person(runtime, other_realm, roles=("admin",))
    world = await cases.a_world(runtime, realm, caller)
    closed = [id for id in HTTP if not OPERATIONS[id].public and HTTP[id].file is None]
    filled = {id: await HTTP[id].filled(world) for id in closed}
    before = await snapshot(runtime, realm)

    for id, case in filled.items():
        for who in (None, str(stranger.id), "not-an-id", "\0", *([str(plain.id)] if OPERATIONS[id].needs else [])):
            answer = await _over_bus(runtime, realm, id, case, who)
            assert answer.status == 403, (id, who, answer.body)
    assert await snapshot(runtime, realm) == before


async def _over_bus(runtime: Runtime, realm: Realm, id: str, case: Case, who: str | None) -> Answer:
    """The message of a gateway, with all scopes that it could claim."""
    operation = OPERATIONS[id]
    path, _, _ = (case.path or operation.path).partition("?")
    subject = ".".join(["http", operation.method.lower(), *path.strip("/").replace(".", "{dot}").split("/")])
    extra = {"scopes": "*"} if who is None else {"userId": who, "scopes": "*"}
    return await bus_front(runtime).answer(
        messages.request_of(subject, content_of(case), realm=realm.slug, extra=extra)
    )


async def test_whoever_lacks_a_scope_is_refused_over_http_too(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm
):
    plain, token = await walking.signed_in(runtime, realm)
    needing = [id for id in HTTP if OPERATIONS[id].needs]
    world = await cases.a_world(runtime, realm, plain.user)
    filled = {id: await HTTP[id].filled(world) for id in needing}
    front, before = fronts.Front("wellbee", client, realm), await snapshot(runtime, realm)

    for id, case in filled.items():
        path = case.path or OPERATIONS[id].path
        for given, code in ((token, "PERMISSION_DENIED"), (None, "MUST_BE_LOGGED_IN")):
            answer = await front.call(OPERATIONS[id].method, path, token=given, json=case.body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, code), id
    assert await snapshot(runtime, realm) == before


def _spoiled(body: Any) -> Iterator[bytes]:
    if not isinstance(body, dict):
        return
    for member in body:
        for value in VALUES.values():
            yield json.dumps({**body, member: value}).encode()
            if isinstance(body[member], dict):
                yield json.dumps({**body, member: {**dict.fromkeys(body[member], value)}}).encode()
            if isinstance(body[member], list):
                yield json.dumps({**body, member: [value]}).encode()


@pytest.mark.parametrize("word", WORDS)
async def test_no_query_asks_for_a_secret(runtime: Runtime, realm: Realm, word: str):
    """Nor sorts, groups or counts by one: that would find it out sign by sign."""
    private = {word: {"$regex": "^a"}}
    messages_of: list[tuple[str, Any]] = [
        ("svc-user-get-user", private),
        ("svc-user-get-user", {"$or": [{"a": 1}, {"$nor": [private]}]}),
        ("svc-user-get-user", {"a": {"$elemMatch": private}}),
        ("svc-user-delete-by-query", private),
        ("svc-user-get-users-by-query", {"query": private, "count": True}),
        ("svc-user-get-users-by-query", {"query": {"id": "x"}, "sort": {word: 1}}),
        ("svc-user-get-users-by-query", {"query": {"id": "x"}, "filter": {word: 1}}),
        ("svc-user-get-profiles", {"query": {f"team.{word}": "x"}}),
        ("svc-user-get-by-aggregate", {"aggregate": [{"$match": private}]}),
        ("svc-user-get-by-aggregate", {"aggregate": [{"$group": {"_id": f"${word}"}}]}),
        ("svc-user-get-by-aggregate", {"aggregate": [{"$project": {"a": f"${word}"}}]}),
        ("svc-user-get-by-aggregate", {"aggregate": [{"$sort": {word: 1}}]}),
    ]
    for id, body in messages_of:
        answer = await ask(runtime, realm, id, msgspec.json.encode(body), BUS[id])
        assert answer.status == 400, (id, body, answer.body)


async def test_nobody_is_found_by_a_stored_secret(runtime: Runtime, realm: Realm):
    await cases.a_world(runtime, realm, await factories.a_person(runtime, realm))
    async with runtime.lease() as tx:
        stored = await tx.value("SELECT hash FROM credentials WHERE realm_id = $1 AND hash IS NOT NULL", realm.id)
    for name in ("hash", "lookup", "sealed", "realm_id", "grams", "email_key"):
        body = msgspec.json.encode({name: str(stored)})
        assert (
            json.loads(shown(await ask(runtime, realm, "svc-user-get-user", body, BUS["svc-user-get-user"])))["data"]
            == []
        )
