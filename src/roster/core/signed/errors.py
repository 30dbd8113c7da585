"""Why a signed request is not taken. For the caller all are one: the credential is not good."""

from roster.kit.errors import InvalidToken


class NotSigned(InvalidToken):
    """Nobody's key has made this signature. Only for those who count it: the caller sees InvalidToken."""


class StaleClock(InvalidToken):
    """The signature is good, the time in it is not; `challenge` tells the caller ours, for `WWW-Authenticate`."""

    code = "stale_clock"
    text = "The time of the request is too far from the server's."

    def __init__(self, challenge: str = "") -> None:
        self.challenge = challenge
        super().__init__()


class Replayed(InvalidToken):
    """This very request was taken before, perhaps by another worker."""

    code = "replayed"
    text = "This request was sent before."


class WrongPayload(InvalidToken):
    """The signature is good, but the body is not the one that was signed, or was not signed although it must be."""

    code = "wrong_payload"
    text = "The body is not the one that was signed."
