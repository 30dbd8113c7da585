"""Messages as their readers see them. Values come from people, so templates run in a sandbox and HTML is escaped."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from typing import Any, Final

import msgspec
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

LANGUAGES: Final = ("en", "sv", "de")
TEMPLATES: Final = ("verify_email", "recover_password", "change_email", "invitation")
"""Messages with a link."""
WITH_NOTE: Final = ("invitation",)
"""Messages with a link and a text that somebody wrote for them."""
NOTICES: Final = ("email_changed", "invitations_sent", "sms_code", "second_factor_removed", "password_changed")
"""Messages that only tell something."""
_HIDDEN: Final = frozenset({"style", "script", "head", "title"})
_BLOCKS: Final = frozenset({"p", "div", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3"})
LETTER: Final = "letter"
"""What a program has written, as it is."""
_PARTS: Final = ("subject", "lead", "button", "ending")
_SCHEMES: Final = ("https://", "http://")
_LONGEST_NAME: Final = 200
_LONGEST_GREETED: Final = 60
_LONGEST_NOTE: Final = 10_000
_ADVERTISED: Final = re.compile(r"[/:]|www\.|\.[a-z]{2,}\b", re.IGNORECASE)

_plain = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
_html = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=True)


class Text(msgspec.Struct, frozen=True):
    """A rendered message: the subject is one line, `html` says the same as `text`, and `short` fits a text message.

    `data` is what a push message consists of, of which the others are for people who look into the mailbox.
    `sender` is who writes, where that is not the sender of all messages.
    """

    subject: str
    text: str
    html: str
    short: str = ""
    data: Mapping[str, object] = {}
    sender: str | None = None


def render(template: str, locale: str | None, values: Mapping[str, object]) -> Text | None:
    """The message in the nearest language; None when there is no such template or its values are not what it needs.

    Names in `values` are shown as plain text on one line; `link` must be an HTTP address, and notices have none.
    """
    if template == LETTER:
        return _letter(values)
    link = "" if template in NOTICES else values.get("link")
    if not isinstance(link, str) or (template not in NOTICES and not _is_linking(template, link)):
        return None
    language = language_of(locale)
    catalogue = _catalogue(language)
    shown = _shown(values, catalogue)
    pieces = {name: _piece(catalogue[template].get(name, ""), shown) for name in _PARTS}
    pieces |= {name: _piece(catalogue[name], shown) for name in ("greeting", "farewell")}
    note = _note(values.get("note")) if template in WITH_NOTE else []
    whole = {**pieces, "link": link, "language": language, "note": note}
    text = _plain.from_string(_file("mail.txt")).render(whole)
    html = _html.from_string(_file("mail.html")).render(whole)
    return Text(pieces["subject"], text, html, " ".join(filter(None, [pieces["subject"], link])))


def pushed(values: Mapping[str, object]) -> Text:
    """A push message, whose words are its sender's."""
    title, body = _printable(str(values.get("title", ""))), str(values.get("body", ""))
    return Text(title, body, "", body, values)


def _letter(values: Mapping[str, object]) -> Text | None:
    subject, html, sender = (values.get(name) for name in ("subject", "html", "sender"))
    if not isinstance(subject, str) or not isinstance(html, str):
        return None
    text = _Words.of(html)
    return Text(_printable(subject).strip(), text, html, sender=sender if isinstance(sender, str) else None)


class _Words(HTMLParser):
    """What HTML says to those who read text: line breaks where it has some, and nothing that is not shown."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[str] = []
        self._hidden = 0

    @classmethod
    def of(cls, html: str) -> str:
        """The words, ended by a line break."""
        words = cls()
        words.feed(html)
        words.close()
        lines = [" ".join(line.split()) for line in "".join(words._said).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 (as the base class has it)
        self._hidden += tag in _HIDDEN
        self._said.append("\n" if tag == "br" else "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        self._said.append("\n\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._said.append(data.replace("\n", " "))


def _shown(values: Mapping[str, object], catalogue: Mapping[str, Any]) -> dict[str, str]:
    shown = {name: _line(values.get(name)) for name in ("username", "realm", "organisation", "code")}
    shown |= {name: _number(values.get(name)) for name in ("invited", "skipped", "failed")}
    shown["name"] = _greeted(_line(values.get("display_name"))) or _greeted(shown["username"])
    shown["duration"] = _duration(catalogue["duration"], values.get("expires_in"))
    return shown


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
    return _printable(text)[:_LONGEST_NAME].strip()


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text).rstrip()


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) else "0"


def _note(value: object) -> list[list[str]]:
    """What somebody wrote, in paragraphs of lines: never a template, and escaped where it is HTML."""
    text = value[:_LONGEST_NOTE] if isinstance(value, str) else ""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    lines = [[_printable(line) for line in paragraph.split("\n")] for paragraph in paragraphs]
    return [each for each in lines if any(each)]


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
