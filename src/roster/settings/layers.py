"""Where settings are given: the file, the environment, the command line. Each becomes a flat table by key."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from roster.kit.errors import RosterError
from roster.settings.schema import SCHEMA, SECRETS, leaf

PREFIX = "ROSTER_"
_NO_SETTINGS = (f"{PREFIX}DATA", f"{PREFIX}CONFIG")


class SettingsError(RosterError):
    """Something unknown or impossible among the settings; the text names each with where it was given."""

    code = "invalid_settings"


class Given(msgspec.Struct, frozen=True):
    """One value as it was given, and where."""

    value: Any
    origin: str
    is_text: bool = True
    """Text has to be read as the type; the file's values have types of their own."""


Layer = dict[str, Given]


def collect(flags: Mapping[str, object], environ: Mapping[str, str], data: Path) -> Layer:
    """What counts of all that is given, secrets read from their files. Raises SettingsError."""
    result: Layer = {}
    for layer in (_from_file(flags, environ, data), _from_environment(environ), _from_flags(flags)):
        for key, given in layer.items():
            secret = key.removesuffix("_file")
            if secret == key or not _is_secret(secret):
                result[key] = given
            elif secret in layer:
                raise SettingsError(f"{secret} and {key} are both given ({given.origin})")
            else:
                result[secret] = _from_secret_file(key, given)
    return result


def _from_file(flags: Mapping[str, object], environ: Mapping[str, str], data: Path) -> Layer:
    named = flags.get("config") or environ.get(f"{PREFIX}CONFIG")
    file = Path(str(named)) if named else data / "roster.toml"
    if not named and not file.exists():
        return {}
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from error
    return {key: Given(value, str(file), is_text=False) for key, value in _flat(content, "")}


def _flat(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{key}.")
        else:
            yield key, value


def _from_environment(environ: Mapping[str, str]) -> Layer:
    """An empty variable counts as absent, as most tools that pass variables on cannot leave one out."""
    variables = {variable(key): key for key in SCHEMA} | {variable(key + "_file"): key + "_file" for key in SECRETS}
    layer: Layer = {}
    for name, value in environ.items():
        if value and name.startswith(PREFIX) and name not in _NO_SETTINGS:
            layer[variables.get(name) or _provider_key(name) or name] = Given(value, name)
    return layer


def _provider_key(name: str) -> str | None:
    """ROSTER_PROVIDERS_GOOGLE_CLIENT_ID → providers.google.client_id."""
    start = f"{PREFIX}PROVIDERS_"
    members = [key.rpartition(".")[2] for key in (*SCHEMA, *(f"{key}_file" for key in SECRETS)) if "*" in key]
    for member in members:
        provider = name.removeprefix(start).removesuffix(f"_{member.upper()}")
        if name == f"{start}{provider}_{member.upper()}":
            return f"providers.{provider.lower()}.{member}"
    return None


def variable(key: str) -> str:
    """The environment variable of a key."""
    return PREFIX + key.replace(".", "_").upper()


def _from_flags(flags: Mapping[str, object]) -> Layer:
    return {
        key: Given(value, "command line", is_text=isinstance(value, str))
        for key, value in flags.items()
        if value is not None and key != "config"
    }


def _is_secret(key: str) -> bool:
    found = leaf(key)
    return found is not None and found.is_secret


def _from_secret_file(key: str, given: Given) -> Given:
    """Its text without the line end that editors add."""
    try:
        text = Path(str(given.value)).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise SettingsError(f"{key}: {given.value} cannot be read ({given.origin}): {error}") from error
    return Given(text.rstrip("\r\n"), f"{given.origin}: {given.value}")
