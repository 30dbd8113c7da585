"""Realms are remembered until the database says that something about them has changed."""

import asyncio

import pytest

from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.kit.ids import RealmId
from roster.storage import pool
from roster.storage.runtime import Runtime
from tests import factories, listening_to, processes
from tests.core import people


async def named(runtime: Runtime, slug: str) -> Realm:
    async with runtime.lease() as tx:
        return await realms.by_slug(tx, slug)


async def remembered(runtime: Runtime, realm: Realm) -> None:
    """Read often enough that the next one asks nobody."""
    for _ in range(2):
        await named(runtime, realm.slug)
    with people.counting() as sent:
        await named(runtime, realm.slug)
        async with runtime.lease() as tx:
            await realms.by_id(tx, realm.id)
    assert sent == []


async def test_a_changed_realm_is_read_again_at_once(runtime: Runtime, realm: Realm):
    await remembered(runtime, realm)
    async with runtime.write(factories.nowhere()) as tx:
        await realms.change(tx, realm.slug, RealmChange(settings={"self_registration": False}))

    assert not (await named(runtime, realm.slug)).settings.self_registration


async def test_a_realm_that_was_changed_by_hand_is_read_again_when_that_is_heard(
    runtime: Runtime, realm: Realm, dsn: str
):
    await remembered(runtime, realm)
    connection = await pool.connect(dsn)
    await connection.execute("UPDATE realms SET display_name = 'By hand' WHERE id = $1", realm.id)
    await connection.close()

    async with asyncio.timeout(processes.PATIENCE):
        while (await named(runtime, realm.slug)).display_name != "By hand":
            await asyncio.sleep(0)


async def test_whoever_changes_a_realm_sees_the_change_before_it_is_committed(runtime: Runtime, realm: Realm):
    await remembered(runtime, realm)
    async with runtime.write(factories.nowhere()) as tx:
        await realms.change(tx, realm.slug, RealmChange(display_name="Changed"))

        assert (await realms.by_slug(tx, realm.slug)).display_name == "Changed"
        assert (await realms.by_id(tx, RealmId(realm.id))).display_name == "Changed"


async def test_a_slug_that_another_realm_has_now_means_that_one(runtime: Runtime, realm: Realm):
    other = await factories.a_realm(runtime)
    await remembered(runtime, realm)
    async with runtime.write(factories.nowhere()) as tx:
        await tx.run("UPDATE realms SET slug = slug || '-old' WHERE id = $1", realm.id)
        await tx.run("UPDATE realms SET slug = $2 WHERE id = $1", other.id, realm.slug)

    assert (await named(runtime, realm.slug)).id == other.id
    assert (await named(runtime, f"{realm.slug}-old")).id == realm.id


async def test_nothing_is_believed_by_those_who_do_not_listen(runtime: Runtime, realm: Realm):
    await remembered(runtime, realm)
    runtime.voids.distrust()

    with people.counting() as sent:
        await named(runtime, realm.slug)

    assert len(sent) == 1
    await listening_to.until_trusted(runtime)


async def never_change(runtime: Runtime, realm: Realm) -> None:
    async with runtime.write(factories.nowhere()) as tx:
        await realms.change(tx, realm.slug, RealmChange(display_name="Never"))
        await realms.by_slug(tx, realm.slug)
        raise ZeroDivisionError


async def test_what_was_never_committed_is_not_remembered(runtime: Runtime, realm: Realm):
    with pytest.raises(ZeroDivisionError):
        await never_change(runtime, realm)
    async with runtime.write(factories.nowhere()) as tx:
        after = await realms.change(tx, realm.slug, RealmChange(display_name="Changed"))

    async with runtime.read(factories.roster_in(after)) as tx:
        assert (await realms.current(tx)).display_name == "Changed"
