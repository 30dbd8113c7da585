"""For each operation, over HTTP or on the bus, one call that succeeds: what the tests that walk all operations send."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec

from roster.core.audit import notes
from roster.core.credentials import service as credentials
from roster.core.files import service as files
from roster.core.files.service import Rules, Upload
from roster.core.flows import granting, second_factors
from roster.core.letters import service as letters
from roster.core.letters.models import TemplateDraft
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.sessions.models import Opening
from roster.core.timers import service as timers
from roster.core.timers.models import TimerDraft
from roster.core.users import service as users
from roster.core.users.models import User, UserChange
from roster.dialects.wellbee import dialect, gateway, on_bus, seeding, sessions, system_roles, verification
from roster.federation import orders
from roster.federation.orders import Started
from roster.kit.actor import Kind
from roster.storage.runtime import Runtime
from roster.web.operation import Operation
from tests import factories
from tests.core import people
from tests.core.files.test_files import a_picture
from tests.dialects.wellbee.signing import HASH, NEW_PASSWORD, PASSWORD

OPERATIONS: Final[dict[str, Operation]] = {each.id: each for each in (*dialect.operations, *on_bus.operations)}
OVER_HTTP: Final = frozenset(each.id for each in dialect.operations)
NUMBER: Final = "199001012385"


class World(msgspec.Struct, frozen=True):
    """A realm with somebody called Pat in it; `ids` are what addresses and bodies name."""

    runtime: Runtime
    realm: Realm
    caller: User
    pat: User
    ids: dict[str, str]
    secrets: tuple[str, ...]
    has_providers: bool = False


Prepare = Callable[[World], Awaitable[dict[str, str]]]


class Case(msgspec.Struct, frozen=True):
    """A call by an administrator, or by a service. Texts may name ids as `{pat}`."""

    body: Any = None
    status: int = 200
    path: str = ""
    """Of HTTP operations, where it has more in it than its own words."""
    form: dict[str, str] | None = None
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    """Of messages."""
    file: bytes | None = None
    prepare: Prepare | None = None
    provider: str = ""
    """Who else has to be there: without, nobody answers."""

    async def filled(self, world: World) -> "Case":
        """With the ids of this world, and with what is made for this call only."""
        ids = dict(world.ids)
        if self.prepare is not None and (world.has_providers or not self.provider):
            ids |= await self.prepare(world)
        return msgspec.structs.replace(
            self,
            body=_fill(self.body, ids),
            path=_fill(self.path, ids),
            form=_fill(self.form, ids),
            headers=_fill(self.headers, ids),
            query=_fill(self.query, ids),
            prepare=None,
        )


def _fill(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, ids) for each in value]
    if isinstance(value, str):
        for name, text in ids.items():
            value = value.replace(f"{{{name}}}", text)
    return value


async def _verifying(world: World) -> dict[str, str]:
    """Una has been asked to verify her address."""
    una = await factories.a_person(world.runtime, world.realm, "una", email="una@example.org")
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        await verification.ask(tx, una)
    return {"token": await people.mailed_token(world.runtime, world.realm, "verify_email")}


async def _resetting(world: World) -> dict[str, str]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        return {"token": await recovery.issue(tx, world.pat, 3600)}


async def _texted(world: World) -> dict[str, str]:
    async with world.runtime.lease() as tx:
        origin = people.nobody(world.realm).origin
        actor = (await sessions.known_by(tx, world.realm.slug, world.ids["access"], origin)).actor
    await second_factors.begin_texting(world.runtime, actor, world.pat.id, "+46701234567")
    _, values = (await people.links(world.runtime, world.realm, "sms_code"))[-1]
    return {"code": str(values["code"])}


async def _password(world: World) -> dict[str, str]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        await credentials.replace_password(tx, world.caller.id, HASH)
    return {}


async def _template(world: World) -> dict[str, str]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        made = await letters.create_template(tx, TemplateDraft("Hello", "<p>Hello {{name}}</p>"))
    return {"template": str(made.id)}


async def _file(world: World) -> dict[str, str]:
    """A picture, stored by Pat."""
    actor = await factories.acting_as(world.runtime, world.realm, world.pat)
    found = await files.put(world.runtime, actor, Upload(_pieces(), lambda: "pat.png"), Rules(1_048_576, ("image/*",)))
    base = gateway.base_url(world.runtime, world.realm.slug)
    return {
        "file": found.object_name,
        "file_key": found.key,
        "file_url": f"{base}/file-service/file/{found.object_name}",
    }


async def _pieces() -> AsyncIterator[bytes]:
    yield a_picture()


async def _note(world: World) -> dict[str, str]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        await notes.write(tx, world.pat.id, "LOOKED", payload={"page": "start"})
    return {}


async def _job(world: World) -> dict[str, str]:
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        await timers.put(tx, TimerDraft(id="nightly", subject="a.b", cron="0 3 * * *"))
    return {}


async def _numbered(world: World) -> dict[str, str]:
    """It is known who the caller is to BankID."""
    async with world.runtime.write(factories.roster_in(world.realm)) as tx:
        await users.change(tx, world.caller.id, UserChange(personal_number="198506152399"))
    return {}


async def _bankid(world: World) -> dict[str, str]:
    actor = people.nobody(world.realm, "192.0.2.1")
    return _order(await orders.log_in_with_bankid(world.runtime, actor, address="192.0.2.1"))


async def _bankid_of_service(world: World) -> dict[str, str]:
    actor = msgspec.structs.replace(factories.roster_in(world.realm), kind=Kind.SERVICE, name="bus")
    return _order(await orders.log_in_with_bankid(world.runtime, actor, address="192.0.2.1"))


async def _freja(world: World) -> dict[str, str]:
    return _order(await orders.log_in_with_freja(world.runtime, people.nobody(world.realm, "192.0.2.1"), "INFERRED"))


def _order(begun: Started) -> dict[str, str]:
    return {"order": begun.reference, "proof": f"order_{begun.reference[:8]}={begun.proof}"}


SIGN_IN = {"username": "pat@example.org", "password": PASSWORD}
BY_PAT = {"Authorization": "Bearer {access}"}
NEW = {"email": "new@example.org", "password": PASSWORD, "firstName": "Ny", "lastName": "Person", "roles": ["user"]}
MAIL = {"to": "una@example.org", "subject": "Hello", "message": "Good day"}
ABOUT_PAT = [{"$match": {"id": "{pat}"}}, {"$project": {"email": 1, "id": 1}}]
MESSAGE = {"userId": "{pat}", "notification": {"title": "Hello", "body": "Good day"}}
SENT = {"status": 200, "data": {"id": "m1"}, "user": {"id": "{pat}"}, "path": "/message"}
IP = {"endUserIp": "198.51.100.4"}
HTTP: Final[dict[str, Case]] = {
    "gateway-alive": Case(),
    "gateway-health": Case(),
    "gateway-robots": Case(),
    "auth-login-cookie": Case(SIGN_IN),
    "auth-login-token": Case(SIGN_IN),
    "auth-login-cookie-web": Case(SIGN_IN),
    "auth-login-token-app": Case(SIGN_IN),
    "auth-refresh": Case({"refreshToken": "{refresh}"}),
    "auth-token-to-cookie": Case(path="/auth/token-to-cookie?token={access}"),
    "auth-active-sessions": Case(),
    **{f"auth-logout{each}": Case(headers=BY_PAT) for each in ("", "-get", "-put", "-patch", "-delete")},
    "auth-tfa-sms-enable": Case({"phoneNumber": "+46701234567"}),
    "auth-tfa-sms-disable": Case({}),
    "auth-tfa-verify": Case({"code": "{code}"}, headers=BY_PAT, prepare=_texted),
    "user-update-password": Case({"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}, status=202, prepare=_password),
    "user-resend-verification": Case(path="/user/resend-verification/pat@example.org"),
    "user-verify-email": Case(path="/user/verify/{token}", prepare=_verifying),
    "page-verify-email": Case(path="/verify-email?token={token}", prepare=_verifying),
    "page-verify-email-sent": Case(form={"token": "{token}"}, prepare=_verifying),
    "page-resend-verification": Case(),
    "page-resend-verification-sent": Case(form={"email": "pat@example.org"}),
    "reset-password-request": Case({"username": "pat@example.org"}),
    "reset-password-check": Case(path="/reset-password/{token}", prepare=_resetting),
    "reset-password-perform": Case({"token": "{token}", "newPassword": NEW_PASSWORD}, status=202, prepare=_resetting),
    "reset-password-perform-post": Case(
        {"newPassword": NEW_PASSWORD}, path="/reset-password/{token}", status=202, prepare=_resetting
    ),
    "page-set-password": Case(path="/set-password?token={token}", prepare=_resetting),
    "page-set-password-sent": Case(form={"token": "{token}", "password": NEW_PASSWORD}, prepare=_resetting),
    "bankid-login-init": Case({}, status=201, provider="bankid"),
    "bankid-sign-init": Case({"userVisibleData": "I agree"}, status=201, prepare=_numbered, provider="bankid"),
    "bankid-collect": Case(
        path="/bankid/collect/{order}", headers={"Cookie": "{proof}"}, status=202, prepare=_bankid, provider="bankid"
    ),
    "user-bankid-activate": Case({"userId": "{pat}", "personalNumber": NUMBER}),
    "user-bankid-deactivate": Case({"userId": "{pat}"}),
    "freja-login-init": Case({}, status=201, provider="freja"),
    "freja-login-collect": Case(
        path="/freja/collect/{order}", headers={"Cookie": "{proof}"}, status=202, prepare=_freja, provider="freja"
    ),
    "me-get": Case(),
    "admin-user-get": Case(path="/admin/user/{pat}?expand=1"),
    "admin-user-create": Case(NEW, status=201),
    "admin-user-update": Case({"firstName": "Patricia", "team": "red"}, path="/admin/user/{pat}"),
    "admin-user-delete": Case(path="/admin/user/{pat}"),
    "admin-user-list": Case(path="/admin/user?lastName=Berg&limit=10"),
    "system-role-create": Case({"role": "keeper", "scopes": ["keys.keep"]}),
    "system-role-list": Case(),
    "system-role-delete": Case({"role": "helper"}),
    "system-role-scope-add": Case({"role": "helper", "scopes": ["help.ask"]}),
    "system-role-scope-remove": Case({"role": "helper", "scopes": ["help.give"]}),
    "mail-template-create": Case({"subject": "Hello", "html": "<p>Hello</p>"}),
    "mail-template-get": Case(path="/mail/template/{template}", prepare=_template),
    "mail-template-update": Case({"subject": "Good day"}, path="/mail/template/{template}", prepare=_template),
    "audit-user-logs": Case(path="/audit/{pat}", prepare=_note),
    "notifications-register": Case({"registrationToken": "a token of a telephone", "deviceId": "telephone"}),
    "notifications-unregister": Case({"registrationToken": "a token of a telephone"}),
    "stripe-webhook": Case({"type": "invoice.paid"}, status=404),
    "file-health": Case(),
    "file-upload": Case(file=a_picture(), status=201),
    "file-image-update": Case({"width": 10}, path="/file-service/image/{file}", prepare=_file),
    "file-content": Case(path="/file-service/file/{file}", prepare=_file),
}
"""The webhook wants the signature of an account that nobody has here; `test_payments` has one."""
_BUS: Final[dict[str, Case]] = {
    "ws-organisation-name": Case(),
    "svc-auth-decode-token": Case("{access}"),
    **{f"svc-auth-generate-{each}": Case({"id": "{pat}"}) for each in ("cookie", "token", "web", "app")},
    "svc-auth-session-details": Case({"userId": "{pat}"}),
    "svc-auth-logout-users": Case({"userIds": ["{pat}"]}),
    "svc-auth-refresh": Case({"refreshToken": "{refresh}", "headers": {}}),
    "svc-bankid-auth": Case(IP, provider="bankid"),
    "svc-bankid-sign": Case({**IP, "userVisibleData": "I agree"}, provider="bankid"),
    "svc-bankid-collect": Case({"orderRef": "{order}"}, status=202, prepare=_bankid_of_service, provider="bankid"),
    "interceptor-message-audit": Case(SENT),
    "interceptor-login-bankid": Case({"status": 200, "data": {"id": "{pat}"}}),
    "svc-user-create": Case(NEW, status=201),
    "svc-user-update-user": Case({"id": "{pat}", "firstName": "Patricia"}),
    "svc-user-update-profile": Case({"id": "{pat}", "team": "red"}),
    "svc-user-delete": Case({"id": "{pat}"}),
    "svc-user-add-roles": Case({"id": "{pat}", "roles": ["admin"]}, status=202),
    "svc-user-remove-roles": Case({"id": "{pat}", "roles": ["helper"]}, status=202),
    "svc-user-get-scopes": Case(["user"]),
    "svc-user-get-user": Case({"id": "{pat}"}),
    "svc-user-get-users-by-query": Case({"query": {"id": "{pat}"}, "expand": "profile", "limit": 10}),
    "svc-user-get-profiles": Case({"query": {"id": "{pat}"}}),
    "svc-user-get-by-aggregate": Case({"aggregate": ABOUT_PAT}),
    "svc-user-get-users-by-aggregate": Case({"aggregate": ABOUT_PAT}),
    "svc-user-delete-by-query": Case({"id": "{pat}"}),
    "event-organisation-deleted": Case({"organisationId": "o-1"}),
    "event-organisation-deleted-alias": Case({"organisationId": "o-1"}),
    "svc-user-update-password": Case({"id": "{pat}", "oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}, status=202),
    "svc-user-set-password": Case({"id": "{pat}", "newPassword": NEW_PASSWORD}, status=202),
    "svc-user-validate-password": Case(SIGN_IN),
    "svc-user-resend-verification": Case({"email": "pat@example.org"}),
    "svc-user-verify-email": Case({"tokenId": "{token}"}, prepare=_verifying),
    "svc-reset-request": Case({"username": "pat@example.org"}),
    "svc-reset-is-valid": Case({"token": "{token}"}, prepare=_resetting),
    "svc-reset-perform": Case({"token": "{token}", "newPassword": NEW_PASSWORD}, status=202, prepare=_resetting),
    "svc-reset-generate-token": Case({"username": "pat@example.org"}),
    "svc-mail-send": Case({"to": ["una@example.org"], "templateId": "{template}"}, prepare=_template),
    "svc-mail-send-deprecated": Case(MAIL),
    "svc-mail-send-grouped": Case({**MAIL, "key": "news"}),
    "svc-mail-process-timeouts": Case(),
    "svc-mail-template-get": Case(query={"id": "{template}"}, prepare=_template),
    "svc-audit-create": Case({"userId": "{pat}", "action": "LOOKED", "payload": {"page": "start"}}, status=201),
    "svc-audit-query": Case({"query": {"userId": "{pat}"}, "limit": 10}, prepare=_note),
    "svc-push-send-to-users": Case(MESSAGE),
    "svc-push-send": Case(MESSAGE),
    "svc-push-unregister-user": Case({"userId": "{pat}"}),
    "svc-webbus-unregister": Case({"userId": "{pat}"}),
    "svc-schedule-create-job": Case({"id": "nightly", "subject": "a.b", "cron": "0 3 * * *"}),
    "svc-schedule-remove-job": Case({"id": "nightly"}, prepare=_job),
}
_FILES: Final[dict[str, Case]] = {
    "svc-file-signed-url": Case({"file": "{file_key}", "expires": "1h"}, prepare=_file),
    "svc-file-is-processing-completed": Case({"url": "{file_url}"}, prepare=_file),
    "svc-file-delete": Case({"urls": ["{file_url}"]}, prepare=_file),
    "svc-file-list": Case(prepare=_file),
}
_STRIPE: Final[dict[str, Any]] = {
    "charge": {"source": "cus_1", "amount": 100, "currency": "SEK"},
    "create-account": {"type": "custom"},
    "create-customer": {"email": "una@example.org", "paymentMethod": "pm_1"},
    "create-payment-intent": {"amount": 1, "currency": "eur", "customerId": "cus_1"},
    "create-plan": {"amount": 0, "currency": "sek", "interval": "month", "product": "prod_1"},
    "create-product": {"name": "Licence"},
    "create-subscription": {"customerId": "cus_1", "plan": "plan_1"},
    "get-invoices": {"customerId": "cus_1"},
    "get-payment-method": {"paymentMethodId": "pm_1"},
    "get-payment-method-by-customer": {"customerId": "cus_1"},
    "get-subscription": {"subscriptionId": "sub_1"},
    "get-subscriptions": {"customerId": "cus_1"},
    "get-upcoming-invoice": {"customerId": "cus_1"},
    "refund": {"chargeId": "ch_1", "amount": 5},
    "unsubscribe": {"subscriptionId": "sub_1"},
    "update-account": {"accountId": "acct_1", "business_type": "company"},
    "update-customer": {"customerId": "cus_1", "email": "una@example.org"},
    "update-subscription": {"subscriptionId": "sub_1", "cancel_at_period_end": True},
}
BUS: Final[dict[str, Case]] = {
    **_BUS,
    **_FILES,
    **{f"{id}-alias": case for id, case in _FILES.items()},
    **{f"svc-stripe-{name}": Case(body, provider="stripe") for name, body in _STRIPE.items()},
}
CASES: Final[dict[str, Case]] = HTTP | BUS


async def a_world(runtime: Runtime, realm: Realm, caller: User) -> World:
    """The default roles and one more, and Pat, who has a password, two roles and a session."""
    roster = factories.roster_in(realm)
    async with runtime.write(roster) as tx:
        await seeding.make_missing(tx, runtime.settings.dialects.wellbee.role_scopes)
        await system_roles.make(tx, "helper", ["help.give"])
    pat = await factories.a_person(
        runtime,
        realm,
        "pat",
        email="pat@example.org",
        given_name="Pat",
        family_name="Berg",
        personal_number=NUMBER,
        attributes={"team": "blue"},
        roles=("wellbee:user", "helper"),
    )
    async with runtime.write(roster) as tx:
        await credentials.replace_password(tx, pat.id, HASH)
        granted = await granting.grant(tx, pat, Opening(pat.id, ("password",)), None, refresh_for=3600)
        access = await sessions.access_token(tx, granted.session, {})
    ids = {"pat": str(pat.id), "caller": str(caller.id), "access": access, "refresh": granted.refresh_token}
    ids |= {"order": "131daac9-16c6-4618-beb0-365768f37288", "proof": "order_131daac9=x"}
    secrets = (access, granted.access_token, granted.refresh_token, PASSWORD, NEW_PASSWORD)
    return World(runtime, realm, caller, pat, ids, secrets)
