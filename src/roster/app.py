"""The composition root: from settings to a running whole. The only module that knows all parts."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec

from roster import logs
from roster.bus import link as links
from roster.bus import outbox, server
from roster.core.access import vocabulary
from roster.core.availability import service as availability
from roster.core.flows import provision, upkeep
from roster.core.flows.provision import FirstAdministrator
from roster.core.invitations import service as invitations
from roster.core.limits import returns
from roster.core.sessions import activity
from roster.core.signed import service as signed
from roster.core.transfer import tasks as transfer
from roster.dialects.acceleratxr import dialect as acceleratxr
from roster.dialects.fulfillmenttools import dialect as fulfillmenttools
from roster.dialects.fulfillmenttools.catalogue import CATALOGUE as FULFILLMENTTOOLS
from roster.dialects.fulfillmenttools.identity import dialect as identity
from roster.dialects.groupalarm import CATALOGUE as GROUPALARM
from roster.dialects.groupalarm import dialect as groupalarm
from roster.dialects.native import dialect as native
from roster.dialects.onslip360 import CATALOGUE as ONSLIP360
from roster.dialects.onslip360 import PAGES as ONSLIP360_PAGES
from roster.dialects.onslip360 import dialect as onslip360
from roster.dialects.wellbee import CATALOGUE as WELLBEE
from roster.dialects.wellbee import bus as wellbee_bus
from roster.dialects.wellbee import dialect as wellbee
from roster.dialects.wellbee import on_bus as wellbee_on_bus
from roster.dialects.wellbee import seeding as wellbee_roles
from roster.jobs.worker import Worker
from roster.kit import secrets
from roster.kit.errors import Unavailable
from roster.messaging import delivery
from roster.settings import Dialect as DialectSettings
from roster.settings import FulfillmenttoolsDialect, Settings
from roster.storage import embedded, hearing, installation, migrate, pool, room, watching
from roster.storage.runtime import Runtime
from roster.web.access_log import AccessLog, readable
from roster.web.dialect import Dialect
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site

_PAUSE: Final = 5.0
"""Seconds after which work that failed is begun again."""
_LOOK_EVERY: Final = 2.0
"""Seconds between two looks whether the embedded database runs."""
_LOOK_FOR_OTHERS_EVERY: Final = 30.0
"""Seconds between two looks whether servers of another release still serve the database."""

CATALOGUES: Final[tuple[vocabulary.Catalogue, ...]] = (FULFILLMENTTOOLS, ONSLIP360, GROUPALARM, WELLBEE)
"""Permission keys and built-in roles that front doors bring along."""

Work = Callable[[Runtime], Coroutine[Any, Any, None]]

_log = logs.logger("roster.app")


def runtime_of(settings: Settings, dsn: str) -> Runtime:
    """A runtime that knows the permissions of every front door, mounted or not: roles may hold them all the same."""
    runtime = Runtime.open(settings, dsn)
    vocabulary.install(runtime, CATALOGUES)
    return runtime


async def prepare(settings: Settings, dsn: str) -> FirstAdministrator | None:
    """Migrate, check the key, and make the first realm and its administrator when there is none yet."""
    await _migrate(dsn)
    runtime = runtime_of(settings, dsn)
    try:
        async with runtime.lease() as tx:
            await installation.check_key(tx)
        await upkeep.prepare_months(runtime)
        await upkeep.keep_built_in_roles(runtime)
        made = await provision.first_start(runtime, settings.admin.password)
        await wellbee_roles.seed(runtime)
        return made
    finally:
        await runtime.close()


async def _migrate(dsn: str) -> None:
    connection = await pool.connect(dsn)
    try:
        await migrate.apply(connection)
    finally:
        await connection.close()


def application(runtime: Runtime) -> Mounts:
    """The ASGI application of one worker."""
    settings = runtime.settings
    places = [
        *_mounts(native, settings.dialects.native),
        *_mounts(acceleratxr, settings.dialects.acceleratxr),
        *_mounts(fulfillmenttools, settings.dialects.fulfillmenttools),
        *_sign_in(settings.dialects.fulfillmenttools),
        *_mounts(onslip360, settings.dialects.onslip360),
        *_pages_beside(settings.dialects.onslip360),
        *_mounts(groupalarm, settings.dialects.groupalarm),
        *_mounts(wellbee, settings.dialects.wellbee),
    ]
    return Mounts(runtime, places, site=_site(settings), access_log=_access_log(settings))


def _site(settings: Settings) -> Site:
    return Site(
        public_url=settings.server.public_url,
        trusted_proxies=settings.server.trusted_proxies,
        cors_origins=settings.server.cors_origins,
        metrics_key=secrets.digest(settings.server.metrics_token) if settings.server.metrics_token else b"",
    )


def _mounts(dialect: Dialect, settings: DialectSettings) -> list[Mount]:
    if not settings.enabled:
        return []
    prefixes = [Mount(dialect=dialect, prefix=prefix, realm=settings.realm) for prefix in settings.prefixes]
    return prefixes + [Mount(dialect=dialect, host=host, realm=settings.realm) for host in settings.hosts]


def _sign_in(settings: FulfillmenttoolsDialect) -> list[Mount]:
    """Where that API's clients sign in: at addresses without a tenant, and beside the API itself."""
    if not settings.enabled:
        return []
    mounts = [Mount(dialect=identity, prefix=prefix, realm="") for prefix in settings.sign_in_prefixes]
    mounts += [Mount(dialect=identity, host=host, realm="") for host in settings.sign_in_hosts]
    for below in ("/v1/", "/v2/"):
        beside = _mounts(identity, settings)
        mounts += [msgspec.structs.replace(mount, below=below) for mount in beside]
    return mounts


def _pages_beside(settings: DialectSettings) -> list[Mount]:
    """Onslip's pages for people stand next to its API, not below it."""
    if not settings.enabled:
        return []
    folders = [prefix.rpartition("/")[0] for prefix in settings.prefixes]
    return [Mount(dialect=page, prefix=folder + path) for folder in folders for path, page in ONSLIP360_PAGES.items()]


def _access_log(settings: Settings) -> AccessLog | None:
    if settings.log.level not in ("debug", "info"):
        return None
    return AccessLog(sys.stderr.buffer, readable if settings.log.format == "console" else None)


def hush(runtime: Runtime) -> None:
    """End answers that would go on for ever, so that a server that stops need not wait for them."""
    outbox.of(runtime).close()


class Background:
    """What a worker does besides answering. With `alone` also what only one of an installation's workers may do."""

    def __init__(self, runtime: Runtime, *, alone: bool) -> None:
        self._runtime = runtime
        self._works: list[Work] = [activity.run, hearing.listen]
        if runtime.replicas:
            self._works.append(watching.watch)
        if alone:
            self._works += [delivery.run, _work_off_jobs, _finish_upgrade]
            if runtime.settings.database.url is None:
                self._works += [_keep_database, room.keep]
            if runtime.settings.bus.is_bundled:
                self._works.append(_keep_bus)
        if runtime.settings.bus.is_on:
            self._works.append(_speak_for_all if alone else _speak)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; what fails later is logged and begun again, and does not stop the server."""
        self._tasks = [asyncio.create_task(self._keep_doing(work)) for work in self._works]

    async def stop(self) -> None:
        """Stop everything and write what is still in memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(Unavailable):
            await activity.flush(self._runtime)
            await returns.flush(self._runtime)

    async def _keep_doing(self, work: Work) -> None:
        while True:
            try:
                await work(self._runtime)
            except Exception:  # noqa: BLE001 (the edge: nobody else would hear of it)
                _log.exception("background.failed", work=f"{work.__module__}.{work.__name__}")
            else:
                return
            await asyncio.sleep(_PAUSE)


async def _keep_database(runtime: Runtime) -> None:
    """Start the embedded database again when it has ended by itself, as when the system ran out of memory."""
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if await asyncio.to_thread(embedded.keep, runtime.settings.data):
            _log.error("database.restarted", log=str(embedded.Embedded(runtime.settings.data).log))


async def _finish_upgrade(runtime: Runtime) -> None:
    """Take away what only an older release needed, once its last server has gone."""
    while True:
        async with runtime.lease() as tx:
            if not await tx.with_connection(migrate.pending):
                return
        _log.info("schema.waiting", text="A server of another release still runs: what it needs is not taken away yet.")
        await asyncio.sleep(_LOOK_FOR_OTHERS_EVERY)
        await _migrate(runtime.pool.dsn)


async def _keep_bus(runtime: Runtime) -> None:
    """Start the bundled NATS server again when it has ended by itself."""
    while True:
        await asyncio.sleep(_LOOK_EVERY / 4)
        if await asyncio.to_thread(server.keep, runtime.settings.data):
            _log.error("bus.restarted", log=str(server.BusServer(runtime.settings.data).log))


async def _speak(runtime: Runtime, *, alone: bool = False) -> None:
    """Be on the bus. When it ends, what runs is finished first, and the connection closed last."""
    from roster.bus.nats import NatsLink  # costs memory that installations without a bus need not have

    settings = runtime.settings
    link = NatsLink(lambda: server.address_of(settings), name="roster")
    links.install(runtime, link)
    connection = asyncio.create_task(link.run())
    try:
        if settings.dialects.wellbee.enabled:
            await wellbee_bus.run(runtime, link, wellbee_on_bus, _site(settings), alone=alone)
        else:
            await connection
    finally:
        links.remove(runtime)
        connection.cancel()
        await asyncio.gather(connection, return_exceptions=True)


async def _speak_for_all(runtime: Runtime) -> None:
    await _speak(runtime, alone=True)


async def _work_off_jobs(runtime: Runtime) -> None:
    await jobs(runtime, is_only_server=runtime.settings.database.url is None).run()


def jobs(runtime: Runtime, *, is_only_server: bool) -> Worker:
    """What each name of a job or of the schedule stands for."""
    timed: dict[str, Callable[[Runtime], Awaitable[object]]] = {
        "audit.prepare_months": upkeep.prepare_months,
        "audit.drop_months": upkeep.drop_months,
        "users.erase": upkeep.erase_people,
        "transfers.sweep": upkeep.sweep_transfers,
        "availability.carry_out": availability.carry_out,
        "invitations.sweep": upkeep.sweep_invitations,
        "sessions.sweep": upkeep.sweep_sessions,
        "outbox.sweep": outbox.sweep,
        "messages.sweep": delivery.sweep,
        "counters.sweep": upkeep.sweep_counters,
        "orders.sweep": upkeep.sweep_orders,
        "nonces.sweep": signed.sweep,
        "proofs.sweep": upkeep.sweep_proofs,
        "letters.flush": upkeep.flush_letters,
        "timers.sweep": upkeep.sweep_timers,
        "writes.forget": watching.forget,
    }
    return Worker(
        runtime.pool.dsn,
        {"transfer.run": partial(transfer.run, runtime), invitations.RUN: partial(invitations.run, runtime)},
        {name: partial(_do, runtime, work) for name, work in timed.items()},
        is_only_server=is_only_server,
    )


async def _do(runtime: Runtime, work: Callable[[Runtime], Awaitable[object]]) -> None:
    await work(runtime)
