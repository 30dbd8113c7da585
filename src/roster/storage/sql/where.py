"""Filter trees as conditions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from roster.kit import documents, patterns, text, values
from roster.kit.documents import Same, Test
from roster.kit.filters import All, AnyOf, Compare, Field, Fields, Filter, Holds, Not, Op, Some
from roster.kit.values import Kind, Scalar
from roster.storage.sql import jsonpath
from roster.storage.sql.columns import TYPES, comparable, member, type_of, typed
from roster.storage.sql.parameters import Compiled, Parameters

_COMPARISONS: Mapping[Op, LiteralString] = {Op.LT: " < ", Op.LE: " <= ", Op.GT: " > ", Op.GE: " >= "}
_GRAM = 3
_BEGINNING = 2
_FEW = 8
_JSON = msgspec.json.Encoder(decimal_format="number")


def compile_where(where: Filter, fields: Fields, first_parameter: int, *, realm_id: UUID) -> Compiled:
    """A condition for a WHERE clause (only there: its NULL means false); placeholders from `first_parameter` on."""
    parameters = Parameters(first_parameter - 1)
    return condition(where, fields, parameters, realm_id), parameters.values


def condition(where: Filter, fields: Fields, parameters: Parameters, realm_id: UUID) -> LiteralString:
    """The same with placeholders shared with other parts of the statement."""
    return _Where(fields, parameters, realm_id).node(where, holds=True)


def beginnings(where: Filter, fields: Fields) -> list[str]:
    """The first two letters of the text that has `begun` in every row that matches, where the filter says them."""
    match where:
        case All():
            return [letters for part in where.parts for letters in beginnings(part, fields)]
        case Compare(op=Op.STARTS | Op.EQ, value=str(needle)) if fields[where.field].begun:
            letters = text.fold(needle)[:_BEGINNING]
            return [letters] if len(letters) == _BEGINNING else []
        case _:
            return []


class _Where:
    """Compiles one filter.

    Negation is pushed down to the comparisons. Above them only AND and OR remain, where NULL acts like false; so a
    plain comparison needs no guard and can use an index, and a negated one holds for missing values by IS NOT TRUE.
    """

    def __init__(self, fields: Fields, parameters: Parameters, realm_id: UUID) -> None:
        self._fields = fields
        self._parameters = parameters
        self._realm_id = realm_id

    def node(self, where: Filter, *, holds: bool) -> LiteralString:
        match where:
            case Not():
                return self.node(where.part, holds=not holds)
            case All():
                return self._group(where.parts, holds=holds, every=holds)
            case AnyOf():
                return self._group(where.parts, holds=holds, every=not holds)
            case Compare():
                return self._leaf(where, holds=holds)
            case Some():
                found = self._some(where)
                return found if holds else "NOT " + found
            case Holds():
                return self._holds(where, sure=True) if holds else "NOT (" + self._holds(where, sure=False) + ")"

    def _some(self, where: Some) -> LiteralString:
        field = self._fields[where.field]
        inside = _Where(field.rows or Fields(()), self._parameters, self._realm_id)
        return "EXISTS (SELECT FROM " + field.column + " AND " + inside.node(where.part, holds=True) + ")"

    def _holds(self, where: Holds, *, sure: bool) -> LiteralString:
        """The condition on what is there as JSON. With `sure`, what an index can find stands before it.

        What PostgreSQL expects of the exact part is not asked for: it would guess very little, and the index knows.
        """
        field, test = self._fields[where.field], where.test
        if isinstance(test, Same):
            exact = self._same(field, test)
        else:
            path = self._parameters.add(jsonpath.spelled(test, _root(field)), "jsonpath")
            exact = "coalesce(" + _document_of(field) + " @@ " + path + ", FALSE)"
        if not sure or field.pairs is None:
            return exact
        return self._by_pairs(field, field.pairs, test) + exact

    def _by_pairs(self, field: Field, pairs: LiteralString, test: Test) -> LiteralString:
        found: LiteralString = ""
        for path, choices in documents.certain(test, field.member or (field.name,)):
            hashes = [text.pair(self._realm_id, path, choice) for choice in choices]
            found += pairs + " && " + self._parameters.add(hashes, "int[]") + " AND "
        return found

    def _same(self, field: Field, test: Same) -> LiteralString:
        document, value = _document_of(field), self._parameters.add(_JSON.encode(test.value).decode(), "text")
        at: list[LiteralString] = []
        for place in jsonpath.places(test.path, _root(field)):
            at.extend((self._parameters.add(place, "jsonpath"), self._parameters.add(place + "[*]", "jsonpath")))
        among: LiteralString = " UNION ALL ".join(
            ["SELECT v FROM jsonb_path_query(" + document + ", " + each + ") v" for each in at]
        )
        return "EXISTS (SELECT FROM (" + among + ") found (v) WHERE v = " + value + "::jsonb)"

    def _group(self, parts: Sequence[Filter], *, holds: bool, every: bool) -> LiteralString:
        if not parts:
            return "TRUE" if every else "FALSE"
        return "(" + (" AND " if every else " OR ").join([self.node(part, holds=holds) for part in parts]) + ")"

    def _leaf(self, where: Compare, *, holds: bool) -> LiteralString:
        field = self._fields[where.field]
        inverse = where.op is Op.NE or (where.op is Op.EXISTS and where.value is False)
        found = "(" + self._comparison(field, where.op, where.value) + ")"
        if holds != inverse:
            return found
        return found + " IS NOT TRUE" if field.nullable else "NOT " + found

    def _comparison(self, field: Field, op: Op, value: Any) -> LiteralString:
        match op:
            case Op.EXISTS:
                return self._exists(field)
            case Op.EQ | Op.NE:
                return self._one_of(field, (value,))
            case Op.IN:
                return self._one_of(field, value)
            case Op.LT | Op.LE | Op.GT | Op.GE:
                return self._ordered(field, _COMPARISONS[op], value)
            case Op.MATCHES:
                return self._matches(field, value)
            case Op.CONTAINS if field.kind is Kind.TEXT_LIST:
                return self._one_of(field, (value,))
            case Op.CONTAINS | Op.STARTS | Op.ENDS:
                return self._part(field, op, value)

    def _exists(self, field: Field) -> LiteralString:
        if field.member:
            found = member(field, self._parameters)
            return "jsonb_typeof(" + found + ") <> 'null' AND " + found + " <> '[]'::jsonb"
        return field.column + (" <> '{}'" if field.kind is Kind.TEXT_LIST else " IS NOT NULL")

    def _one_of(self, field: Field, choices: Sequence[Scalar]) -> LiteralString:
        if field.member and field.kind not in (Kind.INSTANT, Kind.UUID):
            return self._holds_document(field, choices)
        if field.kind is Kind.TEXT_LIST:
            return field.column + " && " + self._parameters.add(list(choices), "text[]")
        subject, type_ = comparable(field, self._parameters), type_of(field)
        folded = [_folded(field, choice) for choice in choices]
        if len(folded) == 1:
            found: LiteralString = "" if field.indexed else self._by_grams(field, folded[0])
            return found + subject + " = " + self._parameters.add(folded[0], type_)
        return subject + " = ANY(" + self._parameters.add(folded, type_ + "[]") + ")"

    def _holds_document(self, field: Field, choices: Sequence[Scalar]) -> LiteralString:
        """Containment, after what the index over pairs can find, which knows the realm.

        What PostgreSQL expects of containment is not asked for then, since the index has said it already. Without
        pairs a jsonb_path_ops index may answer; it cannot do so for ANY, hence the OR for a few.
        """
        held_in = [_document(field.member, held) for choice in choices for held in _forms(field.kind, choice)]
        if field.pairs is not None:
            hashes = [text.pair(self._realm_id, field.member, choice) for choice in choices]
            read = "(SELECT " + self._parameters.add(held_in, "text[]") + "::jsonb[])"  # once, not for each row
            contained = field.column + " @> ANY(" + read + "::jsonb[])"
            found = field.pairs + " && " + self._parameters.add(hashes, "int[]")
            return found + " AND coalesce(" + contained + ", FALSE)"
        if not 1 <= len(held_in) <= _FEW:
            return field.column + " @> ANY(" + self._parameters.add(held_in, "text[]") + "::jsonb[])"
        return " OR ".join(
            [field.column + " @> " + self._parameters.add(document, "text") + "::jsonb" for document in held_in]
        )

    def _ordered(self, field: Field, sign: LiteralString, value: Scalar) -> LiteralString:
        if field.kind is not Kind.JSON:
            subject = comparable(field, self._parameters)
            return subject + sign + self._parameters.add(_folded(field, value), type_of(field))
        kind = values.of(value)
        return typed(member(field, self._parameters), kind) + sign + self._parameters.add(value, TYPES[kind])

    def _part(self, field: Field, op: Op, value: str) -> LiteralString:
        """LIKE on the exact text, and before it the index over trigrams where there is one.

        The beginning of an indexed text is a range of that index, and what the planner knows about ranges is good; with
        trigrams beside it, it would take the two for independent and expect next to nothing.
        """
        needle = text.fold(value) if field.key else value
        pattern = ("" if op is Op.STARTS else "%") + _escaped(needle) + ("" if op is Op.ENDS else "%")
        exact = self._text(field, folded=True) + " LIKE " + self._parameters.add(pattern, "text")
        return exact if op is Op.STARTS and field.indexed else self._by_grams(field, needle) + exact

    def _matches(self, field: Field, value: str) -> LiteralString:
        """The expression on the folded text where there is one, and before it what an index can find."""
        pattern = patterns.read(value, folded=field.key is not None)
        exact = self._text(field, folded=True) + " ~ " + self._parameters.add(pattern.sql, "text")
        if pattern.start and field.indexed:
            return self._part(field, Op.STARTS, pattern.start) + " AND " + exact
        return self._by_grams(field, pattern.part) + exact

    def _by_grams(self, field: Field, needle: Scalar) -> LiteralString:
        """What an index over trigrams can find, to stand before the exact comparison; empty where there is none."""
        if field.grams is None or not isinstance(needle, str) or len(needle) < _GRAM:
            return ""
        hashes = text.grams(self._realm_id, *_cover(needle))
        return field.grams + " @> " + self._parameters.add(hashes, "int[]") + " AND "

    def _text(self, field: Field, *, folded: bool) -> LiteralString:
        if field.member:
            return typed(member(field, self._parameters), Kind.TEXT)
        return field.key if folded and field.key else field.column


def _root(field: Field) -> str:
    if field.member:
        return "$" + "".join([jsonpath.named(each) for each in field.member])
    return "$" if field.kind is Kind.DOCUMENT else '$."value"'


def _document_of(field: Field) -> LiteralString:
    """The JSON that a field's condition is about. A column stands in an object, from which it is absent when NULL."""
    if field.member or field.kind is Kind.DOCUMENT:
        return field.column
    return "jsonb_strip_nulls(jsonb_build_object('value', " + field.column + "))"


def _cover(needle: str) -> Iterator[str]:
    """Trigrams that cover the needle: those that overlap them tell little more and cost as much to look up."""
    for at in range(0, len(needle) - _GRAM, _GRAM):
        yield needle[at : at + _GRAM]
    yield needle[-_GRAM:]


def _forms(kind: Kind, value: Scalar) -> list[object]:
    """How a JSON member may hold the value: itself, in a list, or, where nothing is laid down, either."""
    if kind is Kind.TEXT_LIST:
        return [[value]]
    return [value, [value]] if kind is Kind.JSON else [value]


def _document(path: Sequence[str], value: object) -> str:
    for name in reversed(path):
        value = {name: value}
    return _JSON.encode(value).decode()


def _folded(field: Field, value: Scalar) -> Scalar:
    return text.fold(value) if field.key and isinstance(value, str) else value


def _escaped(needle: str) -> str:
    return needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
