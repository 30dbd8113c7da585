"""Fields whose values are unique among people, as the setting `unique_fields` names them (notes, section 14).

User name and address are unique in the directory itself. These are so for whoever writes them here.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from roster.core.users import documents as people
from roster.core.users.models import User
from roster.dialects.wellbee import query
from roster.dialects.wellbee.refusals import FieldTaken
from roster.dialects.wellbee.shapes import Shape
from roster.dialects.wellbee.writing import Part
from roster.storage.tx import Tx

_WHOLE: Final = Shape(users=None, profiles=None, private=frozenset(), is_lower=False)


async def require(tx: Tx, sent: Mapping[str, object], shape: Shape, part: Part, person: User | None = None) -> None:
    """Raise FieldTaken for a value that somebody else has; nobody gets it until the end of the transaction."""
    for name in sorted(_names(tx)):
        value = sent.get(name)
        is_in = part == "whole" or shape.in_profile(name) == (part == "profile")
        if value is None or not is_in:
            continue
        where = query.parse({name: {"$eq": value}}, _WHOLE)
        spelled = msgspec.json.encode(value, order="deterministic").decode()
        if not await people.is_free(tx, name, spelled, where, but=None if person is None else person.id):
            raise FieldTaken(name)


def _names(tx: Tx) -> set[str]:
    listed = tx.runtime.settings.dialects.wellbee.unique_fields
    return {name.removeprefix("profile.") for name in listed} - {"id", "email", "userName"}
