"""Between the core's models and the wire; pure. A secret never enters a wire struct."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET

from roster.bus.store import Event
from roster.core.access import models as access
from roster.core.attributes.models import Definition, DefinitionDraft
from roster.core.audit.models import Entry
from roster.core.credentials.models import Credential, Issued
from roster.core.flows.dossier import Dossier
from roster.core.flows.models import Granted, StepNeeded
from roster.core.realms.models import Realm, RealmChange
from roster.core.sessions.models import Session
from roster.core.users.models import User, UserChange, UserDraft
from roster.dialects.native.wire import access as wire_access
from roster.dialects.native.wire import base, people, platform, sign_in
from roster.kit import clock
from roster.kit.actor import Actor, Context, Grants
from roster.kit.ids import SessionId, UserId
from roster.kit.pages import Slice
from roster.messaging.store import Message
from roster.messaging.texts import Text

A = TypeVar("A")
B = TypeVar("B")

_instant = clock.instant


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else _instant(at)


def listing(found: Slice[A], out: Callable[[A], B]) -> base.Listing[B]:
    """A page of anything."""
    return base.Listing(
        items=[out(each) for each in found.items],
        next_cursor=found.next,
        previous_cursor=found.previous,
        total=found.total,
    )


# people


def user_out(user: User) -> people.User:
    """A person in the view that the core chose."""
    return people.User(
        id=user.id,
        number=user.number,
        username=user.username,
        email=user.email,
        email_verified_at=_maybe(user.email_verified_at),
        phone=user.phone,
        phone_verified_at=_maybe(user.phone_verified_at),
        display_name=user.display_name,
        given_name=user.given_name,
        family_name=user.family_name,
        locale=user.locale,
        personal_number=user.personal_number,
        picture=user.picture,
        status=user.status,  # type: ignore[arg-type]
        attributes=user.attributes,
        facets=user.facets,
        tags=user.tags,
        version=user.version,
        created_at=_instant(user.created_at),
        created_by=user.created_by,
        updated_at=_instant(user.updated_at),
        updated_by=user.updated_by,
        deleted_at=_maybe(user.deleted_at),
        deleted_by=user.deleted_by,
        view=user.view.value,
    )


def me_out(actor: Actor, user: User) -> people.Me:
    """Who asks."""
    return people.Me(
        user=user_out(user),
        realm=actor.realm_slug,
        roles=list(actor.grants.roles),
        permissions=sorted(actor.grants.everywhere),
        session_id=actor.session_id,
        factors=list(actor.factors),
    )


def user_draft(body: people.UserCreate) -> UserDraft:
    """A person to be made."""
    return UserDraft(**{name: getattr(body, name) for name in UserDraft.__struct_fields__})


def own_draft(body: sign_in.SignUp) -> UserDraft:
    """An account that a person makes for themselves."""
    names = "username email phone display_name given_name family_name locale picture attributes"
    return UserDraft(**{name: getattr(body, name) for name in names.split()})


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
        authenticated_at=_instant(session.authenticated_at),
        created_at=_instant(session.created_at),
        last_used_at=_instant(session.last_used_at),
        expires_at=_instant(session.expires_at),
        ended_at=_maybe(session.ended_at),
        end_reason=session.end_reason,
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
        created_at=_instant(credential.created_at),
        created_by=credential.created_by,
        updated_at=_instant(credential.updated_at),
        last_used_at=_maybe(credential.last_used_at),
        expires_at=_maybe(credential.expires_at),
    )


def credentials_out(found: Iterable[Credential]) -> base.Listing[people.Credential]:
    """All of them on one page."""
    return base.Listing(items=[credential_out(each) for each in found])


def key_out(issued: Issued) -> people.ApiKeyCreated:
    """A key that was just made, the only time that it is shown."""
    return people.ApiKeyCreated(key=issued.secret or "", credential=credential_out(issued.credential))


def dossier_out(found: Dossier, current: SessionId | None) -> people.Dossier:
    """Everything known about one person."""
    return people.Dossier(
        user=user_out(found.user),
        assignments=[assignment_out(each) for each in found.assignments],
        credentials=[credential_out(each) for each in found.credentials],
        sessions=[session_out(each, current) for each in found.sessions],
        audit=[entry_out(each) for each in found.entries],
    )


# signing in


def tokens_out(granted: Granted, realm: str) -> sign_in.SignedIn:
    """Tokens for a program."""
    return sign_in.SignedIn(
        token_type="Bearer",  # noqa: S106
        expires_in=granted.expires_in,
        user_id=granted.user.id,
        realm=realm,
        access_token=granted.access_token,
        refresh_token=granted.refresh_token,
    )


def cookie_out(granted: Granted, realm: str) -> sign_in.SignedIn:
    """What a browser's script may know while the tokens are in cookies."""
    return sign_in.SignedIn(
        token_type="Cookie",  # noqa: S106
        expires_in=granted.expires_in,
        user_id=granted.user.id,
        realm=realm,
    )


def answer_out(signed_in: sign_in.SignedIn) -> sign_in.SignInAnswer:
    """The same as the answer of the first step."""
    return sign_in.SignInAnswer(mfa_required=False, **msgspec.structs.asdict(signed_in))


def step_out(step: StepNeeded) -> sign_in.SignInAnswer:
    """The second step."""
    return sign_in.SignInAnswer(
        mfa_required=True,
        expires_in=step.expires_in,
        mfa_token=step.proof,
        factors=list(step.factors),
    )


# roles


def role_out(role: access.Role) -> wire_access.Role:
    """A role."""
    return wire_access.Role(
        id=role.id,
        number=role.number,
        name=role.name,
        description=role.description,
        permissions=role.permissions,
        ceiling=role.ceiling,
        built_in=role.built_in,
        version=role.version,
        created_at=_instant(role.created_at),
        created_by=role.created_by,
        updated_at=_instant(role.updated_at),
        updated_by=role.updated_by,
    )


def role_draft(body: wire_access.RoleCreate) -> access.RoleDraft:
    """A role to be made."""
    return access.RoleDraft(body.name, body.description, body.permissions, body.ceiling)


def role_change(body: wire_access.RolePatch) -> access.RoleChange:
    """What the caller named."""
    return access.RoleChange(body.name, body.description, body.permissions, body.ceiling)


def members_out(members: access.Members | None) -> wire_access.Members:
    """Who has a role; None is nobody."""
    if members is None:
        return wire_access.Members(members=[], owners=[])
    return wire_access.Members(members=sorted(members.members), owners=sorted(members.owners))


def members_in(body: wire_access.SetMembers) -> access.Members:
    """Who shall have a role."""
    owners = frozenset(map(UserId, body.owners))
    return access.Members(frozenset(map(UserId, body.members)) | owners, owners)


def assignment_out(assignment: access.Assignment) -> wire_access.Assignment:
    """A role that a person has."""
    return wire_access.Assignment(
        id=assignment.id,
        role_id=assignment.role_id,
        role=assignment.role_name,
        user_id=assignment.user_id,
        is_owner=assignment.is_owner,
        contexts=_contexts_out(assignment.contexts),
        created_at=_instant(assignment.created_at),
        created_by=assignment.created_by,
    )


def contexts_in(contexts: Iterable[wire_access.Context]) -> list[Context]:
    """Places."""
    return [Context(each.kind, each.value) for each in contexts]


def _contexts_out(contexts: Iterable[Context]) -> list[wire_access.Context]:
    return [wire_access.Context(each.kind, each.value) for each in contexts]


def effective_out(grants: Grants, explained_by: Iterable[access.Assignment] | None) -> wire_access.Effective:
    """What a person may do."""
    within = [
        wire_access.Limited(permissions=sorted(what), contexts=_contexts_out(sorted(where)))
        for what, where in grants.within
    ]
    return wire_access.Effective(
        everywhere=sorted(grants.everywhere),
        within=within,
        roles=list(grants.roles),
        explained_by=UNSET if explained_by is None else [assignment_out(each) for each in explained_by],
    )


# the platform


def realm_out(realm: Realm) -> platform.Realm:
    """A realm with all its settings, defaults included."""
    return platform.Realm(
        id=realm.id,
        slug=realm.slug,
        display_name=realm.display_name,
        status=realm.status,  # type: ignore[arg-type]
        settings=msgspec.to_builtins(realm.settings),
        version=realm.version,
        created_at=_instant(realm.created_at),
        updated_at=_instant(realm.updated_at),
    )


def realm_change(body: platform.RealmPatch) -> RealmChange:
    """What the caller named."""
    return RealmChange(body.display_name, body.status, body.settings)


def attribute_out(definition: Definition) -> platform.Attribute:
    """The definition of a custom field."""
    return platform.Attribute(
        name=definition.name,
        kind=definition.kind,  # type: ignore[arg-type]
        label=definition.label,
        required=definition.required,
        choices=definition.choices,
        visibility=definition.visibility,  # type: ignore[arg-type]
        writable_by=definition.writable_by,  # type: ignore[arg-type]
        created_at=_instant(definition.created_at),
        updated_at=_instant(definition.updated_at),
    )


def attribute_in(body: platform.AttributePut) -> DefinitionDraft:
    """A definition to be stored."""
    return DefinitionDraft(body.kind, body.label, body.required, body.choices, body.visibility, body.writable_by)


def entry_out(entry: Entry) -> platform.Entry:
    """One change in the trail."""
    values: dict[str, Any] = msgspec.structs.asdict(entry)
    values["at"] = _instant(entry.at)
    return platform.Entry(**values)


def event_out(event: Event) -> platform.Event:
    """Something that happened."""
    fields = event.payload.get("fields")
    names = [str(each) for each in fields] if isinstance(fields, list) else []  # type: ignore[reportUnknownVariableType]
    return platform.Event(
        id=event.id, at=_instant(event.at), type=event.type, subject_id=event.subject_id, fields=names
    )


def message_out(message: Message) -> platform.Message:
    """An outgoing message, without what it says."""
    return platform.Message(**_message(message))


def rendered_out(message: Message, text: Text | None) -> platform.RenderedMessage:
    """An outgoing message and what it says, where that may be seen."""
    return platform.RenderedMessage(
        **_message(message),
        subject=text and text.subject,
        text=text and text.text,
        html=text and text.html,
    )


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "user_id": message.user_id,
        "channel": message.channel,
        "recipient": message.recipient,
        "template": message.template,
        "locale": message.locale,
        "state": message.state,
        "attempts": message.attempts,
        "error": message.error,
        "due_at": _instant(message.due_at),
        "created_at": _instant(message.created_at),
        "sent_at": _maybe(message.sent_at),
    }


def after(items: Iterable[UUID], limit: int) -> str | None:
    """The cursor of a list in order of ids: the last id of a page that is full."""
    ids = list(items)
    return str(ids[-1]) if len(ids) == limit else None
