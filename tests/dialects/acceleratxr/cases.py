"""For each operation of the contract one call that succeeds: the table behind the tests that walk all operations."""

from typing import Any

import msgspec

from roster.core.access import service as access
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import login
from roster.core.flows.models import StepNeeded
from roster.core.mfa import service as mfa
from roster.core.realms.models import Realm
from roster.core.tokens import proofs
from roster.core.tokens.models import Purpose
from roster.core.users import service as users
from roster.dialects.acceleratxr import mapping
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import HASH, PASSWORD, Person
from tests.dialects.acceleratxr.conftest import basic


class World(msgspec.Struct, frozen=True):
    """A realm with somebody who has one of everything; `ids` are what paths and bodies name."""

    realm: Realm
    ids: dict[str, str]
    seed: str


class Case(msgspec.Struct, frozen=True):
    """A call by an administrator, or with the credential that it names itself. Texts may name ids as `{jane}`."""

    path: str
    status: int = 200
    body: object = None
    code_in_body: bool = False
    headers: dict[str, str] = {}
    form: dict[str, str] = {}
    by_admin: bool = True

    def filled(self, world: World) -> "Case":
        """With the ids of this world."""
        body = msgspec.json.decode(_fill(msgspec.json.encode(self.body).decode(), world)) if self.body else None
        if self.code_in_body:
            body = {"token": people.code_of(world.seed)}
        headers = {name: _fill(value, world) for name, value in self.headers.items()}
        return msgspec.structs.replace(self, path=_fill(self.path, world), body=body, headers=headers)


def _fill(text: str, world: World) -> str:
    for name, value in world.ids.items():
        text = text.replace("{" + name + "}", value)
    return text


JSON = {"Accept": "application/json"}
USER = {"name": "jane", "email": "jane@example.org", "firstName": "Jane"}
SECRETS = "/users/{jane}/secrets"
NEW = {"secret": "staple of another kind"}
CASES: dict[str, Case] = {
    "User.findAll": Case("/users"),
    "User.create": Case("/users", 201, {"name": "newcomer", "email": "n@example.org"}, by_admin=False),
    "User.truncate": Case("/users?name=nobody-at-all"),
    "User.count": Case("/users/count"),
    "User.findById": Case("/users/{jane}"),
    "User.update": Case("/users/{jane}", body=USER),
    "User.delete": Case("/users/{jane}"),
    "User.recover": Case("/users/jane/recover", by_admin=False),
    "User.recoverPost": Case("/users/{jane}/recover?jwt_token={recovery}", form=NEW, by_admin=False),
    "User.verify": Case("/users/{jane}/verify?jwt_token={verification}", headers=JSON, by_admin=False),
    "User.verifyPost": Case("/users/{jane}/verify?jwt_token={verification}", headers=JSON, by_admin=False),
    "UserSecret.findAll": Case(SECRETS),
    "UserSecret.create": Case(SECRETS, body={"type": "device", "secret": "a hash of the device"}),
    "UserSecret.count": Case(SECRETS + "/count"),
    "UserSecret.setPassword": Case(SECRETS + "/password", body=NEW),
    "UserSecret.setPasswordPut": Case(SECRETS + "/password", body=NEW),
    "UserSecret.findById": Case(SECRETS + "/{password}"),
    "UserSecret.update": Case(SECRETS + "/{password}", body={"type": "password", **NEW}),
    "UserSecret.delete": Case(SECRETS + "/{key}"),
    "UserSecret.enroll": Case(SECRETS + "/{totp}/enroll", code_in_body=True),
    "AuthBasic.authenticate": Case(
        "/auth/password", headers={"Authorization": basic("jane", PASSWORD)}, by_admin=False
    ),
    "AuthTotp.authenticate": Case("/auth/totp?jwt_token={step}", code_in_body=True, by_admin=False),
    "AuthTotp.redirected": Case("/auth/totp?jwt_token={step}", 401, by_admin=False),
    "AuthToken.renew": Case("/auth/token"),
    "AuthExternal.authenticate": Case("/auth/google?oauth_token=token-1", by_admin=False),
    "AuthTwitter.authenticateReverse": Case("/auth/twitter/reverse", by_admin=False),
    "Role.findAll": Case("/roles"),
    "Role.create": Case("/roles", 201, {"name": "writers", "members": ["{jane}"]}),
    "Role.truncate": Case("/roles?name=no-such-role"),
    "Role.count": Case("/roles/count"),
    "Role.findById": Case("/roles/editors"),
    "Role.update": Case("/roles/{role}", body={"name": "editors", "description": "They edit"}),
    "Role.delete": Case("/roles/{role}"),
    "ACL.findById": Case("/acls/User"),
    "ACL.update": Case("/acls/{jane}", body={"uid": "{jane}", "records": [{"userOrRoleId": "editors", "read": True}]}),
}
PUBLIC = {
    "User.create",
    "User.count",
    "User.recover",
    "AuthExternal.authenticate",
    "AuthTwitter.authenticateReverse",
} | {
    "Role.findAll",
    "Role.count",
    "Role.findById",
}
"""Where authentication is optional."""
OWN_CREDENTIAL = {"AuthBasic.authenticate", "AuthTotp.authenticate", "AuthTotp.redirected", "User.recoverPost"} | {
    "User.verify",
    "User.verifyPost",
}
"""Where the credential is something else than an access token."""


async def a_world(runtime: Runtime, realm: Realm) -> World:
    """Jane has a password, a key and a second factor that waits for its first code; she is an editor."""
    actor = factories.roster_in(realm)
    user = await factories.a_person(runtime, realm, "jane", email="jane@example.org")
    await factories.a_role(runtime, realm, "editors")
    key = await credentials.create(runtime, actor, user.id, CredentialDraft(Kind.API_KEY))
    async with runtime.write(actor) as tx:
        password = await credentials.replace_password(tx, user.id, HASH)
        role = await access.find_role(tx, "editors")
        await access.assign(tx, role.id, user.id)
        data: dict[str, object] = {"email": "jane@example.org"}
        recovery = await proofs.issue(tx, Purpose.RECOVER_PASSWORD, user.id, data, 600)
        verification = await proofs.issue(tx, Purpose.VERIFY_EMAIL, user.id, data, 600)
        enrolment = await mfa.enrol(tx, user.id)
    uids = {"jane": user.id, "role": role.id, "key": key.credential.id, "password": password.id}
    uids["totp"] = enrolment.credential.id
    ids = {name: mapping.uid(each) for name, each in uids.items()}
    return World(realm, {**ids, "recovery": recovery, "verification": verification, "step": "-"}, enrolment.secret)


async def with_step(runtime: Runtime, world: World) -> World:
    """Jane's second factor is on, and she has taken the first step of a sign-in."""
    jane = Person(world.realm, await _jane(runtime, world.realm))
    seed, _ = await people.with_second_factor(runtime, jane)
    begun = await login.password(runtime, people.nobody(world.realm), "jane", PASSWORD)
    assert isinstance(begun, StepNeeded)
    return msgspec.structs.replace(world, ids={**world.ids, "step": begun.proof}, seed=seed)


async def _jane(runtime: Runtime, realm: Realm) -> Any:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await users.find_by_identifier(tx, "jane")
