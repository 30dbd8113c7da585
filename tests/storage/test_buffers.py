"""The memory of the embedded database follows what is stored, within what the machine has."""

from pathlib import Path

import pytest

from roster.storage import buffers

MIB = 1024 * 1024


def stored(folder: Path, megabytes: int) -> Path:
    """A folder of a database with two files, which take no room on the disk."""
    (folder / "base" / "5").mkdir(parents=True)
    for name in ("1", "2"):
        with (folder / "base" / "5" / name).open("wb") as file:
            file.truncate(megabytes * MIB // 2)
    return folder


def part_of_the_memory(wanted: int) -> int:
    return max(64, min(wanted, buffers.memory() // 16 // MIB))


def test_a_small_directory_may_grow_until_the_next_start(tmp_path: Path):
    assert buffers.megabytes(tmp_path) == part_of_the_memory(1024)
    assert buffers.megabytes(stored(tmp_path, 1800)) == part_of_the_memory(1024)


def test_a_large_one_takes_half_of_what_is_stored_but_no_more_than_a_part_of_the_memory(tmp_path: Path):
    assert buffers.megabytes(stored(tmp_path, 2800)) == part_of_the_memory(1400)
    assert buffers.megabytes(stored(tmp_path / "larger", 1 << 16)) == part_of_the_memory(1 << 15)


@pytest.mark.parametrize(("megabytes", "expected"), [(3200, 200), (100, 64)])
def test_a_small_container_gives_less(tmp_path: Path, megabytes: int, expected: int):
    (tmp_path / "memory.max").write_text(f"{megabytes * MIB}\n")
    assert buffers.megabytes(tmp_path / "data", tmp_path) == expected


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_has_its_own_memory(tmp_path: Path, name: str):
    (tmp_path / "memory").mkdir()
    (tmp_path / name).write_text(f"{200 * MIB}\n")
    assert buffers.memory(tmp_path) == 200 * MIB

    (tmp_path / name).write_text("max\n")
    assert buffers.memory(tmp_path) == buffers.memory(tmp_path / "nowhere")
