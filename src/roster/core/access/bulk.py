"""Parts of use cases over many people that make their own checks: imports."""

from collections.abc import Collection, Sequence

from roster.core.access import assigning, deciding, lists, lists_store, objects, store
from roster.core.access.contexts import Contexts
from roster.core.access.models import Role, RoleDraft
from roster.core.audit import service as audit
from roster.kit.ids import UserId
from roster.storage.tx import Tx


async def roles_named(tx: Tx, names: Sequence[str]) -> list[Role]:
    """The roles with these names, compared without regard to case; who may see them is not asked."""
    return await store.named(tx, names) if names else []


async def would_gain(tx: Tx, name: str) -> bool:
    """Whether permission lists give those who have the role of this name something that the actor does not have."""
    return await objects.gives_more(tx, name)


async def raised_by_lists(tx: Tx, user_ids: Collection[UserId]) -> set[UserId]:
    """Those of these people to whom permission lists give more than to the actor, as `require_not_above` has it."""
    if tx.actor.may("*") or not user_ids or not await objects.any_lists(tx):
        return set()
    roles = await store.role_names(tx, list(user_ids))
    names = {user_id: [str(user_id), *roles.get(user_id, ())] for user_id in user_ids}
    whos = await lists_store.given_in_lists(tx, list({name for each in names.values() for name in each}))
    suspected = [user_id for user_id in user_ids if lists.would_add(tx.actor, names[user_id], whos)]
    return {each for each in suspected if await objects.gives_person_more(tx, each, names[each][1:])}


async def waited_for(tx: Tx, user_ids: Collection[UserId]) -> set[UserId]:
    """Those of these ids, which nobody has yet, for which permission lists wait, as `require_unlisted` has it."""
    if tx.actor.may("*") or not user_ids or not await objects.any_lists(tx):
        return set()
    whos = await lists_store.given_in_lists(tx, list(map(str, user_ids)))
    return {user_id for user_id in user_ids if lists.would_add(tx.actor, [str(user_id)], whos)}


async def create_bare_role(tx: Tx, name: str, description: str = "") -> Role:
    """A role without any permission, which therefore nobody can gain anything by. Raises RoleNameTaken."""
    role = await store.insert(tx, RoleDraft(name, description), built_in=False)
    await audit.record(tx, "role.created", "role", role.id, {"name": [None, role.name]})
    return role


async def require_giving(tx: Tx, role: Role, contexts: Contexts) -> None:
    """Raise Escalation or InvalidInput when the actor, who gives roles everywhere, may not give this one so."""
    await deciding.require_permissions(tx, role, contexts)
    await assigning.require_allowed(tx, role, contexts)
