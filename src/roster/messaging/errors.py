"""What can go wrong with messages."""

from roster.kit.errors import NotFound


class MessageNotFound(NotFound):
    """No such message in this realm, or none the caller may read."""

    code = "message_not_found"
    text = "There is no such message."
