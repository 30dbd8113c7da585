"""The map in ARCHITECTURE.md, which newcomers find their way by."""

import re
from pathlib import Path

import roster

SOURCE = Path(roster.__file__).parent
ROOT = SOURCE.parents[1]


def test_the_map_names_every_package_of_the_core_and_every_front_door():
    text = (ROOT / "ARCHITECTURE.md").read_text().partition("```\n")[2].partition("```")[0]
    packages = {path.parent.name for layer in ("core", "dialects") for path in SOURCE.glob(f"{layer}/*/__init__.py")}

    assert packages - set(re.findall(r"\w+", text)) == set()
