"""Use cases over files. An upload is gathered in a temporary file first, so that no transaction waits for a client."""

import re
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from typing import IO, Final
from uuid import UUID

import msgspec

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.files import kinds, pictures, store
from roster.core.files.errors import FileKindRefused, FileMissing, FileNotFound, FileTooLarge
from roster.core.files.models import File, Shape
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.kit import clock, ids
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, TooMany
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

PER_PERSON: Final = Policy("files:user", 500, 86_400)
"""Files that somebody stores in a day, copies included."""
_PIECE: Final = 262_144
_FOLDER: Final = re.compile(r"(?:[a-z0-9_-]{1,64}/){0,5}[a-z0-9_-]{1,64}")
_IN_MEMORY: Final = 1_048_576
_LARGEST_PICTURE: Final = 52_428_800


class Rules(msgspec.Struct, frozen=True):
    """What may be stored: at most so many bytes, of these media types."""

    largest: int
    media_types: tuple[str, ...]


class Upload(msgspec.Struct, frozen=True):
    """A file as it comes. `name` gives what its sender calls it; it is asked once all of the content has come."""

    content: AsyncIterable[bytes]
    name: Callable[[], str]
    folder: str = ""


async def put(runtime: Runtime, actor: Actor, upload: Upload, rules: Rules) -> File:
    """Store a file. For every person, and with `files.write` for programs.

    Raises Forbidden, TooMany, FileMissing, FileTooLarge, FileKindRefused, InvalidInput for the folder.
    """
    if actor.person_id is None and not actor.may("files.write"):
        raise Forbidden
    await _spend(runtime, actor)
    if upload.folder and not _FOLDER.fullmatch(upload.folder):
        raise InvalidInput.of("path", "invalid_folder", "A folder is words of letters, digits, - and _.")
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as gathered:
        size = await _gather(upload.content, gathered, rules.largest)
        gathered.seek(0)
        kind = kinds.of(gathered.read(kinds.LONGEST_MARK), rules.media_types)
        if kind is None:
            raise FileKindRefused
        return await _keep(runtime, actor, _file(actor, upload.folder, upload.name(), kind, size), gathered)


async def changed(runtime: Runtime, actor: Actor, file_id: UUID, shape: Shape) -> File:
    """A copy of a picture, smaller or turned. Raises FileNotFound, FileKindRefused, Forbidden, TooMany."""
    if actor.person_id is None and not actor.may("files.write"):
        raise Forbidden
    await _spend(runtime, actor)
    async with runtime.read(actor) as tx:
        before = await store.find(tx, file_id)
    if before.media_type not in kinds.PICTURES or before.size > _LARGEST_PICTURE:
        raise FileKindRefused
    data = b"".join([piece async for piece in content(runtime, actor, file_id)])
    made = await runtime.workers.run(pictures.changed, data, before.media_type, shape)
    kind = kinds.of(made[: kinds.LONGEST_MARK], [before.media_type])
    if kind is None:
        raise FileKindRefused
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as gathered:
        gathered.write(made)
        file = _file(actor, before.key.rpartition("/")[0], before.name, kind, len(made))
        return await _keep(runtime, actor, file, gathered)


async def get(tx: Tx, file_id: UUID) -> File:
    """One file, for whoever knows its id, which cannot be guessed. Raises FileNotFound."""
    return await store.find(tx, file_id)


async def content(runtime: Runtime, actor: Actor, file_id: UUID) -> AsyncIterator[bytes]:
    """The content of a file, piece by piece; no connection is held in between."""
    number = 0
    while True:
        async with runtime.read(actor) as tx:
            piece = await store.piece(tx, file_id, number)
        if piece is None:
            return
        yield piece
        number += 1


async def page(tx: Tx, *, after: UUID | None = None, limit: int = 1000) -> list[File]:
    """Files in the order in which they were stored. Needs `files.read`."""
    access.require(tx, "files.read")
    return await store.page(tx, after, limit)


async def remove(tx: Tx, file_ids: Sequence[UUID]) -> int:
    """Remove files; how many there were. Needs `files.write`."""
    access.require(tx, "files.write")
    removed = await store.remove(tx, file_ids)
    for file_id in removed:
        await audit.record(tx, "file.removed", "file", file_id)
    return len(removed)


def id_in(name: str) -> UUID:
    """The id in an object name or a key. Raises FileNotFound."""
    found = ids.parse(name.rpartition("/")[2].partition(".")[0])
    if found is None:
        raise FileNotFound
    return found


async def _spend(runtime: Runtime, actor: Actor) -> None:
    """Count a file of a person, also one that is refused later. Raises TooMany."""
    if actor.person_id is None:
        return
    async with runtime.write(actor) as tx:
        wait = await limits.try_spend(tx, [(PER_PERSON, str(actor.person_id))])
    if wait:
        raise TooMany(wait)


async def _gather(content: AsyncIterable[bytes], into: IO[bytes], largest: int) -> int:
    size = 0
    async for chunk in content:
        size += len(chunk)
        if size > largest:
            raise FileTooLarge
        into.write(chunk)
    if not size:
        raise FileMissing
    return size


def _file(actor: Actor, folder: str, name: str, kind: kinds.Kind, size: int) -> File:
    id = ids.uuid4()
    key = f"{folder}/{id}.{kind.ending}" if folder else f"{id}.{kind.ending}"
    shown = "".join(sign for sign in name if sign.isprintable())[:255] or f"{id}.{kind.ending}"
    return File(id, key, shown, kind.media_type, size, clock.now(), actor.user_id)


async def _keep(runtime: Runtime, actor: Actor, file: File, gathered: IO[bytes]) -> File:
    gathered.seek(0)
    async with runtime.write(actor) as tx:
        kept = await store.insert(tx, file)
        number = 0
        while piece := gathered.read(_PIECE):
            await store.add_piece(tx, file.id, number, piece)
            number += 1
        changes = {"key": [None, file.key], "media_type": [None, file.media_type], "size": [None, file.size]}
        await audit.record(tx, "file.stored", "file", file.id, changes)
    return kept
