"""Integrations and the OAuth flow, exactly as documented. OAuth's own members are in snake case (RFC 6749)."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.dialects.onslip360.wire import Named, Number, Permission, Text, Time

Alias = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[!#-*,-?A-\[\]-~]+$")]
Address = Annotated[str, Meta(max_length=2000)]
Names = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=1000)]


class Integration(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A registered application, as sent and as stored; what the server manages is passed over when it is sent."""

    alias: Alias
    name: Named
    type: Literal["oauth"]
    author: Text
    email: Text
    web_address: Text
    permissions: Annotated[list[Permission], Meta(max_length=1000)]
    features: Names
    confinements: Names
    oauth_redirect_uris: Annotated[list[Address], Meta(max_length=20)]
    description: Text | UnsetType = UNSET
    id: Number | UnsetType = UNSET
    created: Time | UnsetType = UNSET
    updated: Time | UnsetType = UNSET
    updated_by: Number | UnsetType = UNSET


class AuthorizeRequest(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Consent given by a signed-in user."""

    oauth_redirect_uri: Address
    oauth_code_challenge: Address
    permissions: Annotated[list[Permission], Meta(max_length=1000)] | UnsetType = UNSET
    name: Named | UnsetType = UNSET
    return_scope: bool = False
    location: Number | UnsetType = UNSET


class AuthorizeResponse(msgspec.Struct, frozen=True):
    """What the application exchanges for a key."""

    code: str


class TokenRequest(msgspec.Struct, frozen=True):
    """Exchange of a code."""

    grant_type: Address
    client_id: Address
    redirect_uri: Address
    code: Annotated[str, Meta(max_length=4000)]
    code_verifier: Address


class TokenResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key that signs requests; the secret is its text, whose bytes are the key."""

    token_type: str
    access_token: str
    secret: str
    algorithm: str
    realm: str
    scope: str | UnsetType = UNSET
    location: Number | UnsetType = UNSET
