"""Filters, sorts and pages as SQL: the only place where SQL is made from what a caller asked for.

No text of a caller ever becomes SQL. Identifiers are literals of the field registry, every value and every name of a
custom field is a parameter, and the type checker proves it: SQL is `LiteralString`, with one cast, in `parameters`.

How a store lists its rows, with a filter and sorts that have passed `filters.check` and `filters.check_sorts`:

    walk = pages.Walk(key, page, where=where, sorts=sorts, fields=fields, about=("users", tx.realm_id))
    query, args = sql.compile_page(USERS, fields, walk, args=(tx.realm_id,), realm_id=tx.realm_id)
    rows = await tx.rows(query, *args)
    ...                                            # and sql.compile_count, only when `page.total`
    return walk.cut(rows, User, total)

A filter with `matches` runs a regular expression of the caller on every row that nothing else excludes: whoever allows
it does so inside of `Tx.bounded`.
"""

from roster.storage.sql.glance import about, crowds, is_vague
from roster.storage.sql.natural import Alphabet, Order, alphabet, compile_ordered
from roster.storage.sql.page import (
    Listing,
    compile_count,
    compile_glance,
    compile_letter,
    compile_order,
    compile_page,
    compile_place,
    has_glance,
)
from roster.storage.sql.parameters import Compiled
from roster.storage.sql.where import compile_where

__all__ = [
    "Alphabet",
    "Compiled",
    "Listing",
    "Order",
    "about",
    "alphabet",
    "compile_count",
    "compile_glance",
    "compile_letter",
    "compile_order",
    "compile_ordered",
    "compile_page",
    "compile_place",
    "compile_where",
    "crowds",
    "has_glance",
    "is_vague",
]
