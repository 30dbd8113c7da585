"""What can go wrong with push messages."""

from roster.kit.errors import TooLarge


class MessageTooLarge(TooLarge):
    """Providers take so much and no more."""

    code = "push_message_too_large"
    text = "A push message takes at most 4000 bytes."
