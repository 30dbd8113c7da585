"""Invitations."""

from collections.abc import Sequence

from msgspec import UNSET

from roster.core.invitations import models
from roster.core.users.models import UserChange
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.wire import invitations as wire
from roster.kit.ids import LabelId, RoleId, UserId


def invitees_in(people: Sequence[wire.Invitee]) -> list[models.Invitee]:
    """Whom to invite."""
    return [_invitee_in(each) for each in people]


def _invitee_in(each: wire.Invitee) -> models.Invitee:
    return models.Invitee(
        email=each.email,
        user_id=UserId(each.user_id) if each.user_id else None,
        given_name=each.given_name,
        family_name=each.family_name,
        locale=each.locale,
        external_id=each.external_id,
        roles=[RoleId(role_id) for role_id in each.roles],
        labels=[LabelId(label_id) for label_id in each.labels],
        label_names=each.label_names,
    )


def names_in(given_name: str | None, family_name: str | None) -> UserChange:
    """What somebody says about themselves when they accept; what they leave out stays."""
    return UserChange(given_name=given_name or UNSET, family_name=family_name or UNSET)


def outcome_out(outcome: models.Outcome) -> wire.Outcome:
    """What became of one person."""
    return wire.Outcome(
        result=outcome.result,
        email=outcome.email,
        user_id=outcome.user_id,
        is_new=outcome.is_new,
        problem=outcome.problem,
    )


def batch_out(batch: models.Batch) -> wire.Batch:
    """How far a job is."""
    return wire.Batch(
        id=batch.id,
        org_id=batch.org_id,
        state=batch.state,
        people=batch.people,
        invited=batch.invited,
        updated=batch.updated,
        skipped=batch.skipped,
        failed=batch.failed,
        error=batch.error,
        created_at=instant(batch.created_at),
        finished_at=maybe(batch.finished_at),
    )


def own_out(own: models.Own) -> wire.OwnInvitation:
    """One's own open invitation."""
    return wire.OwnInvitation(
        org_id=own.org_id,
        org_number=own.org_number,
        org_name=own.org_name,
        token=own.token,
        sent_at=instant(own.sent_at),
        expires_at=instant(own.expires_at),
    )
