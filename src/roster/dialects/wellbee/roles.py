"""Roles by the names they have here, and the scopes they give (notes, section 17)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from roster.core.access import service as access
from roster.core.access import summaries, vocabulary
from roster.core.access.models import Role, Wanted
from roster.core.users.models import User, View
from roster.dialects.wellbee import catalogue, scopes
from roster.dialects.wellbee.documents import Held
from roster.dialects.wellbee.refusals import InvalidRoles
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId
from roster.kit.text import fold
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx


def scopes_of(runtime: Runtime, role: Role) -> list[str]:
    """The scopes of a role: those it was given here, then those that its permissions amount to."""
    own = role.facets.get(catalogue.NAME)
    kept = cast("Mapping[str, object]", own).get("scopes") if isinstance(own, Mapping) else None
    given = [each for each in cast("list[object]", kept) if isinstance(each, str)] if isinstance(kept, list) else []
    meant = catalogue.scopes_of(vocabulary.of(runtime).expand(role.permissions))
    return [*given, *(each for each in meant if not scopes.satisfies(given, each))]


async def union(tx: Tx, names: Iterable[str]) -> list[str]:
    """The scopes of these roles in order of first appearance; roles that there are not add nothing."""
    wanted = list(dict.fromkeys(catalogue.stored_name(each) for each in names))
    known = {fold(role.name): scopes_of(tx.runtime, role) for role in await access.roles_named(tx, wanted)}
    return list(dict.fromkeys(scope for name in wanted for scope in known.get(fold(name), ())))


async def held(tx: Tx, people: Sequence[User]) -> dict[UserId, Held]:
    """What these people have everywhere, oldest first; of people who are only known to exist, nothing."""
    seen = [each.id for each in people if each.view is View.FULL]
    names = await summaries.unlimited(tx, seen)
    known = await access.roles_named(tx, list({name for each in names.values() for name in each}))
    given = {role.name: scopes_of(tx.runtime, role) for role in known}
    return {user_id: _held(each, given) for user_id, each in names.items()}


def _held(names: Sequence[str], given: Mapping[str, Sequence[str]]) -> Held:
    together = dict.fromkeys(scope for name in names for scope in given.get(name, ()))
    return Held([catalogue.shown_name(name) for name in names], list(together))


async def require_known(tx: Tx, names: Sequence[str]) -> list[Wanted]:
    """The roles as a person shall have them. Raises InvalidRoles for those that there are not."""
    stored = [catalogue.stored_name(each) for each in names]
    known = {fold(role.name) for role in await access.roles_named(tx, [each for each in stored if len(each) <= 200])}
    unknown = [name for name, each in zip(names, stored, strict=True) if fold(each) not in known]
    if unknown:
        raise InvalidRoles(text=f"Roles contains invalid role(s) {', '.join(each[:100] for each in unknown[:20])}")
    return [Wanted(each) for each in stored]


def read(text: str) -> dict[str, list[str]]:
    """Roles and scopes from their text, `role:scope,scope;role:scope`. Raises InvalidInput for another form."""
    found: dict[str, list[str]] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        name, colon, given = part.rpartition(":")
        if not colon or not name.strip():
            raise InvalidInput.of("role_scopes", "malformed", f"{part[:100]!r} is not role:scope,scope.")
        found[name.strip()] = [scope.strip() for scope in given.split(",") if scope.strip()]
    return found


def written(given: Mapping[str, Sequence[str]]) -> str:
    """The text of roles and scopes."""
    return ";".join(f"{name}:{','.join(each)}" for name, each in given.items())
