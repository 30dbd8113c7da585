"""What can go wrong with people."""

from roster.kit.errors import Conflict, NotFound, Taken


class UserNotFound(NotFound):
    """No such person in this realm, or one the actor may not know of."""

    code = "user_not_found"
    text = "There is no such user."


class UsernameTaken(Taken):
    """Usernames are unique in a realm, compared without regard to case; deleted people keep theirs."""

    code = "username_taken"
    text = "A user with this name exists."
    field = "username"


class EmailTaken(Taken):
    """E-mail addresses are unique in a realm unless its settings say otherwise."""

    code = "email_taken"
    text = "A user with this e-mail address exists."
    field = "email"


class IdTaken(Taken):
    """An id belongs to one person for ever, also after they were erased."""

    code = "id_taken"
    text = "A user with this id exists."
    field = "id"


class NotDeleted(Conflict):
    """Only deleted people can be restored."""

    code = "not_deleted"
    text = "This user is not deleted."


class OwnAccount(Conflict):
    """People cannot disable themselves by accident."""

    code = "own_account"
    text = "You cannot do this to your own account."
