"""What can go wrong with places."""

from roster.kit.errors import Conflict, Forbidden, NotFound


class PlaceNotFound(NotFound):
    """Nobody has registered this place in the realm."""

    code = "place_not_found"
    text = "There is no such place."


class TooManyMembers(Conflict):
    """Who is in which group is held in memory, so a realm has its share of it."""

    code = "too_many_members"
    text = "The groups of this realm have too many members."


class GroupGivesMore(Forbidden):
    """Nobody widens what others may do by more than they may do themselves."""

    code = "group_gives_more"
    text = "Within this group others may do what you may not."
