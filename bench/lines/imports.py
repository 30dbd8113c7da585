"""Importing people with hashes, against COPY of the very rows that come out of it."""

from bench.report import Line
from bench.stage import Stage


def lines(stage: Stage) -> list[Line]:
    return []
