"""Inviting people to organisations, and answering."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from roster.core.invitations.models import AT_ONCE, MOST, SET, Result
from roster.dialects.native.wire.base import Address, Input, Instant, Line, Locale, NewSecret, Output, Token


class Invitee(Input, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody by address, or by id when they are known already; names and language are for new accounts.

    `labels` of the organisation they carry from now on, and those of `label_names`.
    """

    email: Address | None = None
    user_id: UUID | None = None
    given_name: Line | None = None
    family_name: Line | None = None
    locale: Locale | None = None
    external_id: Line | None = None
    roles: Annotated[list[UUID], Meta(max_length=100)] = []
    labels: Annotated[list[UUID], Meta(max_length=100)] = []
    label_names: Annotated[list[Line], Meta(max_length=100)] = []


class Invite(Input, frozen=True, kw_only=True):
    """A few people. With `update` what is said about members is put in force, with `replace` nothing else stays.

    `create_labels` makes the labels that are named and missing; else nobody is invited who was to carry one.
    """

    people: Annotated[list[Invitee], Meta(min_length=1, max_length=AT_ONCE)]
    update: bool = False
    replace: bool = False
    create_labels: bool = False


class InviteMany(Input, frozen=True, kw_only=True):
    """The same for many."""

    people: Annotated[list[Invitee], Meta(min_length=1, max_length=MOST)]
    update: bool = False
    replace: bool = False
    create_labels: bool = False


class Outcome(Output, frozen=True, kw_only=True):
    """What became of one person; `problem` says why they were not invited."""

    result: Result
    email: str | None
    user_id: UUID | None
    is_new: bool
    problem: str | None


class Outcomes(Output, frozen=True, kw_only=True):
    """One for each person, in the order of the request."""

    items: list[Outcome]


class Batch(Output, frozen=True, kw_only=True):
    """Many people invited in the background: `queued`, `done` or `failed`; the counts say what became of them."""

    id: UUID
    org_id: UUID
    state: str
    people: int
    invited: int
    updated: int
    skipped: int
    failed: int
    error: str | None
    created_at: Instant
    finished_at: Instant | None


class Resend(Input, frozen=True, kw_only=True):
    """Whose invitations are to be sent again."""

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=SET)]


class Resent(Output, frozen=True, kw_only=True):
    """To whom they went."""

    user_ids: list[UUID]


class OwnInvitation(Output, frozen=True, kw_only=True):
    """An invitation that one has not answered; `token` answers it."""

    org_id: UUID
    org_number: int
    org_name: str
    token: str
    sent_at: Instant
    expires_at: Instant


class Accept(Input, frozen=True, kw_only=True):
    """The token; whoever has no account yet chooses a password too, and may say their names."""

    token: Token
    password: NewSecret | None = None
    given_name: Line | None = None
    family_name: Line | None = None


class Decline(Input, frozen=True, kw_only=True):
    """The token."""

    token: Token
