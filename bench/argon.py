"""argon2 and nothing else, on the same threads at the same priority: `python -m bench.argon SECONDS`."""

import asyncio
import os
import sys
import time

import msgspec

from bench.dataset import PASSWORD
from roster.core.credentials import hashing
from roster.kit.workers import Workers


class Hashed(msgspec.Struct, frozen=True):
    """How many checks were made in how many seconds, and the CPU seconds they took."""

    count: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Checks a second."""
        return self.count / self.seconds


async def run(seconds: float) -> Hashed:
    """Keep every core busy for so long."""
    cores = os.cpu_count() or 1
    workers = Workers(cores, cores)
    encoded = hashing.hash_secret(PASSWORD)
    started, cpu = time.perf_counter(), time.process_time()
    counts = await asyncio.gather(*(_check(workers, encoded, started + seconds) for _ in range(cores)))
    hashed = Hashed(sum(counts), time.perf_counter() - started, time.process_time() - cpu)
    workers.close()
    return hashed


async def _check(workers: Workers, encoded: str, until: float) -> int:
    count = 0
    while time.perf_counter() < until:
        await workers.run(hashing.verify, encoded, PASSWORD)
        count += 1
    return count


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(run(float(sys.argv[1])))))
