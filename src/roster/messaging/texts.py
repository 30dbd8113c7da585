"""Messages as their readers see them. Values come from people, so templates run in a sandbox and HTML is escaped."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

LANGUAGES: Final = ("en", "sv", "de")
TEMPLATES: Final = ("verify_email", "recover_password", "change_email")
"""Messages with a link."""
NOTICES: Final = ("email_changed",)
"""Messages that only tell something."""
_PARTS: Final = ("subject", "lead", "button", "ending")
_SCHEMES: Final = ("https://", "http://")
_LONGEST_NAME: Final = 200
_LONGEST_GREETED: Final = 60
_ADVERTISED: Final = re.compile(r"[/:]|www\.|\.[a-z]{2,}\b", re.IGNORECASE)

_plain = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
_html = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=True)


class Text(msgspec.Struct, frozen=True):
    """A rendered message: the subject is one line, `html` says the same as `text`."""

    subject: str
    text: str
    html: str


def render(template: str, locale: str | None, values: Mapping[str, object]) -> Text | None:
    """The message in the nearest language; None when there is no such template or its values are not what it needs.

    Names in `values` are shown as plain text on one line; `link` must be an HTTP address, and notices have none.
    """
    link = "" if template in NOTICES else values.get("link")
    if not isinstance(link, str) or (template not in NOTICES and not _is_linking(template, link)):
        return None
    language = language_of(locale)
    catalogue = _catalogue(language)
    shown = {name: _line(values.get(name)) for name in ("username", "realm")}
    shown["name"] = _greeted(_line(values.get("display_name"))) or _greeted(shown["username"])
    shown["duration"] = _duration(catalogue["duration"], values.get("expires_in"))
    pieces = {name: _piece(catalogue[template].get(name, ""), shown) for name in _PARTS}
    pieces |= {name: _piece(catalogue[name], shown) for name in ("greeting", "farewell")}
    whole = {**pieces, "link": link, "language": language}
    text = _plain.from_string(_file("mail.txt")).render(whole)
    return Text(pieces["subject"], text, _html.from_string(_file("mail.html")).render(whole))


def _is_linking(template: str, link: str) -> bool:
    return template in TEMPLATES and link.startswith(_SCHEMES)


def language_of(locale: str | None) -> str:
    """The language we have that is nearest to a locale such as `sv-SE`."""
    language = (locale or "").lower().replace("_", "-").partition("-")[0]
    return language if language in LANGUAGES else LANGUAGES[0]


def _piece(source: str, values: Mapping[str, str]) -> str:
    return _plain.from_string(source).render(values)


def _line(value: object) -> str:
    """What a person wrote about themselves, without line breaks and other control characters, of bounded length."""
    text = value if isinstance(value, str) else ""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_LONGEST_NAME].strip()


def _greeted(name: str) -> str:
    """A name fit for a greeting; nobody makes us mail strangers an advertisement that they gave as their name."""
    return name if len(name) <= _LONGEST_GREETED and not _ADVERTISED.search(name) else ""


def _duration(words: Mapping[str, str], seconds: object) -> str:
    lasting = seconds if isinstance(seconds, int) else 0
    if lasting >= 2 * 86400:
        return _piece(words["days"], {"count": str(lasting // 86400)})
    if lasting >= 7200:
        return _piece(words["hours"], {"count": str(lasting // 3600)})
    if 3600 <= lasting < 3660:
        return words["hour"]
    return _piece(words["minutes"], {"count": str(max(1, lasting // 60))})


@cache
def _catalogue(language: str) -> dict[str, Any]:
    return tomllib.loads(_file(f"{language}.toml"))


@cache
def _file(name: str) -> str:
    return resources.files(__package__ or "").joinpath("templates", name).read_text("utf-8")
