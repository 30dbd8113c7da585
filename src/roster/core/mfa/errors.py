"""What can go wrong with second factors."""

from roster.kit.errors import Conflict, InvalidInput


class WrongCode(InvalidInput):
    """The code shown by the authenticator does not fit, or was used already."""

    code = "wrong_code"
    text = "The code is wrong."


class AlreadyActive(Conflict):
    """There is a second factor; it must be removed before another can be set up."""

    code = "second_factor_active"
    text = "A second factor is active already."


class NothingPrepared(Conflict):
    """No seed was made that a code could confirm."""

    code = "second_factor_not_prepared"
    text = "No second factor is being set up."


class NotActive(Conflict):
    """There is no second factor."""

    code = "second_factor_missing"
    text = "There is no second factor."
