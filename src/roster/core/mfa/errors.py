"""What can go wrong with second factors."""

from roster.kit.errors import Conflict, Forbidden, InvalidInput, Taken


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


class BankIdRequired(Forbidden):
    """The secret was right, and the account is tied to BankID: only that opens it."""

    code = "bankid_required"
    text = "Please sign in with BankID."


class PersonalNumberTaken(Taken):
    """Somebody else has this personal number."""

    code = "personal_number_taken"
    text = "Another user has this personal number."
    field = "personal_number"


class LastWay(Conflict):
    """Without it the person could not sign in any more."""

    code = "last_way_to_sign_in"
    text = "There is no other way to sign in."
