"""Rules of the house that no other tool knows, read from the syntax tree.

- SQL stands in a feature's `store.py` (or, where that grows too long, `…_store.py` beside it) and in `storage/` only.
- The time comes from `kit/clock.py`, identifiers from `kit/ids.py`.
- `tx` and `runtime` are the first parameter: they say whether a function joins a transaction or opens its own.
- Our own modules are not patched in tests.
- No path of one developer's machine.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "checks", "bench", "docs", ".ci")
SQL = re.compile(
    r"^\s*(?:WITH\s+(?:RECURSIVE\s+)?\w+(?:\s*\([^)]*\))?\s+AS\s|SELECT\s[\s\S]*\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+(?:\w+\s+)?SET\s"
    r"|DELETE\s+FROM\s|TRUNCATE\s|CREATE\s+(?:TABLE|INDEX)\s|ALTER\s+TABLE\s|DROP\s+TABLE\s)"
)
CLOCKS = {"now", "utcnow", "today"}
IDENTIFIERS = {"uuid1", "uuid3", "uuid4", "uuid5", "uuid6", "uuid7"}
IDS = "identifiers come from kit.ids"
LEADERS = ("tx", "runtime")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home/\w+)/[\w.-]+")

Breach = tuple[int, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def breaches(path: str, text: str) -> Iterator[Breach]:
    """Line and sentence for each rule that a file breaks; `path` is relative to the repository."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := MACHINE_PATH.search(line):
            yield number, f"path of one machine: {found[0]}"
    if not path.endswith(".py"):
        return
    tree = ast.parse(text)
    if path.startswith("src/"):
        yield from _sql(path, tree)
        yield from _sources_of_time_and_ids(path, tree)
        yield from _leading_parameters(tree)
    if path.startswith("tests/"):
        yield from _patches(tree)


def _sql(path: str, tree: ast.AST) -> Iterator[Breach]:
    if path.endswith(("/store.py", "_store.py")) or path.startswith("src/roster/storage/"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            yield node.lineno, "SQL outside of a store"


def _sources_of_time_and_ids(path: str, tree: ast.AST) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "uuid":
            yield from ((node.lineno, f"uuid.{each.name}: {IDS}") for each in node.names if each.name in IDENTIFIERS)
        if not isinstance(node, ast.Call):
            continue
        owner, name = _called(node)
        if path != "src/roster/kit/clock.py" and owner in ("datetime", "date") and name in CLOCKS:
            yield node.lineno, f"{owner}.{name}(): the time comes from tx.now or kit.clock"
        if owner == "uuid" and name in IDENTIFIERS:
            yield node.lineno, f"uuid.{name}: {IDS}"


def _called(call: ast.Call) -> tuple[str, str]:
    """`datetime.datetime.now()` → datetime, now."""
    called = call.func
    if isinstance(called, ast.Name):
        return "", called.id
    if not isinstance(called, ast.Attribute):
        return "?", ""
    owner = called.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else "?"
    return name, called.attr


def _leading_parameters(tree: ast.AST) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if not isinstance(node, Function) or node.name == "__init__":
            continue
        names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        rest = names[2:] if names[:1] in (["self"], ["cls"]) else names[1:]
        for leader in LEADERS:
            if leader in rest:
                yield node.lineno, f"{node.name}: `{leader}` is not the first parameter"


def _patches(tree: ast.AST) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node)[1] in ("patch", "object", "setattr") and node.args:
            target = node.args[0]
            if isinstance(target, ast.Constant) and str(target.value).startswith("roster"):
                yield node.lineno, f"patches our own module {target.value}"


def files() -> Iterator[Path]:
    """What the rules are for: everything written by us, and no data."""
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".py", ".sql", ".md", ".toml", ".sh", ".conf") or (folder == ".ci" and file.is_file()):
                yield file
    yield from (file for file in sorted(ROOT.iterdir()) if file.suffix in (".md", ".toml") or file.name == "Makefile")


def main() -> int:
    """Print each breach with its place; fail when there is one."""
    count = 0
    for file in files():
        path = file.relative_to(ROOT).as_posix()
        for line, sentence in breaches(path, file.read_text("utf-8")):
            print(f"{path}:{line}: {sentence}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
