"""API keys and personal tokens: credentials for programs, which may do what their owner may."""

from typing import Final
from uuid import UUID

from roster.core.access.errors import Escalation
from roster.core.credentials import service, signing
from roster.core.credentials.errors import AliasTaken, CredentialNotFound, TooManyCredentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.users.errors import UserNotFound
from roster.dialects.native import query as queries
from roster.dialects.native.mapping import base, people
from roster.dialects.native.wire import people as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, StepUpRequired
from roster.kit.ids import CredentialId, UserId
from roster.kit.pages import InvalidCursor
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.reply import Reply
from roster.web.request import Request

ops: Final = Operations(tag="API keys")


@ops.get(
    "/api-keys",
    id="listApiKeys",
    needs="credentials.read for others' keys",
    errors=(Forbidden, CredentialNotFound, UserNotFound, InvalidCursor),
)
async def list_keys(tx: Tx, query: wire.ApiKeysQuery) -> Listing[wire.Credential]:
    """One's own keys, those of a person, or with `all=true` those of the whole realm; oldest first."""
    whose = None if query.all else _whose(tx.actor, query.user_id)
    found = await service.keys(tx, user_id=whose, after=queries.id_of(query.cursor), limit=query.limit)
    items = [people.credential_out(each) for each in found]
    return Listing(items=items, next_cursor=base.after((each.id for each in found), query.limit))


@ops.post(
    "/api-keys",
    id="createApiKey",
    status=201,
    needs="credentials.write for others' keys; one's own after a recent sign-in",
    errors=(Forbidden, Escalation, StepUpRequired, UserNotFound, TooManyCredentials, AliasTaken),
    returns=wire.ApiKeyCreated,
)
async def create_key(runtime: Runtime, actor: Actor, request: Request, body: wire.ApiKeyCreate) -> Reply:
    """Make a key. The answer shows it this once; what is stored afterwards does not tell it."""
    made = await _made(runtime, actor, _whose(actor, body.user_id), body)
    location = f"{request.prefix}/api-keys/{made.credential.id}"
    return Reply(201, made, (("Location", location),))


async def _made(runtime: Runtime, actor: Actor, owner: UserId, body: wire.ApiKeyCreate) -> wire.ApiKeyCreated:
    if body.kind == "hawk":
        async with runtime.write(actor) as tx:
            return people.signing_key_out(await signing.create(tx, owner, people.signing_draft(body)))
    if (body.alias, body.permissions, body.device_id) != (None, None, None):
        raise InvalidInput.of("kind", "wrong_kind", "Only keys of kind hawk have an alias, permissions and a device.")
    draft = CredentialDraft(Kind(body.kind), label=body.label, expires_at=body.expires_at)
    return people.key_out(await service.create(runtime, actor, owner, draft))


@ops.get(
    "/api-keys/{credential_id}",
    id="getApiKey",
    needs="credentials.read for others' keys",
    errors=(CredentialNotFound,),
)
async def get_key(tx: Tx, credential_id: CredentialId) -> wire.Credential:
    """What may be known of a key."""
    return people.credential_out(await service.find_key(tx, credential_id))


@ops.delete(
    "/api-keys/{credential_id}",
    id="deleteApiKey",
    status=204,
    needs="credentials.write for others' keys; one's own after a recent sign-in",
    errors=(CredentialNotFound, Forbidden, Escalation, StepUpRequired),
)
async def delete_key(tx: Tx, credential_id: CredentialId) -> None:
    """Remove a key; it fails from the next request on."""
    found = await service.find_key(tx, credential_id)
    await service.delete(tx, found.user_id, found.id)


def _whose(actor: Actor, user_id: UUID | None) -> UserId:
    """The person named, else the one who asks. Raises UserNotFound for an administrator who acts in another realm."""
    if user_id is not None:
        return UserId(user_id)
    if actor.user_id is None or not actor.is_user(actor.user_id):
        raise UserNotFound
    return actor.user_id
