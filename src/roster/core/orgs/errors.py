"""What can go wrong with organisations."""

from roster.kit.errors import Conflict, Forbidden, NotFound, Taken


class OrgNotFound(NotFound):
    """There is none, or none that the actor may know of."""

    code = "org_not_found"
    text = "There is no such organisation."


class OrgNumberTaken(Taken):
    """Numbers of organisations are unique in a realm."""

    code = "org_number_taken"
    text = "There is an organisation with this number."
    field = "number"


class OrgHasParts(Conflict):
    """Parts are deleted first: nothing hangs in the air."""

    code = "org_has_parts"
    text = "The organisation has others below it."


class OrgTooDeep(Conflict):
    """Trees are bounded in height and size, as roles may reach all of one."""

    code = "org_too_deep"
    text = "Organisations are nested too deeply, or there are too many in one tree."


class OrgInsideItself(Conflict):
    """No organisation is moved below itself."""

    code = "org_inside_itself"
    text = "An organisation cannot be a part of itself."


class LastOwner(Conflict):
    """A tree is always somebody's."""

    code = "last_owner"
    text = "The organisation would be left without an owner."


class OwnersOnly(Forbidden):
    """Who owns an organisation is decided by those who own it."""

    code = "owners_only"
    text = "Only owners of the organisation may do this."


class SecondFactorRequired(Forbidden):
    """The organisation keeps people without a second factor out."""

    code = "second_factor_required"
    text = "This organisation requires a second factor."


class OrgTokenNotFound(NotFound):
    """The organisation has no such token."""

    code = "org_token_not_found"
    text = "There is no such token."


class TooManyOrgTokens(Conflict):
    """An organisation has its share of tokens."""

    code = "too_many_org_tokens"
    text = "The organisation has too many tokens."
