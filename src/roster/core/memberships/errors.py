"""What can go wrong with memberships."""

from roster.kit.errors import Conflict, Forbidden, NotFound


class NotAMember(NotFound):
    """The person does not belong to the organisation."""

    code = "not_a_member"
    text = "This person is no member of the organisation."


class AlreadyMember(Conflict):
    """A person belongs to an organisation once."""

    code = "already_member"
    text = "This person is a member of the organisation already."


class LastOrgAdministrator(Conflict):
    """Somebody must be left who can run the organisation."""

    code = "last_org_administrator"
    text = "The organisation would be left without an administrator."


class SecondFactorRequired(Forbidden):
    """The organisation keeps people without a second factor out."""

    code = "second_factor_required"
    text = "This organisation requires a second factor."


class StillMember(Conflict):
    """Whoever deletes their account leaves their organisations first."""

    code = "still_member"
    text = "Leave all organisations first, and give away those that are yours."
