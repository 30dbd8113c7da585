"""Secrets that stand in the source of public programs as defaults: everybody knows them, so they protect nothing."""

import hashlib
from collections.abc import Mapping
from typing import Final

_KNOWN: Final = {
    "582cc79cd52a540f27ad4351228927dd286979bbf748b848b4fd414d2c5084d4": "the default JWT_SECRET of Fruster",
    "e76257457eac710555fc6b5005197df1baf4ff6226b0eb57cd87fac3d99b72ce": "the default INITIAL_USER_PASSWORD of Fruster",
}
"""By their SHA-256."""


def problems(values: Mapping[str, object]) -> list[str]:
    """What is wrong with values of settings, by key: one sentence for each published one."""
    return [
        f"{key} is {known}, which is published; choose another one"
        for key, value in values.items()
        if isinstance(value, str) and (known := what(value)) is not None
    ]


def what(secret: str) -> str | None:
    """What a secret is known as; None when it is not published."""
    return _KNOWN.get(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest())
