"""What can go wrong in the flows."""

from roster.kit.errors import Conflict, InvalidInput, NotFound


class LinkRequired(Conflict):
    """Somebody here has the e-mail address, but it is not verified on both sides: sign in first, then attach."""

    code = "link_required"
    text = "Please sign in to your existing account first, then connect this provider to it."


class CodeRequired(InvalidInput):
    """This takes a code of the second factor, and none was sent."""

    code = "code_required"
    text = "A code of your second factor is required."


class NoEmailChange(NotFound):
    """Nobody has asked for another address, or it is too late to confirm it."""

    code = "no_email_change"
    text = "There is no open change of the e-mail address."
