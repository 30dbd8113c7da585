"""Structured logs on standard error: `noun.verb` events with values, secrets masked.

What the libraries log takes the same way and has the same form. The access log writes its own lines, beside these.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, cast


@contextmanager
def _without_rich() -> Iterator[None]:
    """Structlog takes it for tracebacks, which here are made before: four megabytes, and a tenth of a start."""
    modules: dict[str, Any] = sys.modules
    known = modules.get("rich")
    modules["rich"] = None
    try:
        yield
    finally:
        del modules["rich"]
        if known is not None:
            modules["rich"] = known


with _without_rich():
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_WORDS: Final = ("password", "secret", "token", "authorization", "cookie", "key", "code", "hash", "dsn", "otp")
_MASK: Final = "***"
_LOGIN: Final = re.compile(r"(?<=://)[^/\s@]*@")
"""Name and password in an address, such as a database's."""
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")


def configure(form: str, level: str) -> None:
    """Set up logging of the whole process, the libraries' included."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer = _renderer(form)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.raiseExceptions = False  # a log nobody reads (closed pipe) does not stop the service


def logger(name: str) -> Any:
    """A logger for one module."""
    return structlog.get_logger(name)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask values whose names say that nobody should read them, at any depth, and secrets within texts."""
    return {name: _shown("" if name == "event" else name, value) for name, value in event.items()}


def _shown(name: str, value: object) -> object:
    if any(word in name.lower() for word in _SECRET_WORDS):
        return _MASK
    if isinstance(value, str):
        return _BEARER.sub(rf"\1 {_MASK}", _LOGIN.sub(f"{_MASK}@", value))
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {str(key): _shown(str(key), member) for key, member in members.items()}
    if isinstance(value, (list, tuple)):
        return [_shown("", member) for member in cast("list[object]", value)]
    return value


def _renderer(form: str) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(default=str)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


class _Lines:
    """Writes each entry in one piece, so that those of several processes do not mix."""

    def msg(self, text: str) -> None:
        with suppress(OSError, ValueError):  # nobody reads it, or it was closed
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = fatal = log = warn = failure = err = msg
