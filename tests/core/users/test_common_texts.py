"""What many people have in their texts, which lies together in the order of their names and may begin late there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from roster import app
from roster.core.realms.models import Realm
from roster.core.users import search, service
from roster.core.users.models import UserDraft
from roster.kit import text
from roster.kit.filters import AnyOf, Compare, Filter, Op, Sort
from roster.kit.pages import Page
from roster.storage import frequencies, listing
from roster.storage.runtime import Runtime
from tests import factories

LATE = [f"late{number:03d}" for number in range(30)]
"""Thirty of sixty have this name, and all of them come after the others."""


@pytest.fixture
async def runtime(own_dsn: str, tmp_path: Path) -> AsyncIterator[Runtime]:
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    yield runtime
    await runtime.close()


@pytest.fixture
async def realm(runtime: Runtime) -> Realm:
    realm = await factories.a_realm(runtime)
    async with runtime.write(factories.roster_in(realm)) as tx:
        for name in (f"early{number:03d}" for number in range(30)):
            await service.create(tx, UserDraft(name, email=f"{name}@example.org"))
        for name in LATE:
            await service.create(tx, UserDraft(name, email=f"{name}@example.org"))
        await tx.run("ANALYZE users")
    return realm


async def test_it_is_known_how_many_have_a_common_text(runtime: Runtime, realm: Realm):
    async with runtime.read(factories.roster_in(realm)) as tx:
        known = await frequencies.of(tx, "users")
        assert known.rarest(text.grams(realm.id, "late")) == pytest.approx(30, abs=1)  # type: ignore[reportUnknownMemberType]
        assert known.rarest(text.grams(realm.id, "@exam")) == pytest.approx(60, abs=1)  # type: ignore[reportUnknownMemberType]
        assert known.rarest(text.grams(realm.id, "late@nowhere")) == 0
        assert (await frequencies.of(tx, "realms")).rarest(text.grams(realm.id, "late")) == 0


@pytest.mark.parametrize(("near", "many", "far"), [(100, 1, 100), (5, 20, 100), (5, 20, 40), (5, 1000, 100)])
@pytest.mark.parametrize(
    "where",
    [
        Compare("email", Op.CONTAINS, "late"),
        AnyOf((Compare("username", Op.STARTS, "late"), Compare("email", Op.CONTAINS, "late0"))),
    ],
)
async def test_all_ways_to_a_page_lead_to_the_same(
    runtime: Runtime,
    realm: Realm,
    monkeypatch: pytest.MonkeyPatch,
    where: Filter,
    near: int,
    many: int,
    far: int,
):
    """Near; far; too late even for that; and, not being many, gathered at once."""
    for name, value in (("_NEAR", near), ("_MANY", many), ("_FAR", far)):
        monkeypatch.setattr(listing, name, value)
    async with runtime.read(factories.roster_in(realm)) as tx:
        first = await search.search(tx, where, [Sort("username")], Page(20))
        rest = await search.search(tx, where, [Sort("username")], Page(20, cursor=first.next))

    assert [user.username for user in first.items] == LATE[:20]
    assert [user.username for user in rest.items] == LATE[20:]
