"""Access tokens: keys of a person that sign requests. The key itself is shown once, when it is made. Pure."""

import base64
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, cast
from uuid import UUID

from msgspec import UNSET, UnsetType

from roster.core.credentials import signing
from roster.core.credentials.models import Credential, SigningChange, SigningDraft
from roster.dialects.onslip360 import catalogue, reading, wire
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping.base import Numbers
from roster.dialects.onslip360.reading import Extended
from roster.kit.clock import instant
from roster.kit.errors import InvalidInput
from roster.kit.ids import DeviceId

_KEPT: Final = ("location", "external", "tags")
_PERMISSIONS: Final = "permissions"

Expand = Callable[[Iterable[str]], Collection[str]]
"""From permissions as stored to all that these give."""


def token_out(credential: Credential, owner: int, numbers: Numbers, *, key: bytes | None = None) -> object:
    """A token as stored; with `key` in the answer that made it."""
    draft = signing.draft_of(credential)
    facet = cast("Mapping[str, Any]", draft.facets.get(base.FACET, {}))
    found = wire.StoredAccessToken(
        id=credential.number,
        type="hawk-key",
        user=owner,
        name=credential.label or draft.alias or "",
        alias=draft.alias or "",
        client=base.number(draft.device_id, numbers.devices),
        key=UNSET if key is None else base64.b64encode(key).decode(),
        permissions=_shown(draft.permissions, facet),
        **{name: facet[name] for name in _KEPT if name in facet},
        created=instant(credential.created_at),
        updated=instant(credential.updated_at),
        updated_by=base.number(credential.updated_by, numbers.people),
        updated_from=base.number(credential.updated_from, numbers.devices),
        labels=list(numbers.labels.get(credential.id, ())) or UNSET,
    )
    return base.beside(found, {name: value for name, value in facet.items() if name.startswith("_")})


def token_draft(body: wire.AccessToken, extended: Extended, device: DeviceId | None, expand: Expand) -> SigningDraft:
    """A token to be made. Raises InvalidInput for a kind of secret that signs nothing, and for a key of one's own."""
    _require_signing(body.type, body.key)
    facet, permissions = _facet({}, body, extended, expand)
    return SigningDraft(
        alias=body.alias,
        label=body.name,
        permissions=None if isinstance(permissions, UnsetType) else permissions,
        device_id=device,
        facets={base.FACET: facet} if facet else {},
    )


def token_replaced(
    body: wire.AccessToken, extended: Extended, device: DeviceId | None, expand: Expand
) -> SigningChange:
    """A token as it shall be: what is left out is removed; the key stays."""
    draft = token_draft(body, extended, device, expand)
    return SigningChange(
        alias=body.alias,
        label=draft.label,
        permissions=draft.permissions,
        device_id=device,
        facets={base.FACET: draft.facets.get(base.FACET, {})},
    )


def token_change(
    body: wire.AccessTokenPatch,
    extended: Extended,
    before: Credential,
    device: DeviceId | UnsetType | None,
    expand: Expand,
) -> SigningChange:
    """What a request says about a token; what is left out stays."""
    _require_signing(body.type, body.key)
    facet, permissions = _facet(signing.draft_of(before).facets.get(base.FACET, {}), body, extended, expand)
    return SigningChange(
        alias=body.alias, label=body.name, permissions=permissions, device_id=device, facets={base.FACET: facet}
    )


def granted(names: Collection[str], expand: Expand) -> list[str]:
    """All that a token limited to these names may do, as the directory keeps it."""
    known, _ = catalogue.split(names)
    return sorted(expand(known))


def _shown(permissions: list[str] | None, facet: Mapping[str, Any]) -> list[str] | UnsetType:
    """Keys that were limited elsewhere show those of their permissions that have a name here."""
    if permissions is None:
        return UNSET
    named = facet.get(_PERMISSIONS)
    return sorted(named) if named is not None else catalogue.shown(permissions, ())


def _facet(
    before: Mapping[str, Any], body: wire.AccessToken | wire.AccessTokenPatch, extended: Extended, expand: Expand
) -> tuple[dict[str, object], list[str] | UnsetType | None]:
    """What the dialect keeps, and the permissions as the directory keeps them."""
    given: dict[str, Any] = {name: value for name in _KEPT if (value := getattr(body, name)) is not UNSET}
    permissions: list[str] | UnsetType | None = UNSET
    if not isinstance(body.permissions, UnsetType):
        permissions = None if body.permissions is None else granted(body.permissions, expand)
        given[_PERMISSIONS] = body.permissions
    return reading.merged(before, {**given, **extended}), permissions


def _require_signing(kind: str | UnsetType, key: object) -> None:
    if kind not in (UNSET, "hawk-key"):
        raise InvalidInput.of("type", "not_offered", "Only keys that sign requests (hawk-key) are kept here.")
    if isinstance(key, str):
        raise InvalidInput.of("key", "not_allowed", "Keys are made by the server; regenerate one to replace it.")


def devices_of(found: Collection[Credential]) -> set[UUID]:
    """The devices that these tokens are tied to, and were changed from."""
    devices = (place for each in found for place in (signing.draft_of(each).device_id, each.updated_from))
    return {each for each in devices if each is not None}
