"""The directory's words and the wire's, both ways. Pure.

Identifiers. The contract promises UUIDs of version 4; those of the directory are all of version 7. So an identifier is
shown with its version digit set to 4, and that digit is set back when it is read. Because no two identifiers of the
directory differ in that digit alone, this is one to one and keeps their order; a version 7 identifier, as other
dialects show it, is understood too. Members that hold identifiers (criteria, members of a role, records of a
permission list) follow the same rule.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import UNSET, UnsetType

from roster.core.access.models import AccessList, Members, MembersChange, Rights, Role, RoleChange, RoleDraft
from roster.core.credentials.models import Credential, Identity, Kind
from roster.core.users.models import User, UserChange, UserDraft, View
from roster.dialects.acceleratxr import wire
from roster.kit import ids
from roster.kit.clock import instant
from roster.kit.errors import InvalidInput
from roster.kit.ids import UserId

_VERSION: Final = 0xF << 76
_SHOWN: Final = 4 << 76
_STORED: Final = 7 << 76
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")

KINDS: Final[Mapping[wire.SecretType, Kind]] = {
    "password": Kind.PASSWORD,
    "apikey": Kind.API_KEY,
    "device": Kind.DEVICE,
    "mfa": Kind.TOTP,
}
_TYPES: Final[Mapping[str, wire.SecretType]] = {kind.value: type_ for type_, kind in KINDS.items()}


# identifiers


def uid(identifier: UUID) -> str:
    """An identifier as shown."""
    return str(UUID(int=identifier.int & ~_VERSION | _SHOWN))


def read_uid(text: str) -> UUID | None:
    """The identifier that a text shows, in either version; None for a text that is no UUID."""
    found = ids.parse(text)
    if found is None or found.version not in (4, 7):
        return found
    return UUID(int=found.int & ~_VERSION | _STORED)


def identifier(text: str) -> str:
    """What stands in a path, as the directory knows it: identifiers translated, names and addresses as they are."""
    found = read_uid(text)
    return text if found is None else str(found)


def user_ids(texts: Iterable[str], member: str) -> list[UserId]:
    """The people named in a member of a request. Raises InvalidInput."""
    found = [(text, read_uid(text)) for text in texts]
    for text, read in found:
        if read is None:
            raise InvalidInput.of(member, "wrong_value", f"{text[:100]!r} is not the uid of a user.")
    return [UserId(read) for _, read in found if read is not None]


# users


def user_out(user: User, roles: Sequence[str] = (), external_ids: Sequence[str] = ()) -> wire.User:
    """A user as its reader may see it; for a reduced view roles and external ids are not asked for."""
    if user.view is View.BASIC:
        return wire.User(uid(user.id), instant(user.created_at), instant(user.updated_at), user.version, user.username)
    return wire.User(
        uid=uid(user.id),
        date_created=instant(user.created_at),
        date_modified=instant(user.updated_at),
        version=user.version,
        name=user.username,
        email=user.email or UNSET,
        first_name=user.given_name or "",
        last_name=user.family_name or "",
        phone=user.phone or "",
        roles=list(roles),
        external_ids=list(external_ids),
        verified=user.email_verified_at is not None,
    )


def profile(user: User, roles: Sequence[str], external_ids: Sequence[str]) -> dict[str, object]:
    """The claim `profile` of an access token."""
    return {
        "uid": uid(user.id),
        "name": user.username,
        "email": user.email or "",
        "roles": list(roles),
        "externalIds": list(external_ids),
        "verified": user.email_verified_at is not None,
    }


def user_draft(body: wire.UserWrite, *, trusted: bool) -> UserDraft:
    """A user to be made; only trusted callers decide about `verified`."""
    return UserDraft(
        username=body.name,
        email=body.email,
        phone=body.phone or None,
        given_name=body.first_name or None,
        family_name=body.last_name or None,
        email_verified=trusted and body.verified is True,
    )


def user_change(body: wire.UserWrite, *, trusted: bool) -> UserChange:
    """A user as it shall be: optional members that are left out get their default, but `verified` stays."""
    return UserChange(
        username=body.name,
        email=body.email,
        phone=body.phone or None,
        given_name=body.first_name or None,
        family_name=body.last_name or None,
        email_verified=body.verified if trusted else UNSET,
    )


def external_id(provider: str, subject: str) -> str:
    """An external identity as shown."""
    return f"{provider}:{subject}"


def identities(external_ids: Iterable[str]) -> list[Identity]:
    """External identities from `TYPE:UID`. Raises InvalidInput."""
    found: list[Identity] = []
    for text in external_ids:
        provider, colon, subject = text.partition(":")
        if not colon or not 1 <= len(provider) <= 64 or not 1 <= len(subject) <= 255:
            raise InvalidInput.of("externalIds", "wrong_value", "An external id is written TYPE:UID.")
        found.append(Identity(provider, subject))
    return found


# roles


def role_out(role: Role, members: Members | None) -> wire.Role:
    """A role with those who have it."""
    return wire.Role(
        uid=uid(role.id),
        date_created=instant(role.created_at),
        date_modified=instant(role.updated_at),
        version=role.version,
        name=role.name,
        description=role.description,
        members=sorted(uid(each) for each in members.members) if members else [],
        owners=sorted(uid(each) for each in members.owners) if members else [],
    )


def role_draft(body: wire.RoleWrite) -> RoleDraft:
    """A role to be made; what it permits in the directory is nothing, permission lists refer to it by name."""
    return RoleDraft(name=body.name, description=body.description or "")


def role_change(body: wire.RoleWrite) -> RoleChange:
    """What a request says about a role itself."""
    return RoleChange(name=body.name, description=body.description)


def role_members(body: wire.RoleWrite) -> MembersChange | None:
    """Who shall have the role; None when the request says nothing about it. Raises InvalidInput."""
    if body.members is UNSET and body.owners is UNSET:
        return None
    owners = None if isinstance(body.owners, UnsetType) else frozenset(user_ids(body.owners, "owners"))
    members = None if isinstance(body.members, UnsetType) else frozenset(user_ids(body.members, "members"))
    return MembersChange(members, owners)


# secrets


def secret_kind(text: str) -> str:
    """The kind of credential that a type of secret names; a text that names none stays one that no credential has."""
    return next((kind.value for name, kind in KINDS.items() if name == text), "")


def is_shown(credential: Credential) -> bool:
    """Whether the wire has a word for this kind of credential."""
    return credential.kind in _TYPES


def secret_out(
    credential: Credential,
    *,
    secret: str | wire.TotpSeed | UnsetType = UNSET,
    codes: list[str] | UnsetType = UNSET,
) -> wire.UserSecret:
    """A secret; what it consists of only in the answer that makes it."""
    return wire.UserSecret(
        uid=uid(credential.id),
        date_created=instant(credential.created_at),
        date_modified=instant(credential.updated_at),
        version=credential.version,
        user_id=uid(credential.user_id),
        type=_TYPES[credential.kind],
        secret=secret,
        description=credential.label or UNSET,
        codes=codes,
    )


def code(body: wire.TotpCode) -> str:
    """A one-time code; zeros that a bare number has lost are put back."""
    return f"{body.token:06d}" if isinstance(body.token, int) else body.token


# permission lists


def list_name(text: str) -> str:
    """The name of a permission list, as stored."""
    return _stored(text)


def list_out(found: AccessList) -> wire.AccessControlList:
    """A permission list, with identifiers as shown."""
    return wire.AccessControlList(
        uid=_shown(found.object),
        records=[_record_out(each) for each in found.records],
        parent_uid=_shown(found.parent) if found.parent else UNSET,
        version=found.version,
        date_created=instant(found.created_at) if found.created_at else UNSET,
        date_modified=instant(found.updated_at) if found.updated_at else UNSET,
    )


def records_in(records: Iterable[wire.AclRecord]) -> list[Rights]:
    """Records to be stored, with identifiers as stored, also where they are part of an expression."""
    return [
        Rights(
            _stored(each.user_or_role_id),
            create=each.create,
            read=each.read,
            update=each.update,
            delete=each.delete,
            special=each.special,
            full=each.full,
        )
        for each in records
    ]


def _record_out(record: Rights) -> wire.AclRecord:
    return wire.AclRecord(
        _shown(record.who),
        create=record.create,
        read=record.read,
        update=record.update,
        delete=record.delete,
        special=record.special,
        full=record.full,
    )


def _shown(text: str) -> str:
    return _UUID.sub(lambda found: uid(UUID(found[0])), text)


def _stored(text: str) -> str:
    return _UUID.sub(lambda found: identifier(found[0]), text)
