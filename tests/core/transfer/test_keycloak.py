"""Moving from Keycloak: people keep their passwords, and nobody becomes an administrator by a coincidence."""

import json
from pathlib import Path

import pytest

from roster.core.access import service as access
from roster.core.credentials import service as credentials
from roster.core.flows import login
from roster.core.flows.models import Granted, StepNeeded
from roster.core.realms.models import Realm
from roster.core.transfer.models import ImportOptions
from roster.kit.errors import BadCredentials
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.transfer import keycloak_export, moving
from tests.core.transfer.moving import bring, report_of, rows, who

REAL = Path(__file__).parents[4] / "shared" / "data" / "keycloak-examples-realm.json"
OURS = json.dumps(keycloak_export.export(), ensure_ascii=False).encode()
NONE, UNKNOWN = ([n for n in range(1000) if keycloak_export.kind_of(n) == kind] for kind in ("none", "unknown"))
ARGON2ID = "$argon2id$v=19$m=19456,t=2,p=1$"


async def _hash_of(runtime: Runtime, realm: Realm, name: str) -> str | None:
    user = await who(runtime, realm, name)
    async with runtime.read(factories.roster_in(realm)) as tx:
        stored = await credentials.password_of(tx, user.id)
    return stored.hash if stored else None


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL.name} is not there: foreign data, lies beside the repository")
async def test_people_of_a_real_export_sign_in_with_their_old_password(runtime: Runtime, realm: Realm):
    done = await bring(runtime, realm, REAL.read_bytes(), "keycloak")

    assert (done.state, rows(done)) == ("done", (2, 0, 0, 0))
    for name in ("admin-user", "secure-user"):
        before = await _hash_of(runtime, realm, name)
        assert isinstance(await login.password(runtime, people.nobody(realm), name, "password"), Granted)
        after = await _hash_of(runtime, realm, name)
        assert (before or "").startswith("$pbkdf2-sha1$")
        assert (after or "").startswith(ARGON2ID)
        assert isinstance(await login.password(runtime, people.nobody(realm), name, "password"), Granted)
        with pytest.raises(BadCredentials):
            await login.password(runtime, people.nobody(realm), name, "Password")
    boss = await who(runtime, realm, "admin-user")
    assert "keycloak:admin" in await moving.roles_of(runtime, realm, boss)
    assert done.summary["roles_renamed"] == {"admin": "keycloak:admin"}
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert not (await access.permissions_of(tx, boss.id)).everywhere


@pytest.fixture(scope="module")
async def moved(runtime: Runtime) -> Realm:
    """A realm with the thousand people of our own export."""
    realm = await factories.a_realm(runtime)
    done = await bring(runtime, realm, OURS, "keycloak")
    assert (done.state, rows(done)) == ("done", (1000, 0, 0, 1))
    assert done.summary == {
        "roles_created": ["offline_access", "cook", "shop:buyer", "keycloak:admin", "shop:nobody-has-it"],
        "roles_renamed": {"admin": "keycloak:admin"},
        "roles_given": 3001,
        "passwords": 1000 - len(NONE) - len(UNKNOWN),
        "second_factors": 20,
        "notes": len(UNKNOWN),
    }
    assert [row for row, _ in await report_of(runtime, realm, done)] == [*(n + 1 for n in UNKNOWN), 1001]
    return realm


@pytest.mark.parametrize("kind", [*keycloak_export.KINDS, keycloak_export.PLAIN])
async def test_every_kind_of_hash_is_verified_and_then_replaced(runtime: Runtime, moved: Realm, kind: str):
    number = next(n for n in range(1, 1000) if keycloak_export.kind_of(n) == kind and n % 11 != 5 and n % 50)
    name, secret = f"person-{number}", keycloak_export.password_of(number)
    if kind in ("none", "unknown"):
        assert await _hash_of(runtime, moved, name) is None
        with pytest.raises(BadCredentials):
            await login.password(runtime, people.nobody(moved), name, secret)
        return

    before = await _hash_of(runtime, moved, name)
    with pytest.raises(BadCredentials):
        await login.password(runtime, people.nobody(moved), name, secret + "!")
    signed_in = await login.password(runtime, people.nobody(moved), name, secret)

    assert isinstance(signed_in, Granted)
    assert (before or "").startswith(ARGON2ID) is (kind == "plain")
    assert (await _hash_of(runtime, moved, name) or "").startswith(ARGON2ID)


async def test_disabled_people_stay_so(runtime: Runtime, moved: Realm):
    assert (await who(runtime, moved, "person-5")).status == "disabled"

    with pytest.raises(BadCredentials):
        await login.password(runtime, people.nobody(moved), "person-5", keycloak_export.password_of(5))


@pytest.mark.parametrize("number", [100, 150])
async def test_authenticators_of_both_forms_go_on_working(runtime: Runtime, moved: Realm, number: int):
    secret = keycloak_export.password_of(number)

    step = await login.password(runtime, people.nobody(moved), f"person-{number}", secret)
    assert isinstance(step, StepNeeded)
    code = people.code_of(keycloak_export.SEED_BASE32)

    assert isinstance(await login.second_factor(runtime, people.nobody(moved), step.proof, code), Granted)


async def test_people_are_found_again_by_their_old_id(runtime: Runtime, moved: Realm):
    old_id = "00000000-0000-4000-8000-000000000777"
    before = await who(runtime, moved, "person-777")
    user = {"id": old_id, "username": "renamed", "email": "renamed@example.com"}

    done = await bring(runtime, moved, json.dumps({"users": [user]}).encode(), "keycloak")

    assert rows(done) == (0, 1, 0, 0)
    assert (await who(runtime, moved, "renamed")).id == before.id


async def test_a_second_import_changes_nothing(runtime: Runtime):
    realm = await factories.a_realm(runtime)
    await bring(runtime, realm, OURS, "keycloak")

    again = await bring(runtime, realm, OURS, "keycloak")

    assert rows(again) == (0, 0, 1000, 1)
    assert again.summary == {"notes": len(UNKNOWN), "roles_renamed": {"admin": "keycloak:admin"}}


async def test_a_dry_run_of_an_export_says_what_would_be_made(runtime: Runtime):
    realm = await factories.a_realm(runtime)

    dry = await bring(runtime, realm, OURS, "keycloak", dry_run=True)
    nobody = await moving.count(runtime, realm)
    real = await bring(runtime, realm, OURS, "keycloak")

    assert nobody == 0
    assert rows(dry) == rows(real)
    assert dry.summary == real.summary


@pytest.mark.parametrize("permissions", [("*",), ("users.read",)])
async def test_a_role_with_rights_is_given_to_nobody_by_its_name(
    runtime: Runtime, realm: Realm, permissions: tuple[str, ...]
):
    await factories.a_role(runtime, realm, "Cook", *permissions)
    await factories.a_role(runtime, realm, "importer", "transfers.write")
    importer = await factories.a_person(runtime, realm, roles=("importer",))
    actor = await factories.acting_as(runtime, realm, importer)
    data = json.dumps({"users": [{"username": "ada", "realmRoles": ["cook"]}]}).encode()

    done = await bring(runtime, realm, data, "keycloak", actor=actor, options=ImportOptions(existing="replace"))

    if permissions == ("*",):
        assert await moving.roles_of(runtime, realm, await who(runtime, realm, "ada")) == ["keycloak:cook"]
    else:
        assert await report_of(runtime, realm, done) == [(1, "escalation")]


async def test_a_broken_export_fails_and_says_why(runtime: Runtime, realm: Realm):
    done = await bring(runtime, realm, OURS[:-100], "keycloak")

    assert (done.state, done.error) == (
        "failed",
        "The file ends in the middle of the JSON object, or holds none.",
    )
