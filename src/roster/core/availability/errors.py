"""What can go wrong with availability."""

from roster.kit.errors import Conflict, NotFound


class ChangeNotFound(NotFound):
    """There is none, or it is somebody else's."""

    code = "availability_change_not_found"
    text = "There is no such change of availability."


class NoAbsence(NotFound):
    """The person has not said that they will be away."""

    code = "no_absence"
    text = "No absence is planned."


class ChangeCollides(Conflict):
    """At one moment availability changes once."""

    code = "availability_change_collides"
    text = "There is a change of availability at this time already."


class TooManyChanges(Conflict):
    """Everybody has their share."""

    code = "too_many_availability_changes"
    text = "There are too many changes of availability."
