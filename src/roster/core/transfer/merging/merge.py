"""One batch, from the staging table into the directory. Everything happens in the caller's transaction."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec

from roster.core.access import bulk
from roster.core.audit import service as audit
from roster.core.credentials import seeds
from roster.core.realms import service as realms
from roster.core.transfer.merging import existing, store
from roster.core.transfer.merging.batch import Batch, Entry, Job
from roster.core.transfer.merging.existing import Changed
from roster.core.transfer.merging.roles import Granted, Roles, names_in
from roster.core.transfer.merging.staging import draft_of, external_of, named_before
from roster.core.transfer.models import Summary
from roster.core.users.errors import EmailTaken, UsernameTaken
from roster.kit import secrets
from roster.kit.errors import Problem, Unavailable
from roster.kit.ids import UserId, uuid7
from roster.kit.text import fold
from roster.storage.tx import Tx

_TRIES: Final = 4
"""Of a batch, when others take its names between matching and writing; during the last one they wait."""
_AMBIGUOUS: Final = Problem("", "ambiguous", "The id, name and address of this row belong to different people.")
_DELETED: Final = Problem(
    "", "deleted", "The name or address belongs to a deleted person; restore or erase them first."
)


class Counts(msgspec.Struct):
    """What became of the rows of a batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class _Added(msgspec.Struct, gc=False):
    """What somebody who exists gets besides other values; `had_password` says that another one goes."""

    password: bool
    seed: bool
    roles: list[Granted]
    had_password: bool

    @property
    def takes(self) -> list[str]:
        """The permissions that giving this by hand would take."""
        found = ["credentials.write"] if self.password or self.seed else []
        return [*found, "roles.assign"] if self.roles else found


async def merge(tx: Tx, job: Job, batch: Batch, descriptions: Mapping[str, str]) -> tuple[Counts, Summary]:
    """Merge what is staged. `descriptions` are those of roles that the file defines."""
    await store.alone(tx)
    for attempt in range(_TRIES):
        before = (dict(batch.entries), list(batch.report), batch.failed)
        try:
            async with tx.transaction():
                if attempt == _TRIES - 1:
                    await store.hold_others(tx)
                return await _Merge(tx, job, batch).run(descriptions)
        except (UsernameTaken, EmailTaken):
            batch.entries, batch.report, batch.failed = before
    raise Unavailable(text="The directory is changing too quickly; the import goes on later.")


class _Merge:
    def __init__(self, tx: Tx, job: Job, batch: Batch) -> None:
        self._tx, self._job, self._batch = tx, job, batch
        self._counts = Counts()
        self._summary = Summary(notes=batch.notes)
        self._roles = Roles(job.form, dry_run=job.dry_run, summary=self._summary)
        self._given: dict[int, list[Granted]] = {}

    async def run(self, descriptions: Mapping[str, str]) -> tuple[Counts, Summary]:
        staged = set(self._batch.entries)
        await self._learn_roles(descriptions)
        people = await self._match()
        await self._drop_doubles(people)
        known = {entry.row for entry in people.values()}
        new = await self._permitted([entry for row, entry in self._batch.entries.items() if row not in known])
        if not self._job.dry_run:
            await store.drop_lines(self._tx, staged - {entry.row for entry in new})
        await self._create(new)
        await self._change(people)
        return self._counts, self._summary

    async def _learn_roles(self, descriptions: Mapping[str, str]) -> None:
        entries = self._batch.entries
        await self._roles.learn(self._tx, {**names_in(entries.values()), **descriptions})
        for row, entry in list(entries.items()):
            if not entry.person.roles:
                continue
            given = await self._roles.given(self._tx, entry)
            if isinstance(given, Problem):
                self._batch.refuse(row, given)
            else:
                self._given[row] = given

    async def _match(self) -> dict[UserId, Entry]:
        """The rows about people who exist; a row that means several, or somebody deleted, is refused."""
        found: dict[int, set[UserId]] = {}
        deleted: set[int] = set()
        for match in await store.matches(self._tx):
            found.setdefault(match.line, set()).add(match.user_id)
            if match.is_deleted:
                deleted.add(match.line)
        people: dict[UserId, Entry] = {}
        for line, users in sorted(found.items()):
            entry = self._batch.entries.get(line)
            if entry is None:
                continue
            (user_id,) = users if len(users) == 1 else (None,)
            if user_id is None or line in deleted:
                self._batch.refuse(line, _DELETED if line in deleted else _AMBIGUOUS)
            elif user_id in people:
                self._batch.refuse(line, named_before(people[user_id].row))
            else:
                people[user_id] = entry
        return people

    async def _drop_doubles(self, people: dict[UserId, Entry]) -> None:
        """Refuse whom an earlier batch of the file has named; a dry run, which makes nobody, goes by names too."""
        keys: dict[UUID, Entry] = {**people}
        if self._job.dry_run:
            is_unique = (await realms.current(self._tx)).settings.email_unique
            entries = self._batch.entries.values()
            keys |= {key: entry for entry in entries for key in _digests(entry, email_is_unique=is_unique)}
        if not keys:
            return
        for key, row in (await store.seen(self._tx, self._job.transfer_id, keys)).items():
            if keys[key].row in self._batch.entries:
                self._batch.refuse(keys[key].row, named_before(row))
        for user_id in [each for each, entry in people.items() if entry.row not in self._batch.entries]:
            del people[user_id]
        met = {key: entry.row for key, entry in keys.items() if entry.row in self._batch.entries}
        await store.remember(self._tx, self._job.transfer_id, met)

    async def _permitted(self, entries: list[Entry]) -> list[Entry]:
        """Nobody makes a person with an id for which permission lists wait that give them more than the actor has."""
        named = [UserId(entry.id) for entry in entries if entry.person.id is not None]
        waited_for = await bulk.waited_for(self._tx, named)
        for entry in entries:
            if entry.id in waited_for:
                self._batch.refuse(entry.row, existing.ABOVE)
        return [entry for entry in entries if entry.id not in waited_for]

    async def _create(self, entries: list[Entry]) -> None:
        self._counts.created += len(entries)
        self._summary.passwords += sum(entry.hash is not None or entry.person.password is not None for entry in entries)
        self._summary.second_factors += sum(entry.seed is not None for entry in entries)
        self._summary.roles_given += sum(len(self._given.get(entry.row, ())) for entry in entries)
        if self._job.dry_run or not entries:
            return
        tx = self._tx
        await store.insert_people(tx)
        await store.insert_passwords(tx)
        await self._put_seeds({UserId(entry.id): entry for entry in entries if entry.seed})
        await self._give({UserId(entry.id): self._given[entry.row] for entry in entries if entry.row in self._given})
        # An entry for each person, as if they had been made one by one: with its event it is a tenth of what PostgreSQL
        # does for a new person (9 of 50 microseconds), and their history begins at the beginning.
        await audit.record_made(tx, "user.created", "user", "staged")
        await store.remember_staged(tx, self._job.transfer_id)

    async def _change(self, people: dict[UserId, Entry]) -> None:
        if self._job.options.existing == "skip" or not people:
            self._counts.unchanged += len(people)
            return
        tx, batch = self._tx, self._batch
        for user_id in await existing.drop_betters(tx, people, batch):
            del people[user_id]
        users = await store.lock_people(tx, people)
        for user_id in set(people) - {user.id for user in users}:
            batch.refuse(people.pop(user_id).row, _DELETED)
        added = await self._added(people)
        for user_id, each in added.items():
            problem = existing.objection(tx, user_id, each.takes)
            if problem is not None:
                batch.refuse(people.pop(user_id).row, problem)
        changed = await existing.changes(tx, [user for user in users if user.id in people], people, batch)
        people = {user_id: entry for user_id, entry in people.items() if entry.row in batch.entries}
        added = {user_id: each for user_id, each in added.items() if user_id in people}
        await self._write(changed)
        await self._add_credentials(people, added)
        await self._add_roles(added)
        touched = len({each.user.id for each in changed} | added.keys())
        self._counts.updated += touched
        self._counts.unchanged += len(people) - touched

    async def _write(self, changed: list[Changed]) -> None:
        for each in changed:
            for name in each.differences:
                self._summary.fields[name] = self._summary.fields.get(name, 0) + 1
        if self._job.dry_run or not changed:
            return
        await store.update_people(self._tx, [each.values() for each in changed])
        if shut_out := [each.user.id for each in changed if each.is_shut_out]:
            await store.end_sessions(self._tx, shut_out, "disabled")
        await audit.record_each(self._tx, "user.changed", "user", {each.user.id: each.differences for each in changed})

    async def _added(self, people: Mapping[UserId, Entry]) -> dict[UserId, _Added]:
        """What these people get: passwords and second factors if they have none, with `replace` all; missing roles.

        Those who get nothing are left out.
        """
        bearing = [user_id for user_id, entry in people.items() if _has_password(entry) or entry.seed]
        held = await store.kinds_of(self._tx, bearing) if bearing else set[tuple[UserId, str]]()
        wanting = [user_id for user_id, entry in people.items() if self._given.get(entry.row)]
        roles = await store.roles_held(self._tx, wanting) if wanting else set[tuple[UserId, UUID, str]]()
        is_free = self._job.options.existing == "replace"
        found: dict[UserId, _Added] = {}
        for user_id, entry in people.items():
            has_one = (user_id, "password") in held
            added = _Added(
                password=_has_password(entry) and (is_free or not has_one),
                seed=bool(entry.seed) and (is_free or (user_id, "totp") not in held),
                roles=[
                    each
                    for each in self._given.get(entry.row, ())
                    if (user_id, each.role_id, each.contexts) not in roles
                ],
                had_password=has_one,
            )
            if added.takes:
                found[user_id] = added
        return found

    async def _add_credentials(self, people: Mapping[UserId, Entry], added: Mapping[UserId, _Added]) -> None:
        passwords = [user_id for user_id, each in added.items() if each.password]
        seeds = [user_id for user_id, each in added.items() if each.seed]
        self._summary.passwords += len(passwords)
        self._summary.second_factors += len(seeds)
        if self._job.dry_run or not (passwords or seeds):
            return
        await self._put_passwords({each: people[each].hash for each in passwords})
        await store.end_sessions(self._tx, [each for each in passwords if added[each].had_password], "password")
        await store.drop_second_factors(self._tx, seeds)
        await self._put_seeds({each: people[each] for each in seeds})

    async def _put_passwords(self, hashes: Mapping[UserId, str | None]) -> None:
        rows = [(uuid7(), user_id, hash, None) for user_id, hash in hashes.items()]
        await store.put_credentials(self._tx, "password", rows)
        await audit.record_many(self._tx, "credential.password_set", "user", list(hashes))

    async def _put_seeds(self, people: Mapping[UserId, Entry]) -> None:
        keyring, realm_id = self._tx.runtime.keyring, self._tx.realm_id
        rows = [
            (credential_id := uuid7(), user_id, None, seeds.seal(keyring, realm_id, credential_id, entry.seed or ""))
            for user_id, entry in people.items()
        ]
        if rows:
            await store.put_credentials(self._tx, "totp", rows)
            await audit.record_many(self._tx, "mfa.activated", "user", list(people))

    async def _add_roles(self, added: Mapping[UserId, _Added]) -> None:
        """Roles are added, never taken away."""
        missing = {user_id: each.roles for user_id, each in added.items() if each.roles}
        self._summary.roles_given += sum(map(len, missing.values()))
        if missing and not self._job.dry_run:
            await self._give(missing)
            changes: dict[UUID, audit.Changes] = {each: _given(lacking) for each, lacking in missing.items()}
            await audit.record_each(self._tx, "role.assigned", "user", changes)

    async def _give(self, given: Mapping[UserId, Collection[Granted]]) -> None:
        rows = [
            (uuid7(), user_id, each.role_id, each.contexts, each.is_owner)
            for user_id, roles in given.items()
            for each in roles
            if each.role_id is not None
        ]
        if rows:
            await store.give_roles(self._tx, rows)


def _given(granted: Iterable[Granted]) -> dict[str, list[list[object]]]:
    """What the trail says: the roles by id, those that are limited to places apart from the others, with these."""
    found: dict[str, list[list[object]]] = {}
    for each in granted:
        if each.is_limited:
            limited = [str(each.role_id), msgspec.json.decode(each.contexts)]
            found.setdefault("limited_roles", [[], []])[1].append(limited)
        else:
            found.setdefault("roles", [[], []])[1].append(str(each.role_id))
    return found


def _has_password(entry: Entry) -> bool:
    return entry.hash is not None or entry.person.password is not None


def _digests(entry: Entry, *, email_is_unique: bool) -> list[UUID]:
    """What stands for the names of somebody who is not made."""
    draft = draft_of(entry.person)
    email = draft.email if email_is_unique else None
    names = {"username": draft.username, "email": email, "external": external_of(entry.person)}
    return [
        UUID(bytes=secrets.digest(f"{kind}:{fold(name.strip())}")[:16])
        for kind, name in names.items()
        if name is not None
    ]
