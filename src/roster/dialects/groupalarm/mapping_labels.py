"""Labels: the directory's words and the wire's, both ways. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from roster.core.labels.models import Facets, OrgLabel
from roster.core.memberships.models import Carrier
from roster.dialects.groupalarm import wire_labels
from roster.dialects.groupalarm.mapping import NAME
from roster.kit.errors import InvalidInput
from roster.kit.ids import LabelId, OrgId


class Kept(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is kept of a label for this API only; `smart` computes who carries it, `substitute` is another's number."""

    color: str = ""
    description: str = ""
    minimum_users: int = 0
    pauseable_users: list[int] | None = None
    priority: int = 0
    smart: wire_labels.SmartLabelConfiguration | None = None
    substitute: int = 0


class Known(msgspec.Struct, frozen=True):
    """What labels refer to: numbers of organisations, other labels by number, who carries each, and who of these can be
    called on, by membership.
    """

    organizations: Mapping[OrgId, int]
    labels: Mapping[int, OrgLabel]
    carriers: Mapping[LabelId, Sequence[Carrier]]
    ready: set[UUID]


def kept(label: OrgLabel) -> Kept:
    """What is kept for this API."""
    return msgspec.convert(label.facets.get(NAME, {}), Kept)


def is_smart(label: OrgLabel) -> bool:
    """Whether it is computed who carries it."""
    return kept(label).smart is not None


def referred(label: OrgLabel) -> set[int]:
    """Numbers of the labels that this one refers to."""
    found = kept(label)
    return {each for each in (*_parts(found), found.substitute) if each}


def label_out(label: OrgLabel, known: Known, *, nested: bool = False) -> wire_labels.Label:
    """A label, with its substitute unless it stands in another one itself."""
    found = kept(label)
    carriers = _carriers(label, known)
    numbers = sorted(carriers)
    substitute = None if nested else known.labels.get(found.substitute)
    return wire_labels.Label(
        assignees=numbers,
        available_users=len([each for each in carriers.values() if each in known.ready]),
        color=found.color,
        description=found.description,
        id=label.number,
        minimum_users=found.minimum_users,
        name=label.name,
        organization_id=known.organizations[label.org_id],
        pauseable_users=None
        if found.pauseable_users is None
        else [each for each in found.pauseable_users if each in carriers],
        priority=found.priority,
        smart_label_configuration=UNSET if found.smart is None else found.smart,
        substitute=UNSET if substitute is None else label_out(substitute, known, nested=True),
    )


def facets(body: wire_labels.LabelWrite) -> Facets:
    """What is kept of a label as sent. Raises InvalidInput for a rule that computes nothing."""
    smart = body.smart_label_configuration
    if smart is not None and smart.geofence_ids:
        raise InvalidInput.of("smartLabelConfiguration.geofenceIDs", "not_supported", "Geofences are not known here.")
    if smart is not None and len(set(smart.label_ids or ())) < 2:
        raise InvalidInput.of("smartLabelConfiguration.labelIDs", "too_few", "Name at least two different labels.")
    rule = None if smart is None else msgspec.structs.replace(smart, geofence_ids=[])
    found = Kept(
        body.color,
        body.description,
        body.minimum_users,
        body.pauseable_users,
        body.priority,
        rule,
        body.substitute.id if body.substitute else 0,
    )
    return {NAME: cast("dict[str, object]", msgspec.to_builtins(found))}


def require_usable(label: OrgLabel | None, body: wire_labels.LabelWrite, others: Mapping[int, OrgLabel]) -> None:
    """Raise InvalidInput unless the labels that one refers to are others that the organisation has, and a rule's parts
    are no rules themselves.
    """
    own = label.number if label else 0
    if body.substitute and body.substitute.id and (body.substitute.id not in others or body.substitute.id == own):
        raise InvalidInput.of("substitute", "unknown_label", "There is no such label to stand in.")
    smart = body.smart_label_configuration
    for number in (smart.label_ids or ()) if smart else ():
        part = others.get(number)
        if part is None or number == own or is_smart(part):
            text = f"A computed label is made of others that are not computed; {number} is none."
            raise InvalidInput.of("smartLabelConfiguration.labelIDs", "unknown_label", text)


def named(body: wire_labels.LabelWrite) -> set[int]:
    """Numbers of the labels that a body refers to."""
    smart = body.smart_label_configuration
    substitute = body.substitute.id if body.substitute else 0
    return {each for each in (*((smart.label_ids or ()) if smart else ()), substitute) if each}


def _parts(found: Kept) -> Iterable[int]:
    return (found.smart.label_ids or ()) if found.smart else ()


def _carriers(label: OrgLabel, known: Known) -> Mapping[int, UUID]:
    """Numbers of those who carry it, and their memberships."""
    found = kept(label)
    if found.smart is None:
        return _of(label, known)
    parts = [_of(known.labels.get(each), known) for each in _parts(found)]
    either = {number: membership_id for part in parts for number, membership_id in part.items()}
    if found.smart.conjunction_type == "or":
        return either
    return {number: each for number, each in either.items() if all(number in part for part in parts)}


def _of(label: OrgLabel | None, known: Known) -> Mapping[int, UUID]:
    """A label that is gone is carried by nobody."""
    return {each.number: each.membership_id for each in known.carriers.get(label.id, ())} if label else {}
