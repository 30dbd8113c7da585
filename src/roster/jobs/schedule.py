"""What is done at certain times, all on one page. The composition root says what each name stands for.

Times are UTC. What was due while no server ran is done at the next start, once, if that is within two days.
"""

from typing import Final

import msgspec


class Timed(msgspec.Struct, frozen=True):
    """A task without arguments; `cron` has the usual five fields."""

    name: str
    cron: str


CATCH_UP: Final = 2 * 86_400
"""Seconds for which a time that was missed is made up for."""

SCHEDULE: Final = (
    Timed("audit.prepare_months", "5 1 * * *"),  # partitions for this month and the next ones
    Timed("audit.drop_months", "10 1 * * *"),  # months that no realm keeps any more
    Timed("users.erase", "15 1 * * *"),  # deleted people whose time for being restored is over, per realm
    Timed("transfers.sweep", "20 1 * * *"),  # uploads without end, old reports and outputs
    Timed("invitations.sweep", "22 1 * * *"),  # what jobs wrote down about those whom they invited, a month ago
    Timed("sessions.sweep", "25 1 * * *"),  # sessions that ended long ago
    Timed("outbox.sweep", "30 * * * *"),  # events that every reader has had time to read
    Timed("timers.sweep", "28 1 * * *"),  # timers that were over long ago
    Timed("messages.sweep", "50 1 * * *"),  # messages that were sent, or given up, long ago
    Timed("counters.sweep", "35 * * * *"),  # counters whose window is over
    Timed("availability.carry_out", "* * * * *"),  # weekly and planned changes of availability whose time has come
    Timed("letters.flush", "* * * * *"),  # mails of one kind that were held for long enough
    Timed("nonces.sweep", "*/5 * * * *"),  # nonces of signed requests whose time is over
    Timed("proofs.sweep", "40 * * * *"),  # one-time tokens that have expired
    Timed("writes.forget", "10 * * * *"),  # who wrote what every replica has by now
    Timed("orders.sweep", "55 * * * *"),  # orders at electronic identifications whose time is over
    Timed("jobs.prune", "45 1 * * *"),  # jobs that failed a week ago; those that succeed leave nothing behind
)
