"""Asking the configured providers."""

from typing import Final

from roster.core.credentials.models import Identity
from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.federation import facebook, google, oidc, twitter
from roster.federation.errors import UnknownProvider
from roster.kit.actor import Actor
from roster.kit.errors import TooMany
from roster.settings import Provider
from roster.storage.runtime import Runtime

PER_ADDRESS: Final = Policy("federation:address", 100, 900)
_KINDS: Final = {"google": google, "facebook": facebook, "twitter": twitter, "oidc": oidc}


async def identify(
    runtime: Runtime, actor: Actor, name: str, token: str, *, secret: str | None = None, kind: str | None = None
) -> Identity:
    """The person to whom a provider's token belongs; `secret` is what some providers give out with it.

    With `kind` only a provider of that kind is asked. Raises UnknownProvider, InvalidToken, ProviderSilent, TooMany.
    """
    provider = _provider(runtime, name)
    if kind not in (None, provider.kind):
        raise UnknownProvider
    await _spend(runtime, actor)
    return await _KINDS[provider.kind].identify(name.lower(), provider, token, secret)


async def reverse_token(runtime: Runtime, actor: Actor, name: str = "twitter") -> str:
    """What a phone needs to ask Twitter for its user's token. Raises UnknownProvider, ProviderSilent, TooMany."""
    provider = _provider(runtime, name)
    if provider.kind != "twitter":
        raise UnknownProvider
    await _spend(runtime, actor)
    return await twitter.reverse_token(provider)


def _provider(runtime: Runtime, name: str) -> Provider:
    found = runtime.settings.providers.get(name.lower())
    if found is None or found.kind not in _KINDS or not _KINDS[found.kind].is_usable(found):
        raise UnknownProvider
    return found


async def _spend(runtime: Runtime, actor: Actor) -> None:
    """Nobody makes this server ask others without end."""
    place = limits.network(actor.origin.address)
    if not place:
        return
    async with runtime.read(actor) as tx:
        wait = await limits.try_spend(tx, [(PER_ADDRESS, place)])
    if wait:
        raise TooMany(wait)
