"""What can go wrong in the flows."""

from roster.kit.errors import Conflict


class LinkRequired(Conflict):
    """Somebody here has the e-mail address, but it is not verified on both sides: sign in first, then attach."""

    code = "link_required"
    text = "Please sign in to your existing account first, then connect this provider to it."
