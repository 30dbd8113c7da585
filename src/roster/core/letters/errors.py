"""What can go wrong with letters."""

from roster.kit.errors import NotFound


class TemplateNotFound(NotFound):
    """No such template in this realm."""

    code = "template_not_found"
    text = "There is no such template."
