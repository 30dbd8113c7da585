"""`roster doctor`: says what is wrong with an installation, and what to do about it."""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from roster.cli import opened, output
from roster.kit.errors import RosterError
from roster.settings import Settings
from roster.storage import embedded, health, installation, lock
from roster.storage.runtime import Runtime

Verdict = Literal["ok", "warning", "wrong"]
_ENOUGH_DISK = 1 << 30


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    verdict: Verdict
    subject: str
    text: str


def doctor(
    data: opened.Data = opened.DEFAULT_DATA,
    database_url: opened.Url = None,
    json: opened.Json = False,  # noqa: FBT001, FBT002
) -> None:
    """Look at everything an installation needs; exit with 1 when something is wrong."""
    findings = list(_examine(data, database_url))
    output.rows([msgspec.structs.asdict(each) for each in findings], as_json=json)
    if any(each.verdict == "wrong" for each in findings):
        sys.exit(1)


def _examine(data: Path, url: str | None) -> Iterator[Finding]:
    if url is None and not (data / "postgres").exists() and not os.environ.get("ROSTER_DATABASE_URL"):
        yield Finding("wrong", "data folder", f"{data} holds no database yet: `roster serve` makes one.")
        return
    try:
        settings = opened.settings_of(data, url)
    except RosterError as error:
        yield Finding("wrong", "settings", error.message)
        return
    yield Finding("ok", "settings", f"{len(settings.origins)} set, the others have their defaults")
    yield from _folder(settings)
    yield _mail(settings)
    yield from _database(settings)


def _folder(settings: Settings) -> Iterator[Finding]:
    mode = stat.S_IMODE(settings.data.stat().st_mode)
    open_to = "nobody else" if not mode & 0o077 else "others: chmod 700 it"
    yield Finding("warning" if mode & 0o022 else "ok", "data folder", f"{settings.data} is open to {open_to}")
    key = settings.data / "secret.key"
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding("wrong", "secret key", f"{key} can be read by others: chmod 600 it")
    free = shutil.disk_usage(settings.data).free
    verdict: Verdict = "ok" if free >= _ENOUGH_DISK else "wrong"
    yield Finding(verdict, "disk", f"{free / (1 << 30):.1f} GiB free")
    yield Finding("ok", "server", "runs" if _is_serving(settings.data) else "does not run")


def _is_serving(data: Path) -> bool:
    try:
        with lock.serving(data):
            return False
    except lock.AlreadyRunning:
        return True


def _mail(settings: Settings) -> Finding:
    if settings.mail.host is None:
        return Finding("warning", "mail", "no SMTP server is set: messages stay in the development mailbox")
    return Finding("ok", "mail", f"goes out through {settings.mail.host}:{settings.mail.port}")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with opened.database(settings) as dsn:
            yield from asyncio.run(_collect(settings, dsn))
    except (RosterError, OSError) as error:
        text = error.message if isinstance(error, RosterError) else str(error)
        yield Finding("wrong", "database", text)
        if settings.database.url is None:
            yield Finding("warning", "database", f"its log is {embedded.Embedded(settings.data).log}")


async def _collect(settings: Settings, dsn: str) -> list[Finding]:
    runtime = Runtime.open(settings, dsn)
    try:
        return [each async for each in _ask(runtime)]
    finally:
        await runtime.close()


async def _ask(runtime: Runtime) -> AsyncIterator[Finding]:
    async with runtime.lease() as tx:
        facts = await health.facts(tx)
    yield Finding("ok", "database", f"PostgreSQL {facts.server_version}, {facts.size_mb} MB")
    if facts.pending_migrations:
        yield Finding(
            "wrong", "schema", f"{len(facts.pending_migrations)} migrations are missing: `roster serve` does them"
        )
        return
    yield Finding("ok", "schema", "up to date")
    async with runtime.lease() as tx:
        try:
            await installation.check_key(tx)
            yield Finding("ok", "secret key", "belongs to this database")
        except installation.WrongKey as error:
            yield Finding("wrong", "secret key", error.message)
    async with runtime.lease() as tx:
        trouble = await health.trouble(tx)
    yield Finding("ok" if trouble.has_main else "wrong", "main realm", "is there" if trouble.has_main else "is missing")
    yield _count("administrators", trouble.realms_without_administrator, "realms without an active administrator")
    yield _count("messages", trouble.failed_messages, "messages could not be delivered")
    yield _count("transfers", trouble.stuck_transfers, "imports or exports show no sign of life")
    yield _count("audit", trouble.stray_audit_entries, "audit entries outside their month's partition")


def _count(subject: str, number: int, text: str) -> Finding:
    return Finding("warning" if number else "ok", subject, f"{number} {text}")
