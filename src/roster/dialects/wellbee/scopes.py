"""Scopes: what satisfies what (notes, section 5).

A scope is `entity.action`, split at the last dot. `*` gives everything, `entity.*` every action; where an operation
needs `entity.*`, any action will do.
"""

from collections.abc import Iterable
from typing import Final

EVERYTHING: Final = "*"


def satisfies(held: Iterable[str], needed: str) -> bool:
    """Whether somebody with these scopes has what is needed."""
    entity, _, action = needed.rpartition(".")
    for scope in held:
        if scope in (EVERYTHING, needed, f"{entity}.*"):
            return True
        if action == "*" and scope.rpartition(".")[0] == entity:
            return True
    return False
