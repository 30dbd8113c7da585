"""For each operation of the contract one call that succeeds: the table behind the tests that walk all operations."""

import base64
import hashlib
from typing import Any

import msgspec

from roster.core.access import service as access
from roster.core.access.models import RoleDraft
from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft
from roster.core.devices import service as devices
from roster.core.devices.models import DeviceDraft
from roster.core.flows import consenting
from roster.core.flows.consenting import Grant
from roster.core.integrations import service as integrations
from roster.core.integrations.models import IntegrationDraft
from roster.core.labels import categories
from roster.core.labels import service as labels
from roster.core.labels.models import CategoryDraft, LabelDraft
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests import factories

KEY = base64.b64encode(b"the key that a client made").decode()
BACK = "https://shop.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class World(msgspec.Struct, frozen=True):
    """A realm with somebody who has one of everything; `ids` are what paths and bodies name."""

    realm: Realm
    ids: dict[str, Any]


class Case(msgspec.Struct, frozen=True):
    """A call by an administrator. The path may name ids as `{jane}`; a text of the body that is `{jane}` becomes it."""

    path: str
    status: int = 200
    body: Any = None
    method: str = ""
    public: bool = False

    def filled(self, world: World) -> "Case":
        """With the ids of this world."""
        return msgspec.structs.replace(
            self, path=self.path.format(**world.ids), body=None if self.body is None else _fill(self.body, world)
        )


def _fill(value: Any, world: World) -> Any:
    if isinstance(value, dict):
        return {name: _fill(each, world) for name, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, world) for each in value]
    if isinstance(value, str) and value.startswith("{"):
        return world.ids[value.strip("{}")]
    return value


ASA: dict[str, Any] = {"name": "Asa", "alias": "asa", "email": "asa@example.org", "pin": KEY, "password": KEY}
USER = {**ASA, "alias": "jane", "email": "jane@example.org", "roles": ["{role}"], "labels": ["{label}"]}
TOKEN = {"type": "hawk-key", "name": "Job", "alias": "new-job", "client": "{till}"}
APP = {
    "alias": "new-app",
    "name": "New",
    "type": "oauth",
    "author": "",
    "email": "",
    "web-address": "",
    "permissions": ["show-users"],
    "features": [],
    "confinements": [],
    "oauth-redirect-uris": [BACK],
}
CODE = {
    "grant_type": "authorization_code",
    "client_id": "app",
    "redirect_uri": BACK,
    "code": "{code}",
    "code_verifier": VERIFIER,
}
TOKENS = "/~{realm}/users/{jane}/access-tokens/"
CASES: dict[str, Case] = {
    "listUsers": Case("/~{realm}/users/?d=t"),
    "addUser": Case("/~{realm}/users/", 201, {**ASA, "system-roles": ["cashier"], "labels": ["{label}"]}),
    "getUser": Case("/~{realm}/users/{jane}"),
    "putUser": Case("/~{realm}/users/{jane}", body=USER),
    "updateUser": Case("/~{realm}/users/{jane}", body={"name": "Jane", "_acme-ref": "1"}),
    "removeUser": Case("/~{realm}/users/{jane}", 204),
    "getClientInfo": Case("/~{realm}"),
    "getCompanyInfo": Case("/~{realm}/company"),
    "listRoles": Case("/~{realm}/roles/"),
    "addRole": Case("/~{realm}/roles/", 201, {"name": "new", "permissions": ["show-users"]}),
    "getRole": Case("/~{realm}/roles/{role}"),
    "putRole": Case("/~{realm}/roles/{role}", body={"name": "new"}),
    "updateRole": Case("/~{realm}/roles/{role}", body={"name": "new"}),
    "removeRole": Case("/~{realm}/roles/{role}", 204),
    "listLabelCategories": Case("/~{realm}/label-categories/"),
    "addLabelCategory": Case("/~{realm}/label-categories/", 201, {"name": "new"}),
    "getLabelCategory": Case("/~{realm}/label-categories/{category}"),
    "putLabelCategory": Case("/~{realm}/label-categories/{category}", body={"name": "new"}),
    "updateLabelCategory": Case("/~{realm}/label-categories/{category}", body={"name": "new"}),
    "removeLabelCategory": Case("/~{realm}/label-categories/{empty}", 204),
    "listLabels": Case("/~{realm}/labels/"),
    "addLabel": Case("/~{realm}/labels/", 201, {"name": "new", "label-category": "{category}"}),
    "getLabel": Case("/~{realm}/labels/{label}"),
    "putLabel": Case("/~{realm}/labels/{label}", body={"name": "new", "label-category": "{category}"}),
    "updateLabel": Case("/~{realm}/labels/{label}", body={"name": "new"}),
    "removeLabel": Case("/~{realm}/labels/{label}", 204),
    "listTills": Case("/~{realm}/tills/"),
    "addTill": Case("/~{realm}/tills/", 201, {"name": "new", "device-key": KEY}),
    "getTill": Case("/~{realm}/tills/{till}"),
    "putTill": Case("/~{realm}/tills/{till}", body={"name": "new"}),
    "updateTill": Case("/~{realm}/tills/{till}", body={"name": "new"}),
    "removeTill": Case("/~{realm}/tills/{till}", 204),
    "listAccessTokens": Case(TOKENS),
    "addAccessToken": Case(TOKENS, 201, TOKEN),
    "getAccessToken": Case(TOKENS + "{token}"),
    "putAccessToken": Case(TOKENS + "{token}", body=TOKEN),
    "updateAccessToken": Case(TOKENS + "{token}", body={"name": "new"}),
    "removeAccessToken": Case(TOKENS + "{token}", 204),
    "regenerateAccessToken": Case(TOKENS + "{token}", body={}),
    "pinReset": Case("/~{realm}/pin-reset", 204, {"pin": KEY}),
    "passwordResetChallenge": Case(
        "/password-reset-challenge", 204, {"company": "{realm}", "user": "jane"}, public=True
    ),
    "requestOAuthAccessToken": Case("/oauth-token", body=CODE, public=True),
    "listIntegrations": Case("/~{realm}/integrations/"),
    "addIntegration": Case("/~{realm}/integrations/", 201, APP),
    "getIntegration": Case("/~{realm}/integrations/{app}"),
    "authorizeIntegration": Case(
        "/~{realm}/integrations/{app}", body={"oauth-redirect-uri": BACK, "oauth-code-challenge": CHALLENGE}
    ),
    "checkServerLiveness": Case("/health/alive", 204, public=True),
    "checkServerReadiness": Case("/health/ready", 204, public=True),
    "checkServerEcho": Case("/health/echo", body={"payload": "x"}, public=True),
}


async def a_world(runtime: Runtime, realm: Realm) -> World:
    """Jane with a role, a label, a till, a key, and an application that she lets act for her."""
    ids: dict[str, Any] = {"realm": realm.slug}
    jane = await factories.a_person(runtime, realm, "jane", email="jane@example.org", display_name="Jane")
    ids["jane"] = jane.number
    async with runtime.write(factories.roster_in(realm)) as tx:
        role = await access.create_role(tx, RoleDraft("lead", permissions=["onslip360:show-users"]))
        category = await categories.create(tx, CategoryDraft("guests"))
        empty = await categories.create(tx, CategoryDraft("nothing"))
        label = await labels.create(tx, LabelDraft("vip", category.id))
        till = await devices.create(tx, DeviceDraft("bar"))
        key = await signing.create(tx, jane.id, SigningDraft(alias="job"))
    ids["app"], ids["code"] = await a_code(runtime, realm, jane)
    numbered = {"role": role, "category": category, "empty": empty, "label": label, "till": till}
    ids |= {name: each.number for name, each in numbered.items()}
    ids["token"] = key.credential.number
    return World(realm, ids)


async def a_code(runtime: Runtime, realm: Realm, user: User) -> tuple[int, str]:
    """An application by its number, and the code with which it gets a key of this person, who has allowed it."""
    draft = IntegrationDraft("app", "App", permissions=["onslip360:show-users"], redirect_uris=[BACK])
    async with runtime.write(factories.roster_in(realm)) as tx:
        application = await integrations.create(tx, draft)
    actor = await factories.acting_as(runtime, realm, user, factors=("password_key",))
    async with runtime.write(actor) as tx:
        code = await consenting.authorize(tx, application, Grant(["onslip360:show-users"], BACK, CHALLENGE))
    return application.number, code
