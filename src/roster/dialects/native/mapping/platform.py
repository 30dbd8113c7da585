"""Realms, custom fields, the trail, events, messages, imports."""

from typing import Any, cast

import msgspec

from roster.bus.models import Event
from roster.core.attributes.models import Definition, DefinitionDraft
from roster.core.audit.models import Entry
from roster.core.realms import client_keys
from roster.core.realms.models import Realm, RealmChange
from roster.core.transfer.models import ImportOptions, Transfer
from roster.dialects.native.mapping.base import instant, maybe
from roster.dialects.native.wire import platform
from roster.kit.secrets import Keyring
from roster.messaging.models import Message
from roster.messaging.texts import Text


def realm_out(realm: Realm, keyring: Keyring) -> platform.Realm:
    """A realm with all its settings, defaults included."""
    return platform.Realm(
        id=realm.id,
        slug=realm.slug,
        display_name=realm.display_name,
        status=realm.status,  # type: ignore[arg-type]
        settings=msgspec.to_builtins(realm.settings),
        fulfillmenttools_api_key=client_keys.write(keyring, realm.id),
        version=realm.version,
        created_at=instant(realm.created_at),
        updated_at=instant(realm.updated_at),
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
        created_at=instant(definition.created_at),
        updated_at=instant(definition.updated_at),
    )


def attribute_in(body: platform.AttributePut) -> DefinitionDraft:
    """A definition to be stored."""
    return DefinitionDraft(body.kind, body.label, body.required, body.choices, body.visibility, body.writable_by)


def entry_out(entry: Entry, unseen: frozenset[str]) -> platform.Entry:
    """One change in the trail, without the values of custom fields that nobody sees."""
    values: dict[str, Any] = msgspec.structs.asdict(entry)
    values["at"] = instant(entry.at)
    values["changes"] = {name: _seen(name, each, unseen) for name, each in entry.changes.items()}
    return platform.Entry(**values)


def _seen(name: str, change: Any, unseen: frozenset[str]) -> Any:
    if name != "attributes" or not unseen or not isinstance(change, list):
        return change
    sides = cast("list[object]", change)
    return [_without(cast("dict[str, object]", each), unseen) if isinstance(each, dict) else each for each in sides]


def _without(fields: dict[str, object], unseen: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in unseen}


def event_out(event: Event) -> platform.Event:
    """Something that happened."""
    fields = event.payload.get("fields")
    names = [str(each) for each in fields] if isinstance(fields, list) else []  # type: ignore[reportUnknownVariableType]
    return platform.Event(id=event.id, at=instant(event.at), type=event.type, subject_id=event.subject_id, fields=names)


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
        "due_at": instant(message.due_at),
        "created_at": instant(message.created_at),
        "sent_at": maybe(message.sent_at),
    }


def import_out(transfer: Transfer) -> platform.Import:
    """An import and how far it is."""
    return platform.Import(
        id=transfer.id,
        format=transfer.format,
        state=transfer.state,  # type: ignore[arg-type]
        dry_run=transfer.dry_run,
        name=transfer.name,
        bytes_total=transfer.bytes_total,
        bytes_done=transfer.bytes_done,
        rows_created=transfer.rows_created,
        rows_updated=transfer.rows_updated,
        rows_unchanged=transfer.rows_unchanged,
        rows_failed=transfer.rows_failed,
        existing=msgspec.convert(transfer.options, ImportOptions).existing,
        summary=transfer.summary,
        error=transfer.error,
        created_at=instant(transfer.created_at),
        created_by=transfer.created_by,
        started_at=maybe(transfer.started_at),
        finished_at=maybe(transfer.finished_at),
    )
