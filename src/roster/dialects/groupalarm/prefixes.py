"""Role-based access control under its documented prefix, and without it, as the documents' own samples have it."""

from typing import Final

from roster.web.request import Request

_PREFIX: Final = "/rbac"
_SUBJECTS: Final = frozenset({"services", "roles", "token", "personal-access-token"})


def resolve(request: Request) -> str:
    """The path by which the operation is found (notes, section 12). `POST /user` is nothing else, so it is one too."""
    path = request.path
    is_own_roles = request.method == "POST" and path.rstrip("/") == "/user"
    return _PREFIX + path if is_own_roles or path[1:].partition("/")[0] in _SUBJECTS else path
