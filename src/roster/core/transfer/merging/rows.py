"""The rows of a source, cut into batches, without keeping the event loop from its other work."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

from roster.core.transfer.sources.person import Read, Source

_SLICE: Final = 50
"""Rows between two turns of the event loop: about two milliseconds."""


class Rows:
    """Read on from where the batch before has ended; one reader at a time."""

    def __init__(self, source: Source, chunks: AsyncIterator[bytes], *, size: int, seconds: float) -> None:
        """A batch has at most `size` rows and takes at most about `seconds` to read, hashing included."""
        self.source = source
        self.bytes_done = 0
        self.is_over = False
        self._chunks = chunks
        self._size, self._seconds = size, seconds
        self._ready: Iterator[Read] = iter(())
        self._is_finishing = False

    async def batch(self) -> AsyncIterator[Read]:
        """The rows of the next batch. Raises MalformedSource."""
        count, until = 0, time.monotonic() + self._seconds
        while not self.is_over:
            for read in self._ready:
                yield read
                count += 1
                if count % _SLICE == 0:
                    await asyncio.sleep(0)
                    if count >= self._size or time.monotonic() >= until:
                        return
            await self._go_on()

    async def _go_on(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is not None:
            self.bytes_done += len(chunk)
            self._ready = self.source.feed(chunk)
        elif not self._is_finishing:
            self._is_finishing = True
            self._ready = self.source.finish()
        else:
            self.is_over = True
