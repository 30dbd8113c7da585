"""Lists in the order in which people read: texts by an alphabet, numbers in them by value (`a9` before `a10`).

What is missing comes first. Custom fields may hold anything: numbers come before texts, these before objects, lists and
booleans. PostgreSQL need not know the language: letters are exchanged for others that stand in the alphabet's order.
"""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from roster.kit.filters import EVERYTHING, Field, Fields, Filter
from roster.kit.values import Kind
from roster.storage.sql.columns import member, typed
from roster.storage.sql.page import Listing
from roster.storage.sql.parameters import Compiled, Parameters
from roster.storage.sql.where import condition


class Alphabet(msgspec.Struct, frozen=True):
    """Letters in lower case, and for each the sign that stands in its place when texts are compared."""

    letters: str
    places: str


_ACCENTED: Final = "áàâãāăąçćčďðđéèêëēėęěíìîïīįłñńňóòôõōőŕřśšşťúùûūůűýÿźżž"
_BARE: Final = "aaaaaaacccdddeeeeeeeeiiiiiilnnnoooooorrssstuuuuuuyyzzz"
_SWEDISH: Final = Alphabet(_ACCENTED + "üåäæöø", _BARE + "y{||}}")
_DANISH: Final = Alphabet(_ACCENTED + "üæäøöå", _BARE + "y{{||}")
_PLAIN: Final = Alphabet(_ACCENTED + "üåäöæø", _BARE + "uaaoao")
_ALPHABETS: Final[Mapping[str, Alphabet]] = {
    **dict.fromkeys(("sv", "fi"), _SWEDISH),
    **dict.fromkeys(("da", "nb", "nn", "no"), _DANISH),
}


class Order(msgspec.Struct, frozen=True):
    """One key of such an order; without an alphabet texts go by the code points of their lower case."""

    field: str
    descending: bool = False
    alphabet: Alphabet | None = None


def alphabet(language: str) -> Alphabet:
    """That of a language tag; of languages that are not known here accents do not count."""
    return _ALPHABETS.get(language.partition("-")[0].lower(), _PLAIN)


def compile_ordered(
    listing: Listing,
    fields: Fields,
    where: Filter,
    orders: Sequence[Order],
    *,
    start: int,
    limit: int,
    args: tuple[object, ...],
    realm_id: UUID,
) -> Compiled:
    """Some of the rows in this order, then by time and id."""
    parameters = Parameters(len(args))
    wanted: LiteralString = "(" + listing.condition + ")"
    if where != EVERYTHING:
        wanted += " AND " + condition(where, fields, parameters, realm_id)
    terms: list[LiteralString] = []
    for each in orders:
        direction: LiteralString = " DESC NULLS LAST" if each.descending else " ASC NULLS FIRST"
        terms.extend(key + direction for key in _keys(fields[each.field], each.alphabet, parameters))
    ending = " ORDER BY " + ", ".join([*terms, "created_at", "id"])
    window = " LIMIT " + parameters.add(limit, "bigint") + " OFFSET " + parameters.add(start, "bigint")
    query = "SELECT " + listing.columns + " FROM " + listing.tables + " WHERE " + wanted + ending + window
    return query, args + parameters.values


def _keys(field: Field, letters: Alphabet | None, parameters: Parameters) -> list[LiteralString]:
    if field.member:
        found = member(field, parameters)
        text = _text(typed(found, Kind.TEXT), letters, parameters)
        return [_rank(found), typed(found, Kind.NUMBER), text, typed(found, Kind.BOOLEAN)]
    if field.kind in (Kind.TEXT, Kind.FOLDED):
        return [_text(field.column, letters, parameters)]
    return [field.column]


def _rank(found: LiteralString) -> LiteralString:
    return (
        "(CASE jsonb_typeof(" + found + ") WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'object' THEN 3"
        " WHEN 'array' THEN 4 WHEN 'boolean' THEN 5 ELSE 0 END)"
    )


def _text(found: LiteralString, letters: Alphabet | None, parameters: Parameters) -> LiteralString:
    lower = "lower((" + found + ') COLLATE "default")'
    if letters is None:
        return lower + ' COLLATE "C"'
    places = parameters.add(letters.letters, "text") + ", " + parameters.add(letters.places, "text")
    padded = "regexp_replace(translate(" + lower + ", " + places + r"), '(\d+)', '00000000000000000000\1', 'g')"
    return "regexp_replace(" + padded + r", '\d*(\d{20})', '\1', 'g')" + ' COLLATE "C"'
