"""Parts of use cases over many people that make their own checks: imports."""

from collections.abc import Sequence

from roster.core.access import assigning, deciding, objects, store
from roster.core.access.contexts import Contexts
from roster.core.access.models import Role, RoleDraft
from roster.core.audit import service as audit
from roster.storage.tx import Tx


async def roles_named(tx: Tx, names: Sequence[str]) -> list[Role]:
    """The roles with these names, compared without regard to case; who may see them is not asked."""
    return await store.named(tx, names) if names else []


async def would_gain(tx: Tx, name: str) -> bool:
    """Whether permission lists give those who have the role of this name something that the actor does not have."""
    return await objects.gives_more(tx, name)


async def create_bare_role(tx: Tx, name: str, description: str = "") -> Role:
    """A role without any permission, which therefore nobody can gain anything by. Raises RoleNameTaken."""
    role = await store.insert(tx, RoleDraft(name, description), built_in=False)
    await audit.record(tx, "role.created", "role", role.id, {"name": [None, role.name]})
    return role


async def require_giving(tx: Tx, role: Role, contexts: Contexts) -> None:
    """Raise Escalation or InvalidInput when the actor, who gives roles everywhere, may not give this one so."""
    await deciding.require_permissions(tx, role, contexts)
    await assigning.require_allowed(tx, role, contexts)
