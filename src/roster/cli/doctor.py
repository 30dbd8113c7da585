"""`roster doctor`: says what is wrong with an installation, and what to do about it."""

import asyncio
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

import msgspec

from roster import app as composition
from roster import logs
from roster.bus import server
from roster.bus.link import NotConnected
from roster.cli import opened, output
from roster.federation import bankid, freja
from roster.kit import clock
from roster.kit.errors import RosterError
from roster.messaging import fcm
from roster.messaging.carriers import NotNow
from roster.settings import Settings
from roster.storage import embedded, health, installation, lock, watching
from roster.storage.replicas import Replica
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

Verdict = Literal["ok", "warning", "wrong"]
_ENOUGH_DISK: Final = 1 << 30
_MUCH: Final = 100_000_000
"""Bytes of the log that a replica in order hardly ever lacks."""
_SOON: Final = timedelta(days=30)


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at."""

    verdict: Verdict
    subject: str
    text: str


def doctor(data: opened.Data = opened.DEFAULT_DATA, database_url: opened.Url = None, json: opened.Json = False) -> None:
    """Look at everything an installation needs. Exits with 1 when something is wrong; warnings do not count."""
    findings = list(_examine(data, database_url))
    output.rows([msgspec.structs.asdict(each) for each in findings], as_json=json)
    if any(each.verdict == "wrong" for each in findings):
        sys.exit(1)


app = opened.command(doctor)


def _examine(data: Path, url: str | None) -> Iterator[Finding]:
    yield Finding("ok", "program", f"Roster {metadata.version('roster')}, Python {sys.version.partition(' ')[0]}")
    try:
        settings = opened.existing(data, url)
    except RosterError as error:
        yield Finding("wrong", "installation", error.message)
        return
    yield Finding("ok", "settings", f"{len(settings.origins)} given, the others have their defaults")
    yield from _folder(settings)
    yield _mail(settings)
    yield from _bus(settings)
    yield from _outside(settings)
    yield from _database(settings)


def _folder(settings: Settings) -> Iterator[Finding]:
    """Root's folder lets the database's own account pass through, which is in order."""
    data, key = settings.data, settings.data / "secret.key"
    if stat.S_IMODE(data.stat().st_mode) & 0o066:
        yield Finding("warning", "data folder", f"others can look into {data}: chmod go-rw it")
    else:
        yield Finding("ok", "data folder", f"nobody else can look into {data}")
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding("wrong", "key file", f"others can read {key}: chmod 600 it")
    free = shutil.disk_usage(data).free
    verdict: Verdict = "ok" if free >= _ENOUGH_DISK else "wrong"
    yield Finding(verdict, "disk", f"{free / (1 << 30):.1f} GiB free")
    yield _server(data)


def _server(data: Path) -> Finding:
    try:
        with lock.serving(data):
            return Finding("ok", "server", "does not run")
    except lock.AlreadyRunning as found:
        return Finding("ok", "server", f"runs as process {found.pid}" if found.pid else "runs")


def _mail(settings: Settings) -> Finding:
    if settings.mail.host is None:
        return Finding("warning", "mail", "no SMTP server is set: messages stay in the development mailbox")
    return Finding("ok", "mail", f"goes out through {settings.mail.host}:{settings.mail.port}")


def _outside(settings: Settings) -> Iterator[Finding]:
    """Whom this installation asks by a certificate or an account that ends, or may lie elsewhere by now."""
    if settings.bankid.certificate is not None:
        yield _certificate("BankID", lambda: bankid.ends_at(settings.bankid))
    if settings.freja.certificate is not None:
        yield _certificate("Freja", lambda: freja.ends_at(settings.freja))
    if settings.push.service_account is not None:
        try:
            yield Finding("ok", "push messages", f"go out as {fcm.sender(settings.push)}")
        except NotNow as error:
            yield Finding("wrong", "push messages", str(error))


def _certificate(subject: str, end: Callable[[], datetime]) -> Finding:
    try:
        left = end() - clock.now()
    except (RosterError, OSError, ValueError) as error:
        return Finding("wrong", subject, f"the files of its settings cannot be used: {error}"[:300])
    if left < _SOON:
        verdict: Verdict = "warning" if left > timedelta() else "wrong"
        return Finding(
            verdict, subject, f"a certificate ends in {left.days} days" if left.days > 0 else "a certificate has ended"
        )
    return Finding("ok", subject, f"certificates are good for {left.days} days")


def _bus(settings: Settings) -> Iterator[Finding]:
    """Nothing where there is none. The bundled one is looked at when it runs, whoever has asked for it."""
    from roster.bus import nats

    bundled = server.BusServer(settings.data)
    if settings.bus.url is None and bundled.pid() is None:
        if settings.bus.enabled:
            yield Finding("ok", "bus", "does not run: the server starts it")
        return
    logs.configure(settings.log.format, "error")
    try:
        asyncio.run(nats.reach(server.address_of(settings)))
    except NotConnected:
        yield Finding("wrong", "bus", "cannot be reached, or does not let us in")
    except RosterError as error:
        yield Finding("wrong", "bus", error.message)
    else:
        yield Finding("ok", "bus", "lets us in")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with opened.database(settings) as dsn:
            yield from asyncio.run(_collect(settings, dsn))
    except RosterError as error:
        yield Finding("wrong", "database", opened.told(error))
        if settings.database.url is None:
            yield Finding("warning", "database", f"its log is {embedded.Embedded(settings.data).log}")


async def _collect(settings: Settings, dsn: str) -> list[Finding]:
    runtime = composition.runtime_of(settings, dsn)
    try:
        return [each async for each in _ask(runtime)]
    finally:
        await runtime.close()


async def _ask(runtime: Runtime) -> AsyncIterator[Finding]:
    async with runtime.lease() as tx:
        facts = await health.facts(tx)
        yield Finding("ok", "database", f"PostgreSQL {facts.server_version}, {facts.size_mb} MB")
        lacking = len(facts.pending_migrations)
        if lacking:
            yield Finding("wrong", "schema", f"{lacking} migrations are missing: `roster serve` does them")
            return
        yield _schema(len(facts.waiting_migrations))
        try:
            await installation.check_key(tx)
            yield Finding("ok", "secret key", "belongs to this database")
        except installation.WrongKey as error:
            yield Finding("wrong", "secret key", error.message)
        for finding in _troubles(await health.trouble(tx)):
            yield finding
        for replica in runtime.replicas:
            yield await _replica(tx, replica)


async def _replica(tx: Tx, replica: Replica) -> Finding:
    """Lists are read from the primary without it, so nothing stands still."""
    subject = f"replica {replica.name}"
    try:
        behind = await watching.behind(tx, replica.dsn)
    except RosterError as error:
        return Finding("wrong", subject, opened.told(error))
    return Finding("warning" if behind > _MUCH else "ok", subject, f"lacks {behind / 1e6:.1f} MB of the log")


def _schema(waiting: int) -> Finding:
    if waiting:
        return Finding("warning", "schema", f"{waiting} migrations wait until no server of another release runs")
    return Finding("ok", "schema", "up to date")


def _troubles(found: health.Trouble) -> Iterator[Finding]:
    yield Finding("ok", "main realm", "is there") if found.has_main else Finding("wrong", "main realm", "is missing")
    yield _count("administrators", found.realms_without_administrator, "realms have people but no active administrator")
    yield _count("messages", found.failed_messages, "messages could not be delivered")
    yield _count("transfers", found.stuck_transfers, "imports or exports show no sign of life")
    yield _count("audit", found.stray_audit_entries, "audit entries lie outside their month's partition")


def _count(subject: str, number: int, text: str) -> Finding:
    return Finding("warning" if number else "ok", subject, f"{number} {text}")
