"""`/freja`: signing in with Freja eID (contract, group freja)."""

from typing import Final

import msgspec

from roster.dialects.wellbee import cookies, identification
from roster.dialects.wellbee.identification import BEGINNING, COLLECTING, Delivery
from roster.dialects.wellbee.refusals import FrejaFailed
from roster.federation import orders
from roster.federation.freja import UserInfoType
from roster.federation.orders import Pending
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="freja")

_BEGUN: Final = "STARTED"


class Login(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A login to begin: by anybody, or by whoever is signed in, who is named by what is known of them."""

    user_info_type: UserInfoType = "INFERRED"


class Begun(msgspec.Struct, frozen=True, rename="camel"):
    """A login that waits for its person."""

    auth_ref: str
    qr_code: str
    auto_start_url: str


class Waiting(msgspec.Struct, frozen=True):
    """A login that goes on."""

    status: str


@ops.post("/freja/auth", id="freja-login-init", status=201, public=True, returns=Begun, errors=BEGINNING)
async def begin_login(runtime: Runtime, actor: Actor, request: Request, body: Login) -> Reply:
    """Begin a login; whoever is not signed in gets a cookie for it."""
    cookies.refuse_other_sites(request)
    bare = not runtime.settings.dialects.wellbee.order_cookies
    with identification.in_words():
        begun = await orders.log_in_with_freja(runtime, actor, body.user_info_type, bare=bare)
    shown = Begun(begun.reference, begun.code, begun.start)
    return Reply(201, shown, identification.cookie_for(runtime, begun))


@ops.get(
    "/freja/collect/{authRef}",
    id="freja-login-collect",
    public=True,
    returns=Waiting,
    errors=(*COLLECTING, FrejaFailed),
)
async def collect(runtime: Runtime, actor: Actor, request: Request, authRef: str, query: Delivery) -> Reply:
    """How a login stands: 202 while it goes on, and once 200 with whom it signed in."""
    found = await identification.collect(runtime, actor, request, "freja", reference=authRef, how=query)
    if isinstance(found, Pending):
        return Reply(202, Waiting(found.hint or _BEGUN))
    answered, session = found
    return Reply(200, {"status": "APPROVED", "requestedAttributes": answered.brought, **session})
