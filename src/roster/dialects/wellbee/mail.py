"""`mail-service`: mail that other services want sent, templates for it, and mails of which many become few."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from roster.core.letters import grouping
from roster.core.letters import service as letters
from roster.core.letters.errors import TemplateNotFound
from roster.core.letters.models import Letter, Template, TemplateChange, TemplateDraft
from roster.core.users import service as users
from roster.dialects.wellbee.refusals import FieldsMissing, NotTheOwner
from roster.dialects.wellbee.subjects import Services
from roster.kit import clock, ids
from roster.kit.errors import InvalidInput
from roster.storage.tx import Tx
from roster.web.operation import Operations

ops: Final = Operations(tag="mail")
services: Final = Services(tag="mail-service")

Address = Annotated[str, Meta(min_length=3, max_length=320)]


class Mail(msgspec.Struct, frozen=True, rename="camel"):
    """A mail to one or more addresses: by a template, or with a subject and a message."""

    to: Address | list[Address]
    sender: str | None = msgspec.field(default=None, name="from")
    subject: str | None = None
    message: str | None = None
    template_id: str | None = None
    template_args: dict[str, object] = {}

    @property
    def recipients(self) -> list[str]:
        """All addresses, each once."""
        return [self.to] if isinstance(self.to, str) else list(dict.fromkeys(self.to))


class GroupedMail(Mail, frozen=True, rename="camel", kw_only=True):
    """The same, of one kind."""

    key: Annotated[str, Meta(min_length=1, max_length=200)]


class Sent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What was sent."""

    subject: str
    body: str
    to: str | list[str]
    sender: str = msgspec.field(name="from")
    template_id: str | None = None


class TemplateMade(msgspec.Struct, frozen=True):
    """A template to be stored."""

    subject: str
    html: str
    layout: str | None = None
    owner: str | None = None


class TemplateWords(msgspec.Struct, frozen=True):
    """What may be changed of one."""

    subject: str | UnsetType = UNSET
    html: str | UnsetType = UNSET


class ById(msgspec.Struct, frozen=True):
    """Which template, among the parameters of the message."""

    id: str


class Times(msgspec.Struct, frozen=True):
    """When something was made and last changed."""

    created: str
    updated: str


class TemplateShown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A template."""

    id: str
    subject: str
    html: str
    metadata: Times
    layout: str | None = None
    owner: str | None = None


@services.serve("mail-service.send-mail", id="svc-mail-send", errors=(FieldsMissing,))
async def send(tx: Tx, body: Mail) -> Sent:
    """Send a mail."""
    said = await letters.send(tx, await _letter(tx, body), body.recipients)
    sender = body.sender or tx.runtime.settings.mail.sender
    return Sent(said.subject, said.html, body.to, sender, body.template_id)


@services.serve("mail-service.send", id="svc-mail-send-deprecated", errors=(FieldsMissing,))
async def send_as_before(tx: Tx, body: Mail) -> Sent:
    """The same under its old name."""
    return await send(tx, body)


@services.serve("mail-service.send-grouped-mail", id="svc-mail-send-grouped", errors=(FieldsMissing,))
async def send_grouped(tx: Tx, body: GroupedMail) -> None:
    """Send a mail of one kind, or hold it, so that its reader gets few of them."""
    await grouping.send(tx, body.key, await _letter(tx, body), body.recipients)


@services.serve("mail-service.process-grouped-mail-timeouts", id="svc-mail-process-timeouts")
async def process_timeouts(tx: Tx) -> None:
    """Send what was held for long enough; done every minute anyway."""
    await grouping.flush(tx)


@services.serve("mail-service.get-template-by-id", id="svc-mail-template-get", writes=False, errors=(TemplateNotFound,))
async def get_template_by_id(tx: Tx, query: ById) -> TemplateShown:
    """One template."""
    return _shown(await letters.get_template(tx, _template_id(query.id)))


@ops.post("/mail/template", id="mail-template-create", needs="mail.template.create")
async def create_template(tx: Tx, body: TemplateMade) -> TemplateShown:
    """Store a template."""
    layout = None
    if body.layout is not None:
        layout = ids.parse(body.layout)
        if layout is None:
            raise InvalidInput.of("layout", "invalid", "should be the id of a template")
    return _shown(await letters.create_template(tx, TemplateDraft(body.subject, body.html, layout, body.owner)))


@ops.get("/mail/template/{id}", id="mail-template-get", needs="mail.template.get", errors=(TemplateNotFound,))
async def get_template(tx: Tx, id: str) -> TemplateShown:
    """Read a template."""
    return _shown(await _own(tx, id))


@ops.put("/mail/template/{id}", id="mail-template-update", needs="mail.template.update", errors=(TemplateNotFound,))
async def update_template(tx: Tx, id: str, body: TemplateWords) -> TemplateShown:
    """Change subject or HTML of a template."""
    known = await _own(tx, id)
    return _shown(await letters.change_template(tx, known.id, TemplateChange(body.subject, body.html)))


async def _letter(tx: Tx, body: Mail) -> Letter:
    """By the template, if one is named; else with the words of the request, whose line breaks are kept."""
    if body.template_id is not None:
        return await letters.by_template(tx, _template_id(body.template_id), body.template_args, body.sender)
    if not body.subject or not body.message:
        raise FieldsMissing
    html = body.message.replace("\r\n", "\n").replace("\n", "<br/>")
    return Letter(body.subject, html, body.template_args, body.sender)


async def _own(tx: Tx, id: str) -> Template:
    """A template that is nobody's, or of the caller's. Raises TemplateNotFound, NotTheOwner."""
    found = await letters.get_template(tx, _template_id(id))
    field = tx.runtime.settings.dialects.wellbee.template_owner_field
    if field and found.owner is not None and tx.actor.user_id is not None:
        person = await users.get(tx, tx.actor.user_id)
        if str(person.attributes.get(field)) != found.owner:
            raise NotTheOwner
    return found


def _template_id(text: str) -> UUID:
    found = ids.parse(text)
    if found is None:
        raise TemplateNotFound
    return found


def _shown(template: Template) -> TemplateShown:
    times = Times(clock.instant(template.created_at), clock.instant(template.updated_at))
    layout = None if template.layout_id is None else str(template.layout_id)
    return TemplateShown(str(template.id), template.subject, template.html, times, layout, template.owner)
