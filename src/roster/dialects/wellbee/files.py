"""`file-service`: files that people upload, and copies of pictures (notes, section 20).

Object names cannot be guessed. Whoever has the address of a file gets it, unless the settings want a signature, which
`get-signed-url` makes, or a login.
"""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from roster.core.files import service as files
from roster.core.files.errors import FileKindRefused, FileMissing, FileNotFound, FileTooLarge
from roster.core.files.models import File, Shape
from roster.core.files.service import Rules, Upload
from roster.dialects.wellbee import gateway
from roster.dialects.wellbee.subjects import Services
from roster.kit import clock, secrets
from roster.kit.actor import Actor
from roster.kit.errors import InvalidInput, Unauthenticated
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from roster.web import multipart
from roster.web.operation import Operations
from roster.web.reply import Stream
from roster.web.request import Request

ops: Final = Operations(tag="file-service")
services: Final = Services(tag="wb-file-service")

_PAGE: Final = 1000
_MOST_LISTED: Final = 10_000
_SIGNATURE: Final = "wellbee file"
_TIME: Final = re.compile(r"(\d{1,9})\s*(ms|s|m|h|d)?")
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, None: 1}
_LONGEST: Final = 7 * 86_400
_LARGEST_BODY: Final = 536_870_912


class Uploaded(msgspec.Struct, frozen=True, rename="camel"):
    """A stored file."""

    url: str
    key: str
    original_name: str
    mime_type: str
    size: int


class Pixels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a picture is to be changed."""

    angle: Annotated[float, Meta(ge=0, le=360)] = 0
    width: Annotated[float, Meta(ge=0, le=20_000)] = 0
    height: Annotated[float, Meta(ge=0, le=20_000)] = 0


class Copied(msgspec.Struct, frozen=True):
    """A copy of a picture."""

    url: str
    key: str


class Wanted(msgspec.Struct, frozen=True):
    """A file by its key or address, and for how long."""

    file: Annotated[str, Meta(min_length=1, max_length=2000)]
    expires: str | int | float = 60


class Signed(msgspec.Struct, frozen=True):
    """Where the file is for a while."""

    url: str


class Processed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file by its address."""

    url: str | None = None


class Finished(msgspec.Struct, frozen=True):
    """Whether the file is there."""

    finished: bool


class Key(msgspec.Struct, frozen=True):
    """A file by its key."""

    key: str


class Gone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files to be removed, named in any of these ways."""

    url: str | None = None
    urls: list[str] = []
    file: Key | None = None
    files: list[Key] = []


class Listed(msgspec.Struct, frozen=True):
    """All files."""

    files: list[Key]


class InFolder(msgspec.Struct, frozen=True):
    """Where to put it."""

    path: str = ""


@ops.get("/file-service/health", id="file-health", public=True)
async def health() -> dict[str, str]:
    """Since when this process runs."""
    return {"status": gateway.since()}


@ops.post(
    "/file-service/upload",
    id="file-upload",
    status=201,
    body_limit=_LARGEST_BODY,
    consumes=(multipart.FORM_DATA,),
    errors=(FileMissing, FileTooLarge, FileKindRefused),
)
async def upload(
    runtime: Runtime, request: Request, actor: Actor, query: InFolder, upload: AsyncIterator[bytes]
) -> Uploaded:
    """Store the file in the part `file`."""
    settings = runtime.settings.dialects.wellbee
    rules = Rules(settings.max_file_mb * 1_048_576, settings.file_types)
    content = multipart.file_of(request.header("content-type") or "", upload)
    file = await files.put(runtime, actor, Upload(content, lambda: content.name, query.path.strip("/")), rules)
    return Uploaded(_url(runtime, request, file), file.key, file.name, file.media_type, file.size)


@ops.put("/file-service/image/{imageName}", id="file-image-update", errors=(FileNotFound, FileKindRefused))
async def change_image(runtime: Runtime, request: Request, actor: Actor, imageName: str, body: Pixels) -> Copied:
    """A copy of a picture, resized or turned."""
    shape = Shape(round(body.width), round(body.height), round(body.angle))
    file = await files.changed(runtime, actor, files.id_in(imageName), shape)
    return Copied(_url(runtime, request, file), file.key)


@ops.get("/file-service/file/{name}", id="file-content", public=True, errors=(FileNotFound,))
async def read(runtime: Runtime, request: Request, actor: Actor, name: str) -> Stream:
    """The content of a file."""
    if not (runtime.settings.dialects.wellbee.public_files or actor.is_known or _is_signed(runtime, request, name)):
        raise Unauthenticated
    async with runtime.read(actor) as tx:
        file = await files.get(tx, files.id_in(name))
    shown = "inline" if file.media_type.startswith(("image/", "video/", "audio/")) else "attachment"
    headers = (
        ("Content-Disposition", f'{shown}; filename="{file.object_name}"'),
        ("Content-Length", str(file.size)),
        ("Content-Security-Policy", "sandbox; default-src 'none'"),
        ("Cache-Control", "private, max-age=31536000, immutable"),
    )
    return Stream(files.content(runtime, actor, file.id), file.media_type, headers=headers)


@services.serve("wb-file-service.get-signed-url", id="svc-file-signed-url", writes=False)
@services.serve("file-service.get-signed-url", id="svc-file-signed-url-alias", writes=False)
async def get_signed_url(tx: Tx, request: Request, body: Wanted) -> Signed:
    """An address of a file that is good for a while."""
    file = await files.get(tx, files.id_in(_bare(body.file)))
    until = int(tx.now.timestamp() + _seconds(body.expires))
    signature = _signature(tx.runtime, request.realm_slug, file.object_name, until)
    return Signed(f"{_url(tx.runtime, request, file)}?expires={until}&signature={signature}")


@services.serve("wb-file-service.is-processing-completed", id="svc-file-is-processing-completed", writes=False)
@services.serve("file-service.is-processing-completed", id="svc-file-is-processing-completed-alias", writes=False)
async def is_processing_completed(tx: Tx, body: Processed) -> Finished:
    """Whether a film can be seen: films are kept as they come, so once it is there it can."""
    if body.url is None:
        raise InvalidInput.of("url", "required", "This member is required.")
    try:
        await files.get(tx, files.id_in(_bare(body.url)))
    except FileNotFound:
        return Finished(finished=False)
    return Finished(finished=True)


@services.serve("wb-file-service.delete-file", id="svc-file-delete")
@services.serve("file-service.delete-file", id="svc-file-delete-alias")
async def delete_file(tx: Tx, body: Gone) -> None:
    """Remove files; those that are not there count as removed."""
    named = [*([body.url] if body.url else []), *body.urls]
    named += [each.key for each in (*([body.file] if body.file else []), *body.files)]
    if not named:
        raise InvalidInput.of("body", "required", "should name a file")
    if len(named) > _PAGE:
        raise InvalidInput.of("files", "length", f"should NOT have more than {_PAGE} items")
    await files.remove(tx, [files.id_in(_bare(each)) for each in named])


@services.serve("wb-file-service.get-files", id="svc-file-list", writes=False)
@services.serve("file-service.get-files", id="svc-file-list-alias", writes=False)
async def get_files(tx: Tx) -> Listed:
    """All files, the first ten thousand of them."""
    found: list[File] = []
    while len(found) < _MOST_LISTED:
        page = await files.page(tx, after=found[-1].id if found else None, limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            break
    return Listed([Key(file.key) for file in found])


def _url(runtime: Runtime, request: Request, file: File) -> str:
    return f"{gateway.base_url(runtime, request.realm_slug)}/file-service/file/{file.object_name}"


def _bare(text: str) -> str:
    """Key, `/key` or address: without what stands behind a question mark."""
    return text.partition("?")[0]


def _seconds(text: str | float) -> float:
    """`60`, `2m`, `1h`."""
    found = _TIME.fullmatch(str(text).strip()) if isinstance(text, str) else None
    seconds = float(text) if not isinstance(text, str) else None
    if found is not None:
        seconds = int(found[1]) * _UNITS[found[2]]
    if seconds is None or not 0 < seconds <= _LONGEST:
        raise InvalidInput.of("expires", "out_of_range", "should be a time of at most seven days")
    return seconds


def _signature(runtime: Runtime, realm: str, name: str, until: int) -> str:
    return runtime.keyring.mac(_SIGNATURE, f"{realm}/{name}/{until}".encode()).hex()


def _is_signed(runtime: Runtime, request: Request, name: str) -> bool:
    until, signature = request.query.get("expires") or "", request.query.get("signature") or ""
    if not re.fullmatch(r"\d{1,12}", until) or int(until) < clock.now().timestamp():
        return False
    expected = _signature(runtime, request.realm_slug, name, int(until))
    return secrets.same(signature.encode("utf-8", "replace"), expected.encode())
