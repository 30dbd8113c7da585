"""Two servers on one database."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import servers
from tests.servers import Installation, Server


class Pair:
    """Two servers, each with a data folder of its own, and with two workers."""

    def __init__(self, installation: Installation, folder: Path, stack: ExitStack, env: Mapping[str, str]) -> None:
        self.installations = [Installation(folder / name, installation.url) for name in ("one", "two")]
        self._stack = stack
        self._env = env
        self.servers = [self.start(index) for index in range(2)]

    def start(self, index: int, program: Path | None = None) -> Server:
        """Another process for this one, perhaps of another release."""
        env = {**self._env, **(self.key if index else {})}
        return self._stack.enter_context(
            servers.serving(self.installations[index], "--workers", "2", env=env, program=program)
        )

    def restart(self, index: int, program: Path | None = None) -> Server:
        """Stop it as services are stopped, and start it again, or another release of it."""
        assert self.servers[index].stop() == 0, self.servers[index].logged()
        self.servers[index] = self.start(index, program)
        return self.servers[index]

    @property
    def ports(self) -> list[int]:
        """Where they are."""
        return [port_of(each) for each in self.servers]

    @property
    def key(self) -> dict[str, str]:
        """What the second one has to know of the first."""
        return {"ROSTER_SECURITY_SECRET_KEY": (self.installations[0].data / "secret.key").read_text().strip()}


def port_of(server: Server) -> int:
    """Where it is."""
    return int(server.url.rpartition(":")[2])


@contextmanager
def serving(installation: Installation, folder: Path, env: Mapping[str, str] | None = None) -> Iterator[Pair]:
    """Two servers on the database of this installation."""
    with ExitStack() as stack:
        yield Pair(installation, folder, stack, env or {})
