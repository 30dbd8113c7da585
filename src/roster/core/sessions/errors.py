"""What can go wrong with sessions."""

from roster.kit.errors import NotFound


class SessionNotFound(NotFound):
    """No such live session, or none the actor may know of."""

    code = "session_not_found"
    text = "There is no such session."
