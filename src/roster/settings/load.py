"""From what is given to the tree in force."""

import difflib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from roster.settings import published, secret_key
from roster.settings.layers import PREFIX, Given, SettingsError, collect, variable
from roster.settings.schema import SCHEMA, leaf, walk
from roster.settings.tree import Provider, Server, Settings

MASK = "********"
_KEY = "security.secret_key"


class Effective(msgspec.Struct, frozen=True):
    """One setting as it is in force; a secret is masked."""

    key: str
    value: object
    origin: str


def load(flags: Mapping[str, object], environ: Mapping[str, str], data: Path) -> Settings:
    """The settings in force. `flags` go by key (`server.port`, also `config`: the file); None means not given.

    Creates the data folder and the secret key when they are missing. Raises SettingsError with everything found.
    """
    data = data.absolute()
    given = collect(flags, environ, data)
    problems: list[str] = []
    values = {key: _read(key, each, problems) for key, each in given.items()}
    problems += published.problems(values)
    if problems:
        raise SettingsError("; ".join(problems))
    if _KEY not in values:
        file = secret_key.ensure(data)
        given[_KEY] = Given(file.read_text("ascii", "replace"), str(file))
        values[_KEY] = _read(_KEY, given[_KEY], problems)
    values.setdefault("server.public_url", _local_url(values))
    origins = {key: each.origin for key, each in given.items()}
    tables = _tables(values, problems)
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(data=data, origins=origins, **tables)


def explain(settings: Settings) -> list[Effective]:
    """Every setting with its value and origin, for people's eyes."""
    return [Effective(key, _shown(key, value), settings.origins.get(key, "default")) for key, value in walk(settings)]


def _read(key: str, given: Given, problems: list[str]) -> object:
    expected = leaf(key)
    if expected is None:
        problems.append(_unknown(key, given))
        return None
    value = given.value
    if given.is_text and expected.is_list:
        value = _list(value)
    if key == _KEY:
        value = secret_key.padded(str(value))
    try:
        return msgspec.convert(value, expected.type, strict=not given.is_text, dec_hook=_special)
    except msgspec.ValidationError as error:
        problems.append(f"{key}: {error} ({given.origin})")
        return None


def _list(text: str) -> object:
    """A list in a text: with commas between, or in JSON, for parts that have commas themselves."""
    if text.lstrip().startswith("["):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text)
    return [part.strip() for part in text.split(",") if part.strip()]


def _special(kind: type, value: object) -> object:
    """Files and time zones are named by texts."""
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    if kind is ZoneInfo and isinstance(value, str):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(value)
    raise ValueError("Expected the name of a file" if kind is Path else "Expected the name of a time zone")


def _unknown(key: str, given: Given) -> str:
    known = [variable(each) for each in SCHEMA] if key.startswith(PREFIX) else list(SCHEMA)
    close = difflib.get_close_matches(key, known, 1)
    hint = f", perhaps {close[0]}" if close else ""
    return f"{key} is no setting ({given.origin}){hint}"


def _local_url(values: Mapping[str, object]) -> str:
    host, port = str(values.get("server.host", Server().host)), values.get("server.port", Server().port)
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - what listens everywhere is reached at home
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _tables(values: Mapping[str, object], problems: list[str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *tables, name = key.split(".")
        inner = nested
        for table in tables:
            inner = inner.setdefault(table, {})
        inner[name] = value
    for name, provider in nested.get("providers", {}).items():
        missing = [field.encode_name for field in msgspec.structs.fields(Provider) if field.required]
        problems += [f"providers.{name}.{member} is missing" for member in missing if member not in provider]
    if problems:
        return {}
    return {
        field.name: msgspec.convert(nested[field.encode_name], field.type)
        for field in msgspec.structs.fields(Settings)
        if field.encode_name in nested
    }


def _shown(key: str, value: object) -> object:
    expected = leaf(key)
    if expected is not None and expected.is_secret and value not in (None, ()):
        return MASK
    return str(value) if isinstance(value, (Path, ZoneInfo)) else value
