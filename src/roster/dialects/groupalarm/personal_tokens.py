"""Personal access tokens of the caller (contract, tag rbac): they act as the person, with all roles."""

from typing import Final

from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound, TooManyCredentials
from roster.core.credentials.models import Credential, CredentialDraft, Kind
from roster.core.users import numbers
from roster.dialects.groupalarm import auth, mapping, replies, wire
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, StepUpRequired
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web.operation import Operations
from roster.web.request import Request

ops: Final = Operations(tag="rbac")

_ALL: Final = "/rbac/personal-access-token"
_ONE: Final = "/rbac/personal-access-token/{id}"


@ops.get(_ALL, id="PersonalAccessTokenList", extra=auth.PERSON)
async def list_tokens(tx: Tx) -> list[wire.PersonalAccessToken]:
    """List own tokens, without their secrets."""
    me = auth.me(tx.actor)
    number = (await numbers.of(tx, [me]))[me]
    return [mapping.personal_token_out(each, number) for each in await _own(tx, me)]


@ops.post(
    _ALL,
    id="PersonalAccessTokenCreate",
    status=201,
    errors=(InvalidInput, TooManyCredentials, StepUpRequired),
    extra=auth.PERSON,
)
async def create(runtime: Runtime, actor: Actor, body: wire.PersonalAccessTokenRequest) -> wire.PersonalAccessToken:
    """Make a token for oneself; its secret is shown this once."""
    me = auth.me(actor)
    async with runtime.read(actor) as tx:
        number = (await numbers.of(tx, [me]))[me]
        recently = auth.needs_login(tx)
    if body.user_id not in (0, number):
        raise InvalidInput.of("userID", "not_own", "Tokens are made for oneself only.")
    draft = CredentialDraft(Kind.PERSONAL, label=body.name)
    made = await credentials.create(runtime, actor, me, draft, recently=recently)
    return mapping.personal_token_out(made.credential, number, made.secret or "")


@ops.post(_ONE, id="PersonalAccessTokenRegenerate", errors=(CredentialNotFound, StepUpRequired), extra=auth.PERSON)
async def regenerate(tx: Tx, id: int) -> wire.PersonalAccessToken:
    """Give a token another secret; the old one stops working."""
    me = auth.me(tx.actor)
    found = await _numbered(tx, me, id)
    made = await credentials.renew(tx, me, found.id, recently=auth.needs_login(tx))
    number = (await numbers.of(tx, [me]))[me]
    return mapping.personal_token_out(made.credential, number, made.secret or "")


@ops.delete(_ONE, id="PersonalAccessTokenDelete", errors=(CredentialNotFound, StepUpRequired), extra=auth.PERSON)
async def delete(tx: Tx, request: Request, id: int) -> wire.Success:
    """Delete a token."""
    me = auth.me(tx.actor)
    found = await _numbered(tx, me, id)
    await credentials.delete(tx, me, found.id, recently=auth.needs_login(tx))
    return replies.done(request, replies.DELETED)


async def _own(tx: Tx, me: UserId) -> list[Credential]:
    return [each for each in await credentials.list_of(tx, me) if each.kind == Kind.PERSONAL]


async def _numbered(tx: Tx, me: UserId, number: int) -> Credential:
    """The token with this number. Raises CredentialNotFound, also for those of others."""
    found = next((each for each in await _own(tx, me) if each.number == number), None)
    if found is None:
        raise CredentialNotFound
    return found
