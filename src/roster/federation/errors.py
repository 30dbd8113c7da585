"""What can go wrong with providers."""

from roster.kit.errors import NotFound, Unavailable


class UnknownProvider(NotFound):
    """No provider of this name is set up, or what it needs is missing."""

    code = "unknown_provider"
    text = "There is no such provider."


class ProviderSilent(Unavailable):
    """The provider does not answer, or not with what it documents."""

    code = "provider_silent"
    text = "The provider does not answer. Please try again in a moment."
