"""What people read, in their language: the one they have set, else what the client asks for (RFC 9110, 12.5.4)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from roster.kit.errors import RosterError
from roster.web.request import Request

LANGUAGES: Final = ("en", "de", "sv")
_MOST_ASKED: Final = 20


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    errors: dict[str, dict[str, str]]
    done: dict[str, dict[str, str]]
    pages: dict[str, dict[str, str]]


@cache
def _file() -> _File:
    text = resources.files(__package__ or "").joinpath("texts.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


def errors() -> Mapping[str, Mapping[str, str]]:
    """By an error's code, its text in each language."""
    return _file().errors


def language(request: Request) -> str:
    """One of LANGUAGES."""
    chosen = request.actor.locale if request.actor is not None else None
    asked = [chosen] if chosen else _asked(request.header("accept-language") or "")
    return next((short for each in asked if (short := each[:2].lower()) in LANGUAGES), LANGUAGES[0])


def refusal(kind: type[RosterError], language: str) -> str:
    """What went wrong, as the nearest family of errors says it that has a text."""
    return _known(kind)[language]


def done(key: str, language: str) -> str:
    """That it was done."""
    return _file().done[key][language]


def page(key: str, language: str) -> str:
    """A sentence of the pages for people who follow a link."""
    return _file().pages[key][language]


@cache
def _known(kind: type[RosterError]) -> Mapping[str, str]:
    known = _file().errors
    codes = (each.code for each in kind.__mro__ if issubclass(each, RosterError))
    return next(known[code] for code in codes if code in known)


def _asked(header: str) -> list[str]:
    """Language tags, the most wanted first."""
    found: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST_ASKED]:
        tag, _, weight = part.partition(";")
        found.append((-_weight(weight), tag.strip()))
    return [tag for _, tag in sorted(found, key=lambda each: each[0])]


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not text.strip():
        return 1.0
    return float(value) if name.strip() == "q" and value.strip().replace(".", "", 1).isdecimal() else 0.0
