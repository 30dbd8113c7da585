"""The last steps of every sign-in: opening the session, and the tokens for it."""

from roster.core.flows.models import ClaimsFor, Granted, StepNeeded, Terms
from roster.core.mfa import sms
from roster.core.realms import service as realms
from roster.core.sessions import service as sessions
from roster.core.sessions import texts
from roster.core.sessions.models import Opening, Session
from roster.core.tokens import proofs
from roster.core.tokens import service as tokens
from roster.core.tokens.models import Purpose
from roster.core.users.models import User
from roster.kit.actor import Kind
from roster.kit.errors import Forbidden
from roster.storage.joint import Part
from roster.storage.tx import Tx


async def grant(
    tx: Tx,
    user: User,
    opening: Opening,
    claims: ClaimsFor | None,
    *,
    refresh_for: int | None = None,
    along: Part | None = None,
) -> Granted:
    """Open a session, with what else is to be done `along`, and issue its tokens; `refresh_for` as in `Terms`.

    Raises BadCredentials when the person may not sign in any more.
    """
    session = await sessions.open(tx, opening, along)
    return await tokens_for(tx, user, session, claims, refresh_for=refresh_for)


async def tokens_for(
    tx: Tx, user: User, session: Session, claims: ClaimsFor | None, *, refresh_for: int | None = None
) -> Granted:
    """New tokens for a live session."""
    extra = await claims(tx, user) if claims else None
    access = await tokens.issue_access(tx, session, extra)
    refresh = await texts.issue(tx, session, refresh_for) if refresh_for else sessions.refresh_token(tx, session)
    return Granted(session, user, access.text, refresh, access.expires_in)


async def vouch(tx: Tx, user: User, terms: Terms) -> Granted:
    """Sign a person in because one of our own programs says that they are who they are.

    Only for programs that may do everything. Raises Forbidden, BadCredentials when the person may not sign in.
    """
    if tx.actor.kind not in (Kind.SERVICE, Kind.SYSTEM) or not tx.actor.may("*"):
        raise Forbidden
    opening = Opening(user.id, ("service",), lasting=terms.lasting)
    return await grant(tx, user, opening, None, refresh_for=terms.refresh_for)


async def ask_for_second_factor(tx: Tx, opening: Opening, factors: tuple[str, ...]) -> StepNeeded:
    """Remember the first factor in a proof that grants nothing by itself, and text a code to whoever gets them so."""
    seconds = (await realms.current(tx)).settings.mfa_step_for
    if "sms" in factors:
        seconds = max(seconds, sms.LASTING)
        await sms.send(tx, opening.user_id)
    data: dict[str, object] = {
        "factors": list(opening.factors),
        "credential": str(opening.credential_id) if opening.credential_id else None,
        "version": opening.credential_version,
        "label": opening.label,
        "lasting": opening.lasting,
    }
    text = await proofs.issue(tx, Purpose.MFA_STEP, opening.user_id, data, seconds)
    return StepNeeded(text, factors, seconds)
