"""Prints how large our functions and files are, beside the figures of the code we learn from.

A mirror, not a gate, but for two limits that nothing may pass: 60 lines a function, 400 lines a file of source.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "roster"
FUNCTION_LIMIT = 60
FILE_LIMIT = 400
SHOWN = 10

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(file: Path) -> Iterator[tuple[int, str]]:
    """Lines and place of each function, without those of functions inside of it being taken off."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, Function) and node.end_lineno is not None:
            yield node.end_lineno - node.lineno + 1, f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"


def percentile(sizes: list[int], share: float) -> int:
    """The size that this share does not exceed."""
    return sorted(sizes)[min(len(sizes) - 1, int(len(sizes) * share))]


def line(name: str, sizes: list[int], models: str) -> str:
    """One row of the table."""
    median, p95 = int(statistics.median(sizes)), percentile(sizes, 0.95)
    return f"{name:<10} {len(sizes):>6}   median {median:>4}   p95 {p95:>4}   max {max(sizes):>4}   ({models})"


def main() -> int:
    """Print, and fail when a limit is passed."""
    files = {file: len(file.read_text("utf-8").splitlines()) for file in SOURCE.rglob("*.py")}
    found = sorted((each for file in files for each in functions(file)), reverse=True)
    print(line("functions", [size for size, _ in found], "models: median 6-8, p95 26-45"))
    print(line("files", list(files.values()), "models: median 35-115"))
    print(f"\nThe {SHOWN} largest functions:")
    for size, place in found[:SHOWN]:
        print(f"{size:>5}  {place}")
    too_large = [f"{place}: {size} lines" for size, place in found if size > FUNCTION_LIMIT]
    too_large += [f"{file.relative_to(ROOT)}: {size} lines" for file, size in files.items() if size > FILE_LIMIT]
    for each in too_large:
        print(f"too large: {each}", file=sys.stderr)
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())
