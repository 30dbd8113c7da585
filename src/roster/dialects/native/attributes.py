"""Definitions of the realm's custom fields."""

from typing import Final

from roster.core.access import service as access
from roster.core.attributes import service
from roster.core.attributes.errors import DefinitionNotFound
from roster.dialects.native.mapping import platform
from roster.dialects.native.wire import platform as wire
from roster.dialects.native.wire.base import Listing
from roster.kit.errors import Forbidden
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="Attributes")


@ops.get("/attributes", id="listAttributes", needs="realm.read", errors=(Forbidden,))
async def list_attributes(tx: Tx) -> Listing[wire.Attribute]:
    """All custom fields that the realm has defined."""
    access.require(tx, "realm.read")
    known = await service.current(tx)
    return Listing(items=[platform.attribute_out(each) for each in known.values()])


@ops.put("/attributes/{name}", id="putAttribute", needs="realm.write", errors=(Forbidden,))
async def put_attribute(tx: Tx, name: str, body: wire.AttributePut) -> wire.Attribute:
    """Define a custom field, or define it anew. Values that people have already are not touched."""
    return platform.attribute_out(await service.define(tx, name, platform.attribute_in(body)))


@ops.delete(
    "/attributes/{name}",
    id="deleteAttribute",
    status=204,
    needs="realm.write",
    errors=(DefinitionNotFound, Forbidden),
)
async def delete_attribute(tx: Tx, name: str) -> None:
    """Forget the definition of a custom field; values stay."""
    await service.undefine(tx, name)
