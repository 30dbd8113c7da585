"""For each operation of the contract one call that succeeds: the table behind the tests that walk all operations."""

from typing import Any

import msgspec

from roster.core.access import service as access
from roster.core.access.models import RoleDraft
from roster.core.realms import client_keys
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person

NEW_PASSWORD = "a secret of another kind"
MUNICH = {"type": "FACILITY", "values": ["fac-muc-01"]}


class World(msgspec.Struct, frozen=True):
    """A tenant with somebody in it, a role that nobody has, and what paths and bodies name."""

    realm: Realm
    mira: Person
    ids: dict[str, str]


class Case(msgspec.Struct, frozen=True):
    """A call by an administrator, or a sign-in, which names the tenant by its key. Texts may name ids as `{mira}`."""

    path: str
    status: int = 200
    body: object = None
    signs_in: bool = False

    def filled(self, world: World) -> "Case":
        """With the ids of this world."""
        body = msgspec.json.decode(_fill(msgspec.json.encode(self.body).decode(), world)) if self.body else None
        return msgspec.structs.replace(self, path=_fill(self.path, world), body=body)


def _fill(text: str, world: World) -> str:
    for name, value in world.ids.items():
        text = text.replace("{" + name + "}", value)
    return text


ROLE = {"name": "STOCK_COUNTER", "permissions": ["STOCK_READ"], "context": [MUNICH], "version": 1}
USER = {
    "firstname": "Noa",
    "lastname": "Novak",
    "username": "newcomer",
    "password": NEW_PASSWORD,
    "assignedRoles": [{"ref": "FULFILLER", "context": [MUNICH]}],
}
CASES: dict[str, Case] = {
    "getPermissions": Case("/api/permissions"),
    "getAllRoles": Case("/api/roles"),
    "createRole": Case("/api/roles", 201, {**ROLE, "name": "NEWCOMERS"}),
    "searchRole": Case("/api/roles/search", body={"query": {"displayName": {"like": "^stock"}}}),
    "getRole": Case("/api/roles/STOCK_COUNTER"),
    "updateRole": Case("/api/roles/STOCK_COUNTER", body=ROLE),
    "patchRole": Case("/api/roles/STOCK_COUNTER", body=ROLE),
    "deleteRole": Case("/api/roles/STOCK_COUNTER"),
    "getAllUsers": Case("/api/users"),
    "createUser": Case("/api/users", 201, USER),
    "searchUser": Case("/api/users/search", body={"query": {"lastname": {"like": "^oka"}}}),
    "updateMe": Case("/api/users/me", body={"firstname": "Carla"}),
    "executeMeAction": Case("/api/users/me/actions", body={"action": "ModifyMe", "firstname": "Carla"}),
    "getEffectivePermissions": Case("/api/users/me/effectivepermissions"),
    "getUser": Case("/api/users/{mira}"),
    "changeUser": Case(
        "/api/users/{mira}", body={"version": 2, "actions": [{"action": "ModifyUser", "firstname": "Mirabel"}]}
    ),
    "deleteUser": Case("/api/users/{mira}"),
    "assignFacility": Case("/api/users/{mira}/assignedFacilities", body={"facilityRef": "fac-ber-02"}),
    "getUserRoles": Case("/api/users/{mira}/permissions"),
    "signInWithPassword": Case(
        "/v1/accounts:signInWithPassword", body={"email": "{address}", "password": PASSWORD}, signs_in=True
    ),
    "signInWithIdp": Case(
        "/v1/accounts:signInWithIdp", body={"postBody": "{post_body}", "requestUri": "http://localhost"}, signs_in=True
    ),
    "finalizeMfaSignIn": Case(
        "/v2/accounts/mfaSignIn:finalize",
        body={"mfaPendingCredential": "{proof}", "totpVerificationInfo": {"verificationCode": "{code}"}},
        signs_in=True,
    ),
    "refreshToken": Case(
        "/v1/token", body={"grant_type": "refresh_token", "refresh_token": "{refresh_token}"}, signs_in=True
    ),
}
MINE = frozenset({"updateMe", "executeMeAction", "getEffectivePermissions"})
"""About the caller."""
CLOSED = frozenset(id for id, case in CASES.items() if not case.signs_in)
"""Those that need a token."""


async def a_world(runtime: Runtime, realm: Realm) -> World:
    """Mira, a fulfiller in Munich with a password, and the role that the cases are about."""
    mira = await people.a_member(
        runtime, realm, username="mokafor", email="mira@example.org", given_name="Mira", family_name="Okafor"
    )
    draft = RoleDraft(
        "STOCK_COUNTER", permissions=["fulfillmenttools:STOCK_READ"], ceiling={"facility": ["fac-muc-01"]}
    )
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.create_role(tx, draft)
        role = await access.find_role(tx, "FULFILLER")
        await access.assign(tx, role.id, mira.id, {"facility": ["fac-muc-01"]})
    key = client_keys.write(runtime.keyring, realm.id)
    return World(realm, mira, {"mira": str(mira.id), "address": "mira@example.org", "key": key})


async def with_step(runtime: Runtime, world: World) -> World:
    """With a second factor, and the proof of a first step."""
    seed, _ = await people.with_second_factor(runtime, world.mira)
    step = await people.begin(runtime, world.mira)
    return _with(world, proof=step.proof, code=people.code_of(seed))


async def with_session(runtime: Runtime, world: World) -> World:
    """With a refresh token."""
    return _with(world, refresh_token=(await people.sign_in(runtime, world.mira)).refresh_token)


def with_identity(world: World, post_body: str) -> World:
    """With what an external provider gave out."""
    return _with(world, post_body=post_body)


def _with(world: World, **ids: Any) -> World:
    return msgspec.structs.replace(world, ids={**world.ids, **ids})
