"""A trie over path segments: the cost of a match depends on the path's length, not on how many operations there are."""

from typing import Generic, TypeVar

from roster.web.path import Pattern, Segment

T = TypeVar("T")


class Leaf(Generic[T]):
    """What is known at one path: a target and its parameter names per method."""

    __slots__ = ("by_method",)

    def __init__(self) -> None:
        self.by_method: dict[str, tuple[T, tuple[str, ...]]] = {}

    @property
    def allowed(self) -> set[str]:
        """Methods for the header `Allow`."""
        return {*self.by_method, *(["HEAD"] if "GET" in self.by_method else []), "OPTIONS"}


class _Node(Generic[T]):
    __slots__ = ("affixed", "any", "leaf", "literals")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.affixed: list[tuple[int, int, dict[tuple[str, str], _Node[T]]]] = []
        self.any: _Node[T] | None = None
        self.leaf: Leaf[T] | None = None

    def child(self, segment: Segment) -> "_Node[T]":
        if not segment.name:
            return self.literals.setdefault(segment.before, _Node())
        if segment.before or segment.after:
            return self._affix(segment)
        if self.any is None:
            self.any = _Node()
        return self.any

    def _affix(self, segment: Segment) -> "_Node[T]":
        before, after = len(segment.before), len(segment.after)
        for known in self.affixed:
            if known[:2] == (before, after):
                return known[2].setdefault((segment.before, segment.after), _Node())
        node: _Node[T] = _Node()
        self.affixed.append((before, after, {(segment.before, segment.after): node}))
        self.affixed.sort(key=lambda known: -known[0] - known[1])
        return node


class Router(Generic[T]):
    """Literal segments win over those with a prefix or suffix, longer ones of these over shorter, all over a parameter.

    As in OpenAPI, the path decides first, then the method: `PUT /users/count` does not fall through to `/users/{id}`.
    """

    def __init__(self, *, both_slashes: bool = False) -> None:
        self._root: _Node[T] = _Node()
        self._both = both_slashes

    def add(self, method: str, pattern: Pattern, target: T) -> None:
        """Register. Raises ValueError when the method has a target there already."""
        node = self._root
        for segment in pattern.segments[: self._used(pattern)]:
            node = node.child(segment)
        node.leaf = node.leaf or Leaf()
        if method in node.leaf.by_method:
            raise ValueError(f"{method} {pattern.text} is registered twice")
        node.leaf.by_method[method] = (target, pattern.names)

    def find(self, parts: list[str]) -> tuple[Leaf[T], list[str]] | None:
        """The leaf for these decoded segments and its parameter values; None when no path matches."""
        values: list[str] = []
        if self._both and parts and not parts[-1]:
            parts = parts[:-1]
        leaf = _walk(self._root, parts, 0, values)
        return None if leaf is None else (leaf, values)

    def _used(self, pattern: Pattern) -> int:
        length = len(pattern.segments)
        return length - 1 if self._both and pattern.segments[-1] == Segment("") else length


def _walk(node: _Node[T], parts: list[str], at: int, values: list[str]) -> Leaf[T] | None:
    if at == len(parts):
        return node.leaf
    part = parts[at]
    literal = node.literals.get(part)
    if literal is not None:
        leaf = _walk(literal, parts, at + 1, values)
        if leaf is not None:
            return leaf
    if not part:
        return None
    if node.affixed:
        leaf = _walk_affixed(node, parts, at, values)
        if leaf is not None:
            return leaf
    return None if node.any is None else _take(part, node.any, parts, at, values)


def _walk_affixed(node: _Node[T], parts: list[str], at: int, values: list[str]) -> Leaf[T] | None:
    part = parts[at]
    for before, after, nodes in node.affixed:
        stop = len(part) - after
        if stop <= before:
            continue
        child = nodes.get((part[:before], part[stop:]))
        leaf = None if child is None else _take(part[before:stop], child, parts, at, values)
        if leaf is not None:
            return leaf
    return None


def _take(value: str, node: _Node[T], parts: list[str], at: int, values: list[str]) -> Leaf[T] | None:
    """Go on with the value as a parameter; forget it again when that leads nowhere."""
    values.append(value)
    leaf = _walk(node, parts, at + 1, values)
    if leaf is None:
        values.pop()
    return leaf
