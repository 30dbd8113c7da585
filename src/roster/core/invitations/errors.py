"""What can go wrong with invitations."""

from roster.kit.errors import Forbidden, NotFound


class InvitationNotFound(NotFound):
    """Unknown, answered, withdrawn, or sent to an address that is the person's no more."""

    code = "invitation_not_found"
    text = "This invitation is not valid any more."


class InvitationExpired(InvitationNotFound):
    """Nobody has answered in time; it can be sent again."""

    code = "invitation_expired"
    text = "This invitation has expired. Please ask for a new one."


class NotInvited(Forbidden):
    """Whoever is signed in is not the person invited."""

    code = "invitation_of_another"
    text = "This invitation is for somebody else. Please sign out first."


class BatchNotFound(NotFound):
    """Nobody has invited so many people in this organisation."""

    code = "invitation_batch_not_found"
    text = "There are no such invitations."
