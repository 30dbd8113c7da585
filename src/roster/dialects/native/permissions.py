"""The vocabulary of permissions."""

from typing import Final

from roster.core.access.models import PERMISSIONS
from roster.dialects.native.wire import access as wire
from roster.dialects.native.wire.base import Listing
from roster.web.operation import Operations

ops: Final = Operations(tag="Permissions")


@ops.get("/permissions", id="listPermissions")
async def list_permissions() -> Listing[wire.Permission]:
    """All permissions there are, and what each allows."""
    return Listing(items=[wire.Permission(key=key, description=text) for key, text in PERMISSIONS.items()])
