"""The last steps of every sign-in: opening the session, and the tokens for it."""

from roster.core.flows.models import ClaimsFor, Granted, StepNeeded
from roster.core.realms import service as realms
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Opening, Session
from roster.core.tokens import proofs
from roster.core.tokens import service as tokens
from roster.core.tokens.models import Purpose
from roster.core.users.models import User
from roster.storage.tx import Tx


async def grant(tx: Tx, user: User, opening: Opening, claims: ClaimsFor | None) -> Granted:
    """Open a session and issue its tokens. Raises BadCredentials when the person may not sign in any more."""
    return await tokens_for(tx, user, await sessions.open(tx, opening), claims)


async def tokens_for(tx: Tx, user: User, session: Session, claims: ClaimsFor | None) -> Granted:
    """New tokens for a live session."""
    extra = await claims(tx, user) if claims else None
    access = await tokens.issue_access(tx, session, extra)
    return Granted(session, user, access.text, sessions.refresh_token(tx, session), access.expires_in)


async def ask_for_second_factor(tx: Tx, opening: Opening) -> StepNeeded:
    """Remember the first factor in a proof that grants nothing by itself."""
    seconds = (await realms.current(tx)).settings.mfa_step_for
    data: dict[str, object] = {
        "factors": list(opening.factors),
        "credential": str(opening.credential_id) if opening.credential_id else None,
        "version": opening.credential_version,
        "label": opening.label,
    }
    text = await proofs.issue(tx, Purpose.MFA_STEP, opening.user_id, data, seconds)
    return StepNeeded(text, ("totp", "backup"), seconds)
