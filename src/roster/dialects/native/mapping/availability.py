"""Whether people can be called on."""

from uuid import UUID

from roster.core.availability import models
from roster.core.memberships.models import Member
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.wire import availability as wire
from roster.kit.ids import OrgId


def org_id_in(value: UUID | None) -> OrgId | None:
    """An organisation that a body or a query names, or none."""
    return None if value is None else OrgId(value)


def preference_out(found: models.Preference) -> wire.Preference:
    """What somebody has said."""
    return wire.Preference(organisation_id=found.org_id, available=found.available, changed_at=maybe(found.changed_at))


def weekly_out(found: models.Weekly) -> wire.WeeklyChange:
    """A weekly change."""
    return wire.WeeklyChange(
        id=found.id,
        organisation_id=found.org_id,
        day=found.day,
        second=found.second,
        available=found.available,
        active=found.active,
    )


def weekly_draft(body: wire.WeeklyChangeWrite) -> models.WeeklyDraft:
    """A weekly change as it is to be."""
    return models.WeeklyDraft(body.day, body.second, body.available, org_id_in(body.organisation_id), body.active)


def planned_out(found: models.Planned) -> wire.PlannedChange:
    """A change that comes once."""
    return wire.PlannedChange(
        id=found.id, organisation_id=found.org_id, at=instant(found.at), available=found.available
    )


def absence_out(found: models.Absence) -> wire.Absence:
    """An absence."""
    return wire.Absence(starts_at=instant(found.starts_at), ends_at=instant(found.ends_at))


def member_out(member: Member, status: models.Status | None) -> wire.MemberAvailability:
    """How it stands with a member."""
    return wire.MemberAvailability(
        user_id=member.person.id,
        number=member.person.number,
        preferred=status is not None and status.preferred,
        available=status is not None and status.available,
    )


def counts_out(found: models.TreeCounts) -> wire.TreeCounts:
    """How many can be called on."""
    return wire.TreeCounts(alone=_counts(found.alone), whole=_counts(found.whole))


def _counts(found: models.Counts) -> wire.Counts:
    return wire.Counts(available=found.available, not_available=found.not_available)
