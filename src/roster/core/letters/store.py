"""SQL of templates and of mails that are held."""

from datetime import datetime
from uuid import UUID

from roster.core.letters.errors import TemplateNotFound
from roster.core.letters.models import Group, Template, TemplateDraft
from roster.storage.tx import Tx

_TEMPLATE = "id, owner, subject, html, layout_id, version, created_at, created_by, updated_at, updated_by"
_GROUP = "id, key, recipient, level, held, sealed, due_at"


async def find(tx: Tx, template_id: UUID) -> Template:
    return await tx.one(
        Template,
        "SELECT " + _TEMPLATE + " FROM letter_templates WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        template_id,
        missing=TemplateNotFound,
    )


async def lock(tx: Tx, template_id: UUID) -> Template:
    return await tx.one(
        Template,
        "SELECT " + _TEMPLATE + " FROM letter_templates WHERE realm_id = $1 AND id = $2 FOR NO KEY UPDATE",
        tx.realm_id,
        template_id,
        missing=TemplateNotFound,
    )


async def insert(tx: Tx, template_id: UUID, draft: TemplateDraft) -> Template:
    return await tx.one(
        Template,
        "INSERT INTO letter_templates (realm_id, id, owner, subject, html, layout_id, created_at, created_by,"
        " updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $8) RETURNING " + _TEMPLATE,
        tx.realm_id,
        template_id,
        draft.owner,
        draft.subject,
        draft.html,
        draft.layout_id,
        tx.now,
        tx.actor.user_id,
        missing=TemplateNotFound,
    )


async def update(tx: Tx, template_id: UUID, subject: str, html: str) -> Template:
    return await tx.one(
        Template,
        "UPDATE letter_templates SET subject = $3, html = $4, version = version + 1, updated_at = $5, updated_by = $6"
        " WHERE realm_id = $1 AND id = $2 RETURNING " + _TEMPLATE,
        tx.realm_id,
        template_id,
        subject,
        html,
        tx.now,
        tx.actor.user_id,
        missing=TemplateNotFound,
    )


async def lock_group(tx: Tx, new_id: UUID, key: str, recipient: str) -> tuple[Group, bool]:
    """The group of these mails, locked, and whether it has just been made."""
    made = await tx.run(
        "INSERT INTO letter_groups (realm_id, id, key, recipient, due_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (realm_id, key, recipient) DO NOTHING",
        tx.realm_id,
        new_id,
        key,
        recipient,
        tx.now,
    )
    found = await tx.one(
        Group,
        "SELECT " + _GROUP + " FROM letter_groups WHERE realm_id = $1 AND key = $2 AND recipient = $3 FOR UPDATE",
        tx.realm_id,
        key,
        recipient,
        missing=TemplateNotFound,
    )
    return found, made == 1


async def set_group(tx: Tx, group: Group) -> None:
    await tx.run(
        "UPDATE letter_groups SET level = $3, held = $4, sealed = $5, due_at = $6 WHERE realm_id = $1 AND id = $2",
        tx.realm_id,
        group.id,
        group.level,
        group.held,
        group.sealed,
        group.due_at,
    )


async def due_groups(tx: Tx, latest: datetime, limit: int) -> list[Group]:
    """Groups of the realm whose time has come, or would come after `latest`, locked.

    What another transaction is busy with is left to it.
    """
    return await tx.all(
        Group,
        "SELECT " + _GROUP + " FROM letter_groups WHERE realm_id = $1 AND due_at NOT BETWEEN $2 AND $3"
        " ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED",
        tx.realm_id,
        tx.now,
        latest,
        limit,
    )


async def drop_group(tx: Tx, group_id: UUID) -> None:
    await tx.run("DELETE FROM letter_groups WHERE realm_id = $1 AND id = $2", tx.realm_id, group_id)


async def realms_with_due(tx: Tx, latest: datetime) -> list[UUID]:
    """Realms that have such groups."""
    rows = await tx.rows(
        "SELECT DISTINCT realm_id FROM letter_groups WHERE due_at NOT BETWEEN $1 AND $2", tx.now, latest
    )
    return [row[0] for row in rows]
