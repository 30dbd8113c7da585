"""What can go wrong with timers."""

from roster.kit.errors import NotFound


class TimerNotFound(NotFound):
    """No such timer in this realm."""

    code = "timer_not_found"
    text = "There is no such timer."
