"""Users: the directory's words and the wire's."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Final, get_args

import msgspec
from msgspec import UNSET, UnsetType

from roster.core.access.models import EffectiveRole, Wanted
from roster.core.access.summaries import Summary
from roster.core.access.vocabulary import Vocabulary
from roster.core.users.models import User, UserChange, UserDraft
from roster.dialects.fulfillmenttools.errors import FIRST_VERSION
from roster.dialects.fulfillmenttools.mapping import access
from roster.dialects.fulfillmenttools.wire import users as wire
from roster.dialects.fulfillmenttools.wire.base import ContextLimitation
from roster.kit import clock
from roster.kit.errors import InvalidInput

FACILITY: Final = access.KINDS["FACILITY"]
_GROUP: Final = access.KINDS["FACILITY_GROUP"]
_ZONE: Final = access.KINDS["ZONE"]
_LOCALES: Final = frozenset(get_args(wire.Locale))
_MOST_FACILITIES: Final = 23
_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"}
)


class Patch(msgspec.Struct, frozen=True):
    """What the actions of one request come to: of members named twice the last counts."""

    change: UserChange
    password: str | None
    wanted: list[Wanted] | None
    facilities: list[str] | None


# out


def user_out(
    user: User,
    roles: Sequence[Summary] = (),
    identities: Sequence[tuple[str, str]] = (),
    *,
    hidden: Collection[str] = (),
) -> wire.User:
    """A user with roles and external identities; `hidden` are attributes that nobody sees."""
    custom = {name: value for name, value in user.attributes.items() if name not in hidden}
    return wire.User(
        id=str(user.id),
        username=user.username,
        firstname=user.given_name or "",
        lastname=user.family_name or "",
        email=user.email or UNSET,
        locale=_locale_out(user.locale),
        version=user.version + FIRST_VERSION,
        created=clock.instant(user.created_at),
        last_modified=clock.instant(user.updated_at),
        last_login=clock.instant(user.last_sign_in_at) if user.last_sign_in_at else UNSET,
        authentication_provider=_provider(identities),
        assigned_roles=[_assigned(each) for each in roles],
        facility_limitations=_limitations(roles),
        assigned_facilities=[wire.AssignedFacility(id=each, facility_ref=each) for each in _attached(roles)],
        custom_claims=wire.CustomClaims(roles=[_claim(each) for each in roles]),
        custom_attributes=custom or UNSET,
    )


def _assigned(summary: Summary) -> wire.AssignedRole:
    context = access.contexts_out(summary.contexts)
    return wire.AssignedRole(ref=summary.role, context=context, context_limitations=context)


def _claim(summary: Summary) -> wire.UserRole:
    context = access.contexts_out(summary.contexts)
    named = summary.contexts.get(FACILITY)
    return wire.UserRole(name=summary.role, facilities=_few(named), context=context, context_limitations=context)


def _few(facilities: Sequence[str] | None) -> list[str] | UnsetType:
    """The old member has room for few; where there are more, the context alone says which."""
    return UNSET if facilities is None or len(facilities) > _MOST_FACILITIES else list(facilities)


def _attached(roles: Sequence[Summary]) -> list[str]:
    return sorted({each for role in roles for each in role.contexts.get(FACILITY, ())})


def _limitations(roles: Sequence[Summary]) -> list[str] | UnsetType:
    """All facilities that a role reaches; nothing at all as soon as one role is not limited."""
    found: set[str] = set()
    for each in roles:
        if each.facilities is None:
            return UNSET
        found.update(each.facilities)
    return sorted(found)


def _provider(identities: Sequence[tuple[str, str]]) -> wire.AuthenticationProvider:
    """Whoever has an external identity is shown with it, also when there is a password besides."""
    if not identities:
        return wire.AuthenticationProvider(type="EMAIL_PASSWORD")
    return wire.AuthenticationProvider(type="OIDC", id=identities[0][0])


def _locale_out(locale: str | None) -> str | UnsetType:
    """Languages that the dialect has no word for are left out."""
    found = (locale or "").replace("-", "_")
    return found if found in _LOCALES else UNSET


def effective_out(roles: Sequence[EffectiveRole], vocabulary: Vocabulary) -> list[wire.EffectiveRole]:
    """What each role of the caller gives."""
    return [_effective(each, access.contexts_out(each.limits), vocabulary) for each in roles]


def _effective(role: EffectiveRole, context: list[ContextLimitation], vocabulary: Vocabulary) -> wire.EffectiveRole:
    return wire.EffectiveRole(
        name=role.role_name,
        permissions=access.keys_out(role.permissions, vocabulary),
        context=context,
        context_limitations=context,
        facilities=_few(role.facilities),
    )


def roles_out(roles: Sequence[EffectiveRole], vocabulary: Vocabulary) -> list[wire.RoleOfUser]:
    """The roles of somebody."""
    return [
        wire.RoleOfUser(
            name=each.role_name,
            permissions=access.keys_out(each.permissions, vocabulary),
            facility_refs=UNSET if each.facilities is None else each.facilities,
            context=access.contexts_out(each.limits),
        )
        for each in roles
    ]


# in


def draft(body: wire.UserForCreation) -> UserDraft:
    """A user to be made. Raises InvalidInput."""
    return UserDraft(
        username=transliterated(body.username),
        given_name=body.firstname,
        family_name=body.lastname,
        email=body.email or None,
        locale=body.locale.replace("_", "-") if body.locale else None,
        attributes=_named(body.custom_attributes or {}),
    )


def wanted(body: wire.UserForCreation) -> list[Wanted]:
    """The roles of a new user, of which there is at least one. Raises InvalidInput."""
    given = _roles(body.assigned_roles, body.roles)
    if given is None:
        raise InvalidInput.of("assignedRoles", "required", "A user has at least one role.")
    return _placed(given, body.assigned_facilities or [])


def patch(user: User, actions: Sequence[wire.ModifyUserAction], hidden: Collection[str]) -> Patch:
    """What the actions come to for this user. Raises InvalidInput."""
    action = _together(actions)
    given, attached = _roles(action.assigned_roles, action.roles), action.assigned_facilities
    facilities = None
    if given is not None:
        given = _placed(given, attached or [])
    elif not isinstance(attached, UnsetType):
        facilities = [each.facility_ref for each in attached]
    change = UserChange(
        given_name=action.firstname,
        family_name=action.lastname,
        email=action.email,
        locale=_locale_in(action.locale),
        attributes=_replaced(user, action.custom_attributes, hidden),
    )
    return Patch(change, action.password or None, given, facilities)


def own_change(body: wire.ModifyUserPersonalData | wire.ModifyMe) -> UserChange:
    """What people change about themselves."""
    return UserChange(given_name=body.firstname, family_name=body.lastname, locale=_locale_in(body.locale))


def transliterated(username: str) -> str:
    """Umlauts in usernames are written out, as the product does."""
    return unicodedata.normalize("NFC", username).translate(_UMLAUTS)


def _together(actions: Sequence[wire.ModifyUserAction]) -> wire.ModifyUserAction:
    merged = wire.ModifyUserAction(action="ModifyUser")
    for action in actions:
        named = {name: getattr(action, name) for name in action.__struct_fields__}
        merged = msgspec.structs.replace(merged, **{name: value for name, value in named.items() if value is not UNSET})
    return merged


def _locale_in(locale: wire.Locale | UnsetType) -> str | UnsetType:
    return UNSET if isinstance(locale, UnsetType) else locale.replace("_", "-")


def _named(attributes: Mapping[str, object]) -> dict[str, object]:
    if any("." in name or name.startswith("$") for name in attributes):
        text = "The name of a custom attribute has no dot and begins with no dollar sign."
        raise InvalidInput.of("customAttributes", "invalid_name", text)
    return dict(attributes)


def _replaced(
    user: User, given: wire.Attributes | UnsetType | None, hidden: Collection[str]
) -> dict[str, object] | UnsetType:
    """The attributes as a change: those that are not sent go, but for those that nobody sees."""
    if isinstance(given, UnsetType):
        return UNSET
    gone: dict[str, object] = {name: None for name in user.attributes if name not in hidden}
    return {**gone, **_named(given or {})}


def _roles(
    assigned: Sequence[wire.AssignedRole] | UnsetType, roles: Sequence[wire.UserRole] | UnsetType
) -> list[Wanted] | None:
    """Of both forms the newer one counts; None when neither is there."""
    if not isinstance(assigned, UnsetType):
        return [Wanted(each.ref, _contexts(each, f"assignedRoles[{at}]")) for at, each in enumerate(assigned)]
    if not isinstance(roles, UnsetType):
        return [Wanted(each.name, _old_contexts(each, f"roles[{at}]")) for at, each in enumerate(roles)]
    return None


def _contexts(role: wire.AssignedRole | wire.UserRole, field: str) -> dict[str, list[str]]:
    given = role.context_limitations if isinstance(role.context, UnsetType) else role.context
    return {} if isinstance(given, UnsetType) else access.contexts_in(given, f"{field}.context")


def _old_contexts(role: wire.UserRole, field: str) -> dict[str, list[str]]:
    found = _contexts(role, field)
    if isinstance(role.facilities, UnsetType) or FACILITY in found:
        return found
    return {**found, FACILITY: list(role.facilities)}


def _placed(given: Sequence[Wanted], attached: Sequence[wire.AssignedFacilityForCreation]) -> list[Wanted]:
    """Facilities that are attached limit every role that names no place itself; zones in them limit it further."""
    if not attached:
        return list(given)
    places = {FACILITY: [each.facility_ref for each in attached]}
    zones = [zone.zone_ref for each in attached for zone in each.assigned_zones]
    more = {**places, _ZONE: zones} if zones else places
    return [
        each if FACILITY in each.contexts or _GROUP in each.contexts else Wanted(each.role, {**more, **each.contexts})
        for each in given
    ]
