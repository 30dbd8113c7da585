"""Files: what is stored, what is refused, and pictures that are changed."""

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from roster.core.files import kinds
from roster.core.files import service as files
from roster.core.files.errors import FileKindRefused, FileMissing, FileNotFound, FileTooLarge
from roster.core.files.models import File, Shape
from roster.core.files.service import Rules, Upload
from roster.core.limits import service as limits
from roster.core.realms.models import Realm
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

RULES = Rules(1_000_000, ("image/*", "application/pdf"))


def a_picture(width: int = 40, height: int = 20, form: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(made, form)
    return made.getvalue()


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def put(runtime: Runtime, actor: Actor, data: bytes, folder: str = "") -> File:
    return await files.put(runtime, actor, Upload(pieces(data), lambda: "a name", folder), RULES)


async def content(runtime: Runtime, actor: Actor, file: File) -> bytes:
    return b"".join([piece async for piece in files.content(runtime, actor, file.id)])


@pytest.fixture
async def somebody(runtime: Runtime, realm: Realm) -> Actor:
    return await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))


@pytest.mark.parametrize("size", [1, 262_143, 262_144, 262_145, 900_000])
async def test_what_is_stored_comes_back(runtime: Runtime, somebody: Actor, size: int):
    data = b"%PDF-" + bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    file = await put(runtime, somebody, data, "reports/2026")
    assert (file.media_type, file.size) == ("application/pdf", len(data))
    assert file.key == f"reports/2026/{file.id}.pdf"
    assert await content(runtime, somebody, file) == data


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", FileMissing),
        (b"%PDF-" + b"x" * 1_000_000, FileTooLarge),
        (b"<html><script>alert(1)</script>", FileKindRefused),
        (b"MZ\x90", FileKindRefused),
        (b"ID3music", FileKindRefused),
    ],
)
async def test_what_may_not_be_stored_is_refused(
    runtime: Runtime, realm: Realm, somebody: Actor, data: bytes, error: type[Exception]
):
    with pytest.raises(error):
        await put(runtime, somebody, data)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await files.page(tx) == []


@pytest.mark.parametrize("folder", ["..", "a/../b", "/a", "a//b", "a b", "a" * 65, "a/" * 7 + "a"])
async def test_a_folder_is_only_words(runtime: Runtime, somebody: Actor, folder: str):
    with pytest.raises(InvalidInput):
        await put(runtime, somebody, a_picture(), folder)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_a_picture_is_made_smaller_and_turned(runtime: Runtime, somebody: Actor, form: str):
    file = await put(runtime, somebody, a_picture(form=form))
    small = await files.changed(runtime, somebody, file.id, Shape(width=20, angle=90))
    assert (small.media_type, small.id != file.id) == (file.media_type, True)
    with Image.open(io.BytesIO(await content(runtime, somebody, small))) as picture:
        assert (picture.width, picture.height) == (10, 20)


async def test_a_picture_never_grows(runtime: Runtime, somebody: Actor):
    file = await put(runtime, somebody, a_picture())
    same = await files.changed(runtime, somebody, file.id, Shape(width=4000, height=4000))
    with Image.open(io.BytesIO(await content(runtime, somebody, same))) as picture:
        assert (picture.width, picture.height) == (40, 20)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\nnothing", b"%PDF-1.7", a_picture()[:60]])
async def test_what_only_looks_like_a_picture_is_not_changed(runtime: Runtime, somebody: Actor, data: bytes):
    file = await put(runtime, somebody, data)
    with pytest.raises(FileKindRefused):
        await files.changed(runtime, somebody, file.id, Shape(width=1))


async def test_a_picture_of_too_many_pixels_is_not_opened(runtime: Runtime, somebody: Actor):
    bomb = bytearray(a_picture())
    bomb[16:24] = (100_000).to_bytes(4, "big") * 2
    file = await put(runtime, somebody, bytes(bomb))
    with pytest.raises(FileKindRefused):
        await files.changed(runtime, somebody, file.id, Shape(width=1))


async def test_files_of_another_realm_are_not_there(runtime: Runtime, somebody: Actor):
    file = await put(runtime, somebody, a_picture())
    elsewhere = factories.roster_in(await factories.a_realm(runtime))
    async with runtime.write(elsewhere) as tx:
        with pytest.raises(FileNotFound):
            await files.get(tx, file.id)
        assert await files.page(tx) == []
        assert await files.remove(tx, [file.id]) == 0
    assert await content(runtime, elsewhere, file) == b""
    with pytest.raises(FileNotFound):
        await files.changed(runtime, elsewhere, file.id, Shape(width=1))


async def test_a_removed_file_leaves_nothing(runtime: Runtime, realm: Realm, somebody: Actor):
    file = await put(runtime, somebody, a_picture())
    async with runtime.write(factories.roster_in(realm)) as tx:
        assert await files.remove(tx, [file.id]) == 1
        assert await files.remove(tx, [file.id]) == 0
        left = await tx.value("SELECT count(*) FROM file_pieces WHERE file_id = $1", file.id)
    assert left == 0


async def test_people_store_and_programs_need_a_permission(runtime: Runtime, realm: Realm, somebody: Actor):
    with pytest.raises(Forbidden):
        await put(runtime, people.nobody(realm), a_picture())
    async with runtime.write(somebody) as tx:
        with pytest.raises(Forbidden):
            await files.page(tx)
        with pytest.raises(Forbidden):
            await files.remove(tx, [])


@pytest.mark.parametrize("name", ["x", "../etc/passwd", "", "a/b.png"])
def test_only_object_names_lead_to_files(name: str):
    with pytest.raises(FileNotFound):
        files.id_in(name)


def test_kinds_are_allowed_by_name_or_family():
    assert kinds.of(b"GIF89a", ["image/png"]) is None
    assert kinds.of(b"GIF89a", ["image/*"]) == kinds.KINDS[3]
    assert kinds.of(b"RIFF....WAVE", ["image/*"]) is None


async def test_a_person_stores_so_many_files_a_day(runtime: Runtime, realm: Realm, somebody: Actor):
    async with runtime.write(factories.roster_in(realm)) as tx:
        for _ in range(files.PER_PERSON.count):
            await limits.try_spend(tx, [(files.PER_PERSON, str(somebody.user_id))])
    with pytest.raises(TooMany):
        await put(runtime, somebody, a_picture())
    another = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))
    assert (await put(runtime, another, a_picture())).media_type == "image/png"
