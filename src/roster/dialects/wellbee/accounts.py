"""Making people, changing them and taking them away, the same for administrators and for services."""

from collections.abc import Mapping, Sequence

import msgspec

from roster.core.access import service as access
from roster.core.credentials.chosen import Prepared
from roster.core.credentials.errors import WrongPassword
from roster.core.flows import passwords
from roster.core.realms import service as realms
from roster.core.users import normal
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.core.users.models import User
from roster.dialects.wellbee import (
    documents,
    lookup,
    password_rule,
    refusals,
    roles,
    shapes,
    uniqueness,
    verification,
    writing,
)
from roster.dialects.wellbee.catalogue import NAME, stored_name
from roster.dialects.wellbee.documents import Document
from roster.dialects.wellbee.refusals import PasswordMissing, PasswordRequired, PasswordWrong
from roster.dialects.wellbee.writing import Part
from roster.kit import ids
from roster.kit.actor import Actor, Kind
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

Sent = Mapping[str, object]


async def create(runtime: Runtime, actor: Actor, sent: Sent) -> Document:
    """A new person from a document, with password and roles. Raises what the contract says, in its order."""
    settings = runtime.settings.dialects.wellbee
    if not (settings.without_required_fields and is_trusted(actor)):
        writing.require(sent, "email", *(("firstName", "lastName") if settings.require_names else ()))
    password, wanted = writing.text(sent, "password"), writing.roles(sent) or []
    user_id = _chosen_id(sent)
    if password is None and settings.require_password and not settings.send_set_password_email:
        raise PasswordMissing
    prepared = await _prepared(runtime, actor, password) if password is not None else None
    writing.check_email(sent, settings.email_pattern)
    async with runtime.write(actor) as tx:
        with refusals.in_documents(sent):
            user = await _insert(tx, sent, user_id, wanted)
        if prepared is not None:
            await passwords.store(tx, user.id, prepared)
        elif settings.send_set_password_email:
            await verification.ask_for_password(tx, user)
        if documents.is_verified(user) is False and verification.is_due(settings, wanted):
            await verification.ask(tx, user)
        return await lookup.one(tx, user, expand=True)


async def update(runtime: Runtime, actor: Actor, text: str, sent: Sent) -> Document:
    """Change the user's own fields; those of the profile are left out. Raises what the contract says."""
    wanted = writing.roles(sent)
    await _require_password(runtime, actor, text, sent)
    writing.check_email(sent, runtime.settings.dialects.wellbee.email_pattern)
    async with runtime.write(actor) as tx:
        person = await lookup.person(tx, text, refusals.no_such_user(text))
        changed = await change(tx, person, sent, "user")
        if wanted is not None:
            await set_roles(tx, person.id, wanted)
        return await lookup.one(tx, await verification.after_change(tx, person, changed))


async def change(tx: Tx, person: User, sent: Sent, part: Part) -> User:
    """Change the fields of one part of a person."""
    shape = shapes.of(tx.runtime)
    with refusals.in_documents(sent):
        wanted = writing.change(sent, person, shape, part=part, trusted=is_trusted(tx.actor))
        await uniqueness.require(tx, sent, shape, part, person)
        return await users.seen(tx, await users.change(tx, person.id, wanted))


async def delete(tx: Tx, text: str) -> None:
    """Delete a person, whose sessions end. Raises UserNotFound."""
    missing = UserNotFound("user not found")
    try:
        await users.delete(tx, lookup.user_id(text, missing))
    except UserNotFound:
        raise missing from None


async def set_roles(tx: Tx, user_id: UserId, names: Sequence[str]) -> None:
    """Make the person's roles exactly these. Raises InvalidRoles, and as the directory does."""
    await roles.require_known(tx, names)
    await access.set_roles(tx, user_id, [stored_name(each) for each in names])


def is_trusted(actor: Actor) -> bool:
    """Whether a service asks, which may say that an address is verified."""
    return actor.kind is Kind.SERVICE


async def _insert(tx: Tx, sent: Sent, user_id: UserId | None, names: Sequence[str]) -> User:
    wanted = await roles.require_known(tx, names)
    realm = await realms.current(tx)
    shape, unique = shapes.of(tx.runtime), realm.settings.email_unique
    draft = writing.draft(sent, shape, trusted=is_trusted(tx.actor), unique=unique)
    await uniqueness.require(tx, sent, shape, "whole")
    if draft.email and not draft.email_verified and verification.is_due(tx.runtime.settings.dialects.wellbee, names):
        draft = msgspec.structs.replace(draft, facets={NAME: {documents.VERIFYING: True}})
    return await users.create(tx, draft, roles=wanted, user_id=user_id)


def _chosen_id(sent: Sent) -> UserId | None:
    given = writing.text(sent, "id")
    if given is None:
        return None
    found = ids.parse(given)
    if found is None:
        raise InvalidInput.of("id", "wrong_format", 'should match format "uuid"')
    return UserId(found)


async def _prepared(runtime: Runtime, actor: Actor, password: str) -> Prepared:
    password_rule.check(runtime, password)
    with password_rule.said():
        return await passwords.prepare(runtime, actor, password)


async def _require_password(runtime: Runtime, actor: Actor, text: str, sent: Sent) -> None:
    """A password proves who asks for a new address, and belongs to nothing else."""
    password = writing.text(sent, "password")
    is_needed = runtime.settings.dialects.wellbee.require_password_on_email_update
    if password is None and not is_needed:
        return
    async with runtime.read(actor) as tx:
        person = await lookup.person(tx, text, refusals.no_such_user(text))
    email = writing.text(sent, "email")
    if email is None or normal.is_same_mailbox(email.strip(), person.email):
        if password is not None:
            raise refusals.PasswordNotTaken
        return
    if not is_needed:
        return
    if password is None:
        raise PasswordRequired
    try:
        await passwords.require_current(runtime, actor, person.id, password)
    except WrongPassword:
        raise PasswordWrong from None
