"""The tables in `docs/` say what the program says."""

from pathlib import Path

import msgspec
import pytest

from checks import reference
from roster.core.realms.models import RealmSettings
from roster.settings import layers, schema

PAGES = sorted(reference.DOCS.glob("*.md"))
STALE = "<!-- made from the program: permissions -->\nold\n<!-- end -->"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_what_the_program_says(page: Path):
    text = page.read_text("utf-8")

    assert reference.renewed(text) == text, "run: python -m checks.reference"


def test_a_table_that_is_out_of_date_is_made_anew():
    renewed = reference.renewed(f"before {STALE} after")

    assert "old" not in renewed
    assert "| `users.read` |" in renewed
    assert (renewed[:7], renewed[-6:]) == ("before ", " after")


def test_every_setting_stands_on_the_page_with_its_variable():
    page = reference.settings()

    for key in schema.SCHEMA:
        shown = key.replace("*", "NAME")
        assert f"| `{shown}` | `{layers.variable(shown)}` |" in page


@pytest.mark.parametrize("kind", [RealmSettings, *(kind for _, kind in reference.sections())])
def test_every_setting_says_what_it_means(kind: type[msgspec.Struct]):
    said = reference.meanings(kind)

    assert [name for name in kind.__struct_fields__ if name not in said] == []


def test_every_table_is_shown_somewhere():
    shown = "".join(page.read_text("utf-8") for page in PAGES)

    assert [name for name in reference.BLOCKS if f"<!-- made from the program: {name} -->" not in shown] == []


def test_links_between_pages_lead_somewhere():
    for page in [*PAGES, reference.DOCS.parent / "README.md"]:
        for target in reference.links(page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
