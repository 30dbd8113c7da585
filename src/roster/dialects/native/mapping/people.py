"""People, their sessions and credentials."""

from collections.abc import Iterable

from roster.core.access.vocabulary import Vocabulary
from roster.core.credentials.models import Credential, Issued, SigningDraft, SigningKey
from roster.core.flows.dossier import Dossier
from roster.core.push.models import Registration
from roster.core.sessions.models import Session
from roster.core.users.models import Attributes, User, UserChange, UserDraft
from roster.dialects.native.mapping.access import assignment_out
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.mapping.organisations import membership_out
from roster.dialects.native.mapping.platform import entry_out
from roster.dialects.native.wire import base, people
from roster.kit import hawk
from roster.kit.actor import Actor
from roster.kit.ids import DeviceId, SessionId

Names = frozenset[str]
EVERYTHING: Names = frozenset()


def user_out(user: User, unseen: Names) -> people.User:
    """A person in the view that the core chose, without the custom fields that nobody sees.

    By position, which takes half the time: a page holds many.
    """
    return people.User(
        user.id,
        user.number,
        user.username,
        user.email,
        user.email_verified_at and instant(user.email_verified_at),
        user.phone,
        user.phone_verified_at and instant(user.phone_verified_at),
        user.display_name,
        user.given_name,
        user.family_name,
        user.locale,
        user.personal_number,
        user.picture,
        user.status,  # type: ignore[arg-type]
        _seen(user.attributes, unseen),
        user.facets,
        user.tags,
        user.version,
        instant(user.created_at),
        user.created_by,
        instant(user.updated_at),
        user.updated_by,
        user.deleted_at and instant(user.deleted_at),
        user.deleted_by,
        user.view,  # type: ignore[arg-type]
    )


def _seen(attributes: Attributes, unseen: Names) -> Attributes:
    return {name: value for name, value in attributes.items() if name not in unseen} if unseen else attributes


def me_out(actor: Actor, user: User, known: Vocabulary, unseen: Names) -> people.Me:
    """Who asks."""
    return people.Me(
        user=user_out(user, unseen),
        realm=actor.realm_slug,
        roles=list(actor.grants.roles),
        permissions=known.directory(actor.grants.everywhere),
        session_id=actor.session_id,
        factors=list(actor.factors),
    )


def user_draft(body: people.UserCreate) -> UserDraft:
    """A person to be made."""
    return UserDraft(**{name: getattr(body, name) for name in UserDraft.__struct_fields__})


def user_change(body: people.UserPatch | people.MePatch) -> UserChange:
    """What the caller named."""
    return UserChange(**{name: getattr(body, name) for name in body.__struct_fields__})


def session_out(session: Session, current: SessionId | None) -> people.Session:
    """One sign-in."""
    return people.Session(
        id=session.id,
        user_id=session.user_id,
        dialect=session.dialect,
        label=session.label,
        user_agent=session.user_agent,
        address=session.address,
        factors=list(session.factors),
        authenticated_at=instant(session.authenticated_at),
        created_at=instant(session.created_at),
        last_used_at=instant(session.last_used_at),
        expires_at=instant(session.expires_at),
        current=session.id == current,
    )


def sessions_out(found: Iterable[Session], current: SessionId | None) -> base.Listing[people.Session]:
    """All of them on one page."""
    return base.Listing(items=[session_out(each, current) for each in found])


def credential_out(credential: Credential) -> people.Credential:
    """What may be known of a credential."""
    return people.Credential(
        id=credential.id,
        user_id=credential.user_id,
        kind=credential.kind,
        state=credential.state,
        label=credential.label,
        data=credential.data,
        created_at=instant(credential.created_at),
        created_by=credential.created_by,
        updated_at=instant(credential.updated_at),
        last_used_at=maybe(credential.last_used_at),
        expires_at=maybe(credential.expires_at),
    )


def credentials_out(found: Iterable[Credential]) -> base.Listing[people.Credential]:
    """All of them on one page."""
    return base.Listing(items=[credential_out(each) for each in found])


def key_out(issued: Issued) -> people.ApiKeyCreated:
    """A key that was just made, the only time that it is shown."""
    return people.ApiKeyCreated(key=issued.secret or "", identifier=None, credential=credential_out(issued.credential))


def signing_draft(body: people.ApiKeyCreate) -> SigningDraft:
    """What the caller wants of a key that signs requests."""
    return SigningDraft(
        alias=body.alias,
        label=body.label,
        permissions=body.permissions,
        device_id=DeviceId(body.device_id) if body.device_id else None,
        expires_at=body.expires_at,
    )


def signing_key_out(made: SigningKey) -> people.ApiKeyCreated:
    """A key that signs requests and was just made, the only time that it is shown."""
    return people.ApiKeyCreated(
        key=hawk.write_key(made.key), identifier=made.identifier, credential=credential_out(made.credential)
    )


def push_device_out(registration: Registration) -> people.PushDevice:
    """A device that takes push messages."""
    return people.PushDevice(
        id=registration.id,
        device=registration.device,
        platform=registration.platform,
        created_at=registration.created_at,
        seen_at=registration.seen_at,
    )


def dossier_out(found: Dossier, current: SessionId | None) -> people.Dossier:
    """Everything known about one person."""
    return people.Dossier(
        user=user_out(found.user, EVERYTHING),
        assignments=[assignment_out(each) for each in found.assignments],
        memberships=[membership_out(each) for each in found.memberships],
        owns=[each.id for each in found.owned],
        credentials=[credential_out(each) for each in found.credentials],
        sessions=[session_out(each, current) for each in found.sessions],
        push_devices=[push_device_out(each) for each in found.registrations],
        audit=[entry_out(each, EVERYTHING) for each in found.entries],
    )
