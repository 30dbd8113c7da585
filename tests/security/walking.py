"""Walking all operations of all front doors: for each a request that would succeed for an administrator."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft
from roster.core.flows import granting
from roster.core.realms.models import Realm
from roster.core.sessions.models import Opening
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.people import Person
from tests.dialects.acceleratxr import cases as acceleratxr_cases
from tests.dialects.fulfillmenttools import cases as fulfillmenttools_cases
from tests.dialects.groupalarm import cases as groupalarm_cases
from tests.dialects.native import cases as native_cases
from tests.dialects.onslip360 import cases as onslip360_cases
from tests.dialects.onslip360.conftest import Hawk
from tests.dialects.wellbee import cases as wellbee_cases
from tests.security.fronts import DIALECTS, MOUNTED, Front

OPERATIONS = [(name, operation.id) for name, dialect in DIALECTS.items() for operation in dialect.operations]
STREAMS = {
    (name, each.id) for name, dialect in DIALECTS.items() for each in dialect.operations if each.id == "followEvents"
}
PUBLIC = {(name, each.id) for name, dialect in DIALECTS.items() for each in dialect.operations if each.public}
OWN_CREDENTIAL = {("acceleratxr", id) for id in acceleratxr_cases.OWN_CREDENTIAL}
CLOSED = [each for each in OPERATIONS if each not in PUBLIC | OWN_CREDENTIAL | STREAMS]
"""Those that need a token."""


INSPECTED = onslip360_cases.Case("/~{realm}/users/{jane}", body={"type": "revisions"})
"""`inspectUser`, which no OpenAPI document can name."""


class Asked(msgspec.Struct, frozen=True):
    """A request below the prefix. `secrets` are what it names or sends that nobody may read anywhere."""

    method: str
    path: str
    more: dict[str, Any]
    secrets: tuple[str, ...]
    needs_token: bool
    status: int | None = None
    """What an administrator is answered, where no other test says so."""
    names: bool = False
    """Whether it is about something that has an id of its realm; said where no other test uses foreign ids."""

    async def send(self, front: Front, token: str | None, **more: Any) -> httpx.Response:
        """Send it, with a token if it takes one."""
        return await front.call(self.method, self.path, token=token if self.needs_token else None, **self.more, **more)


async def signed_in(runtime: Runtime, realm: Realm, *roles: str) -> tuple[Person, str]:
    """A person with these roles and a token, without the price of a hash."""
    user = await factories.a_person(runtime, realm, roles=roles)
    return Person(realm, user), await token_for(runtime, realm, user)


async def token_for(runtime: Runtime, realm: Realm, user: User) -> str:
    """A token for a session of this moment."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        return (await granting.grant(tx, user, Opening(user.id, ("password",)), None)).access_token


async def signature(runtime: Runtime, realm: Realm, user: User, alias: str = "ci") -> Hawk:
    """Signs requests with a new key of this person."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        key = await signing.create(tx, user.id, SigningDraft(alias=alias))
    return Hawk(key.identifier, key.key)


async def request(runtime: Runtime, realm: Realm, name: str, id: str, caller: User) -> Asked:
    """The request for one operation, about people and things of this realm, which are made for it."""
    if name == "native":
        return await _native(runtime, realm, id, caller)
    if name == "fulfillmenttools":
        return await _fulfillmenttools(runtime, realm, id)
    if name == "groupalarm":
        return await _groupalarm(runtime, realm, id, caller)
    if name == "onslip360":
        return await _onslip360(runtime, realm, id)
    if name == "wellbee":
        return await _wellbee(runtime, realm, id, caller)
    return await _acceleratxr(runtime, realm, id)


async def _native(runtime: Runtime, realm: Realm, id: str, caller: User) -> Asked:
    operation = next(each for each in DIALECTS["native"].operations if each.id == id)
    case, world = native_cases.CASES[id], await native_cases.a_world(runtime, realm)
    known = {**world.ids, "refresh_token": world.target.refresh_token}
    made = await case.prepare(world, caller) if case.prepare else {}
    known |= made
    filled = native_cases.filled
    more: dict[str, Any] = {"params": filled(case.query, known)}
    if case.json is not None:
        more["json"] = filled(case.json, known)
    if case.form is not None:
        more["data"] = filled(case.form, known)
    if case.content is not None:
        more |= {"content": case.content, "headers": {"Content-Type": "application/x-ndjson"}}
    secrets = [native_cases.PASSWORD, native_cases.NEW_PASSWORD, world.target.access_token, world.target.refresh_token]
    secrets += [made[each] for each in ("proof", "code") if each in made]
    path = operation.path.format(**filled(case.path, known))
    return Asked(operation.method, path, more, tuple(secrets), not operation.public)


async def _acceleratxr(runtime: Runtime, realm: Realm, id: str) -> Asked:
    operation = next(each for each in DIALECTS["acceleratxr"].operations if each.id == id)
    world = await acceleratxr_cases.a_world(runtime, realm)
    if id.startswith("AuthTotp"):
        world = await acceleratxr_cases.with_step(runtime, world)
    case = acceleratxr_cases.CASES[id].filled(world)
    more: dict[str, Any] = {"headers": case.headers}
    if case.body is not None:
        more["json"] = case.body
    if case.form:
        more["data"] = case.form
    secrets = [
        world.seed,
        *(world.ids[each] for each in ("recovery", "verification", "step") if len(world.ids[each]) > 9),
    ]
    secrets += [acceleratxr_cases.PASSWORD, acceleratxr_cases.NEW["secret"], "a hash of the device"]
    return Asked(operation.method, case.path, more, tuple(secrets), case.by_admin)


async def _fulfillmenttools(runtime: Runtime, realm: Realm, id: str) -> Asked:
    operation = next(each for each in DIALECTS["fulfillmenttools"].operations if each.id == id)
    case = fulfillmenttools_cases.CASES[id].filled(await fulfillmenttools_cases.a_world(runtime, realm))
    more: dict[str, Any] = {} if case.body is None else {"json": case.body}
    return Asked(operation.method, case.path, more, (fulfillmenttools_cases.NEW_PASSWORD,), needs_token=True)


async def _groupalarm(runtime: Runtime, realm: Realm, id: str, caller: User) -> Asked:
    operation = next(each for each in DIALECTS["groupalarm"].operations if each.id == id)
    world, known = await groupalarm_cases.a_world(runtime, realm, caller), groupalarm_cases.CASES[id]
    case = await known.filled(world)
    more: dict[str, Any] = {} if case.body is None else {"json": case.body}
    if case.form is not None:
        more["data"] = case.form
    names = "{" in known.path or (id != "StoreSettings" and "{" in str(list(_texts(known.body))).replace("{soon}", ""))
    return Asked(operation.method, case.path, more, world.secrets, not operation.public, case.status, names)


def _texts(value: Any) -> Iterator[str]:
    """All texts of a body."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


async def _onslip360(runtime: Runtime, realm: Realm, id: str) -> Asked:
    """The path names no realm yet: that is the front's."""
    operation = next(each for each in DIALECTS["onslip360"].operations if each.id == id)
    known = onslip360_cases.CASES.get(id) or INSPECTED
    world = await onslip360_cases.a_world(runtime, realm)
    body = known.filled(world).body
    path = known.path.format(**{**world.ids, "realm": "{realm}"})
    more: dict[str, Any] = {} if body is None else {"json": body}
    secrets = (onslip360_cases.KEY, onslip360_cases.VERIFIER, world.ids["code"])
    names = known.path.count("{") > 1 or "{" in str(list(_texts(known.body)))
    return Asked(operation.method, path, more, secrets, not known.public, known.status, names)


async def _wellbee(runtime: Runtime, realm: Realm, id: str, caller: User) -> Asked:
    """Logging out takes a token although it is public: the one of whom it is about. Of strangers the trail is empty."""
    operation, known = wellbee_cases.OPERATIONS[id], wellbee_cases.CASES[id]
    world = await wellbee_cases.a_world(runtime, realm, caller)
    case = await known.filled(world)
    more: dict[str, Any] = {"headers": case.headers} if case.headers else {}
    if case.body is not None:
        more["json"] = case.body
    if case.form is not None:
        more["data"] = case.form
    if case.file is not None:
        more["files"] = {"file": ("me.png", case.file, "image/png")}
    status = 404 if case.provider else case.status
    path, texts = case.path or operation.path, [known.path, *_texts(known.body), *(known.form or {}).values()]
    named = any("{" in each for each in texts) and id != "audit-user-logs"
    return Asked(operation.method, path, more, world.secrets, not operation.public, status, named)


def front_of(name: str, client: httpx.AsyncClient, realm: Realm) -> Front:
    """The dialect of this name in the realm."""
    assert name in MOUNTED
    return Front(name, client, realm)
