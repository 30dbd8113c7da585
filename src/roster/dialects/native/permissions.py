"""The vocabulary of permissions."""

from typing import Final

from roster.core.access import vocabulary
from roster.core.access.models import PERMISSIONS
from roster.dialects.native.mapping import access as mapping
from roster.dialects.native.wire import access as wire
from roster.dialects.native.wire.base import Listing
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Permissions")


@ops.get("/permissions", id="listPermissions")
async def list_permissions(tx: Tx) -> Listing[wire.Permission]:
    """All permissions there are: the directory's own, then the keys of other front doors with what they mean."""
    own = [wire.Permission(key=key, description=text) for key, text in PERMISSIONS.items()]
    keys = vocabulary.of(tx.runtime).keys
    return Listing(items=[*own, *(mapping.key_out(name, key) for name, key in keys.items())])
