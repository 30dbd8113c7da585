"""The six operations of the seed, with every property of a user."""

import asyncio
from typing import Any

import pytest

from roster.core.access import numbers as roles
from roster.core.access import service as access
from roster.core.realms.models import Realm
from roster.core.users import numbers
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import IS_WAITED_FOR, Person, SignIn
from tests.dialects.onslip360.conftest import ASA, Wire, refusal

EVERYTHING: dict[str, Any] = {
    **ASA,
    "identity-number": "19121212-1212",
    "system-roles": ["admin"],
    "tags": ["vip"],
    "_acme-ref": "77",
}


async def test_a_new_user_is_answered_as_stored(wire: Wire, boss: Person):
    made = await wire.post("users/", EVERYTHING)

    assert made.status_code == 201
    stored = made.json()
    assert {name: stored[name] for name in EVERYTHING} == EVERYTHING
    assert stored.keys() - EVERYTHING.keys() == {"id", "created", "updated", "updated-by"}
    assert stored["updated-by"] == boss.user.number
    assert stored["created"] == stored["updated"]
    assert len(stored["created"]) == len("2026-01-05T08:30:00.000Z")
    assert made.headers["location"] == f"/onslip360/v1/~{wire.slug}/users/{stored['id']}"
    again = await wire.get(f"users/{stored['id']}")
    assert again.json() == stored
    assert again.headers["etag"] == made.headers["etag"]


async def test_what_has_no_value_is_left_out(wire: Wire):
    stored = await wire.add("asa")

    assert stored.keys() == {"id", "name", "alias", "email", "created", "updated", "updated-by"}


async def test_a_user_without_an_address_shows_an_empty_one(wire: Wire, person: Person):
    found = (await wire.get(f"users/{person.user.number}")).json()

    assert found["email"] == ""
    assert found["name"] == found["alias"] == person.user.username


async def test_a_name_in_parts_is_put_together(wire: Wire, sign_in: SignIn):
    jane = await sign_in(given_name="Jane", family_name="Doe")

    assert (await wire.get(f"users/{jane.user.number}")).json()["name"] == "Jane Doe"
    assert await wire.aliases("?q=name:doe") == [jane.user.username]


async def test_custom_roles_go_by_number_and_system_roles_by_name(
    wire: Wire, runtime: Runtime, realm: Realm, sign_in: SignIn
):
    await factories.a_role(runtime, realm, "editors", "users.read")
    one = await sign_in(roles=("admin", "editors"))

    found = (await wire.get(f"users/{one.user.number}")).json()

    assert found["system-roles"] == ["admin"]
    assert len(found["roles"]) == 1
    other = await wire.add("asa", roles=found["roles"])
    assert other["roles"] == found["roles"]
    assert "system-roles" not in other
    assert await wire.aliases(f"?q=roles:{found['roles'][0]};s=id") == [one.user.username, "asa"]
    assert one.user.username in await wire.aliases("?q=system-roles:admin")


async def test_roles_that_are_built_in_go_by_name_only(wire: Wire, runtime: Runtime, realm: Realm, boss: Person):
    async with runtime.read(factories.roster_in(realm)) as tx:
        ((number, _, built_in),) = (await roles.roles_of(tx, [boss.user.id]))[boss.user.id]
    stored = await wire.add("asa")

    answer = await wire.patch(f"users/{stored['id']}", {"roles": [number]})

    assert built_in
    assert refusal(answer) == (400, "bad-request")


async def test_a_change_touches_what_it_names(wire: Wire):
    stored = (await wire.post("users/", EVERYTHING)).json()

    changed = (await wire.patch(f"users/{stored['id']}", {"email": "new@example.org", "_acme-more": "1"})).json()

    assert changed == {**stored, "email": "new@example.org", "_acme-more": "1", "updated": changed["updated"]}
    assert changed["updated"] >= stored["updated"]


async def test_null_removes(wire: Wire):
    stored = (await wire.post("users/", EVERYTHING)).json()
    gone = ("identity-number", "system-roles", "tags", "_acme-ref")

    changed = (await wire.patch(f"users/{stored['id']}", dict.fromkeys(gone))).json()

    assert changed.keys() == stored.keys() - set(gone)


async def test_roles_of_one_sort_stay_when_the_other_is_changed(wire: Wire, runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "editors", "users.read")
    number = (await factories.a_person(runtime, realm, roles=("editors",))).number
    role = (await wire.get(f"users/{number}")).json()["roles"]

    assert (await wire.patch(f"users/{number}", {"system-roles": ["admin"]})).json()["roles"] == role
    assert (await wire.patch(f"users/{number}", {"roles": None})).json()["system-roles"] == ["admin"]


@pytest.mark.parametrize("body", [{"roles": []}, {"name": "Asa", "roles": []}, {"roles": None}])
async def test_a_role_of_the_other_sort_that_is_being_taken_away_does_not_come_back(
    wire: Wire, runtime: Runtime, realm: Realm, body: dict[str, Any]
):
    """The other is about to finish when the change finds the roles as they were."""
    asa = await wire.add("asa", **{"system-roles": ["admin"]})
    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_roles(tx, await numbers.id_of(tx, asa["id"]), [])
        change = asyncio.create_task(wire.patch(f"users/{asa['id']}", body))
        while not await tx.value(IS_WAITED_FOR):
            pass

    assert (await change).status_code == 200
    assert "system-roles" not in (await wire.get(f"users/{asa['id']}")).json()


async def test_replacing_removes_what_is_left_out(wire: Wire):
    stored = (await wire.post("users/", EVERYTHING)).json()

    replaced = (await wire.put(f"users/{stored['id']}", {**ASA, "name": "Asa", "_acme-new": "1"})).json()

    assert replaced.keys() == {"id", "name", "alias", "email", "created", "updated", "updated-by", "_acme-new"}
    assert replaced["id"] == stored["id"]
    assert replaced["name"] == "Asa"


async def test_what_was_read_can_be_sent_back(wire: Wire):
    stored = (await wire.post("users/", EVERYTHING)).json()

    assert (await wire.put(f"users/{stored['id']}", stored)).json() == {**stored, "updated": _any}
    assert (await wire.patch(f"users/{stored['id']}", stored)).json() == {**stored, "updated": _any}


class _Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


_any = _Anything()


async def test_a_deleted_user_leaves_lists_and_can_still_be_fetched(wire: Wire):
    stored = await wire.add("asa")
    path = f"users/{stored['id']}"

    gone = await wire.delete(path)

    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-type" not in gone.headers
    assert "asa" not in await wire.aliases()
    assert "asa" in await wire.aliases("?d=t")
    assert (await wire.get(path)).json()["deleted"]
    assert (await wire.delete(path)).status_code == 204
    assert refusal(await wire.patch(path, {"name": "x"})) == (404, "not-found")
    assert refusal(await wire.put(path, ASA)) == (404, "not-found")


async def test_deleting_at_the_same_moment_is_deleting_again(wire: Wire):
    category = (await wire.post("label-categories/", {"name": "Shifts", "resources": ["users"]})).json()["id"]
    label = (await wire.post("labels/", {"name": "Night", "label-category": category})).json()["id"]
    till = (await wire.post("tills/", {"name": "Bar"})).json()["id"]
    path = f"users/{(await wire.add('asa'))['id']}"

    for one in (path, f"labels/{label}", f"label-categories/{category}", f"tills/{till}"):
        answers = await asyncio.gather(*(wire.delete(one) for _ in range(6)))
        assert {answer.status_code for answer in answers} == {204}
    tag = (await wire.patch(path, {"deleted": None})).headers["etag"]
    seen = await asyncio.gather(*(wire.delete(path, headers={"If-Match": tag}) for _ in range(6)))
    assert sorted(answer.status_code for answer in seen) == [204] + [412] * 5


async def test_a_deleted_user_is_restored_with_roles_by_a_null(wire: Wire):
    stored = (await wire.post("users/", EVERYTHING)).json()
    path = f"users/{stored['id']}"
    await wire.delete(path)

    restored = await wire.patch(path, {"deleted": None, "name": "Asa"})

    assert restored.json() == {**stored, "name": "Asa", "updated": restored.json()["updated"]}
    assert (await wire.patch(path, {"deleted": None})).status_code == 200
    assert (await wire.patch(path, {"deleted": "2026-01-01T00:00:00.000Z"})).json().get("deleted") is None


async def test_names_of_deleted_users_are_held(wire: Wire):
    stored = await wire.add("asa")
    await wire.delete(f"users/{stored['id']}")

    assert refusal(await wire.post("users/", ASA)) == (409, "conflict")


async def test_a_taken_alias_is_a_conflict(wire: Wire):
    await wire.add("asa")
    other = await wire.add("bo")

    assert refusal(await wire.post("users/", {**ASA, "email": "x@example.org"})) == (409, "conflict")
    assert refusal(await wire.patch(f"users/{other['id']}", {"alias": "ASA"})) == (409, "conflict")


@pytest.mark.parametrize("id", ["999999999", "1099511627776", "9223372036854775807", "-1", "0"])
async def test_a_user_that_is_not_there_is_not_found(wire: Wire, id: str):
    assert refusal(await wire.get(f"users/{id}")) == (404, "not-found")
    assert refusal(await wire.patch(f"users/{id}", {})) == (404, "not-found")
    assert refusal(await wire.delete(f"users/{id}")) == (404, "not-found")


@pytest.mark.parametrize(
    "change",
    [
        {"nonsense": 1},
        {"roles": [999_999_999]},
        {"roles": ["editors"]},
        {"system-roles": ["boss"]},
        {"email": "no address"},
        {"alias": "a b"},
        {"alias": "me"},
        {"name": ""},
        {"_acme-ref": 7},
        {"deleted": 7},
        {"tags": "vip"},
    ],
)
async def test_what_cannot_be_stored_is_refused_whole(wire: Wire, change: dict[str, Any]):
    stored = await wire.add("asa")

    assert refusal(await wire.patch(f"users/{stored['id']}", {"identity-number": "1", **change})) == (
        400,
        "bad-request",
    )
    assert (await wire.get(f"users/{stored['id']}")).json() == stored


# entity tags


async def test_a_change_of_what_was_not_seen_is_refused(wire: Wire):
    made = await wire.post("users/", ASA)
    path, tag = f"users/{made.json()['id']}", made.headers["etag"]

    first = await wire.patch(path, {"name": "Asa"}, headers={"If-Match": tag})

    assert first.status_code == 200
    assert first.headers["etag"] != tag
    for method, body in (("PATCH", {"name": "x"}), ("PUT", ASA), ("DELETE", None)):
        stale = await wire.call(method, path, body, headers={"If-Match": tag})
        assert refusal(stale) == (412, "precondition-failed")
    assert refusal(await wire.patch(path, {"name": "x"}, headers={"If-Match": "W/" + tag})) == (
        412,
        "precondition-failed",
    )
    assert refusal(await wire.patch(path, {"name": "x"}, headers={"If-Match": "nonsense"})) == (
        412,
        "precondition-failed",
    )
    listed = f'"other", {first.headers["etag"]}'
    assert (await wire.patch(path, {"name": "y"}, headers={"If-Match": listed})).status_code == 200
    assert (await wire.patch(path, {"name": "z"}, headers={"If-Match": "*"})).status_code == 200


async def test_a_change_of_roles_alone_changes_the_tag(wire: Wire, runtime: Runtime, realm: Realm):
    stored = await wire.add("asa")
    before = await wire.get(f"users/{stored['id']}")
    await factories.a_role(runtime, realm, "editors")

    async with runtime.write(factories.roster_in(realm)) as tx:
        await access.set_roles(tx, (await numbers.get(tx, stored["id"])).id, ["editors"])
    after = await wire.get(f"users/{stored['id']}")

    assert after.headers["etag"] != before.headers["etag"]


async def test_who_has_it_already_is_told_so(wire: Wire):
    made = await wire.post("users/", ASA)
    path = f"users/{made.json()['id']}"

    same = await wire.get(path, headers={"If-None-Match": f'"x", W/{made.headers["etag"]}'})

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == made.headers["etag"]
    await wire.patch(path, {"name": "Asa"})
    assert (await wire.get(path, headers={"If-None-Match": made.headers["etag"]})).status_code == 200


async def test_a_list_has_a_tag_too(wire: Wire):
    stored = await wire.add("asa")
    first = await wire.get("users/")

    same = await wire.get("users/", headers={"If-None-Match": first.headers["etag"]})
    await wire.patch(f"users/{stored['id']}", {"name": "Asa"})
    other = await wire.get("users/", headers={"If-None-Match": first.headers["etag"]})

    assert (same.status_code, other.status_code) == (304, 200)
    assert same.headers["x-total-count"] == "2"


# lists


async def test_a_list_says_how_many_match_in_all(wire: Wire):
    for alias in ("ada", "bo", "cy"):
        await wire.add(alias)

    page = await wire.get("users/?c=2;o=1;s=-alias;q=email%3Aexample.org")

    assert [each["alias"] for each in page.json()] == ["boss", "bo"]
    assert page.headers["x-total-count"] == "4"
    assert (await wire.get("users/?c=0")).json() == []
    assert (await wire.get("users/?o=100")).json() == []


async def test_users_come_in_the_order_they_were_made(wire: Wire):
    for alias in ("cy", "ada", "bo"):
        await wire.add(alias)

    assert await wire.aliases() == ["boss", "cy", "ada", "bo"]
    assert await wire.aliases("?s=alias&c=2") == ["ada", "bo"]


@pytest.mark.parametrize("parameters", ["?q=pin%3D4711", "?q=password:x", "?s=pin", "?s=-password", "?q=x%3D", "?q=("])
async def test_keys_can_be_neither_asked_for_nor_sorted_by(wire: Wire, parameters: str):
    assert refusal(await wire.get("users/" + parameters)) == (400, "bad-query")


@pytest.mark.parametrize("parameters", ["?o=x", "?c=x", "?d=yes", "?o=-1"])
async def test_other_parameters_must_make_sense(wire: Wire, parameters: str):
    assert refusal(await wire.get("users/" + parameters)) == (400, "bad-request")


async def test_times_are_compared_as_times(wire: Wire):
    stored = await wire.add("asa")

    assert await wire.aliases(f'?q=updated>%3D"{stored["updated"]}"') == ["asa"]
    assert await wire.aliases("?q=created<2020-01-01T00:00:00.000Z") == []
    assert refusal(await wire.get("users/?q=created<yesterday")) == (400, "bad-query")


# who may


async def test_everybody_may_fetch_themselves_and_nobody_else(wire: Wire, person: Person, boss: Person):
    own = wire.by_someone(person)

    assert (await own.get(f"users/{person.user.number}")).status_code == 200
    for number in (boss.user.number, 999_999_999):
        assert refusal(await own.get(f"users/{number}")) == (403, "forbidden")
        assert refusal(await own.patch(f"users/{number}", {"name": "x"})) == (403, "forbidden")
        assert refusal(await own.put(f"users/{number}", ASA)) == (403, "forbidden")
        assert refusal(await own.delete(f"users/{number}")) == (403, "forbidden")
    assert refusal(await own.get("users/")) == (403, "forbidden")
    assert refusal(await own.post("users/", ASA)) == (403, "forbidden")
    assert refusal(await own.delete(f"users/{person.user.number}")) == (403, "forbidden")


async def test_nobody_is_made_a_super_user(wire: Wire):
    stored = await wire.add("asa", demon=False)
    path = f"users/{stored['id']}"

    assert refusal(await wire.post("users/", {**ASA, "alias": "bo", "demon": True})) == (403, "forbidden")
    assert refusal(await wire.patch(path, {"demon": True})) == (403, "forbidden")
    assert refusal(await wire.put(path, {**ASA, "demon": True})) == (403, "forbidden")
    assert (await wire.patch(path, {"demon": None})).status_code == 200


async def test_the_last_administrator_stays(wire: Wire, boss: Person):
    path = f"users/{boss.user.number}"

    assert refusal(await wire.delete(path)) == (403, "forbidden")
    assert refusal(await wire.patch(path, {"system-roles": []})) == (403, "forbidden")
    assert refusal(await wire.put(path, {"name": "B", "alias": "boss", "email": "boss@example.org"})) == (
        403,
        "forbidden",
    )


async def test_users_of_another_realm_are_not_there(wire: Wire, stranger: Person):
    assert refusal(await wire.get(f"users/{stranger.user.number}")) == (404, "not-found")
    assert refusal(await wire.by_someone(stranger).get("users/")) == (401, "unauthorized")
