"""Whom to invite, what became of it, and the invitations themselves."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from roster.core.orgs.models import Facets
from roster.kit.ids import LabelId, OrgId, RoleId, UserId

AT_ONCE = 10
"""People whom front doors invite while the caller waits; more are invited by a job."""
SET = 500
"""People who are invited in one transaction."""
MOST = 20_000
"""People in one batch."""

Line = Annotated[str, Meta(max_length=200)]


class Invitee(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody to invite: by address, or by id when the actor may know them. Names and language are for new accounts.

    `roles` are roles of the organisation that they get on joining; `external_id` and `facets` are what the organisation
    says about them. `labels`, of the organisation, they carry from now on; `label_names` are more of them by name.
    """

    email: Annotated[str, Meta(max_length=320)] | None = None
    user_id: UserId | None = None
    given_name: Line | None = None
    family_name: Line | None = None
    locale: Annotated[str, Meta(max_length=35)] | None = None
    external_id: Line | None = None
    facets: Facets = {}
    roles: Annotated[list[RoleId], Meta(max_length=100)] = []
    labels: Annotated[list[LabelId], Meta(max_length=100)] = []
    label_names: Annotated[list[Line], Meta(max_length=100)] = []


class Options(msgspec.Struct, frozen=True):
    """With `update` what is said about members, pending ones included, is put in force instead of leaving them out;
    with `replace` their roles and labels become exactly those named, and what was said of them before goes.
    `create_labels` makes the labels that are named and missing; else whoever was to carry one is not invited.
    """

    update: bool = False
    replace: bool = False
    create_labels: bool = False


class Result(StrEnum):
    """What became of one person."""

    INVITED = "invited"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one person, and why not; `is_new` says that an account was made for them."""

    result: Result
    email: str | None = None
    user_id: UserId | None = None
    is_new: bool = False
    problem: str | None = None


class Batch(msgspec.Struct, frozen=True):
    """Many people who are invited by a job; `people` is their number, the others count what became of them."""

    id: UUID
    org_id: OrgId
    state: str
    people: int
    invited: int
    updated: int
    skipped: int
    failed: int
    options: dict[str, object]
    link: str
    actor: dict[str, object]
    error: str | None
    created_at: datetime
    created_by: UUID | None
    finished_at: datetime | None


class Open(msgspec.Struct, frozen=True):
    """An invitation that has not been answered, with as much of the person as answering it takes.

    `is_confirmed` says that their address, if any, is verified.
    """

    id: UUID
    org_id: OrgId
    user_id: UserId
    generation: int
    username: str
    email: str | None
    status: str
    expires_at: datetime
    sent_at: datetime
    is_confirmed: bool


class Own(msgspec.Struct, frozen=True):
    """One's own open invitation; `token` answers it."""

    org_id: OrgId
    org_number: int
    org_name: str
    token: str
    sent_at: datetime
    expires_at: datetime


class Shown(msgspec.Struct, frozen=True):
    """What an invitation tells whoever has it. `needs_account`: names and a password are asked for."""

    org_id: OrgId
    org_name: str
    email: str | None
    needs_account: bool
    needs_second_factor: bool
    expires_at: datetime
