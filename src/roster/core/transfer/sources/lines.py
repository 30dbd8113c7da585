"""Cutting a stream of bytes into lines, without ever holding more than the longest line that is allowed."""

from collections.abc import Iterator


class Lines:
    """Gives complete lines with their ends; None stands for a line that is too long and was dropped."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = b""
        self._dropping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that this piece completes."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = b""
        for line in lines:
            yield self._whole(line + b"\n")
        if len(rest) > self._longest:
            self._dropping, rest = True, b""
        self._rest = rest

    def finish(self) -> Iterator[bytes | None]:
        """The last line, when it has no end."""
        rest, self._rest = self._rest, b""
        if rest or self._dropping:
            yield self._whole(rest)

    def _whole(self, line: bytes) -> bytes | None:
        dropped, self._dropping = self._dropping, False
        return None if dropped or len(line) > self._longest else line
