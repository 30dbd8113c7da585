"""Passwords: one's own, and those that services set or check (contract, groups user and user-service)."""

from typing import Final

import msgspec

from roster.core.credentials.errors import WrongPassword
from roster.core.flows import login, passwords
from roster.core.users.errors import UserNotFound
from roster.dialects.wellbee import conditions, lookup, password_rule
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.refusals import InvalidPassword
from roster.dialects.wellbee.signing_in import EmailNotVerified, NoAccount, NobodyHasToken
from roster.dialects.wellbee.subjects import Services
from roster.kit import ids
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, InvalidInput, InvalidToken, StepUpRequired, TooMany, Unauthenticated
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.web.operation import Operations

ops: Final = Operations(tag="user")
services: Final = Services(tag="user-service")


class OwnPassword(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The present password and the new one."""

    old_password: str
    new_password: str


class SomePassword(OwnPassword, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The same of somebody."""

    id: str


class NewPassword(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new password, for a person by id or for whoever got a token."""

    new_password: str
    id: str | None = None
    token: str | None = None


class Presented(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A name and a password, and conditions on the person."""

    username: str
    password: str
    additional_query: dict[str, object] = {}


@ops.put(
    "/user/update-password",
    id="user-update-password",
    status=202,
    errors=(InvalidInput, InvalidPassword, BadCredentials, NoAccount, StepUpRequired, TooMany),
)
async def update_own(runtime: Runtime, actor: Actor, body: OwnPassword) -> None:
    """Change one's own password. Everywhere else one is signed out."""
    if actor.user_id is None:
        raise Unauthenticated
    await _update(runtime, actor, actor.user_id, body)


@services.serve(
    "user-service.update-password",
    id="svc-user-update-password",
    status=202,
    errors=(InvalidInput, InvalidPassword, BadCredentials, NoAccount, TooMany),
)
async def update(runtime: Runtime, actor: Actor, body: SomePassword) -> None:
    """Change somebody's password, who has said the present one."""
    user_id = ids.parse(body.id)
    if user_id is None:
        raise NoAccount
    await _update(runtime, actor, UserId(user_id), body)


@services.serve(
    "user-service.set-password",
    id="svc-user-set-password",
    status=202,
    errors=(InvalidInput, InvalidPassword, NobodyHasToken),
)
async def set_password(runtime: Runtime, actor: Actor, body: NewPassword) -> None:
    """Set a password without the present one: of a person by id, or with the token of a message."""
    if (body.id is None) == (body.token is None):
        raise InvalidInput.of("id", "required", "should be given, or token")
    password_rule.check(runtime, body.new_password)
    with password_rule.said():
        try:
            if body.token is not None:
                await passwords.recover(runtime, actor, body.token, body.new_password, telling=True)
            else:
                await passwords.set_password(runtime, actor, _id(body.id or ""), body.new_password)
        except (UserNotFound, InvalidToken):
            raise NobodyHasToken from None


@services.serve(
    "user-service.validate-password",
    id="svc-user-validate-password",
    errors=(InvalidInput, BadCredentials, EmailNotVerified, TooMany),
)
async def validate(runtime: Runtime, actor: Actor, body: Presented) -> Document:
    """Whose name and password these are."""
    terms = conditions.terms(runtime, body.additional_query)
    user = await login.check(runtime, actor, body.username, body.password, terms=terms)
    async with runtime.read(actor) as tx:
        return await lookup.one(tx, user)


async def _update(runtime: Runtime, actor: Actor, user_id: UserId, body: OwnPassword) -> None:
    password_rule.check(runtime, body.new_password)
    with password_rule.said():
        try:
            await passwords.change_knowing(runtime, actor, user_id, body.old_password, body.new_password)
        except UserNotFound:
            raise NoAccount from None
        except WrongPassword:
            raise BadCredentials from None


def _id(text: str) -> UserId:
    found = ids.parse(text)
    if found is None:
        raise UserNotFound
    return UserId(found)
