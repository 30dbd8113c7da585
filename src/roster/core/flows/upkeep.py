"""What is done from time to time so that the directory neither forgets what is due nor grows without end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

from roster.core.access import org_roles
from roster.core.access import service as access
from roster.core.audit import service as audit
from roster.core.invitations import service as invitations
from roster.core.letters import grouping
from roster.core.limits import service as limits
from roster.core.mfa import sms
from roster.core.orders import service as orders
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.timers import service as timers
from roster.core.tokens import proofs
from roster.core.transfer import service as transfers
from roster.core.users import service as users
from roster.kit import clock
from roster.kit.actor import Actor, system
from roster.kit.ids import RealmId, uuid7
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx

_MONTHS_AHEAD = 3
_PAGE = 500


async def keep_built_in_roles(runtime: Runtime) -> None:
    """The roles that front doors document, in every realm and organisation, as this version of Roster knows them."""
    async for realm in _all_realms(runtime):
        async with runtime.write(realms.inside(_nowhere(), realm)) as tx:
            await access.keep_built_in_roles(tx)
            await org_roles.keep_built_in(tx)


async def prepare_months(runtime: Runtime) -> None:
    """Partitions of the trail for this month and the next ones."""
    async with runtime.write(_nowhere()) as tx:
        await audit.prepare_months(tx, clock.now(), _MONTHS_AHEAD)


async def drop_months(runtime: Runtime) -> None:
    """Whole months of the trail that no realm keeps any more."""
    kept = max([realm.settings.audit_months async for realm in _all_realms(runtime)], default=0)
    if kept:
        async with runtime.write(_nowhere()) as tx:
            await audit.drop_months(tx, clock.now() - timedelta(days=31 * kept))


async def erase_people(runtime: Runtime) -> None:
    """Deleted people whose time for being restored is over; a few hundred in one transaction."""
    await _everywhere(runtime, users.sweep)


async def sweep_sessions(runtime: Runtime) -> None:
    """Sessions that ended long ago."""
    await _everywhere(runtime, sessions.sweep)


async def sweep_proofs(runtime: Runtime) -> None:
    """One-time tokens and texted codes that have expired."""
    await _everywhere(runtime, proofs.sweep)
    await _everywhere(runtime, sms.sweep)


async def sweep_orders(runtime: Runtime) -> None:
    """Orders at electronic identifications whose time is over."""
    await _everywhere(runtime, orders.sweep)


async def sweep_timers(runtime: Runtime) -> None:
    """Timers that were over long ago."""
    await _everywhere(runtime, timers.sweep)


async def sweep_counters(runtime: Runtime) -> None:
    """Counters whose window is over."""
    await _everywhere(runtime, limits.sweep)


async def sweep_transfers(runtime: Runtime) -> None:
    """Uploads without end, old reports and files."""
    await _everywhere(runtime, transfers.sweep)


async def sweep_invitations(runtime: Runtime) -> None:
    """What jobs wrote down about those whom they invited, a month ago."""
    await _everywhere(runtime, invitations.sweep)


async def flush_letters(runtime: Runtime) -> None:
    """Mails of one kind that were held for long enough."""
    async with runtime.read(_nowhere()) as tx:
        waiting = await grouping.realms_waiting(tx)
    for realm_id in waiting:
        async with runtime.write(system(realm_id, "", "upkeep")) as tx:
            await grouping.flush(tx)


async def _everywhere(runtime: Runtime, work: Callable[[Tx], Awaitable[int]]) -> None:
    """Do the work in every realm, each portion in a transaction of its own, until nothing is left."""
    async for realm in _all_realms(runtime):
        done = 1
        while done:
            async with runtime.write(realms.inside(_nowhere(), realm)) as tx:
                done = await work(tx)


async def _all_realms(runtime: Runtime) -> AsyncIterator[Realm]:
    after = ""
    while True:
        async with runtime.read(_nowhere()) as tx:
            page = await realms.page(tx, after, _PAGE)
        for realm in page:
            yield realm
        if len(page) < _PAGE:
            return
        after = page[-1].slug


def _nowhere() -> Actor:
    return system(RealmId(uuid7()), "", "upkeep")
