"""Access tokens: keys that sign requests."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.credentials.models import Credential, SigningChange
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.dialects.conftest import IS_WAITED_FOR, Person, SignIn
from tests.dialects.onslip360.conftest import ASA, Hawk, Wire, refusal

TOKEN: dict[str, Any] = {"type": "hawk-key", "name": "Nightly job", "alias": "nightly"}


def signed_with(made: dict[str, Any], name: str, realm: Realm) -> Hawk:
    return Hawk(f"key:{name}+{made['alias']}@{realm.slug}", base64.b64decode(made["key"]))


async def test_a_key_is_shown_once_and_signs(wire: Wire, realm: Realm, boss: Person):
    asa = await wire.add("asa", **{"system-roles": ["admin"]})
    path = f"users/{asa['id']}/access-tokens/"

    made = await wire.post(path, {**TOKEN, "_acme-ref": "1", "location": 4, "external": False, "tags": ["x"]})

    stored = made.json()
    assert len(base64.b64decode(stored["key"])) == 32
    assert made.headers["location"].endswith(f"/{path}{stored['id']}")
    without = {name: value for name, value in stored.items() if name != "key"}
    assert (await wire.get(f"{path}{stored['id']}")).json() == without
    assert (await wire.get(path)).json() == [without]
    assert stored["user"] == asa["id"]
    assert stored["updated-by"] == boss.user.number
    info = (await wire.by_someone(None).get("", auth=signed_with(stored, "asa", realm))).json()
    assert info["user"]["alias"] == "asa"
    assert info["access-token"] == without


async def test_a_token_may_do_what_it_lists_and_its_user_may(wire: Wire, realm: Realm):
    asa = await wire.add("asa", **{"system-roles": ["admin"]})
    path = f"users/{asa['id']}/access-tokens/"

    made = (await wire.post(path, {**TOKEN, "permissions": ["show-users", "show-robots"]})).json()

    assert made["permissions"] == ["show-robots", "show-users"]
    auth, nobody = signed_with(made, "asa", realm), wire.by_someone(None)
    assert (await nobody.get("", auth=auth)).json()["permissions"] == ["show-users"]
    assert (await nobody.get("users/", auth=auth)).status_code == 200
    assert refusal(await nobody.post("users/", ASA, auth=auth)) == (403, "forbidden")
    await wire.patch(f"{path}{made['id']}", {"permissions": None})
    assert "edit-users" in (await nobody.get("", auth=auth)).json()["permissions"]


async def test_a_new_key_replaces_the_one_before(wire: Wire, realm: Realm):
    asa = await wire.add("asa")
    path = f"users/{asa['id']}/access-tokens/"
    made = (await wire.post(path, TOKEN)).json()
    nobody = wire.by_someone(None)
    assert (await nobody.get("", auth=signed_with(made, "asa", realm))).status_code == 200

    renewed = await wire.post(f"{path}{made['id']}", {})

    assert renewed.json() == {**made, "key": renewed.json()["key"], "updated": renewed.json()["updated"]}
    assert renewed.json()["key"] != made["key"]
    assert refusal(await nobody.get("", auth=signed_with(made, "asa", realm))) == (401, "unauthorized")
    assert (await nobody.get("", auth=signed_with(renewed.json(), "asa", realm))).status_code == 200


async def test_a_token_is_changed_replaced_and_deleted(wire: Wire, realm: Realm):
    asa = await wire.add("asa")
    path = f"users/{asa['id']}/access-tokens/"
    made = await wire.post(path, {**TOKEN, "_acme-ref": "1", "tags": ["x"]})
    one, tag = f"{path}{made.json()['id']}", made.headers["etag"]

    changed = await wire.patch(one, {"name": "Daily", "alias": "daily"}, headers={"If-Match": tag})
    stale = await wire.put(one, TOKEN, headers={"If-Match": tag})
    replaced = (await wire.put(one, TOKEN)).json()

    assert (changed.json()["name"], changed.json()["alias"]) == ("Daily", "daily")
    assert refusal(stale) == (412, "precondition-failed")
    assert replaced.keys().isdisjoint({"_acme-ref", "tags", "key"})
    assert refusal(await wire.delete(one, headers={"If-Match": tag})) == (412, "precondition-failed")
    assert (await wire.delete(one)).status_code == 204
    assert refusal(await wire.get(one)) == (404, "not-found")
    assert refusal(await wire.by_someone(None).get("", auth=signed_with(made.json(), "asa", realm))) == (
        401,
        "unauthorized",
    )


async def test_of_changes_at_the_same_moment_that_have_seen_the_same_one_counts(wire: Wire):
    asa = await wire.add("asa")
    path = f"users/{asa['id']}/access-tokens/"
    made = await wire.post(path, TOKEN)
    one, seen = f"{path}{made.json()['id']}", {"If-Match": made.headers["etag"]}

    answers = await asyncio.gather(*(wire.patch(one, {f"_acme-{n}": "x"}, headers=seen) for n in range(8)))
    unseen = await asyncio.gather(*(wire.patch(one, {f"_acme-u{n}": "x"}) for n in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert {answer.status_code for answer in unseen} == {200}
    kept = (await wire.get(one)).json()
    assert sum(name.startswith("_acme-u") for name in kept) == 4
    assert sum(name.startswith("_acme-") for name in kept) == 5


async def changing(tx: Tx, found: Credential) -> None:
    await signing.change(tx, found.user_id, found.id, SigningChange(label="Daily"))


async def deleting(tx: Tx, found: Credential) -> None:
    await credentials.delete(tx, found.user_id, found.id)


@pytest.mark.parametrize("first", [changing, deleting])
async def test_of_two_at_the_same_moment_whoever_deletes_what_they_have_seen_is_refused(
    wire: Wire, runtime: Runtime, realm: Realm, first: Callable[[Tx, Credential], Awaitable[None]]
):
    """The other has changed the token, but not finished, when the deletion finds it as it was."""
    asa = await wire.add("asa")
    made = await wire.post(f"users/{asa['id']}/access-tokens/", TOKEN)
    one, seen = f"users/{asa['id']}/access-tokens/{made.json()['id']}", {"If-Match": made.headers["etag"]}

    async with runtime.write(factories.roster_in(realm)) as tx:
        await first(tx, await signing.find(tx, f"key:asa+nightly@{realm.slug}"))
        deletion = asyncio.create_task(wire.delete(one, headers=seen))
        while not await tx.value(IS_WAITED_FOR):
            pass

    assert refusal(await deletion) == (412, "precondition-failed")


async def test_a_token_says_who_changed_it_last_and_on_which_till(
    wire: Wire, sign_in: SignIn, realm: Realm, boss: Person
):
    second = await sign_in(roles=("admin",))
    till = (await wire.post("tills/", {"name": "Bar"})).json()["id"]
    tied = (await wire.post(f"users/{boss.user.number}/access-tokens/", {**TOKEN, "client": till})).json()
    made = (await wire.post(f"users/{(await wire.add())['id']}/access-tokens/", TOKEN)).json()
    one = f"users/{made['user']}/access-tokens/{made['id']}"

    changed = (await wire.by_someone(second).patch(one, {"name": "Daily"})).json()
    auth = signed_with(tied, "boss", realm)
    renewed = (await wire.by_someone(None).post(one, {}, auth=auth)).json()
    replaced = (await wire.by_someone(second).put(one, TOKEN)).json()

    assert (made["updated-by"], "updated-from" in made) == (boss.user.number, False)
    assert (changed["updated-by"], "updated-from" in changed) == (second.user.number, False)
    assert (renewed["updated-by"], renewed["updated-from"]) == (boss.user.number, till)
    assert (replaced["updated-by"], "updated-from" in replaced) == (second.user.number, False)
    assert (await wire.get(one)).json() == replaced


async def test_a_token_may_be_tied_to_a_till(wire: Wire, realm: Realm):
    asa = await wire.add("asa", **{"system-roles": ["admin"]})
    till = (await wire.post("tills/", {"name": "Bar"})).json()
    made = (await wire.post(f"users/{asa['id']}/access-tokens/", {**TOKEN, "client": till["id"]})).json()
    auth, nobody = signed_with(made, "asa", realm), wire.by_someone(None)

    assert made["client"] == till["id"]
    assert (await nobody.get("", auth=auth)).json()["till"] == till
    changed = (await nobody.patch(f"users/{asa['id']}", {"name": "Asa"}, auth=auth)).json()
    assert changed["updated-from"] == till["id"]
    bad = {**TOKEN, "alias": "other", "client": 10**12}
    assert refusal(await wire.post(f"users/{asa['id']}/access-tokens/", bad)) == (400, "bad-request")


@pytest.mark.parametrize(
    "member",
    [
        {"type": "pkcs12"},
        {"type": "access-token"},
        {"type": "x"},
        {"key": "AA=="},
        {"alias": "a+b"},
        {"alias": "a b"},
        {"alias": "a@b"},
        {"name": ""},
        {"permissions": ["*"]},
    ],
)
async def test_what_is_no_token_is_refused(wire: Wire, boss: Person, member: dict[str, Any]):
    answer = await wire.post(f"users/{boss.user.number}/access-tokens/", {**TOKEN, **member})

    assert refusal(answer) == (400, "bad-request")


async def test_aliases_are_unique_for_each_user(wire: Wire):
    asa, bo = await wire.add("asa"), await wire.add("bo")
    await wire.post(f"users/{asa['id']}/access-tokens/", TOKEN)

    assert refusal(await wire.post(f"users/{asa['id']}/access-tokens/", TOKEN)) == (409, "conflict")
    assert (await wire.post(f"users/{bo['id']}/access-tokens/", TOKEN)).status_code == 201


async def test_only_one_kind_of_key_can_be_made_anew(wire: Wire):
    asa = await wire.add("asa")
    made = (await wire.post(f"users/{asa['id']}/access-tokens/", TOKEN)).json()

    answer = await wire.post(f"users/{asa['id']}/access-tokens/{made['id']}", {"algorithm": "rsa", "bits": 2048})

    assert refusal(answer) == (400, "bad-request")


async def test_own_tokens_take_a_permission_and_those_of_others_another(
    wire: Wire, sign_in: SignIn, boss: Person, person: Person
):
    await wire.post("roles/", {"name": "user", "permissions": ["use-access-tokens"]})
    one = await sign_in(roles=("user",))
    own, path = wire.by_someone(one), f"users/{one.user.number}/access-tokens/"

    made = await own.post(path, TOKEN)

    assert made.status_code == 201
    assert (await own.get(path)).headers["x-total-count"] == "1"
    assert (await own.post(f"{path}{made.json()['id']}", {})).status_code == 200
    for number in (boss.user.number, 10**15):
        assert refusal(await own.get(f"users/{number}/access-tokens/")) == (403, "forbidden")
        assert refusal(await own.post(f"users/{number}/access-tokens/", TOKEN)) == (403, "forbidden")
    none = wire.by_someone(person)
    assert refusal(await none.get(f"users/{person.user.number}/access-tokens/")) == (403, "forbidden")
    assert refusal(await wire.get(f"users/{boss.user.number}/access-tokens/{made.json()['id']}")) == (404, "not-found")
