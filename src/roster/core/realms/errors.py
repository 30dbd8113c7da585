"""What can go wrong with realms."""

from roster.kit.errors import NotFound, Taken


class RealmNotFound(NotFound):
    """No such realm, or one the caller may not know of."""

    code = "realm_not_found"
    text = "There is no such realm."


class SlugTaken(Taken):
    """Slugs are unique in an installation."""

    code = "slug_taken"
    text = "A realm with this slug exists."
    field = "slug"
