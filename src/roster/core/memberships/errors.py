"""What can go wrong with memberships."""

from roster.kit.errors import Conflict, NotFound


class NotAMember(NotFound):
    """The person does not belong to the organisation."""

    code = "not_a_member"
    text = "This person is no member of the organisation."


class AlreadyMember(Conflict):
    """A person belongs to an organisation once."""

    code = "already_member"
    text = "This person is a member of the organisation already."


class StillMember(Conflict):
    """Whoever deletes their account leaves their organisations first."""

    code = "still_member"
    text = "Leave all organisations first, and give away those that are yours."
