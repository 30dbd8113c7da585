"""Realms, custom fields, the trail, events, messages, imports and exports."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from roster.dialects.native.wire.base import Input, Instant, Line, Output, PageQuery, SearchQuery, Slug, Where

Settings = dict[str, Any]


class Realm(Output, frozen=True, kw_only=True):
    """A tenant and its rules. A disabled realm refuses every sign-in and every token."""

    id: UUID
    slug: str
    display_name: str
    status: Literal["active", "disabled"]
    settings: Settings
    fulfillmenttools_api_key: Annotated[str, Meta(description="What `key` is for the realm when signing in there.")]
    version: int
    created_at: Instant
    updated_at: Instant


class RealmCreate(Input, frozen=True, kw_only=True):
    """A realm to be made; settings that are not named have their defaults."""

    slug: Slug
    display_name: Line = ""
    settings: Settings = {}


class RealmPatch(Input, frozen=True, kw_only=True):
    """A merge patch of a realm: settings named replace those of the same name."""

    display_name: Line | UnsetType = UNSET
    status: Literal["active", "disabled"] | UnsetType = UNSET
    settings: Settings | UnsetType = UNSET


AttributeKind = Literal["text", "integer", "number", "boolean", "instant", "list", "any"]
AttributeVisibility = Literal["basic", "private", "hidden"]
Writer = Literal["self", "administrator"]


class Attribute(Output, frozen=True, kw_only=True):
    """The definition of a custom field of people."""

    name: str
    kind: AttributeKind
    label: str
    required: bool
    choices: list[Any] | None
    visibility: AttributeVisibility
    writable_by: Writer
    created_at: Instant
    updated_at: Instant


class AttributePut(Input, frozen=True, kw_only=True):
    """What values a field takes, who may see them and who may write them."""

    kind: AttributeKind
    label: Line = ""
    required: bool = False
    choices: Annotated[list[Any], Meta(max_length=500)] | None = None
    visibility: AttributeVisibility = "private"
    writable_by: Writer = "administrator"


class Entry(Output, frozen=True, kw_only=True):
    """One change in the trail. `changes` maps a member to its value before and after."""

    id: UUID
    at: Instant
    action: str
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    acting_for: UUID | None
    acting_for_name: str
    session_id: UUID | None
    device_id: UUID | None
    dialect: str
    request_id: str
    address: str
    subject_kind: str
    subject_id: UUID | None
    changes: dict[str, Any]


class AuditQuery(SearchQuery, frozen=True, kw_only=True):
    """Which entries."""


class Event(Output, frozen=True, kw_only=True):
    """Something that happened: the data of a server-sent event, whose `id` is a cursor and whose `event` the type."""

    id: UUID
    at: Instant
    type: str
    subject_id: UUID | None
    fields: list[str]


class EventsQuery(Input, frozen=True, kw_only=True):
    """Which events."""

    types: (
        Annotated[str, Meta(max_length=1000, description="Types, with commas: `user.created,user.deleted`.")] | None
    ) = None
    after: Annotated[str, Meta(max_length=40, description="As the header `Last-Event-ID`.")] | None = None


class Message(Output, frozen=True, kw_only=True):
    """An outgoing message."""

    id: UUID
    user_id: UUID | None
    channel: Literal["mail", "sms", "push"]
    recipient: str
    template: str
    locale: str | None
    state: Literal["queued", "sent", "failed"]
    attempts: int
    error: str | None
    due_at: Instant
    created_at: Instant
    sent_at: Instant | None


class RenderedMessage(Message, frozen=True, kw_only=True):
    """A message as its reader sees it. What was sent is kept without its text, which holds one-time links."""

    subject: str | None
    text: str | None
    html: str | None


class MessagesQuery(PageQuery, frozen=True, kw_only=True):
    """Which messages."""

    state: Literal["queued", "sent", "failed"] | None = None
    user_id: UUID | None = None


class Import(Output, frozen=True, kw_only=True):
    """An import and how far it is. Counts of a dry run say what would happen."""

    id: UUID
    format: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    dry_run: bool
    name: str
    bytes_total: int | None
    bytes_done: int
    rows_created: int
    rows_updated: int
    rows_unchanged: int
    rows_failed: int
    existing: Literal["update", "skip", "replace"]
    summary: dict[str, Any]
    error: str | None
    created_at: Instant
    created_by: UUID | None
    started_at: Instant | None
    finished_at: Instant | None


class ImportQuery(Input, frozen=True, kw_only=True):
    """What the file is, and what happens to people who exist already.

    `update` changes what the file names, `replace` replaces passwords and second factors too, `skip` leaves them alone.
    """

    format: Annotated[
        Literal["roster", "csv", "keycloak", "fruster"], Meta(description="`roster` is NDJSON, a person a line.")
    ]
    dry_run: Annotated[bool, Meta(description="Only count what would happen.")] = False
    existing: Literal["update", "skip", "replace"] = "update"
    name: Annotated[str, Meta(max_length=200, description="Of the file, for people who look at the list.")] = ""


class ReportQuery(Input, frozen=True, kw_only=True):
    """In what form."""

    format: Literal["ndjson", "csv"] = "ndjson"


class ExportQuery(Input, frozen=True, kw_only=True):
    """Whom, what and in what form. Without `fields` everything but secrets."""

    format: Literal["ndjson", "csv"] = "ndjson"
    filter: Where | None = None
    fields: Annotated[str, Meta(max_length=2000, description="Names with commas.")] | None = None
    secrets: Annotated[bool, Meta(description="Password hashes too, for moving to another installation.")] = False
