"""What can go wrong with the past."""

from roster.kit.errors import NotFound


class NotThere(NotFound):
    """At that moment this did not exist yet."""

    code = "not_there"
    text = "At that time there was nothing with this identifier."


class PastUnknown(NotFound):
    """The trail does not reach back that far any more: its oldest months are dropped."""

    code = "past_unknown"
    text = "What was then is not known any more."
