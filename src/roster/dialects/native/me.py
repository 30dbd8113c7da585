"""One's own account: profile, password, sessions, credentials, second factor."""

from typing import Final

from roster.core.access import vocabulary
from roster.core.access.errors import LastAdministrator
from roster.core.attributes import service as attributes
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound, WrongPassword
from roster.core.credentials.models import Kind
from roster.core.flows import passwords
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import AlreadyActive, NotActive, WrongCode
from roster.core.recovery import service as recovery
from roster.core.sessions import service as sessions
from roster.core.sessions.errors import SessionNotFound
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken, UsernameTaken, UserNotFound
from roster.dialects.native import etags, pages
from roster.dialects.native.caller import own_id
from roster.dialects.native.mapping import people
from roster.dialects.native.wire import people as wire
from roster.dialects.native.wire.base import Listing
from roster.dialects.native.wire.sign_in import BackupCodes, ChangePassword, TotpCode, TotpEnrolment
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, StaleVersion, StepUpRequired, TooMany
from roster.kit.ids import CredentialId, SessionId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Me")


@ops.get("/me", id="getMe", errors=(UserNotFound,), returns=wire.Me)
async def get_me(tx: Tx) -> Reply:
    """Who asks, and what they may do."""
    user = await users.get(tx, own_id(tx.actor))
    unseen = await attributes.unseen(tx)
    return etags.with_tag(people.me_out(tx.actor, user, vocabulary.of(tx.runtime), unseen), user.version)


@ops.patch(
    "/me",
    id="patchMe",
    errors=(UserNotFound, StaleVersion, UsernameTaken, EmailTaken, Forbidden, StepUpRequired),
    returns=wire.User,
    consumes=("application/json", "application/merge-patch+json"),
    parameters=(etags.IF_MATCH,),
)
async def patch_me(tx: Tx, request: Request, body: wire.MePatch) -> Reply:
    """Change one's own profile. A new e-mail address takes a recent sign-in and has to be verified again."""
    version = etags.version_of(request)
    user = await users.change(tx, own_id(tx.actor), people.user_change(body), version=version)
    return etags.with_tag(people.user_out(user, await attributes.unseen(tx)), user.version)


@ops.delete("/me", id="deleteMe", status=204, errors=(UserNotFound, Forbidden, LastAdministrator))
async def delete_me(tx: Tx) -> None:
    """Delete one's own account. Administrators can restore it for a while."""
    await users.delete(tx, own_id(tx.actor))


@ops.put(
    "/me/password",
    id="setMyPassword",
    status=204,
    errors=(UserNotFound, WrongPassword, StepUpRequired, TooMany),
)
async def set_my_password(runtime: Runtime, actor: Actor, body: ChangePassword) -> None:
    """Set a new password, with the current one or right after signing in. All other sessions end."""
    await passwords.set_password(runtime, actor, own_id(actor), body.password, current=body.current_password)


@ops.post("/me/verify-email", id="sendMyVerification", status=202, errors=(UserNotFound, Forbidden, TooMany))
async def send_my_verification(runtime: Runtime, actor: Actor, request: Request) -> None:
    """Ask for a message that verifies one's e-mail address."""
    await recovery.request_verification(runtime, actor, own_id(actor), pages.verify_link(request))


@ops.get("/me/sessions", id="listMySessions", errors=(UserNotFound,))
async def list_my_sessions(tx: Tx) -> Listing[wire.Session]:
    """One's live sessions, newest first."""
    return people.sessions_out(await sessions.list_of(tx, own_id(tx.actor)), tx.actor.session_id)


@ops.delete("/me/sessions", id="endMyOtherSessions", errors=(UserNotFound, Forbidden))
async def end_my_other_sessions(tx: Tx) -> wire.Ended:
    """End all of one's sessions but the present one."""
    return wire.Ended(ended=await sessions.end_all(tx, own_id(tx.actor), keep=tx.actor.session_id))


@ops.delete(
    "/me/sessions/{session_id}", id="endMySession", status=204, errors=(SessionNotFound, UserNotFound, Forbidden)
)
async def end_my_session(tx: Tx, session_id: SessionId) -> None:
    """End one of one's sessions."""
    session = await sessions.get(tx, session_id)
    if session.user_id != own_id(tx.actor):
        raise SessionNotFound
    await sessions.end(tx, session_id)


@ops.get("/me/credentials", id="listMyCredentials", errors=(UserNotFound,))
async def list_my_credentials(tx: Tx) -> Listing[wire.Credential]:
    """What one can prove oneself with; never the secrets."""
    return people.credentials_out(await credentials.list_of(tx, own_id(tx.actor)))


@ops.delete(
    "/me/credentials/{credential_id}",
    id="deleteMyCredential",
    status=204,
    errors=(CredentialNotFound, UserNotFound, StepUpRequired),
)
async def delete_my_credential(tx: Tx, credential_id: CredentialId) -> None:
    """Remove one of one's credentials, and the sessions that were opened with it. Needs a recent sign-in."""
    await credentials.delete(tx, own_id(tx.actor), credential_id)


@ops.post("/me/totp", id="enrolTotp", status=201, errors=(UserNotFound, AlreadyActive, StepUpRequired))
async def enrol_totp(tx: Tx) -> TotpEnrolment:
    """Begin to set up an authenticator; it counts from `POST /me/totp/confirm` on. Needs a recent sign-in."""
    enrolment = await mfa.enrol(tx, own_id(tx.actor))
    return TotpEnrolment(uri=enrolment.otpauth_url, secret=enrolment.secret)


@ops.post(
    "/me/totp/confirm",
    id="confirmTotp",
    errors=(CredentialNotFound, UserNotFound, WrongCode, AlreadyActive, StepUpRequired),
)
async def confirm_totp(tx: Tx, body: TotpCode) -> BackupCodes:
    """Prove that the authenticator works; from now on sign-in asks for it. Answers with the backup codes, once."""
    me = own_id(tx.actor)
    seeds = [each.id for each in await credentials.list_of(tx, me) if each.kind == Kind.TOTP]
    if not seeds:
        raise CredentialNotFound
    return BackupCodes(codes=(await mfa.activate(tx, me, seeds[0], body.code)).codes)


@ops.delete("/me/totp", id="removeTotp", status=204, errors=(UserNotFound, NotActive, StepUpRequired))
async def remove_totp(tx: Tx) -> None:
    """Turn the second factor off; backup codes go too. Needs a recent sign-in."""
    await mfa.remove(tx, own_id(tx.actor))


@ops.post("/me/backup-codes", id="renewBackupCodes", errors=(UserNotFound, NotActive, StepUpRequired))
async def renew_backup_codes(tx: Tx) -> BackupCodes:
    """Get new backup codes, shown this once; earlier ones are void. Needs a recent sign-in."""
    return BackupCodes(codes=await mfa.renew_codes(tx, own_id(tx.actor)))
