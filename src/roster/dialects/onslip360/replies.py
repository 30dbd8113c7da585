"""Answers with entity tags (RFC 9110, sections 8.8.3 and 13.1), for single entities and for lists."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from zlib import crc32

import msgspec

from roster.dialects.onslip360.errors import Changed
from roster.kit.errors import NotFound, StaleVersion
from roster.web.operation import Parameter
from roster.web.reply import Headers, Reply
from roster.web.request import Request

T = TypeVar("T")
R = TypeVar("R")

IF_MATCH: Final = Parameter(
    name="If-Match", where="header", description="Entity tags; the change happens only if one still matches."
)
IF_NONE_MATCH: Final = Parameter(name="If-None-Match", where="header", description="Entity tags; a match gives 304.")
_TAG: Final = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_ENCODE: Final = msgspec.json.Encoder().encode


def tag(letter: str, number: int, revision: int, labels: Sequence[int] = ()) -> str:
    """The tag of an entity: the letter of its resource, its identifier, how often it was changed, and its labels."""
    worn = f"-{crc32(repr(labels).encode()):x}" if labels else ""
    return f'"{letter}{number}-{revision}{worn}"'


def shown(request: Request, body: object, entity_tag: str) -> Reply:
    """An entity, or 304 for a reader that has it already."""
    headers = (("ETag", entity_tag),)
    if request.method in ("GET", "HEAD") and _matches(request.header("if-none-match"), entity_tag, weak=True):
        return Reply(304, headers=headers)
    return Reply(200, body, headers)


def made(request: Request, body: object, entity_tag: str, number: int) -> Reply:
    """An entity that was just stored, with its address."""
    path = request.full_path.removesuffix(".json").rstrip("/")
    return Reply(201, body, (("ETag", entity_tag), ("Location", f"{path}/{number}")))


def listed(request: Request, bodies: Sequence[object], total: int) -> Reply:
    """A page of entities with the number of all that match. Its tag is made of all that is in it."""
    content = _ENCODE(bodies)
    digest = hashlib.blake2b(content, digest_size=12, key=b"%d" % total).hexdigest()
    headers: Headers = (("ETag", f'"l-{digest}"'), ("X-Total-Count", str(total)))
    if _matches(request.header("if-none-match"), headers[0][1], weak=True):
        return Reply(304, headers=headers)
    return Reply(200, content, headers)


def is_conditional(request: Request) -> bool:
    """Whether the caller asks for a change of what they have seen only."""
    return request.header("if-match") is not None


def require_match(request: Request, entity_tag: str) -> None:
    """Raise Changed when the caller has seen another state of the entity than this one."""
    wanted = request.header("if-match")
    if wanted is not None and not _matches(wanted, entity_tag, weak=False):
        raise Changed


async def carried_out(
    request: Request, attempt: Callable[[T], Awaitable[R]], found: T, again: Callable[[], Awaitable[T]]
) -> R:
    """What comes of changing an entity as it was found; once more when somebody was quicker and the caller minds not.

    Whoever was quicker has finished then, and the row is held by us, so the second time nobody is.
    """
    try:
        return await attempt(found)
    except StaleVersion:
        if is_conditional(request):
            raise
        return await attempt(await again())


async def removed(request: Request, deletion: Awaitable[None]) -> None:
    """Delete what was there when the caller looked; somebody may be quicker, which only matters to who has seen it."""
    try:
        await deletion
    except NotFound:
        if is_conditional(request):
            raise Changed from None


def _matches(header: str | None, entity_tag: str, *, weak: bool) -> bool:
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(found == entity_tag and (weak or not mark) for mark, found in _TAG.findall(header))
