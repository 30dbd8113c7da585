"""The file of a multipart upload (RFC 7578), read as it comes."""

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from roster.kit.errors import InvalidInput

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_PATH: Final = re.compile(r"[/\\\\]")
_LONGEST_NAME: Final = 255
FORM_DATA: Final = "multipart/form-data"


def file_of(content_type: str, chunks: AsyncIterator[bytes]) -> "File":
    """The first part that is a file; other parts are passed over. Raises InvalidInput."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise InvalidInput.of("body", "malformed", "The header Content-Type names no boundary.")
    return File(_Parts(boundary), chunks)


class File:
    """A file that is being uploaded. Going through its content raises InvalidInput where the form is broken."""

    def __init__(self, parts: "_Parts", chunks: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self._chunks = chunks

    @property
    def name(self) -> str:
        """What its sender calls it, without a path; known once its content has begun."""
        return self._parts.name

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            content = self._parts.feed(chunk)
            if content:
                yield content
        self._parts.finish()


class _Parts:
    """What the parser tells, part by part."""

    def __init__(self, boundary: bytes) -> None:
        self.name = ""
        self._header = b""
        self._value = b""
        self._is_file = False
        self._files = 0
        self._is_complete = False
        self._content: list[bytes] = []
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._add,
            "on_header_end": self._end_header,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, chunk: bytes) -> bytes:
        """What this piece of the body says of the file."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error
        content, self._content = b"".join(self._content), []
        return content

    def finish(self) -> None:
        """The body is at its end."""
        if not self._is_complete:
            raise _malformed()
        if not self._files:
            raise InvalidInput.of("body", "required", "The form holds no file.")

    def _begin(self) -> None:
        self._is_file = False
        self._header = self._value = b""

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        named = parse_options_header(self._value)[1] if self._header.lower() == b"content-disposition" else {}
        if b"filename" in named:
            self._files += 1
            self._is_file = self._files == 1
            if self._is_file:
                self.name = _PATH.split(named[b"filename"].decode("utf-8", "replace"))[-1][:_LONGEST_NAME]
        self._header = self._value = b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._content.append(data[start:end])

    def _end(self) -> None:
        self._is_complete = True


def _malformed() -> InvalidInput:
    return InvalidInput.of("body", "malformed", "The body is no complete multipart form.")
