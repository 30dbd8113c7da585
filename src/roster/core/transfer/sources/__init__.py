"""Readers of files: pure, piece by piece, one row after another."""

from collections.abc import Mapping

from roster.core.attributes.models import Definition
from roster.core.transfer.sources.csv import CsvSource
from roster.core.transfer.sources.fruster import FrusterSource
from roster.core.transfer.sources.keycloak import KeycloakSource
from roster.core.transfer.sources.person import Source
from roster.core.transfer.sources.roster import RosterSource


def reader(form: str, *, after: int, known: Mapping[str, Definition]) -> Source:
    """A reader for files of this form, which gives the rows behind `after`."""
    if form == "csv":
        return CsvSource(after, known)
    if form == "fruster":
        return FrusterSource(after)
    return KeycloakSource(after) if form == "keycloak" else RosterSource(after)
