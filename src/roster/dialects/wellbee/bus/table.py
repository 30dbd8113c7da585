"""Which subjects are subscribed for a table of operations, and which operation a subject then means (notes, section 6).

Two subscriptions that match the same subject would both get a message and answer twice, so of overlapping patterns only
those are subscribed that no other covers, and what comes in is told apart here, literal words before parameters. Queue
groups are named as the original names them, so that instances of both share the work.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from roster.dialects.wellbee import frame
from roster.dialects.wellbee.subjects import EVERY_INSTANCE, LISTENS, REQUEST, subject_of
from roster.web.operation import Operation

ANY: Final = "*"
_ALL_METHODS: Final = frozenset({"get", "post", "put", "delete"})


class Route(msgspec.Struct, frozen=True):
    """An operation, by its words on the bus."""

    operation: Operation
    subject: str
    """With `:name` for parameters."""
    words: tuple[str, ...]
    """With `*` for them."""

    @property
    def pattern(self) -> str:
        """As NATS takes it."""
        return ".".join(self.words)


class Interest(msgspec.Struct, frozen=True):
    """A subscription. Without a queue every process gets the message."""

    pattern: str
    queue: str


class Table:
    """The routes of all operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.routes = tuple(_routes(operations))
        self._exact = {route.pattern: route for route in self.routes if ANY not in route.words}
        self._others: dict[int, list[Route]] = {}
        for route in self.routes:
            if ANY in route.words:
                self._others.setdefault(len(route.words), []).append(route)
        for routes in self._others.values():
            routes.sort(key=lambda route: [word == ANY for word in route.words])

    def find(self, subject: str) -> Route | None:
        """The route of a subject, the one with the earliest literal words of several."""
        exact = self._exact.get(subject)
        if exact is not None:
            return exact
        words = subject.split(".")
        return next((route for route in self._others.get(len(words), ()) if _matches(words, route.words)), None)

    def interests(self) -> Iterator[Interest]:
        """What to subscribe; no subject reaches two of them with different queues."""
        shared = [route for route in self.routes if not is_for_all(route)]
        for group in _overlapping(shared):
            kept = [route for route in group if not any(_covers(other, route) for other in group if other != route)]
            queue = min(route.subject for route in kept).lower()
            if any(route.operation.extra.get(LISTENS) for route in kept):
                queue = f"{frame.SERVICE}.{queue}"
            for route in kept:
                yield Interest(route.pattern, queue)
        for route in self.routes:
            if is_for_all(route):
                yield Interest(route.pattern, "")


def is_for_all(route: Route) -> bool:
    """Whether every process answers."""
    return bool(route.operation.extra.get(EVERY_INSTANCE))


def with_params(route: Route, subject: str, params: Mapping[str, str]) -> str:
    """The subject with the parameters that the message itself brings, which win."""
    if not params or ANY not in route.words:
        return subject
    given = zip(route.subject.split("."), subject.split("."), strict=True)
    return ".".join(_param(name, word, params) if name.startswith(":") else word for name, word in given)


def _param(name: str, word: str, params: Mapping[str, str]) -> str:
    value = params.get(name[1:])
    return word if not value else value.replace(".", "{dot}")


def _routes(operations: Iterable[Operation]) -> Iterator[Route]:
    every = list(operations)
    methods: dict[str, set[str]] = {}
    for each in every:
        if each.method != REQUEST:
            methods.setdefault(each.path, set()).add(each.method.lower())
    whole = {path for path, found in methods.items() if found >= _ALL_METHODS}
    seen: set[str] = set()
    for each in every:
        subject = subject_of(each)
        if each.path in whole and each.method != REQUEST:
            subject = ".".join(["http", ANY, *subject.split(".")[2:]])
        if subject not in seen:
            seen.add(subject)
            yield Route(each, subject, tuple(ANY if word.startswith(":") else word for word in subject.split(".")))


def _matches(words: Sequence[str], pattern: Sequence[str]) -> bool:
    return all(part in (ANY, word) for word, part in zip(words, pattern, strict=True))


def _covers(wide: Route, narrow: Route) -> bool:
    """Whether whatever the second matches, the first does too."""
    return len(wide.words) == len(narrow.words) and _matches(narrow.words, wide.words)


def _overlap(one: Route, other: Route) -> bool:
    pairs = zip(one.words, other.words, strict=False)
    return len(one.words) == len(other.words) and all(a == b or ANY in (a, b) for a, b in pairs)


def _overlapping(routes: Sequence[Route]) -> list[list[Route]]:
    """Routes in groups, so that no subject belongs to two groups."""
    groups: list[list[Route]] = []
    for route in routes:
        touched = [group for group in groups if any(_overlap(route, each) for each in group)]
        groups = [group for group in groups if group not in touched]
        groups.append([route, *(each for group in touched for each in group)])
    return groups
