"""Requests and answers exactly as documented. Times are texts; names of members are kebab-case.

Extended properties (`_NAMESPACE-NAME`) have no place in these structs: `reading` takes them out of a request, `mapping`
puts them into an answer. Members that the server manages are passed over in requests, because clients send back what
they have read.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.dialects.onslip360.catalogue import SystemRole

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Number = Annotated[int, Meta(extra_json_schema={"format": "int64"})]
Text = Annotated[str, Meta(max_length=2000)]
Named = Annotated[str, Meta(min_length=1, max_length=200)]
Alias = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[!#-*,-\[\]-~]+$")]
Permission = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
Key = Annotated[str, Meta(max_length=4096, extra_json_schema={"contentEncoding": "base64"})]
Numbers = Annotated[list[Number], Meta(max_length=1000)]
Tags = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=100)]
Permissions = Annotated[list[Permission], Meta(max_length=1000)]


class Stored(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """What every stored entity has."""

    id: Number
    created: Time
    updated: Time
    deleted: Time | UnsetType = UNSET
    updated_by: Number | UnsetType = UNSET
    updated_from: Number | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    labels: list[Number] | UnsetType = UNSET


class Write(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What every entity may carry when it is sent whole; what the server manages is passed over."""

    tags: Tags | UnsetType = UNSET
    labels: Numbers | UnsetType = UNSET
    id: Any = UNSET
    created: Any = UNSET
    updated: Any = UNSET
    deleted: Any = UNSET
    updated_by: Any = UNSET
    updated_from: Any = UNSET


class Patch(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What every entity may carry when it is sent in part: null removes; a null `deleted` restores."""

    tags: Tags | UnsetType | None = UNSET
    labels: Numbers | UnsetType | None = UNSET
    deleted: Text | UnsetType | None = UNSET
    id: Any = UNSET
    created: Any = UNSET
    updated: Any = UNSET
    updated_by: Any = UNSET
    updated_from: Any = UNSET


class StoredUser(Stored, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A person or service account. Keys are never in here."""

    name: str
    alias: str
    email: str
    identity_number: str | UnsetType = UNSET
    demon: bool | UnsetType = UNSET
    system_roles: list[SystemRole] | UnsetType = UNSET
    roles: list[Number] | UnsetType = UNSET


class User(Write, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A user as sent to be made or replaced."""

    name: Named
    alias: Alias
    email: Annotated[str, Meta(max_length=320)]
    identity_number: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    pin: Key | UnsetType = UNSET
    password: Key | UnsetType = UNSET
    demon: bool | UnsetType = UNSET
    system_roles: Annotated[list[SystemRole], Meta(max_length=20)] | UnsetType = UNSET
    roles: Numbers | UnsetType = UNSET


class UserPatch(Patch, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A change of a user."""

    name: Named | UnsetType = UNSET
    alias: Alias | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=320)] | UnsetType = UNSET
    identity_number: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    pin: Key | UnsetType = UNSET
    password: Key | UnsetType = UNSET
    demon: bool | UnsetType | None = UNSET
    system_roles: Annotated[list[SystemRole], Meta(max_length=20)] | UnsetType | None = UNSET
    roles: Numbers | UnsetType | None = UNSET


class StoredRole(Stored, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A set of permissions that users can be given."""

    name: str
    permissions: list[str] | UnsetType = UNSET


class Role(Write, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A role as sent to be made or replaced."""

    name: Named
    permissions: Permissions | UnsetType = UNSET


class RolePatch(Patch, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A change of a role."""

    name: Named | UnsetType = UNSET
    permissions: Permissions | UnsetType | None = UNSET


class StoredLabelCategory(Stored, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A group of labels."""

    name: str
    resources: list[str] | UnsetType = UNSET


class LabelCategory(Write, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A category as sent to be made or replaced."""

    name: Named
    resources: Tags | UnsetType = UNSET


class LabelCategoryPatch(Patch, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A change of a category."""

    name: Named | UnsetType = UNSET
    resources: Tags | UnsetType | None = UNSET


class StoredLabel(Stored, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A badge for people and things."""

    name: str
    label_category: Number


class Label(Write, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A label as sent to be made or replaced."""

    name: Named
    label_category: Number


class LabelPatch(Patch, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A change of a label."""

    name: Named | UnsetType = UNSET
    label_category: Number | UnsetType = UNSET


TillType = Literal["till", "ordering-device", "external-journal"]
Opaque = dict[str, Any]
DeviceId = Annotated[str, Meta(min_length=1, max_length=200)]


class StoredTill(Stored, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A trusted device. Its key is never in here."""

    name: str
    type: TillType | UnsetType = UNSET
    description: str | UnsetType = UNSET
    location: Number | UnsetType = UNSET
    logical_device_id: str | UnsetType = UNSET
    device_id: str | UnsetType = UNSET
    control_unit_id: str | UnsetType = UNSET
    client_version: str | UnsetType = UNSET
    client_user_agent: str | UnsetType = UNSET
    config: Opaque | UnsetType = UNSET
    account_config: Opaque | UnsetType = UNSET
    cloud_control_unit: Opaque | UnsetType = UNSET


class Till(Write, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A till as sent to be made or replaced."""

    name: Named
    type: TillType | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    location: Number | UnsetType = UNSET
    logical_device_id: Text | UnsetType = UNSET
    device_id: DeviceId | UnsetType = UNSET
    device_key: Key | UnsetType = UNSET
    control_unit_id: Text | UnsetType = UNSET
    client_version: Text | UnsetType = UNSET
    client_user_agent: Text | UnsetType = UNSET
    config: Opaque | UnsetType = UNSET
    account_config: Opaque | UnsetType = UNSET
    cloud_control_unit: Opaque | UnsetType = UNSET


class TillPatch(Patch, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A change of a till."""

    name: Named | UnsetType = UNSET
    type: TillType | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    location: Number | UnsetType | None = UNSET
    logical_device_id: Text | UnsetType | None = UNSET
    device_id: DeviceId | UnsetType | None = UNSET
    device_key: Key | UnsetType | None = UNSET
    control_unit_id: Text | UnsetType | None = UNSET
    client_version: Text | UnsetType | None = UNSET
    client_user_agent: Text | UnsetType | None = UNSET
    config: Opaque | UnsetType | None = UNSET
    account_config: Opaque | UnsetType | None = UNSET
    cloud_control_unit: Opaque | UnsetType | None = UNSET


TokenType = Literal["hawk-key", "access-token", "pkcs12"]
TokenAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[!#-*,-?A-\[\]-~]+$")]


class StoredAccessToken(Stored, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A key of a user. `key` only in the answer that made it."""

    type: TokenType
    user: Number
    name: str
    alias: str
    client: Number | UnsetType = UNSET
    location: Number | UnsetType = UNSET
    external: bool | UnsetType = UNSET
    key: str | UnsetType = UNSET
    permissions: list[str] | UnsetType = UNSET


class AccessToken(Write, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A token as sent to be made or replaced; whose it is stands in the path."""

    type: TokenType
    name: Named
    alias: TokenAlias
    user: Any = UNSET
    client: Number | UnsetType = UNSET
    location: Number | UnsetType = UNSET
    external: bool | UnsetType = UNSET
    key: Key | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET


class AccessTokenPatch(Patch, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A change of a token."""

    type: TokenType | UnsetType = UNSET
    name: Named | UnsetType = UNSET
    alias: TokenAlias | UnsetType = UNSET
    user: Any = UNSET
    client: Number | UnsetType | None = UNSET
    location: Number | UnsetType | None = UNSET
    external: bool | UnsetType | None = UNSET
    key: Key | UnsetType | None = UNSET
    permissions: Permissions | UnsetType | None = UNSET


class KeySpecification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wanted shape of a new key; of a signing key there is only one."""

    bits: Number | UnsetType = UNSET
    algorithm: Literal["rsa"] | UnsetType = UNSET


class Company(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """The account of a realm."""

    id: Number
    name: str
    alias: str
    org_number: str
    address: str
    phone_number: str
    locale: str | UnsetType = UNSET
    derivation_base_key: str | UnsetType = UNSET
    created: Time
    updated: Time


class ServiceEndpoint(msgspec.Struct, frozen=True):
    """A base address that the client may switch to."""

    uri: str


class SystemParams(msgspec.Struct, frozen=True, rename="kebab"):
    """What is the same for everybody."""

    backoffice_uri: str


class MerchantParams(msgspec.Struct, frozen=True, rename="kebab"):
    """Reseller and support, of which the directory knows nothing."""

    available_features: list[str] = []
    required_features: list[str] = []
    support_phone: str = ""
    support_email: str = ""
    sales_phone: str = ""
    sales_email: str = ""
    reseller_name: str = ""
    web: str = ""
    terms_and_conditions_uri: str = ""
    vat_rates: list[float] = []


class CompanyConfig(msgspec.Struct, frozen=True, rename="kebab"):
    """The stored configuration, of which the directory knows only that it is there."""

    id: Number
    created: Time
    updated: Time


class ClientInfo(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """Who the caller is and what it may do. Entities in here may carry extended properties."""

    company: Company
    access_token: Any = UNSET
    till: Any = UNSET
    user: Any = UNSET
    service_endpoints: list[ServiceEndpoint]
    system_params: SystemParams
    merchant_params: MerchantParams
    company_config: CompanyConfig
    permissions: list[str]


class Echo(msgspec.Struct, frozen=True):
    """Returned unchanged."""

    payload: str


class ResetChallenge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks for a reset mail."""

    company: Annotated[str, Meta(max_length=200)]
    user: Annotated[str, Meta(max_length=320)]
    locale: Annotated[str, Meta(max_length=35)] = ""


class PinReset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The new PIN key of the caller."""

    pin: Key


class Inspection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a report about an entity."""

    type: Literal["revisions"]


class Revision(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """One change of an entity."""

    updated: Time
    deleted: Time | UnsetType = UNSET
    updated_by: Number | UnsetType = UNSET
    updated_from: Number | UnsetType = UNSET


class Report(msgspec.Struct, frozen=True):
    """A report about an entity."""

    type: Literal["revisions"]
    revisions: list[Revision]


class ServerError(msgspec.Struct, frozen=True):
    """What every error looks like."""

    message: str
    code: str


class TokenError(msgspec.Struct, frozen=True):
    """The same for clients that know OAuth (RFC 6749, section 5.2)."""

    message: str
    code: str
    error: str
    error_description: str
