"""Exporting: what comes out goes in again."""

import csv
import io
import json

import msgspec
import pytest

from roster.core.flows import login
from roster.core.flows.models import Granted
from roster.core.realms.models import Realm
from roster.core.transfer import service
from roster.core.transfer.errors import TransferState
from roster.core.transfer.models import ExportOptions
from roster.core.users import service as users
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.filters import Compare, Op
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.transfer import keycloak_export, moving
from tests.core.transfer.moving import bring, ndjson, rows, who, written


async def test_an_export_comes_back_identical_in_another_realm(runtime: Runtime, realm: Realm):
    data = json.dumps(keycloak_export.export()).encode()
    await bring(runtime, realm, data, "keycloak")
    limited = {
        "role": "cook",
        "contexts": [{"kind": "shift", "value": None}, {"kind": "zone", "value": "7"}],
        "is_owner": True,
    }
    await bring(runtime, realm, ndjson({"username": "person-3", "phone": "0701234567", "roles": [limited]}))
    other = await factories.a_realm(runtime)

    first = await written(runtime, realm, secrets=True)
    done = await bring(runtime, other, first)
    second = await written(runtime, other, secrets=True)

    assert (done.state, rows(done), first.count(b"\n")) == ("done", (1000, 0, 0, 0), 1000)
    assert first == second
    assert first.count(b'"totp"') == 20
    granted = await login.password(runtime, people.nobody(other), "person-3", keycloak_export.password_of(3))
    assert isinstance(granted, Granted)


async def test_a_table_comes_back_too(runtime: Runtime, realm: Realm):
    odd = {"a": 'x,"y"\nz', "b": "=1+1", "c": "'quoted", "d": "-1 hello", "e": "é"}
    person = {
        "username": "ada",
        "tags": ["/a|b", "c"],
        "roles": ["x|y"],
        "attributes": odd,
        "phone": "+46 70 123 45 67",
    }
    await bring(runtime, realm, ndjson(person, {"username": "bob", "display_name": "@bob"}))
    other = await factories.a_realm(runtime)

    table = await written(runtime, realm, "csv")
    done = await bring(runtime, other, table, "csv")

    assert rows(done) == (2, 0, 0, 0)
    ada = await who(runtime, other, "ada")
    assert (ada.attributes, ada.tags, ada.phone) == (odd, ["/a|b", "c"], "+46 70 123 45 67")
    assert await moving.roles_of(runtime, other, ada) == ["x|y"]
    assert await written(runtime, other, "csv") == table


async def test_no_cell_is_a_formula(runtime: Runtime, realm: Realm):
    bad = ["=1+1", "@SUM(1)", "+cmd", "-cmd", "\tx", "'=1"]
    await bring(runtime, realm, ndjson(*({"username": f"u{n}", "display_name": each} for n, each in enumerate(bad))))

    table = list(csv.DictReader(io.StringIO((await written(runtime, realm, "csv")).decode())))

    assert sorted(row["display_name"] for row in table) == sorted("'" + each for each in bad)


async def test_who_is_exported_can_be_chosen(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson(*({"username": f"u{n}", "locale": "sv" if n < 3 else "en"} for n in range(9))))

    chosen = await written(runtime, realm, where=Compare("locale", Op.EQ, "sv"), fields=("username", "number"))

    lines = [msgspec.json.decode(line) for line in chosen.splitlines()]
    assert sorted(line["username"] for line in lines) == ["u0", "u1", "u2"]
    assert all(set(line) == {"username", "number"} for line in lines)


async def test_more_than_one_page_is_written_once(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson(*({"username": f"u{n}"} for n in range(2500))))

    lines = (await written(runtime, realm, fields=("username",))).splitlines()

    assert len(lines) == len(set(lines)) == 2500


async def test_deleted_people_are_left_out(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm, "ada")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, user.id)

    assert await written(runtime, realm) == b""


async def test_hashes_are_for_those_who_may_do_everything(runtime: Runtime, realm: Realm):
    await people.a_member(runtime, realm)
    await factories.a_role(runtime, realm, "exporter", "transfers.write", "users.read")
    user = await factories.a_person(runtime, realm, roles=("exporter",))
    actor = await factories.acting_as(runtime, realm, user)

    plain = await moving.read(await service.stream_export(runtime, actor, "roster"))

    assert b"argon2" not in plain
    with pytest.raises(Forbidden):
        await service.stream_export(runtime, actor, "roster", ExportOptions(secrets=True))
    with pytest.raises(InvalidInput):
        await service.stream_export(runtime, actor, "roster", ExportOptions(fields=("password_hash",)))
    async with runtime.write(actor) as tx:
        with pytest.raises(Forbidden):
            await service.start_export(tx, "roster", options=ExportOptions(secrets=True))


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("keycloak", ExportOptions()),
        ("xml", ExportOptions()),
        ("roster", ExportOptions(fields=("shoe",))),
        ("roster", ExportOptions(where=Compare("shoe", Op.EQ, "1"))),
    ],
)
async def test_what_cannot_be_exported_is_said_at_once(
    runtime: Runtime, realm: Realm, form: str, options: ExportOptions
):
    with pytest.raises(InvalidInput):
        await service.stream_export(runtime, factories.roster_in(realm), form, options)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["roster", "csv"])
async def test_an_export_by_a_job_writes_the_same(runtime: Runtime, realm: Realm, form: str):
    actor = factories.roster_in(realm)
    people_ = ({"username": f"u{n}", "attributes": {f"a{n % 3}": "x"}} for n in range(1500))
    await bring(runtime, realm, ndjson(*people_))
    async with runtime.write(actor) as tx:
        started = await service.start_export(tx, form)  # type: ignore[arg-type]
    with pytest.raises(TransferState):
        await service.output(runtime, actor, started.id)

    done = await moving.run(runtime, actor, started)

    assert (done.state, done.checkpoint) == ("done", 1500)
    output = await moving.read(await service.output(runtime, actor, done.id))
    assert output == await written(runtime, realm, form)  # type: ignore[arg-type]


async def test_exports_are_written_down(runtime: Runtime, realm: Realm):
    await written(runtime, realm)

    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await tx.rows(
            "SELECT action FROM audit_entries WHERE realm_id = $1 AND action = 'users.exported'", realm.id
        )
    assert found == [("users.exported",)]
