"""What a process remembers between requests, of each kind a number: what was longest of no use makes room."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from roster.storage.runtime import Runtime

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """One kind of thing that a runtime remembers, at most `most` of it.

    Only what cannot become wrong under its key is kept: put the version that it was read under into the key or beside
    the value.
    """

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.most = most

    def recall(self, runtime: Runtime, key: K) -> V | None:
        """What is kept under this key, which was of use just now."""
        kept: OrderedDict[K, V] | None = runtime.memo.get(self.name)
        if kept is None or key not in kept:
            return None
        kept.move_to_end(key)
        return kept[key]

    def keep(self, runtime: Runtime, key: K, value: V) -> V:
        """Keep this, instead of what was there before."""
        kept = self._kept(runtime)
        kept[key] = value
        kept.move_to_end(key)
        if len(kept) > self.most:
            kept.popitem(last=False)
        return value

    def forget(self, runtime: Runtime, key: K) -> None:
        """Keep nothing under this key."""
        self._kept(runtime).pop(key, None)

    def _kept(self, runtime: Runtime) -> OrderedDict[K, V]:
        kept: OrderedDict[K, V] | None = runtime.memo.get(self.name)
        if kept is None:
            kept = runtime.memo[self.name] = OrderedDict[K, V]()
        return kept
