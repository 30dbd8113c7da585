"""Which part of a person each field of a document belongs to: the user or the profile (notes, section 14)."""

from functools import cache
from typing import Final

import msgspec

from roster.core.attributes import service as attributes
from roster.settings.wellbee import WellbeeDialect
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_ALL: Final = "ALL"
_ONLY_REQUIRED: Final = "REQUIRED_ONLY"
SECRET: Final = frozenset({"password", "salt", "hashDate", "emailVerificationToken", "setPasswordToken", "_id"})
"""Never shown, never searched by, never taken from a document as a field."""
COMPUTED: Final = frozenset({"id", "scopes", "metadata", "twoFactorMethods"})
"""Shown, and never taken from a document."""
_REQUIRED: Final = SECRET | COMPUTED | {"email", "roles", "emailVerified"}


class Shape(msgspec.Struct, frozen=True):
    """How an installation divides people into users and profiles; None is every field that the other has not."""

    users: frozenset[str] | None
    profiles: frozenset[str] | None
    private: frozenset[str]
    is_lower: bool
    """Names are kept in lower case and shown with a capital."""

    @property
    def is_split(self) -> bool:
        """Whether there are profiles at all."""
        return self.users is not None or self.profiles is not None

    def in_profile(self, name: str) -> bool:
        """Whether the field belongs to the profile; a path is where its first step is."""
        first = name.partition(".")[0]
        if first in _REQUIRED:
            return False
        if self.users is not None:
            return first not in self.users
        return self.profiles is not None and first in self.profiles

    def is_private(self, name: str) -> bool:
        """Whether any step of the path is a field that nobody reads."""
        return not self.private.isdisjoint(name.split("."))


def of(runtime: Runtime) -> Shape:
    """The shape that the settings ask for."""
    return of_settings(runtime.settings.dialects.wellbee)


async def seen(tx: Tx) -> Shape:
    """The same, where fields that the realm hides are private too."""
    shape, unseen = of(tx.runtime), await attributes.unseen(tx)
    return msgspec.structs.replace(shape, private=shape.private | unseen) if unseen else shape


@cache
def of_settings(settings: WellbeeDialect) -> Shape:
    """The same from the settings themselves."""
    return Shape(
        users=_listed(settings.user_fields),
        profiles=_listed(settings.profile_fields),
        private=SECRET | frozenset(settings.private_properties),
        is_lower=settings.lower_case_name,
    )


def _listed(fields: tuple[str, ...]) -> frozenset[str] | None:
    return None if _ALL in fields else frozenset(fields) - {_ONLY_REQUIRED}
