"""All settings of an installation: one frozen tree, read once at start.

Later wins: defaults, `roster.toml` in the data folder (or `--config`), `ROSTER_*` variables, flags of the command line.
A key `server.port` is `[server] port` in the file and `ROSTER_SERVER_PORT` in the environment, where lists are
separated by commas. Every secret may lie in a file of its own, named by the same key with `_file` at the end.
Whatever is unknown is an error: a misspelt setting must not be a setting that silently does nothing.
Rules of one realm (token lifetimes, password rule and the like) are not here but in the database, with the realm.
"""

from roster.settings.layers import SettingsError
from roster.settings.load import Effective, explain, load
from roster.settings.tree import (
    AcceleratxrDialect,
    Admin,
    BankId,
    Database,
    Dialect,
    Dialects,
    Freja,
    FulfillmenttoolsDialect,
    GroupalarmDialect,
    Limits,
    Log,
    Mail,
    NativeDialect,
    Onslip360Dialect,
    Provider,
    Push,
    Security,
    Server,
    Settings,
    Sms,
    WellbeeDialect,
)

__all__ = [
    "AcceleratxrDialect",
    "Admin",
    "BankId",
    "Database",
    "Dialect",
    "Dialects",
    "Effective",
    "Freja",
    "FulfillmenttoolsDialect",
    "GroupalarmDialect",
    "Limits",
    "Log",
    "Mail",
    "NativeDialect",
    "Onslip360Dialect",
    "Provider",
    "Push",
    "Security",
    "Server",
    "Settings",
    "SettingsError",
    "Sms",
    "WellbeeDialect",
    "explain",
    "load",
]
