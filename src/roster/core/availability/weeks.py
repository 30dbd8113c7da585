"""Moments that come every week, in UTC."""

from datetime import datetime, timedelta

WEEK = timedelta(days=7)


def after(now: datetime, day: int, second: int) -> datetime:
    """The first such moment after `now`; day 0 is Sunday."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = (now.weekday() + 1) % 7
    at = midnight + timedelta(days=(day - today) % 7, seconds=second)
    return at if at > now else at + WEEK


def until(now: datetime, day: int, second: int) -> datetime:
    """The last such moment until `now`."""
    return after(now, day, second) - WEEK
