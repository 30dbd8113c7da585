"""The directory's words and the wire's, both ways. Pure."""

from datetime import datetime
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.credentials.models import Credential
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Session
from roster.core.users.models import User, UserChange
from roster.dialects.groupalarm import wire

NAME: Final = "groupalarm"
"""Of the dialect; what it keeps of people stands under it."""
_EDITABLE: Final = "editable"
_AVAILABLE: Final = "available"
_SETTINGS: Final = "settings"
_DEPLOYMENT: Final = "deployment"


def user_out(user: User, *, token: str = "") -> wire.User:
    """A user, with the JWT of the session where there is one."""
    kept = user.facets.get(NAME, {})
    return wire.User(
        active=is_active(user),
        available_preference=kept.get(_AVAILABLE) is not False,
        avatar_url=user.picture or "",
        chat_token="",
        editable=kept.get(_EDITABLE) is not False,
        email=user.email or "",
        id=user.number,
        name=user.given_name or "",
        pending=user.status == "pending",
        registration_date=user.created_at,
        surname=user.family_name or "",
        token=token,
    )


def is_active(user: User) -> bool:
    """Address verified and account usable (notes, section 5); who has no address has none to verify."""
    return user.status == "active" and (user.email is None or user.email_verified_at is not None)


def user_change(body: wire.UserWrite) -> UserChange:
    """What is changed of the person; an empty name is none."""
    return UserChange(given_name=_text(body.name), family_name=_text(body.surname))


def kept_of(body: wire.UserWrite) -> wire.Kept:
    """What is changed of that which the dialect keeps."""
    named = {_EDITABLE: body.editable, _AVAILABLE: body.available_preference}
    return {name: value for name, value in named.items() if value is not UNSET}


def session_out(session: Session, user_number: int, now: datetime) -> wire.Session:
    """A session; of one that has ended no number is good any more (notes, section 4)."""
    is_over = session.ended_at is not None or session.expires_at <= now
    least = session.generation + 1 if is_over else sessions.least(session.generation)
    return wire.Session(
        creation_time=session.created_at,
        id=session.number,
        ip_address=session.address,
        is_expired=is_over,
        sequence=session.generation,
        sequence_minimum=least,
        usage_time=session.last_used_at,
        user_agent=session.user_agent,
        user_id=user_number,
    )


def personal_token_out(found: Credential, user_number: int, secret: str = "") -> wire.PersonalAccessToken:
    """A personal access token, with its secret where it was just made."""
    return wire.PersonalAccessToken(id=found.number, name=found.label, token=secret, user_id=user_number)


def settings_out(user: User) -> dict[str, Any]:
    """Stored settings over the defaults; the language is the one in which everything is said to the person."""
    defaults = msgspec.to_builtins(wire.UserSettings())
    stored = cast("dict[str, Any]", user.facets.get(NAME, {}).get(_SETTINGS, {}))
    found = {name: value for name, value in stored.items() if value is not None}
    return {**defaults, **found, "language": user.locale or ""}


def settings_kept(sent: dict[str, Any]) -> wire.Kept:
    """Settings as they are kept, which replace those before."""
    return {_SETTINGS: {name: value for name, value in sent.items() if name != "language"}}


def deployment_out(user: User) -> wire.UserDeploymentNotificationConfiguration:
    """The settings of deployment notifications."""
    stored = user.facets.get(NAME, {}).get(_DEPLOYMENT, {})
    known = msgspec.convert(stored, wire.UserDeploymentNotificationConfiguration)
    return msgspec.structs.replace(known, emails=known.emails or [], user_id=user.number)


def deployment_kept(body: wire.UserDeploymentNotificationConfiguration) -> wire.Kept:
    """The same as they are kept."""
    emails = [each for each in body.emails or [] if each]
    return {_DEPLOYMENT: {"emails": emails, "enabled": body.enabled, "notificationText": body.notification_text}}


def _text(value: str | UnsetType) -> str | UnsetType | None:
    return value if isinstance(value, UnsetType) else value.strip() or None
