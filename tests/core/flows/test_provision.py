"""The first start of an installation."""

from pathlib import Path

import pytest

from roster import app
from roster.core.flows import login, provision
from roster.core.flows.models import Granted
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.kit.actor import anonymous
from roster.kit.errors import InvalidInput
from tests import factories


@pytest.mark.parametrize(("password", "code"), [("short", "too_short"), ("password123", "too_common")])
async def test_the_first_administrator_chooses_as_everybody_does(
    own_dsn: str, tmp_path: Path, password: str, code: str
):
    runtime = app.runtime_of(factories.settings(tmp_path), own_dsn)
    with pytest.raises(InvalidInput) as refused:
        await provision.first_start(runtime, password)
    assert [(each.field, each.code) for each in refused.value.problems] == [("admin.password", code)]
    async with runtime.lease() as tx:
        tx.actor = factories.nowhere()
        with pytest.raises(RealmNotFound):
            await realms.by_slug(tx, realms.MAIN)

    made = await provision.first_start(runtime, "")
    assert made is not None
    async with runtime.lease() as tx:
        tx.actor = factories.nowhere()
        realm = await realms.by_slug(tx, realms.MAIN)
    nobody = anonymous(realm.id, realm.slug, factories.ORIGIN)
    assert isinstance(await login.password(runtime, nobody, made.username, made.password or ""), Granted)
    assert await provision.first_start(runtime, "short") is None
    await runtime.close()
