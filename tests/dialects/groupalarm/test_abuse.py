"""What somebody tries who wants in, up or further: invitations, codes, addresses, and organisations of others.

What one operation refuses by itself is tested beside it; here are ways that lead over several.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.dialects.groupalarm.conftest import Account, Wire, World, done, mailed, refusal

GONE = (404, "invitation not found")
WRONG = (401, "bad credentials")
WRONG_CODE = (400, "code: the code is wrong")
OWN = {"name": "Bo", "password": "a password of my own"}


@pytest.fixture
async def elsewhere(account: Account, wire: Wire) -> tuple[int, Wire]:
    """An organisation with which nobody here has anything to do, and its owner."""
    eve = await account("eve@example.org")
    by_eve = await wire.logged_in(str(eve.email))
    return (await by_eve.post("/organization", {"name": "Others"})).json()["id"], by_eve


async def invite(world: World, **guest: Any) -> list[dict[str, Any]]:
    sent = {"organization": {"id": world.org.number}, "users": [guest]}
    answer = await world.by_administrator.post("/user/invite", sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


# invitations


async def test_an_expired_invitation_lets_nobody_in_until_it_is_sent_again(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    await invite(world, email="bo@example.org")
    path = f"/invite/{await mailed(runtime, realm, 'invitation')}"
    late = "UPDATE invitations SET expires_at = sent_at + $2 WHERE realm_id = $1"
    await people.execute(runtime, late, realm.id, timedelta(microseconds=1))

    assert refusal(await wire.post(path, OWN)) == (404, "invitation expired")
    assert (await wire.get(path, headers={"Accept": "text/html"})).status_code == 404
    assert refusal(await wire.delete(path)) == (404, "invitation expired")
    assert (await wire.log_in("bo@example.org", OWN["password"])).status_code == 401

    again = {"organization": {"id": world.org.number}, "users": [{"email": "bo@example.org"}]}
    assert done(await world.by_administrator.post("/user/resend", again))
    assert done(await wire.post(path, OWN))


async def test_an_invitation_that_was_withdrawn_stays_so_when_there_is_another(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    (bo,) = await invite(world, email="bo@example.org")
    first = f"/invite/{await mailed(runtime, realm, 'invitation')}"
    assert done(await world.by_administrator.delete(f"/user/{bo['user']['id']}/{world.org.number}"))
    assert refusal(await wire.post(first, OWN)) == GONE

    await invite(world, email="bo@example.org")

    assert refusal(await wire.post(first, OWN)) == GONE
    assert done(await wire.post(f"/invite/{await mailed(runtime, realm, 'invitation')}", OWN))


async def test_an_invitation_is_accepted_or_declined_but_not_both_at_once(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    await invite(world, email="bo@example.org")
    path = f"/invite/{await mailed(runtime, realm, 'invitation')}"

    answers = await asyncio.gather(wire.post(path, OWN), wire.delete(path), wire.post(path, OWN), wire.delete(path))

    assert sorted(each.status_code for each in answers) == [200, 404, 404, 404]


async def test_an_invitation_to_somebody_new_makes_no_account_of_somebody_who_is_logged_in(
    world: World, by_ada: Wire, wire: Wire, ada: User, runtime: Runtime, realm: Realm
):
    """Neither does the password that comes with an invitation change that of an account in use."""
    await invite(world, email="bo@example.org")
    path = f"/invite/{await mailed(runtime, realm, 'invitation')}"
    assert refusal(await by_ada.post(path, OWN))[0] == 403
    assert (await by_ada.get("/organizations")).json() == []

    await invite(world, email=ada.email)
    await wire.post(f"/invite/{await mailed(runtime, realm, 'invitation')}", OWN)

    assert refusal(await wire.log_in(str(ada.email), OWN["password"])) == WRONG
    assert (await wire.log_in(str(ada.email), PASSWORD)).status_code == 200


# codes


async def test_one_code_of_the_authenticator_opens_one_session_however_many_try_at_once(
    wire: Wire, runtime: Runtime, realm: Realm, ada: User
):
    seed, _ = await people.with_second_factor(runtime, Person(realm, ada))
    code = people.code_of(seed)

    answers = await asyncio.gather(*[wire.log_in(str(ada.email), mfa=code) for _ in range(5)])

    assert sorted(each.status_code for each in answers) == [200, 401, 401, 401, 401]


async def test_a_code_that_was_used_is_good_for_nothing_else(
    wire: Wire, by_ada: Wire, runtime: Runtime, realm: Realm, ada: User
):
    seed, codes = await people.with_second_factor(runtime, Person(realm, ada))
    code = people.code_of(seed)
    for used in (code, codes[0]):
        assert (await wire.log_in(str(ada.email), mfa=used)).status_code == 200
        change = {"newEmail": "mine@example.org", "mfaCode": used}
        assert refusal(await by_ada.delete(f"/mfa?code={used}")) == WRONG_CODE
        assert (await by_ada.post("/auth/change-email", change)).status_code == 400
        assert refusal(await wire.log_in(str(ada.email), mfa=used)) == WRONG


async def test_a_code_is_used_once_over_all_operations_at_once(
    wire: Wire, by_ada: Wire, runtime: Runtime, realm: Realm, ada: User
):
    """Not beside switching it off, after which the others need none."""
    seed, _ = await people.with_second_factor(runtime, Person(realm, ada))
    code = people.code_of(seed)

    answers = await asyncio.gather(
        wire.log_in(str(ada.email), mfa=code),
        by_ada.post("/auth/change-email", {"newEmail": "mine@example.org", "mfaCode": code}),
        wire.log_in(str(ada.email), mfa=code),
    )

    assert [each.status_code for each in answers].count(200) == 1


@pytest.mark.parametrize("guess", ["{:06}", "{:04}-{:04}"])
async def test_guesses_count_together_wherever_they_are_made(
    wire: Wire, by_ada: Wire, runtime: Runtime, realm: Realm, ada: User, guess: str
):
    """Of codes of the authenticator and of backup codes alike."""
    _, codes = await people.with_second_factor(runtime, Person(realm, ada))
    tried = [guess.format(number, number) for number in range(10)]
    for at in range(0, 9, 3):
        await by_ada.delete(f"/mfa?code={tried[at]}")
        await by_ada.post("/auth/change-email", {"newEmail": "mine@example.org", "mfaCode": tried[at + 1]})
        await wire.log_in(str(ada.email), mfa=tried[at + 2])
    assert refusal(await wire.log_in(str(ada.email), mfa=tried[9])) == WRONG

    late = [
        await wire.log_in(str(ada.email), mfa=codes[0]),
        await by_ada.delete(f"/mfa?code={codes[0]}"),
        await by_ada.post("/auth/change-email", {"newEmail": "mine@example.org", "mfaCode": codes[0]}),
    ]

    assert [each.status_code for each in late] == [429, 429, 429]
    assert all(int(each.headers["retry-after"]) > 0 for each in late)


# addresses


async def test_nobody_learns_by_asking_for_an_address_whether_somebody_has_it(
    by_ada: Wire, wire: Wire, ada: User, account: Account, runtime: Runtime, realm: Realm
):
    """Whether its holder is in use, switched off or of a pending account: same answer, same wish, same mail."""
    await account("taken@example.org")
    await account("off@example.org", status="disabled")
    told: list[Any] = []
    for address in ("free@example.org", "taken@example.org", "TAKEN@example.org", "off@example.org"):
        answer = await by_ada.post("/auth/change-email", {"newEmail": address})
        wish = (await by_ada.get("/auth/change-email")).json()
        (recipient, _) = (await people.links(runtime, realm, "change_email"))[-1]
        told.append((answer.status_code, answer.json(), wish["newEmail"] == address, recipient == address))
        await by_ada.delete("/auth/change-email")

    assert told == [told[0]] * 4


async def test_an_address_that_was_taken_meanwhile_is_confirmed_by_nobody(
    by_ada: Wire, wire: Wire, ada: User, account: Account, runtime: Runtime, realm: Realm
):
    await by_ada.post("/auth/change-email", {"newEmail": "wished@example.org"})
    path = f"/auth/change-email/{await mailed(runtime, realm, 'change_email')}"
    await account("wished@example.org")

    assert refusal(await wire.post(path)) == (400, "email taken")

    assert (await by_ada.get("/user/")).json()["email"] == ada.email
    assert (await wire.log_in("wished@example.org")).status_code == 200


async def test_of_two_who_confirm_one_address_at_once_one_has_it(
    wire: Wire, account: Account, runtime: Runtime, realm: Realm
):
    paths: list[str] = []
    for name in ("one", "two", "three"):
        user = await account(f"{name}@example.org")
        asking = await wire.logged_in(str(user.email))
        await asking.post("/auth/change-email", {"newEmail": "wished@example.org"})
        paths.append(f"/auth/change-email/{await mailed(runtime, realm, 'change_email')}")

    answers = await asyncio.gather(*[wire.post(path) for path in paths])

    assert sorted(each.status_code for each in answers) == [200, 400, 400]


# whoever runs an organisation


@pytest.mark.parametrize("way", ["leaving", "removing the other", "losing the role", "deleting the account"])
async def test_an_organisation_keeps_an_administrator_whatever_two_do_at_once(world: World, way: str):
    """The founder leaves while the other administrator goes too, in one way or another."""
    here, other = world.org.number, world.administrator.number
    roles = (await world.by_founder.get(f"/rbac/roles?organization_id={here}")).json()
    role = next(each["id"] for each in roles if each["name"] == "administrator")
    leaving = world.by_founder.delete(f"/user/{world.founder.number}/{here}")
    goes = {
        "leaving": world.by_administrator.delete(f"/user/{other}/{here}"),
        "removing the other": world.by_administrator.delete(f"/user/{world.founder.number}/{here}"),
        "losing the role": world.by_administrator.delete(f"/rbac/roles/{role}/user/{other}"),
        "deleting the account": world.by_administrator.delete("/user"),
    }
    going = goes.pop(way)
    for unused in goes.values():
        unused.close()

    await asyncio.gather(leaving, going)

    owner = await world.by_founder.get(f"/rbac/roles/{role}/user")
    left = {each["userID"] for each in owner.json()}
    assert left
    assert left <= {world.founder.number, other}


async def test_administrators_do_not_become_owners_by_any_way(world: World, wire: Wire):
    here, me = world.org.number, world.administrator.number
    by_ann = world.by_administrator
    roles = (await by_ann.get(f"/rbac/roles?organization_id={here}")).json()
    owner = next(each["id"] for each in roles if each["name"] == "owner")
    token = (await by_ann.post("/rbac/token", {"organizationID": here, "name": "gateway"})).json()["token"]
    by_org = wire.by(api=token)
    guest = {"organization": {"id": here}, "users": [{"email": "bo@example.org", "roles": [{"id": owner}]}]}
    for answer in (
        await by_ann.put(f"/organization/{here}/owner/{me}"),
        await by_ann.post(f"/rbac/roles/{owner}/user", {"userID": me}),
        await by_ann.post("/user/invite", guest),
        await by_org.post("/user/invite", guest),
        await by_org.post(f"/rbac/roles/{owner}/user", {"userID": me}),
        await by_ann.delete(f"/organization/{here}/owner/{world.founder.number}"),
        await by_ann.delete(f"/rbac/roles/{owner}/user/{world.founder.number}"),
    ):
        assert answer.status_code in (401, 403), (answer.request.url, answer.text)
    assert refusal(await by_org.put(f"/organization/{here}/owner/{me}")) == (400, "missing user id in auth token")

    sent = {"id": here, "name": "Mine", "ownerIDs": [me], "parentID": 0}
    assert (await by_ann.put("/organization", sent)).json()["ownerIDs"] == [world.founder.number]
    below = (await by_ann.post("/organization", {"name": "Below", "parentID": here, "ownerIDs": [me]})).json()
    assert me not in below["ownerIDs"]
    assert (await by_ann.get("/organizations/owner")).json() == []


async def test_who_was_removed_as_a_member_owns_what_they_own_and_nothing_more(world: World):
    here, number = world.org.number, world.founder.number
    assert done(await world.by_administrator.delete(f"/user/{number}/{here}"))

    assert (await world.by_founder.get("/organizations/owner")).json()[0]["id"] == here
    assert done(await world.by_founder.put(f"/organization/{here}/owner/{world.participant.number}"))
    assert done(await world.by_participant.delete(f"/organization/{here}/owner/{number}"))
    assert refusal(await world.by_founder.get(f"/organization/{here}"))[0] == 404


# other organisations


async def test_members_of_others_are_not_reached_by_their_numbers(
    world: World, elsewhere: tuple[int, Wire], wire: Wire
):
    """By an administrator of one organisation, and by its token, through each operation that names a person."""
    there, by_eve = elsewhere
    here = world.org.number
    eve = (await by_eve.get("/user/")).json()["id"]
    roles = (await world.by_administrator.get(f"/rbac/roles?organization_id={here}")).json()
    role = next(each["id"] for each in roles if each["name"] == "participant")
    token = (await world.by_administrator.post("/rbac/token", {"organizationID": here, "name": "gateway"})).json()
    for asking in (world.by_administrator, wire.by(api=token["token"])):
        for method, path, body in (
            ("GET", f"/user/{eve}?organization={here}", None),
            ("GET", f"/user/{eve}?organization={there}", None),
            ("GET", f"/users?organization={there}", None),
            ("GET", f"/users/pagination?organization={there}", None),
            ("PUT", "/user/", {"organizationId": here, "user": {"id": eve, "name": "x"}}),
            ("PUT", "/user/", {"organizationId": there, "user": {"id": eve, "name": "x"}}),
            ("DELETE", f"/user/{eve}/{here}", None),
            ("DELETE", f"/user/{eve}/{there}", None),
            ("POST", f"/rbac/roles/{role}/user", {"userID": eve}),
            ("DELETE", f"/rbac/roles/{role}/user/{eve}", None),
            ("GET", f"/organization/{there}", None),
            ("GET", f"/organization/{there}/children", None),
            ("GET", f"/organization/{there}/availability", None),
            ("GET", f"/organization/{there}/owner/{eve}", None),
            ("PUT", "/organization", {"id": there, "name": "x"}),
            ("GET", f"/invite/config/text/{there}", None),
            ("PUT", f"/invite/config/text/{there}", {"text": "x"}),
            ("POST", "/user/invite", {"organization": {"id": there}, "users": [{"email": "x@example.org"}]}),
            ("POST", "/user/resend", {"organization": {"id": there}, "users": [{"email": "x@example.org"}]}),
            ("POST", "/user/invite/owner", {"organizationID": there, "ownerID": eve}),
            ("POST", "/rbac/roles", {"organizationID": there, "name": "x"}),
            ("POST", "/rbac/token", {"organizationID": there, "name": "x"}),
        ):
            answer = await asking.call(method, path, body)
            assert answer.status_code in (400, 404), (method, path, answer.text)
            assert answer.status_code == 404 or answer.json()["error"] == "missing user id in auth token", path
    assert (await by_eve.get("/user/")).json()["name"] == ""
    assert [each["id"] for each in (await by_eve.get("/organizations")).json()] == [there]


async def test_who_is_invited_elsewhere_is_not_run_by_those_who_invite(world: World, elsewhere: tuple[int, Wire]):
    """A pending member has agreed to nothing: an invitation is no way to change somebody's name or to look at them."""
    _, by_eve = elsewhere
    eve = (await by_eve.get("/user/")).json()["id"]
    await invite(world, email="eve@example.org")
    here = world.org.number

    (shown,) = [
        each for each in (await world.by_administrator.get(f"/users?organization={here}")).json() if each["id"] == eve
    ]
    assert (shown["pending"], shown["name"], shown["email"]) == (True, "", "")
    body = {"organizationId": here, "user": {"id": eve, "name": "Mallory"}}
    assert (await world.by_administrator.put("/user/", body)).status_code in (403, 404)
    assert (await by_eve.get("/user/")).json()["name"] == ""
