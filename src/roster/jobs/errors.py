"""What can go wrong with deferring work."""

from roster.kit.errors import Conflict


class AlreadyQueued(Conflict):
    """A job with this queueing lock waits already."""

    code = "already_queued"
    text = "This is waiting to be done already."
