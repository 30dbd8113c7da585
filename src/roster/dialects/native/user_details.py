"""What belongs to one person: sessions, credentials, roles, and what they may do."""

from typing import Final

from roster.core.access import service as access
from roster.core.access import vocabulary
from roster.core.access.errors import (
    AssignmentExists,
    AssignmentNotFound,
    Escalation,
    LastAdministrator,
    RoleNotFound,
)
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound
from roster.core.flows import passwords
from roster.core.sessions import service as sessions
from roster.core.sessions.errors import SessionNotFound
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.dialects.native.mapping import access as mapping
from roster.dialects.native.mapping import people
from roster.dialects.native.wire import access as wire_access
from roster.dialects.native.wire import people as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, StepUpRequired, TooMany
from roster.kit.ids import AssignmentId, CredentialId, SessionId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="Users")


@ops.get(
    "/users/{user_id}/sessions",
    id="listUserSessions",
    needs="sessions.read, or being that person",
    errors=(UserNotFound, Forbidden),
)
async def list_sessions(tx: Tx, user_id: UserId) -> Listing[wire.Session]:
    """A person's live sessions, newest first."""
    await users.get(tx, user_id)
    return people.sessions_out(await sessions.list_of(tx, user_id), tx.actor.session_id)


@ops.delete(
    "/users/{user_id}/sessions",
    id="endUserSessions",
    needs="sessions.write, or being that person",
    errors=(UserNotFound, Forbidden),
)
async def end_sessions(tx: Tx, user_id: UserId) -> wire.Ended:
    """End all sessions of a person; their tokens fail from now on."""
    await users.get(tx, user_id)
    return wire.Ended(ended=await sessions.end_all(tx, user_id))


@ops.delete(
    "/users/{user_id}/sessions/{session_id}",
    id="endUserSession",
    status=204,
    needs="sessions.write, or being that person",
    errors=(SessionNotFound, Forbidden),
)
async def end_session(tx: Tx, user_id: UserId, session_id: SessionId) -> None:
    """End one session of a person."""
    if (await sessions.get(tx, session_id)).user_id != user_id:
        raise SessionNotFound
    await sessions.end(tx, session_id)


@ops.get(
    "/users/{user_id}/credentials",
    id="listUserCredentials",
    needs="credentials.read, or being that person",
    errors=(UserNotFound, CredentialNotFound),
)
async def list_credentials(tx: Tx, user_id: UserId) -> Listing[wire.Credential]:
    """What a person can prove themselves with; never the secrets."""
    await users.get(tx, user_id)
    return people.credentials_out(await credentials.list_of(tx, user_id))


@ops.put(
    "/users/{user_id}/credentials/password",
    id="setUserPassword",
    status=204,
    needs="credentials.write",
    errors=(UserNotFound, Forbidden, Escalation, StepUpRequired, TooMany),
)
async def set_password(runtime: Runtime, actor: Actor, user_id: UserId, body: wire.SetPassword) -> None:
    """Set a person's password; all their sessions end. One's own takes a recent sign-in."""
    await passwords.set_password(runtime, actor, user_id, body.password)


@ops.delete(
    "/users/{user_id}/credentials/{credential_id}",
    id="deleteUserCredential",
    status=204,
    needs="credentials.write, or being that person after a recent sign-in",
    errors=(CredentialNotFound, Forbidden, Escalation, StepUpRequired),
)
async def delete_credential(tx: Tx, user_id: UserId, credential_id: CredentialId) -> None:
    """Remove a credential. Removing the authenticator turns the second factor off."""
    await credentials.delete(tx, user_id, credential_id)


@ops.get(
    "/users/{user_id}/assignments",
    id="listUserAssignments",
    needs="roles.read, or being that person",
    errors=(UserNotFound, Forbidden),
)
async def list_assignments(tx: Tx, user_id: UserId) -> Listing[wire_access.Assignment]:
    """The roles of a person, each with its places."""
    await users.get(tx, user_id)
    found = await access.assignments_of(tx, user_id)
    return Listing(items=[mapping.assignment_out(each) for each in found])


@ops.post(
    "/users/{user_id}/assignments",
    id="assignRole",
    status=201,
    needs="roles.assign",
    errors=(UserNotFound, RoleNotFound, Forbidden, AssignmentExists, Escalation),
    returns=wire_access.Assignment,
)
async def assign(tx: Tx, user_id: UserId, request: Request, body: wire_access.Assign) -> Reply:
    """Give a role to a person, everywhere or in the places named. Nobody gives what they do not hold."""
    await users.get(tx, user_id)
    role = await access.find_role(tx, body.role)
    contexts = mapping.contexts_in(body.contexts)
    made = await access.assign(tx, role.id, user_id, contexts, is_owner=body.is_owner)
    location = f"{request.prefix}/users/{user_id}/assignments/{made.id}"
    return Reply(201, mapping.assignment_out(made), (("Location", location),))


@ops.delete(
    "/users/{user_id}/assignments/{assignment_id}",
    id="unassignRole",
    status=204,
    needs="roles.assign",
    errors=(AssignmentNotFound, Forbidden, Escalation, LastAdministrator),
)
async def unassign(tx: Tx, user_id: UserId, assignment_id: AssignmentId) -> None:
    """Take a role from a person."""
    await access.unassign(tx, assignment_id, of=user_id)


@ops.get(
    "/users/{user_id}/permissions",
    id="getUserPermissions",
    needs="roles.read, or being that person",
    errors=(UserNotFound, Forbidden),
)
async def permissions(tx: Tx, user_id: UserId, query: wire_access.EffectiveQuery) -> wire_access.Effective:
    """What a person may do now; with `explain` also what each of their roles has to do with that permission."""
    await users.get(tx, user_id)
    known = vocabulary.of(tx.runtime)
    if query.explain is None:
        await access.assignments_of(tx, user_id)
        return mapping.effective_out(await access.permissions_of(tx, user_id), known, None)
    reasons = await access.explain(tx, user_id, query.explain)
    return mapping.effective_out(await access.permissions_of(tx, user_id), known, reasons)
