"""Classes 8 and 9: nothing tells whether somebody exists, and nothing counts those one may not see.

Below the front doors: `tests/core/flows/test_login.py` (one answer, one hash) and `tests/core/recovery` (same work).
"""

from typing import Any

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.conftest import CountingWorkers
from tests.core.people import PASSWORD, Person
from tests.security.fronts import Front


async def _cast(runtime: Runtime, realm: Realm) -> list[str]:
    """Names of everybody about whom nothing may be told, and of nobody."""
    await people.a_member(runtime, realm, username="active", email="active@example.org")
    await factories.a_person(runtime, realm, "without-password")
    for state in ("disabled", "pending"):
        person = await people.a_member(runtime, realm, username=state)
        async with runtime.write(factories.roster_in(realm)) as tx:
            await users.change(tx, person.id, people.status(state))
    gone = await people.a_member(runtime, realm, username="deleted")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, gone.id)
    return ["active", "active@example.org", "without-password", "disabled", "pending", "deleted", "nobody", "n@x.org"]


def _told(answer: httpx.Response) -> tuple[Any, ...]:
    """All of an answer but what is different every time."""
    body = answer.json() if answer.content else {}
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")}
    return answer.status_code, {**body, "request_id": ""}, headers


async def test_a_failed_sign_in_says_and_costs_the_same_for_everybody(
    front: Front, runtime: Runtime, realm: Realm, workers: CountingWorkers
):
    told: list[Any] = []
    for name in await _cast(runtime, realm):
        workers.ran.clear()
        told.append((_told(await front.sign_in(name, "a wrong secret")), list(workers.ran)))

    assert all(each == told[0] for each in told)
    assert told[0][0][0] == 401
    assert len(told[0][1]) == 1


async def test_the_right_password_of_somebody_who_may_not_sign_in_looks_like_a_wrong_one(
    front: Front, runtime: Runtime, realm: Realm, workers: CountingWorkers
):
    await _cast(runtime, realm)
    wrong = _told(await front.sign_in("nobody", "a wrong secret"))
    for name in ("disabled", "pending", "deleted"):
        workers.ran.clear()
        assert _told(await front.sign_in(name, PASSWORD)) == wrong
        assert len(workers.ran) == 1


async def test_recovery_says_the_same_for_everybody(
    front: Front, runtime: Runtime, realm: Realm, workers: CountingWorkers
):
    names = await _cast(runtime, realm)
    for _ in range(2):  # what is remembered from now on
        await front.recover("somebody-else")
    told: list[Any] = []
    for name in names:
        with people.counting() as statements:
            told.append((_told(await front.recover(name)), list(statements)))

    assert all(each == told[0] for each in told)
    assert workers.ran == []
    assert [to for to, _ in await people.links(runtime, realm, "recover_password")] == ["active@example.org"] * 2


async def test_limits_are_reached_by_names_nobody_has_as_by_others(front: Front, runtime: Runtime, realm: Realm):
    await _cast(runtime, realm)
    reached: dict[str, int] = {}
    for name in ("active", "nobody"):
        reached[name] = 0
        while (await front.sign_in(name, "wrong")).status_code == 401:
            reached[name] += 1

    assert reached["active"] == reached["nobody"] == 10


async def test_a_token_of_nobody_looks_like_a_damaged_one(front: Front, runtime: Runtime, person: Person):
    token = (await people.sign_in(runtime, person)).access_token
    damaged = _told(await front.me(token[:-6] + "AAAAAA"))
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await users.delete(tx, person.id)

    assert _told(await front.me(token)) == damaged
    assert damaged[0] == 401


async def test_people_one_may_not_know_of_look_like_nobody(front: Front, runtime: Runtime, realm: Realm):
    """In the native API whoever has no permission knows nobody; in AcceleratXR all may know that others exist."""
    token = (await people.sign_in(runtime, await people.a_member(runtime, realm))).access_token
    other = await factories.a_person(runtime, realm)
    unknown = await front.call("GET", "/users/018f3c5e-7a10-7c3b-9a55-0d2f6a4b8c11", token=token)
    known = await front.call("GET", f"/users/{other.id}", token=token)

    if front.name == "native":
        assert _told(known) == _told(unknown)
    else:
        assert (known.status_code, unknown.status_code) == (200, 404)
        assert set(known.json()) == {"uid", "dateCreated", "dateModified", "version", "name"}


@pytest.mark.parametrize("question", ["email", "phone", "lastName", "roles", "externalIds", "verified"])
@pytest.mark.parametrize("form", ["{0}=x", "{0}=like(x)", "{0}=ne(x)", "sort={0}", 'sort={{"{0}":"DESC"}}'])
async def test_members_that_are_hidden_are_neither_searched_nor_sorted_nor_counted_by(
    front: Front, runtime: Runtime, person: Person, question: str, form: str
):
    if front.name == "native":
        names = {"lastName": "family_name", "externalIds": "external_ids", "verified": "email_verified_at"}
        name = names.get(question, question)
        await factories.a_role(runtime, person.realm, "lookers", "users.read_basic")
        looker = await people.a_member(runtime, person.realm, roles=("lookers",))
        token = (await people.sign_in(runtime, looker)).access_token
        answers = [
            await front.call("GET", "/users", token=token, params={"filter": f"{name} pr", "total": "true"}),
            await front.call("GET", "/users", token=token, params={"filter": f"not ({name} pr)", "total": "true"}),
        ]
    else:
        token = (await people.sign_in(runtime, person)).access_token
        query = form.format(question)
        answers = [await front.call("GET", f"/users?{query}", token=token)]
        if not query.startswith("sort"):
            answers.append(await front.call("GET", f"/users/count?{query}", token=token))

    assert {answer.status_code for answer in answers} <= {400, 403}


async def test_totals_count_this_realm_only(front: Front, runtime: Runtime, admin: Person, other_realm: Realm):
    for _ in range(3):
        await factories.a_person(runtime, other_realm)
    token = (await people.sign_in(runtime, admin)).access_token
    if front.name == "native":
        answer = await front.call("GET", "/users", token=token, params={"total": "true"})
        assert (answer.json()["total"], len(answer.json()["items"])) == (1, 1)
    else:
        assert (await front.call("GET", "/users/count", token=token)).json() == {"count": 1}


async def test_who_may_not_give_roles_does_not_learn_which_there_are(runtime: Runtime, realm: Realm, client: Any):
    await factories.a_role(runtime, realm, "clerks", "users.create")
    clerk = await people.a_member(runtime, realm, roles=("clerks",))
    token = (await people.sign_in(runtime, clerk)).access_token
    front = Front("native", client, realm)

    answers = [
        await front.call("POST", "/users", token=token, json={"username": f"new-{role}", "roles": [role]})
        for role in ("admin", "no-such-role")
    ]

    assert _told(answers[0]) == _told(answers[1])
    assert answers[0].status_code == 403
