"""Two-factor login of the caller (contract, tag mfa; notes, section 7). Codes stay out of the access log."""

import base64
from typing import Final

import msgspec

from roster.core.flows import second_factors
from roster.core.memberships.errors import NotAMember
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import AlreadyActive, NotActive, NothingPrepared, WrongCode
from roster.core.orgs.errors import OrgNotFound, SecondFactorRequired
from roster.dialects.groupalarm import auth, lookup, qr, replies, wire
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StepUpRequired, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="mfa")


class Asked(msgspec.Struct, frozen=True):
    """About whom: the caller, or a member of an organisation."""

    user: wire.Id = 0
    organization: wire.Id = 0


@ops.get("/mfa", id="MFAIsActive", errors=(InvalidInput, NotAMember, OrgNotFound, Forbidden), extra=auth.PERSON)
async def is_active(tx: Tx, query: Asked) -> wire.MFAEnabledResponse:
    """Tell whether two-factor login is on, for the caller or for a member of an organisation."""
    if not query.user:
        return wire.MFAEnabledResponse(await mfa.is_active(tx, auth.me(tx.actor)))
    if not query.organization:
        raise InvalidInput.of("organization", "required", "With a user the organisation must be named.")
    org = await lookup.org(tx, query.organization)
    member = await lookup.member(tx, org.id, query.user)
    if member.membership.state != "active":
        raise NotAMember
    return wire.MFAEnabledResponse(await mfa.is_active(tx, member.person.id))


@ops.put("/mfa", id="MFACreate", errors=(AlreadyActive, StepUpRequired), extra=auth.PERSON)
async def create(runtime: Runtime, actor: Actor) -> wire.MFACreateResponse:
    """Prepare two-factor login.

    A new secret with its otpauth address and a QR picture; nothing is asked for until it is switched on. Calling again
    replaces the secret.
    """
    async with runtime.write(actor) as tx:
        made = await mfa.enrol(tx, auth.me(actor), recently=auth.needs_login(tx))
    png = await runtime.workers.run(qr.png, made.otpauth_url)
    as_text = runtime.settings.dialects.groupalarm.mfa_image == "base64"
    image = base64.b64encode(png).decode() if as_text else list(png)
    return wire.MFACreateResponse(image=image, secret=made.secret, url=made.otpauth_url)


@ops.post("/mfa", id="MFAEnable", errors=(WrongCode, NothingPrepared, StepUpRequired, TooMany), extra=auth.PERSON)
async def enable(runtime: Runtime, request: Request, actor: Actor, query: wire.Code) -> wire.Success:
    """Switch the prepared secret on with a current code of it."""
    recently = runtime.settings.dialects.groupalarm.account_needs_login
    await second_factors.enable(runtime, actor, auth.me(actor), query.code, recently=recently)
    return replies.done(request, "MSG_MFA_ENABLED")


@ops.delete(
    "/mfa",
    id="MFADisable",
    errors=(WrongCode, NotActive, SecondFactorRequired, StepUpRequired, TooMany),
    extra=auth.PERSON,
)
async def disable(runtime: Runtime, request: Request, actor: Actor, query: wire.Code) -> wire.Success:
    """Switch two-factor login off with a current code or a backup code."""
    recently = runtime.settings.dialects.groupalarm.account_needs_login
    await second_factors.disable(runtime, actor, auth.me(actor), query.code, recently=recently)
    return replies.done(request, "MSG_MFA_DISABLED")


@ops.get("/mfa/backup", id="MFAGenerateBackupCodes", writes=True, errors=(NotActive, StepUpRequired), extra=auth.PERSON)
async def backup_codes(tx: Tx) -> wire.MFABackupCodesResponse:
    """Make ten backup codes; those before are void."""
    codes = await mfa.renew_codes(tx, auth.me(tx.actor), recently=auth.needs_login(tx))
    return wire.MFABackupCodesResponse(codes)
