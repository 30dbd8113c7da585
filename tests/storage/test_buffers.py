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


def test_a_small_directory_takes_little(tmp_path: Path):
    assert buffers.megabytes(tmp_path) == 64
    assert buffers.megabytes(stored(tmp_path, 100)) == 64


def test_a_large_one_takes_half_of_what_is_stored_but_no_more_than_a_part_of_the_memory(tmp_path: Path):
    most = buffers.memory() // 16 // MIB
    assert buffers.megabytes(stored(tmp_path, 200)) == max(64, min(100, most))
    assert buffers.megabytes(stored(tmp_path / "larger", 1 << 16)) == max(64, most)


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_has_its_own_memory(tmp_path: Path, name: str):
    (tmp_path / "memory").mkdir()
    (tmp_path / name).write_text(f"{200 * MIB}\n")
    assert buffers.memory(tmp_path) == 200 * MIB

    (tmp_path / name).write_text("max\n")
    assert buffers.memory(tmp_path) == buffers.memory(tmp_path / "nowhere")
