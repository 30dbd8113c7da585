"""Integrations, and what people let them do. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, cast

from msgspec import UNSET

from roster.core.flows.consenting import Grant
from roster.core.integrations.models import Integration, IntegrationDraft
from roster.dialects.onslip360 import catalogue
from roster.dialects.onslip360 import wire_oauth as wire
from roster.dialects.onslip360.mapping import base
from roster.dialects.onslip360.mapping.base import Numbers
from roster.kit.clock import instant
from roster.kit.errors import InvalidInput

_KEPT: Final = ("author", "email", "web_address", "features", "confinements")
_PERMISSIONS: Final = "permissions"
_SCOPE: Final = "scope"

Expand = Callable[[Iterable[str]], Collection[str]]
"""From permissions as stored to all that these give."""


def integration_out(found: Integration, numbers: Numbers) -> wire.Integration:
    """An integration as stored."""
    facet = base.facet_of(found)
    return wire.Integration(
        id=found.number,
        alias=found.alias,
        name=found.name,
        type="oauth",
        description=found.description or UNSET,
        author=facet.get("author", ""),
        email=facet.get("email", ""),
        web_address=facet.get("web_address", ""),
        permissions=asked_for(found),
        features=facet.get("features", []),
        confinements=facet.get("confinements", []),
        oauth_redirect_uris=found.redirect_uris,
        created=instant(found.created_at),
        updated=instant(found.updated_at),
        updated_by=base.number(found.updated_by, numbers.people),
    )


def asked_for(found: Integration) -> list[str]:
    """The permission names that an integration asks for."""
    return catalogue.shown(found.permissions, base.facet_of(found).get(_PERMISSIONS, ()))


def integration_draft(body: wire.Integration) -> IntegrationDraft:
    """An integration to be registered."""
    known, unknown = catalogue.split(body.permissions)
    facet: dict[str, object] = {name: getattr(body, name) for name in _KEPT}
    if unknown:
        facet[_PERMISSIONS] = unknown
    return IntegrationDraft(
        alias=body.alias,
        name=body.name,
        description=base.or_none(body.description) or "",
        permissions=known,
        redirect_uris=body.oauth_redirect_uris,
        facets={base.FACET: facet},
    )


def grant(
    found: Integration,
    expand: Expand,
    *,
    redirect_uri: str,
    challenge: str,
    names: Sequence[str] | None = None,
    label: str = "",
    says_scope: bool = True,
) -> Grant:
    """What somebody lets an integration do: all that it asks for, or what they choose of it. Raises InvalidInput."""
    most = asked_for(found)
    wanted = most if names is None else list(dict.fromkeys(names))
    if not set(wanted) <= set(most):
        raise InvalidInput.of("permissions", "not_asked_for", "The integration does not ask for so much.")
    known, _ = catalogue.split(wanted)
    facet: dict[str, object] = {_PERMISSIONS: wanted, _SCOPE: says_scope}
    return Grant(sorted(expand(known)), redirect_uri, challenge, label, {base.FACET: facet})


def scope(granted: Grant) -> str | None:
    """The permission names of a key that was made, if its application wants to be told."""
    facet = cast("Mapping[str, Any]", granted.facets.get(base.FACET, {}))
    return " ".join(facet.get(_PERMISSIONS, ())) if facet.get(_SCOPE) else None
