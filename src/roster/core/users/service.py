"""Use cases over one person. Each checks the actor, changes, and writes the trail in the caller's transaction."""

from collections.abc import Sequence
from typing import Final

import msgspec

from roster.core.access import objects, recent
from roster.core.access import service as access
from roster.core.access.models import Wanted
from roster.core.attributes import service as attributes
from roster.core.audit import service as audit
from roster.core.realms import service as realms
from roster.core.users import meant, normal, notices, personal, store
from roster.core.users.drafting import Drafting, merged
from roster.core.users.errors import EmailTaken, NotDeleted, OwnAccount, UsernameTaken, UserNotFound
from roster.core.users.models import OWN_FIELDS, User, UserChange, UserDraft
from roster.kit import ids
from roster.kit.errors import Forbidden, StaleVersion, require_version
from roster.kit.ids import UserId, uuid7
from roster.kit.patch import UNSET, is_set, present
from roster.kit.text import fold
from roster.storage import joint
from roster.storage.tx import Tx

_SAFE: Final = frozenset({"display_name", "given_name", "family_name", "locale", "picture"})
"""What people change about themselves without telling anybody or proving anything."""
_TRACKED: Final = (
    *("username", "email", "email_verified_at", "phone", "phone_verified_at", "display_name", "given_name"),
    *("family_name", "locale", "personal_number", "picture", "status", "attributes", "facets", "tags"),
)


async def get(tx: Tx, user_id: UserId) -> User:
    """A person as far as the actor may see them. Raises UserNotFound, also for people the actor may not know of."""
    return await seen(tx, await store.find(tx, user_id))


async def get_deleted(tx: Tx, user_id: UserId) -> User:
    """A person even when deleted, for those who may restore. Raises UserNotFound."""
    await access.require_over(tx, "users.write", user_id, otherwise=UserNotFound)
    return await store.find_any(tx, user_id)


async def find_deleted(tx: Tx, identifier: str) -> User:
    """A deleted person by id or username, for those who may restore. Raises UserNotFound, NotDeleted."""
    access.require_somewhere(tx, "users.write", otherwise=UserNotFound)
    user_id = ids.parse(identifier)
    found = await (store.find_any(tx, UserId(user_id)) if user_id else store.find_any_named(tx, fold(identifier)))
    await access.require_over(tx, "users.write", found.id, otherwise=UserNotFound)
    if found.deleted_at is None:
        raise NotDeleted
    return found


async def seen(tx: Tx, user: User) -> User:
    """The same person in the actor's view. Raises UserNotFound when there is none."""
    if tx.actor.may("*"):
        return user
    right = await objects.right(tx, "read", user.id)
    if right is False:
        raise UserNotFound
    if tx.actor.is_user(user.id) or await access.is_over(tx, "users.read", user.id):
        return user
    if right or await access.is_over(tx, "users.read_basic", user.id):
        return user.basic()
    raise UserNotFound


async def find_by_identifier(tx: Tx, text: str) -> User | None:
    """Whoever this id, username, e-mail address or phone number names, in this order; None when nobody or several.

    For sign-in, recovery and paths: nothing is checked, so whoever calls decides what the actor learns of it.
    """
    return meant.of_rows(*await joint.ask(tx, await meant.asked(tx, text)))


async def tx_maybe(tx: Tx, user_id: UserId) -> User | None:
    """The person with this id, or None; nothing is checked."""
    try:
        return await store.find(tx, user_id)
    except UserNotFound:
        return None


async def create(tx: Tx, draft: UserDraft, *, roles: Sequence[Wanted] = (), user_id: UserId | None = None) -> User:
    """A new person, perhaps with roles, for which the actor needs `roles.assign`. Needs `users.create`.

    Status, tags, facets, personal number and verified addresses are for those who hold `users.write` too. Actors who
    hold these permissions in some places only make people for there: one of the roles must be for such a place.
    An id of the caller's own choice is for holders of `users.write` too, and no permission list may wait for it.
    Raises InvalidInput with every problem, UsernameTaken, EmailTaken, IdTaken, Forbidden, and what `access.assign`
    raises.
    """
    access.require_somewhere(tx, "users.create")
    if not tx.actor.grants.holds("users.write"):
        draft = _own(draft)
    if user_id is not None:
        access.require_somewhere(tx, "users.write")
        await access.require_unlisted(tx, str(user_id))
    user = await _insert(tx, draft, user_id or UserId(uuid7()), by_self=False)
    if roles:
        await access.set_assignments(tx, user.id, roles)
    await access.require_over(tx, "users.create", user.id)
    if draft != _own(draft):
        await access.require_over(tx, "users.write", user.id)
    return user


async def register(tx: Tx, draft: UserDraft) -> User:
    """A person makes their own account; only what people may say of themselves counts.

    Raises Forbidden when the realm does not allow it, else as `create`.
    """
    realm = await realms.current(tx)
    if not realm.settings.self_registration:
        raise Forbidden("This realm does not allow self-registration.")
    return await _insert(tx, _own(draft), UserId(uuid7()), by_self=True)


async def change(tx: Tx, user_id: UserId, change: UserChange, *, version: int | None = None) -> User:
    """Change a person.

    Raises UserNotFound, StaleVersion, InvalidInput, UsernameTaken, EmailTaken, Escalation, Forbidden.

    People change what is theirs (OWN_FIELDS); everything else needs `users.write`, and nobody changes people who may
    do more than they. Lost passwords are recovered by the e-mail address, so a new one takes what a new password takes:
    a recent sign-in (StepUpRequired), for others `credentials.write`; the same goes for personal numbers where an
    electronic identification opens accounts. A new address is no longer verified, and the old one is told; sessions of
    people who are not active any more end.
    """
    before = await store.lock(tx, user_id)
    if before.deleted_at is not None:
        raise UserNotFound
    by_self = await _require_change(tx, before, change)
    if is_set(change.email) and not normal.is_same_mailbox((change.email or "").strip(), before.email):
        await _require_address(tx, user_id)
    if personal.is_key(tx) and is_set(change.personal_number) and change.personal_number != before.personal_number:
        await _require_address(tx, user_id)
    require_version(before.version, version)
    if before.status == "active" and is_set(change.status) and change.status != "active":
        await _shut_out(tx, user_id)
    after = await _apply(tx, before, change, by_self=by_self)
    await notices.email_changed(tx, before, after)
    await audit.record(tx, "user.changed", "user", user_id, audit.differences(before, after, _TRACKED))
    return after


async def keep(tx: Tx, dialect: str, known: dict[str, object], change: UserChange | None = None) -> User:
    """Keep what a front door remembers for the actor, a person, and lets them say about themselves.

    Members named replace those kept before. `change` is of the person's own record at the same time. Raises
    UserNotFound, InvalidInput, also when it is too much, and as `change` does; addresses are changed there only.
    """
    change = change or UserChange()
    user_id = tx.actor.person_id
    if user_id is None or not tx.actor.is_user(user_id):
        raise UserNotFound
    before = await store.lock(tx, user_id)
    if before.deleted_at is not None:
        raise UserNotFound
    by_self = await _require_change(tx, before, change)
    if not _SAFE.issuperset(present(change)):
        raise Forbidden
    kept = {**before.facets.get(dialect, {}), **known}
    wanted = msgspec.structs.replace(change, facets={dialect: kept})
    after = await _apply(tx, before, wanted, by_self=by_self)
    await audit.record(tx, "user.changed", "user", user_id, audit.differences(before, after, _TRACKED))
    return after


async def delete(tx: Tx, user_id: UserId, *, version: int | None = None) -> None:
    """Delete so that it can be undone: names are held, sessions end, roles and credentials wait.

    Raises UserNotFound, Forbidden, Escalation, LastAdministrator, StaleVersion. Needs `users.delete`, or being that
    person.
    """
    user = await store.lock(tx, user_id)
    if user.deleted_at is not None:
        raise UserNotFound
    await _require_other(tx, user, "users.delete", "delete")
    require_version(user.version, version)
    await access.keep_an_administrator(tx, without=user_id)
    await store.mark_deleted(tx, [user_id])
    await store.end_sessions(tx, [user_id], "deleted")
    await audit.record(tx, "user.deleted", "user", user_id)


async def restore(tx: Tx, user_id: UserId) -> User:
    """Bring a deleted person back with roles and credentials; they sign in anew. Needs `users.write`."""
    await access.require_over(tx, "users.write", user_id, otherwise=UserNotFound)
    user = await store.lock(tx, user_id)
    if user.deleted_at is None:
        raise NotDeleted
    await access.require_not_above(tx, user_id)
    restored = await store.mark_restored(tx, user_id)
    await audit.record(tx, "user.restored", "user", user_id)
    return restored


async def erase(tx: Tx, user_id: UserId) -> None:
    """Remove a person for ever, from the trail too. Raises UserNotFound, LastAdministrator. Needs `users.erase`."""
    await access.require_over(tx, "users.erase", user_id, otherwise=UserNotFound)
    if tx.actor.is_user(user_id):
        raise OwnAccount
    user = await store.lock(tx, user_id)
    await access.require_not_above(tx, user_id)
    await access.keep_an_administrator(tx, without=user.id)
    await store.erase(tx, user_id)
    await audit.forget(tx, user_id)
    await audit.record(tx, "user.erased", "user", user_id)


async def sweep(tx: Tx, limit: int = 500) -> int:
    """Erase people whose time for being restored is over; the number erased."""
    realm = await realms.current(tx)
    due = await store.due_for_erasure(tx, realm.settings.retention_days, limit)
    for user_id in due:
        await erase(tx, UserId(user_id))
    return len(due)


async def mark_verified(tx: Tx, user: User, field: str) -> User:
    """An address was proved by its holder; `field` is email or phone. Part of the verification use case."""
    flag = UserChange(email_verified=True) if field == "email" else UserChange(phone_verified=True)
    before = await store.lock(tx, user.id)
    if getattr(before, field) != getattr(user, field):
        raise StaleVersion(stored=before.version, sent=user.version)
    after = await _apply(tx, before, flag, by_self=False)
    await audit.record(tx, "user.verified", "user", user.id, {field: [None, "verified"]})
    return after


async def require_addressable(tx: Tx, user_id: UserId, *, has_proved: bool = False) -> User:
    """The person, if the actor may have them get another address; part of the use case that asks for it.

    One's own takes what `change` takes, or a second factor that was just shown (`has_proved`); that of others
    `users.write` and `credentials.write`. Raises UserNotFound, StepUpRequired, Forbidden, Escalation.
    """
    user = await store.find(tx, user_id)
    if tx.actor.is_user(user_id):
        if await objects.right(tx, "update", user_id) is False:
            raise Forbidden
        if has_proved:
            return user
    else:
        await _require_other(tx, user, "users.write", "update")
    await _require_address(tx, user_id)
    return user


async def rename(tx: Tx, user_id: UserId, change: UserChange) -> User:
    """Change what opens nothing of a person, such as names; part of the use case that has checked the actor.

    Raises UserNotFound, InvalidInput, Forbidden for anything else.
    """
    before = await store.lock(tx, user_id)
    if before.deleted_at is not None:
        raise UserNotFound
    if not _SAFE.issuperset(present(change)):
        raise Forbidden
    after = await _apply(tx, before, change, by_self=False)
    await audit.record(tx, "user.changed", "user", user_id, audit.differences(before, after, _TRACKED))
    return after


async def activate(tx: Tx, user_id: UserId, change: UserChange) -> User:
    """A pending account is taken over by whoever has proved its address, and says their names.

    Part of the use case that has seen the proof. Raises UserNotFound, also for an account that is not pending any more,
    InvalidInput.
    """
    before = await store.lock(tx, user_id)
    if before.deleted_at is not None or before.status != "pending":
        raise UserNotFound
    wanted = UserChange(
        given_name=change.given_name, family_name=change.family_name, status="active", email_verified=True
    )
    after = await _apply(tx, before, wanted, by_self=False)
    await audit.record(tx, "user.changed", "user", user_id, audit.differences(before, after, _TRACKED))
    return after


async def readdress(tx: Tx, user_id: UserId, email: str) -> User:
    """Give a person an address that they have proved to be theirs; part of the use case that has seen the proof.

    A username that is the old address becomes the new one. Raises UserNotFound, EmailTaken, InvalidInput.
    """
    before = await store.lock(tx, user_id)
    if before.deleted_at is not None:
        raise UserNotFound
    is_named_by_it = before.email is not None and fold(before.email) == fold(before.username)
    change = UserChange(email=email, email_verified=True, username=normal.name_for(email) if is_named_by_it else UNSET)
    try:
        after = await _apply(tx, before, change, by_self=False)
    except UsernameTaken:
        raise EmailTaken from None
    await notices.email_changed(tx, before, after)
    await audit.record(tx, "user.changed", "user", user_id, audit.differences(before, after, _TRACKED))
    return after


async def _insert(tx: Tx, draft: UserDraft, user_id: UserId, *, by_self: bool) -> User:
    realm = await realms.current(tx)
    drafting = Drafting(tx.realm_id, realm.settings)
    row = drafting.row(draft, tx.now)
    known = await attributes.current(tx)
    drafting.problems += attributes.check(row.attributes, known, changed=draft.attributes, by_self=by_self)
    drafting.finish()
    trail = audit.trail(tx, "user.created", "user", user_id, {"username": [None, row.username]})
    return await store.insert(tx, user_id, row, trail)


async def _apply(tx: Tx, before: User, change: UserChange, *, by_self: bool) -> User:
    realm = await realms.current(tx)
    drafting = Drafting(tx.realm_id, realm.settings)
    draft = merged(before, change)
    row = drafting.row(draft, tx.now)
    if is_set(change.attributes):
        known = await attributes.current(tx)
        drafting.problems += attributes.check(row.attributes, known, changed=change.attributes, by_self=by_self)
    drafting.finish()
    row = msgspec.structs.replace(
        row,
        email_verified_at=_verified(tx, before.email, row.email, before.email_verified_at, change.email_verified),
        phone_verified_at=_verified(tx, before.phone, row.phone, before.phone_verified_at, change.phone_verified),
    )
    return await store.update(tx, before.id, row)


def _verified(tx: Tx, before: str | None, after: str | None, at: object, flag: object) -> object:
    """When an address was verified: it stays so only while it stays the same, or because somebody entitled says so."""
    if after is None or flag is False:
        return None
    if flag is True:
        return at if at is not None and before == after else tx.now
    return at if normal.is_same_mailbox(before, after) else None


def _own(draft: UserDraft) -> UserDraft:
    given = {name: getattr(draft, name) for name in OWN_FIELDS}
    return UserDraft(**given)


async def _require_change(tx: Tx, user: User, change: UserChange) -> bool:
    """Whether it is the person's own change of what is theirs; raises when it is not allowed at all."""
    privileged = set(present(change)) - OWN_FIELDS
    if tx.actor.is_user(user.id) and not tx.actor.may("users.write"):
        if privileged or await objects.right(tx, "update", user.id) is False:
            raise Forbidden
        return True
    if not tx.actor.is_user(user.id):
        await _require_other(tx, user, "users.write", "update")
    return False


async def _require_address(tx: Tx, user_id: UserId) -> None:
    recent.require_no_application(tx, user_id)
    if tx.actor.is_in_person(user_id):
        await recent.require_for_address(tx, user_id)
    else:
        await access.require_over(tx, "credentials.write", user_id)


async def _require_other(tx: Tx, user: User, permission: str, right: str) -> None:
    """Own account, permission without limits, within reach, or by a permission list; never over one's betters."""
    decided = await objects.right(tx, right, user.id)
    if tx.actor.is_user(user.id) and decided is not False:
        return
    if decided or tx.actor.may(permission) or (decided is None and await access.is_over(tx, permission, user.id)):
        await access.require_not_above(tx, user.id)
        return
    await seen(tx, user)
    raise Forbidden


async def _shut_out(tx: Tx, user_id: UserId) -> None:
    """Somebody may not sign in any more, be it for good or until they are confirmed."""
    if tx.actor.is_user(user_id):
        raise OwnAccount
    await access.keep_an_administrator(tx, without=user_id)
    await store.end_sessions(tx, [user_id], "disabled")
