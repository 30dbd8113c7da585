"""The tables in `docs/` that say what the program says: made from it, never by hand.

    python -m checks.reference        # writes them; a test fails when they are not what this would write

A page marks where a table goes: `<!-- made from the program: settings -->` … `<!-- end -->`.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from msgspec.inspect import IntType, LiteralType, Metadata, Type, UnionType, VarTupleType, type_info

from roster.core.access.models import PERMISSIONS
from roster.core.audit import fields as audit
from roster.core.devices import fields as devices
from roster.core.labels import fields as labels
from roster.core.memberships import fields as memberships
from roster.core.orgs import fields as orgs
from roster.core.places import fields as places
from roster.core.realms import models as realms
from roster.core.sessions import fields as sessions
from roster.core.users import fields as users
from roster.dialects.native import dialect as native
from roster.dialects.native import errors
from roster.jobs.schedule import SCHEDULE
from roster.kit.filters import Fields, Visibility
from roster.settings import layers, section, tree
from roster.settings.section import Section
from roster.settings.tree import Provider, Settings
from roster.web import openapi
from roster.web.errors import MethodNotAllowed

DOCS: Final = Path(__file__).parent.parent / "docs"
_LINK: Final = re.compile(r"\]\(([^)#\s]*)(?:#[^)\s]*)?\)")
_BLOCK: Final = re.compile(r"(<!-- made from the program: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def meanings(kind: type) -> dict[str, str]:
    """What stands below each field in the source, of the classes above it too."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if msgspec.Struct in each.__mro__ and each is not msgspec.Struct:
            found |= _below_fields(each)
    return found


def _below_fields(kind: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = cast("ast.ClassDef", definition).body
    for field, text in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            yield field.target.id, " ".join(str(text.value.value).split())


# settings


def settings() -> str:
    """Every setting, section by section."""
    return "\n".join(_section(name, kind) for name, kind in sections())


def sections(kind: type[Section] = Settings, name: str = "") -> Iterator[tuple[str, type[Section]]]:
    """The tables of the file, each with its name."""
    if name and kind is not tree.Dialects:
        yield name, kind
    for field in msgspec.structs.fields(kind):
        inner: Any = Provider if field.encode_name == "providers" else field.type
        if isinstance(inner, type) and issubclass(inner, Section):
            below = "providers.NAME" if inner is Provider else field.encode_name
            yield from sections(inner, f"{name}.{below}".lstrip("."))


def _section(name: str, kind: type[Section]) -> str:
    said = meanings(kind)
    rows = [
        (
            f"`{name}.{field.encode_name}`",
            f"`{layers.variable(f'{name}.{field.encode_name}')}`",
            shown_default(field),
            sentence(said.get(field.name, ""), field.type),
        )
        for field in msgspec.structs.fields(kind)
    ]
    intro = " ".join((kind.__doc__ or "").split())
    return f"## {name}\n\n{intro}\n\n{table(('Setting', 'In the environment', 'Default', 'Meaning'), rows)}"


def shown_default(field: msgspec.structs.FieldInfo) -> str:
    """The default as it would be written in the file."""
    if field.required:
        return "must be given"
    value: Any = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return "" if value in (None, b"") else f"`{msgspec.json.encode(value, enc_hook=str).decode()}`"


def sentence(meaning: str, kind: Any) -> str:
    """The meaning, and what values there may be."""
    return " ".join(filter(None, (meaning, _values(type_info(kind)), _HIDDEN if _is_secret(kind) else "")))


_WIDE: Final = 1_000_000
"""A bound that nobody comes near is not worth a word."""
_HIDDEN: Final = "Secret: may lie in a file, see above."


def _is_secret(kind: Any) -> bool:
    parts = (kind, *getattr(kind, "__args__", ()))
    return any(section.SECRET in getattr(part, "__metadata__", ()) for part in parts)


def _values(kind: Type) -> str:
    """Which values there may be, where the default does not say it."""
    if isinstance(kind, Metadata):
        return _values(kind.type)
    if isinstance(kind, LiteralType):
        return "One of " + ", ".join(f"`{value}`" for value in kind.values) + "."
    if isinstance(kind, IntType) and kind.ge is not None and kind.le is not None and kind.le < _WIDE:
        return f"{kind.ge:,} to {kind.le:,}."
    if isinstance(kind, UnionType):
        return " ".join(filter(None, map(_values, kind.types)))
    return "A list." if isinstance(kind, VarTupleType) else ""


def realm_settings() -> str:
    """What an administrator decides for a realm."""
    said = meanings(realms.RealmSettings)
    rows = (
        (f"`{field.name}`", shown_default(field), sentence(said.get(field.name, ""), field.type))
        for field in msgspec.structs.fields(realms.RealmSettings)
    )
    return table(("Setting", "Default", "Meaning"), rows)


# the directory's words


def permissions() -> str:
    """All permissions."""
    return table(("Permission", "Allows"), ((f"`{key}`", text) for key, text in PERMISSIONS.items()))


def native_errors() -> str:
    """Every code that an operation of the native API answers with."""
    kinds = {MethodNotAllowed, *(error for each in native.operations for error in openapi.errors_of(each, native))}
    rows = {(errors.status_of(each), each.code, each.text) for each in kinds}
    return table(("Status", "Code", "Title"), ((str(status), f"`{code}`", text) for status, code, text in sorted(rows)))


def searchable() -> str:
    """What lists can be filtered and sorted by."""
    lists = {
        "people": users.FIELDS,
        "sessions": sessions.FIELDS,
        "places": places.FIELDS,
        "organisations": orgs.FIELDS,
        "members of organisations": memberships.FIELDS,
        "devices": devices.FIELDS,
        "labels": labels.LABELS,
        "categories of labels": labels.CATEGORIES,
        "audit trail": audit.FIELDS,
    }
    return table(("List", "Filter by", "Sort by"), ((name, *_names(fields)) for name, fields in lists.items()))


def _names(fields: Fields) -> tuple[str, str]:
    seen = [each for each in fields.values() if each.visibility is not Visibility.HIDDEN and each.rows is None]
    return _quoted(each.name for each in seen if each.filterable), _quoted(each.name for each in seen if each.sortable)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def schedule() -> str:
    """What is done at which times; what each does is said where it is listed."""
    lines = inspect.getsource(sys.modules[SCHEDULE[0].__module__]).splitlines()
    said = {found[1]: found[2] for line in lines if (found := _TIMED.search(line))}
    rows = ((f"`{each.name}`", f"`{each.cron}`", said[each.name]) for each in SCHEDULE)
    return table(("Job", "When", "What it is about"), rows)


_TIMED: Final = re.compile(r'Timed\("([^"]+)", "[^"]+"\),\s+# (.+)')

BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings,
    "realm-settings": realm_settings,
    "permissions": permissions,
    "native-errors": native_errors,
    "searchable": searchable,
    "schedule": schedule,
}


def renewed(page: str) -> str:
    """The page with its tables as they should be now."""
    return _BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n{found[3]}", page)


def links(page: str) -> list[str]:
    """Files that a page links to."""
    return [target for target in _LINK.findall(page) if target and ":" not in target]


def main() -> None:
    """Write all pages that have such tables."""
    for file in sorted(DOCS.glob("*.md")):
        text = file.read_text("utf-8")
        if (new := renewed(text)) != text:
            file.write_text(new, "utf-8")
            print(f"written: docs/{file.name}")


if __name__ == "__main__":
    main()
