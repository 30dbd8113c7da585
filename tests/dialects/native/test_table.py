"""What holds for every operation: it can be called with just what it needs, and by nobody else."""

import re
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from roster.core.access.models import PERMISSIONS
from roster.core.realms.models import Realm
from roster.dialects.native import dialect
from roster.kit.errors import Forbidden
from roster.storage.runtime import Runtime
from roster.web import openapi
from roster.web.operation import Operation
from tests.dialects.conftest import Person, SignIn
from tests.dialects.native.cases import CASES, Case, World, a_world, filled
from tests.dialects.streaming import streaming

OPERATIONS = {operation.id: operation for operation in dialect.operations}
DOCUMENT = openapi.document(dialect, "/api/v1")
GUARDED = [name for name, case in CASES.items() if case.needs]
CLOSED = [name for name, operation in OPERATIONS.items() if not operation.public]
NAMED = ("putAttribute", "deleteAttribute", "putPlace")
"""What these are about has a name that each realm gives, not an identifier."""
WITH_IDS = [name for name in GUARDED if CASES[name].path and name not in NAMED]
WITH_BODY = [name for name, case in CASES.items() if case.json is not None]
FILE = "application/x-ndjson"
SERVER_FIELDS = re.findall(
    r"\w+",
    """
    id number realm_id version access_version created_at created_by created_from updated_at updated_by updated_from
    deleted_at deleted_by deleted_from erased_at email_verified_at phone_verified_at view built_in is_admin grams
    username_key email_key hash sealed lookup state kind data last_used_at generation session_id user_id realm
    permissions roles status tags facets personal_number email_verified phone_verified
    """,
)


@pytest.fixture
async def world(runtime: Runtime, realm: Realm) -> World:
    return await a_world(runtime, realm)


async def send(
    client: httpx.AsyncClient, world: World, name: str, caller: Person | None, extra: dict[str, Any] | None = None
) -> httpx.Response:
    """Call the operation as its case says."""
    operation, case = OPERATIONS[name], CASES[name]
    known = {**world.ids, "refresh_token": caller.refresh_token if caller else ""}
    if case.prepare is not None:
        known |= await case.prepare(world, caller.user if caller else world.target.user)
    body = None if case.json is None else {**filled(case.json, known), **(extra or {})}
    return await client.request(
        operation.method,
        operation.path.format(**filled(case.path, known)),
        params=filled(case.query, known),
        json=body,
        data=filled(case.form, known),
        content=case.content,
        headers={**(caller.bearer if caller else {}), **({"Content-Type": FILE} if case.content else {})},
    )


async def caller_of(case: Case, sign_in: SignIn, platform: Person) -> Person | None:
    if case.anonymous:
        return None
    return platform if case.platform else await sign_in(*case.needs)


def documented(operation: Operation, response: httpx.Response) -> dict[str, Any]:
    """What the document says about this answer; fails when it says nothing."""
    path = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert str(response.status_code) in path["responses"], response.text
    return path["responses"][str(response.status_code)]


def conforms(operation: Operation, response: httpx.Response) -> None:
    """The answer is as the document says."""
    content = documented(operation, response).get("content", {})
    if not content:
        assert response.content == b""
        return
    media = response.headers["content-type"]
    assert media in content, media
    if media in ("application/json", "application/problem+json"):
        schema = {**content[media]["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(response.json())


def test_every_operation_has_a_case():
    assert set(OPERATIONS) == set(CASES)


@pytest.mark.parametrize("name", [name for name in CLOSED if OPERATIONS[name].writes])
def test_every_change_says_that_it_may_be_refused(name: str):
    """To those without the permission, and to pages of other sites that come with a cookie."""
    assert any(issubclass(Forbidden, each) or issubclass(each, Forbidden) for each in OPERATIONS[name].errors)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.streams])
async def test_whoever_has_just_what_it_needs_may_call_it(
    name: str, client: httpx.AsyncClient, world: World, sign_in: SignIn, platform: Person
):
    operation, case = OPERATIONS[name], CASES[name]
    caller = await caller_of(case, sign_in, platform)

    response = await send(client, world, name, caller)

    assert response.status_code == operation.status, response.text
    conforms(operation, response)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.streams])
async def test_whoever_has_just_what_it_needs_may_stream_it(name: str, app: Any, world: World, sign_in: SignIn):
    caller = await sign_in(*CASES[name].needs)

    async with streaming(app, "/api/v1" + OPERATIONS[name].path, caller.bearer) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == OPERATIONS[name].produces


@pytest.mark.parametrize("name", GUARDED)
async def test_every_other_permission_together_is_not_enough(
    name: str, client: httpx.AsyncClient, world: World, sign_in: SignIn
):
    case = CASES[name]
    caller = await sign_in(*(PERMISSIONS.keys() - {"*", case.needs[0], *case.also}))

    response = await send(client, world, name, caller)

    assert response.status_code in (403, 404), response.text
    conforms(OPERATIONS[name], response)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.platform])
async def test_administrators_of_another_realm_do_not_run_the_platform(
    name: str, client: httpx.AsyncClient, world: World, admin: Person
):
    response = await send(client, world, name, admin)

    assert response.status_code in (403, 404), response.text


@pytest.mark.parametrize("name", CLOSED)
async def test_nobody_in_particular_may_not_call_it(name: str, client: httpx.AsyncClient, world: World):
    response = await send(client, world, name, None)

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    conforms(OPERATIONS[name], response)


@pytest.mark.parametrize("name", CLOSED)
async def test_a_session_that_was_ended_opens_nothing(
    name: str, client: httpx.AsyncClient, world: World, admin: Person
):
    await client.post("/sign-out", headers=admin.bearer)

    response = await send(client, world, name, admin)

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("name", WITH_IDS)
async def test_identifiers_of_another_realm_lead_nowhere(
    name: str, client: httpx.AsyncClient, world: World, stranger: Person
):
    response = await send(client, world, name, stranger)

    assert response.status_code == 404, response.text
    conforms(OPERATIONS[name], response)


@pytest.mark.parametrize("name", WITH_IDS)
async def test_identifiers_of_another_realm_are_answered_like_those_of_nothing(
    name: str, client: httpx.AsyncClient, world: World, stranger: Person
):
    foreign = await send(client, world, name, stranger)
    nothing = msgspec.structs.replace(world, ids={**world.ids, **dict.fromkeys(world.ids, str(stranger.realm.id))})
    nothing.ids["email"] = "x@example.com"

    unknown = await send(client, nothing, name, stranger)

    assert _told(unknown) == _told(foreign)


def _told(response: httpx.Response) -> dict[str, Any]:
    return {**response.json(), "request_id": ""}


@pytest.mark.parametrize("name", WITH_BODY)
async def test_a_body_takes_only_what_a_caller_may_set(
    name: str, client: httpx.AsyncClient, world: World, sign_in: SignIn, platform: Person
):
    operation, case = OPERATIONS[name], CASES[name]
    caller = await caller_of(case, sign_in, platform)
    allowed = {field.encode_name for field in msgspec.structs.fields(operation.body_type)}
    forbidden = [field for field in SERVER_FIELDS if field not in allowed]

    response = await send(client, world, name, caller, dict.fromkeys(forbidden, 1))

    assert (response.status_code, response.json()["code"]) == (400, "invalid_input")
    told = {each["field"] for each in response.json()["problems"] if each["code"] == "unknown_field"}
    assert told == set(forbidden)
