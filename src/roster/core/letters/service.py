"""Use cases over templates and letters. Each checks the actor, changes, and writes the trail where something stays."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

from markupsafe import escape

from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.letters import store
from roster.core.letters.models import Letter, Template, TemplateChange, TemplateDraft
from roster.core.messages import service as messages
from roster.kit.errors import InvalidInput
from roster.kit.ids import uuid7
from roster.kit.patch import is_set
from roster.storage.tx import Tx

TEMPLATE: Final = "letter"
"""The template of the message queue that these go out by: what it shows is theirs as it is."""
_MOST_RECIPIENTS: Final = 500
_HOLE: Final = re.compile(r"\{\{\s*([A-Za-z_][\w.-]{0,100})\s*\}\}")
_CONTENT: Final = re.compile(r"\{\{\s*content\s*\}\}")
_TRACKED: Final = ("subject", "html", "owner", "layout_id")


async def get_template(tx: Tx, template_id: UUID) -> Template:
    """One template. Raises TemplateNotFound. Needs `messages.write`."""
    access.require(tx, "messages.write")
    return await store.find(tx, template_id)


async def create_template(tx: Tx, draft: TemplateDraft) -> Template:
    """A new template. Raises TemplateNotFound for an unknown layout, InvalidInput. Needs `messages.write`."""
    access.require(tx, "messages.write")
    if draft.layout_id is not None:
        layout = await store.find(tx, draft.layout_id)
        if not _CONTENT.search(layout.html):
            raise InvalidInput.of("layout", "no_content", "A layout has {{content}} somewhere.")
    made = await store.insert(tx, uuid7(), draft)
    await audit.record(tx, "template.created", "template", made.id, audit.made(made, _TRACKED))
    return made


async def change_template(tx: Tx, template_id: UUID, change: TemplateChange) -> Template:
    """Change a template's words. Raises TemplateNotFound. Needs `messages.write`."""
    access.require(tx, "messages.write")
    before = await store.lock(tx, template_id)
    subject = change.subject if is_set(change.subject) else before.subject
    html = change.html if is_set(change.html) else before.html
    after = await store.update(tx, template_id, subject, html)
    await audit.record(tx, "template.changed", "template", template_id, audit.differences(before, after, _TRACKED))
    return after


async def by_template(tx: Tx, template_id: UUID, arguments: Mapping[str, object], sender: str | None = None) -> Letter:
    """A letter by a template, within its layout. Raises TemplateNotFound. Needs `messages.write`."""
    template = await get_template(tx, template_id)
    html = template.html
    if template.layout_id is not None:
        layout = await store.find(tx, template.layout_id)
        html = _CONTENT.sub(lambda _: template.html, layout.html)
    return Letter(template.subject, html, dict(arguments), sender)


async def send(tx: Tx, letter: Letter, recipients: Sequence[str]) -> Letter:
    """Queue a letter to each of these addresses; what it says, filled in. Raises InvalidInput.

    Needs `messages.write`.
    """
    access.require(tx, "messages.write")
    require_few(recipients)
    said = filled(letter)
    values = {"subject": said.subject, "html": said.html, "sender": said.sender}
    for recipient in recipients:
        await messages.send(tx, TEMPLATE, values, user_id=None, recipient=recipient, locale=None)
    return said


def require_few(recipients: Sequence[str]) -> None:
    """Raise InvalidInput for more recipients than one letter may have, or none."""
    if not 0 < len(recipients) <= _MOST_RECIPIENTS:
        text = f"A letter goes to at least one and at most {_MOST_RECIPIENTS} addresses."
        raise InvalidInput.of("to", "length", text)


def filled(letter: Letter) -> Letter:
    """With its arguments in it: as text in the subject, escaped in the HTML; what has no value is left out."""

    def plain(found: re.Match[str]) -> str:
        return _value(letter.arguments, found[1])

    def html(found: re.Match[str]) -> str:
        return str(escape(_value(letter.arguments, found[1])))

    return Letter(_HOLE.sub(plain, letter.subject), _HOLE.sub(html, letter.html), {}, letter.sender)


def _value(arguments: Mapping[str, object], name: str) -> str:
    """The value at a dotted path, as text."""
    found: object = cast("object", arguments)
    for part in name.split("."):
        found = cast("Mapping[str, object]", found).get(part) if isinstance(found, Mapping) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, (str, int, float)) else ""
