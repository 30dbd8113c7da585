"""Names of roles in a file, and the roles that they mean here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from roster.core.access import bulk, contexts, naming
from roster.core.access.errors import Escalation
from roster.core.access.models import Role
from roster.core.transfer.merging.batch import Entry
from roster.core.transfer.models import Summary
from roster.core.transfer.sources.person import Given
from roster.kit import values
from roster.kit.errors import InvalidInput, Problem
from roster.kit.ids import RoleId
from roster.kit.text import fold
from roster.storage.tx import Tx

_MOST_MADE: Final = 1000
_PREFIX: Final = "keycloak:"
_ABOVE: Final = Problem("roles", "escalation", "You cannot give a role with permissions that you do not have.")


class Granted(msgspec.Struct, frozen=True):
    """A role that a row gives, by its folded name; without an id it would be made, but this is a dry run."""

    key: str
    role_id: RoleId | None
    contexts: str
    is_owner: bool

    @property
    def is_limited(self) -> bool:
        """Whether it is given for some places only."""
        return self.contexts != "{}"


class Roles:
    """The roles of one import, by the names they have in its file.

    A name that is unknown here becomes a role without permissions. A name from Keycloak never stands for a role that
    is built in or may do everything: it gets a prefix, so that nobody becomes an administrator by a coincidence.
    """

    def __init__(self, form: str, *, dry_run: bool, summary: Summary) -> None:
        self._form, self._dry_run = form, dry_run
        self._summary = summary
        self._roles: dict[str, Role | None] = {}  # by folded name here; None: would be made
        self._names: dict[str, str] = {}  # name in the file → folded name here
        self._above: set[str] = set()  # folded names of roles that permission lists give more to than to the actor

    async def learn(self, tx: Tx, wanted: Mapping[str, str]) -> None:
        """Find or make the roles of these names; the values are descriptions for new ones."""
        names = {name: text for name, text in wanted.items() if name not in self._names and is_name(name)}
        await self._load(tx, names)
        renamed = {name: _PREFIX + name for name in names if self._stands_for_something_else(name)}
        await self._load(tx, renamed.values())
        for name, description in names.items():
            here = renamed.get(name, name)
            if fold(here) not in self._roles and not await self._make(tx, here, description):
                continue
            self._names[name] = fold(here)
            if name in renamed:
                self._summary.roles_renamed[name] = here

    async def given(self, tx: Tx, entry: Entry) -> list[Granted] | Problem:
        """The roles of one row, or why the actor may not give them."""
        found: list[Granted] = []
        for each in entry.person.roles:
            wanted = Given(each) if isinstance(each, str) else each
            key = self._names.get(wanted.role)
            if key is None:
                return Problem("roles", "invalid_role", "There is no such role and none can be made of this name.")
            role = self._roles[key]
            if key in self._above:
                return _ABOVE
            if role is not None and (problem := await _refused(tx, role, wanted)) is not None:
                return problem
            found.append(Granted(key, role.id if role else None, stored(wanted.places), wanted.is_owner))
        return list(dict.fromkeys(found))

    async def _load(self, tx: Tx, names: Iterable[str]) -> None:
        unknown = [name for name in names if fold(name) not in self._roles]
        for role in await bulk.roles_named(tx, unknown):
            self._roles[fold(role.name)] = role
            if await bulk.would_gain(tx, role.name):
                self._above.add(fold(role.name))

    def _stands_for_something_else(self, name: str) -> bool:
        role = self._roles.get(fold(name))
        return self._form == "keycloak" and role is not None and (role.built_in or "*" in role.permissions)

    async def _make(self, tx: Tx, name: str, description: str) -> bool:
        if len(self._summary.roles_created) >= _MOST_MADE or not is_name(name) or await bulk.would_gain(tx, name):
            return False
        self._roles[fold(name)] = None if self._dry_run else await bulk.create_bare_role(tx, name, description)
        self._summary.roles_created.append(name)
        return True


def names_in(entries: Iterable[Entry]) -> dict[str, str]:
    """The names of roles that rows give, for `Roles.learn`."""
    given = (each for entry in entries for each in entry.person.roles)
    return {each if isinstance(each, str) else each.role: "" for each in given}


def is_name(name: str) -> bool:
    """Whether a role may be called so (`access.create_role`)."""
    return values.storable(name) and naming.problem_of(name) is None


def stored(places: Mapping[str, Sequence[str]]) -> str:
    """Places as JSON text, always the same for the same places."""
    return msgspec.json.encode(contexts.normal(places)).decode()


async def _refused(tx: Tx, role: Role, wanted: Given) -> Problem | None:
    try:
        await bulk.require_giving(tx, role, wanted.places)
    except Escalation:
        return _ABOVE
    except InvalidInput as error:
        return error.problems[0]
    return None
