"""The only place that reads the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def instant(at: datetime) -> str:
    """RFC 3339 with milliseconds and `Z`, the form in which every front door writes times.

    The fraction is always there, because clients compare such texts.
    """
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"
