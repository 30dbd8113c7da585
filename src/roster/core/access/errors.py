"""What can go wrong with roles and permissions."""

from roster.kit.errors import Conflict, Forbidden, NotFound, Taken


class RoleNotFound(NotFound):
    """No such role in this realm."""

    code = "role_not_found"
    text = "There is no such role."


class RoleNameTaken(Taken):
    """Role names are unique in a realm, compared without regard to case."""

    code = "role_name_taken"
    text = "A role with this name exists."
    field = "name"


class RoleBuiltIn(Conflict):
    """Built-in roles can be neither changed nor deleted."""

    code = "role_built_in"
    text = "This role is built in and cannot be changed."


class TooManyOrgRoles(Conflict):
    """An organisation has its share of roles."""

    code = "too_many_org_roles"
    text = "The organisation has too many roles."


class RoleInUse(Conflict):
    """Somebody has the role, and it was to be deleted only if nobody does."""

    code = "role_in_use"
    text = "Somebody has this role."


class AssignmentNotFound(NotFound):
    """No such assignment in this realm."""

    code = "assignment_not_found"
    text = "There is no such assignment."


class AssignmentExists(Conflict):
    """The person has the role there already."""

    code = "assignment_exists"
    text = "This role is assigned already."


class LastAdministrator(Conflict):
    """A realm keeps at least one active administrator."""

    code = "last_administrator"
    text = "The last administrator of a realm must stay."


class LastOrgAdministrator(Conflict):
    """Somebody must be left who can run the organisation."""

    code = "last_org_administrator"
    text = "The organisation would be left without an administrator."


class Escalation(Forbidden):
    """Nobody grants, or gains through others, what they do not hold.

    It answers giving and taking roles, and whatever is done to people or accounts that may do more than the actor.
    """

    code = "escalation"
    text = "This takes a permission that you do not have."


class ListNotFound(NotFound):
    """No permission list for this object."""

    code = "list_not_found"
    text = "There is no permission list with this identifier."
