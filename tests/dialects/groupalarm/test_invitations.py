"""Inviting and answering (notes, section 8), and the whole journey of a person."""

import asyncio
from typing import Any

import pytest

from roster.core.invitations import service as invitations
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests.core import people
from tests.core.people import Person
from tests.dialects.groupalarm.conftest import Account, Wire, World, done, mailed, options, refusal

PASSWORD = "a password of my own"
GONE = (404, "invitation not found")


async def invited(world: World, *users: dict[str, Any], **flags: Any) -> list[tuple[str, str]]:
    """What becomes of each, as address and result."""
    sent = {"organization": {"id": world.org.number, "name": "x", "unknown": 1}, "users": users, **flags}
    answer = await world.by_administrator.post("/user/invite", sent)
    assert answer.status_code == 200, answer.text
    return [(each["user"]["email"], each["importResult"]) for each in answer.json()]


async def token_for(runtime: Runtime, realm: Realm) -> str:
    """The token of the newest invitation mail."""
    return await mailed(runtime, realm, "invitation")


async def members(world: World) -> dict[str, bool]:
    """Addresses of members, and whether each is pending."""
    found = (await world.by_administrator.get(f"/users?organization={world.org.number}")).json()
    return {each["email"]: each["pending"] for each in found}


async def test_people_are_invited_whether_known_or_not(world: World, account: Account, ada: User):
    """Numbers may be guessed, so they name only people whom the caller knows of."""
    stranger = await account()
    sent = [
        {"email": "bo@example.org", "name": "Bo", "rank": {"name": "Chief", "value": "c"}, "externalID": "7"},
        {"email": "cy@example.org", "rank": "soldier", "devices": {"phones": []}, "language": "de"},
        {"email": "Ada.Muster@example.org"},
        {"email": "pat@example.org"},
        {"email": "no address"},
        {"id": 999_999},
        {"id": stranger.number},
    ]

    results = await invited(world, *sent)

    assert [result for _, result in results] == ["invited", "invited", "invited", "skipped", *["failed"] * 3]
    assert (await members(world)).items() >= {"bo@example.org": True, "cy@example.org": True}.items()


async def test_a_new_person_joins_with_a_password_of_their_own(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    await invited(world, {"email": "bo@example.org"})
    token = await token_for(runtime, realm)
    path = f"/invite/{token}"
    assert (await wire.post(path)).status_code == 400
    assert (await wire.post(path, {"password": "short"})).status_code == 400

    sent = {"name": "Bo", "surname": "Berg", "password": PASSWORD}
    assert done(await wire.post(path, sent)) == "MSG_INVITATION_ACCEPTED"

    assert refusal(await wire.post(path, sent)) == GONE
    assert refusal(await wire.delete(path)) == GONE
    by_bo = await wire.logged_in("bo@example.org", PASSWORD)
    user = (await by_bo.get("/user/")).json()
    assert (user["name"], user["surname"], user["active"], user["pending"]) == ("Bo", "Berg", True, False)
    assert (await members(world))["bo@example.org"] is False


async def test_an_invitation_is_answered_once_however_many_try_at_once(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    await invited(world, {"email": "bo@example.org"})
    path = f"/invite/{await token_for(runtime, realm)}"

    answers = await asyncio.gather(*[wire.post(path, {"password": PASSWORD}) for _ in range(3)])

    assert sorted(each.status_code for each in answers) == [200, 404, 404]


async def test_who_has_an_account_finds_the_invitation_there(world: World, by_ada: Wire, ada: User):
    await invited(world, {"email": ada.email})
    path = f"/user/{ada.number}/invites"

    (found,) = (await by_ada.get(path)).json()

    assert found["organizationID"] == world.org.number
    assert refusal(await world.by_participant.get(path))[0] == 403
    assert refusal(await world.by_participant.post(f"/invite/{found['token']}"))[0] == 403
    assert refusal(await world.by_participant.delete(f"/invite/{found['token']}"))[0] == 403
    assert done(await by_ada.post(f"/invite/{found['token']}/")) == "MSG_INVITATION_ACCEPTED"
    assert (await by_ada.get(path)).json() == []
    assert [each["id"] for each in (await by_ada.get("/organizations")).json()] == [world.org.number]


async def test_an_invitation_can_be_declined(world: World, by_ada: Wire, wire: Wire, ada: User):
    await invited(world, {"email": ada.email})
    (found,) = (await by_ada.get(f"/user/{ada.number}/invites")).json()

    assert done(await wire.delete(f"/invite/{found['token']}")) == "MSG_ENTRY_DELETED_SUCCESSFULLY"

    assert refusal(await by_ada.post(f"/invite/{found['token']}")) == GONE
    assert len(await members(world)) == 3


@pytest.mark.parametrize("token", ["x", "a.b.c", "ri_" + "A" * 91])
async def test_what_is_no_invitation_is_not_there(wire: Wire, token: str):
    assert refusal(await wire.post(f"/invite/{token}", {"password": PASSWORD})) == GONE
    assert refusal(await wire.delete(f"/invite/{token}")) == GONE
    assert (await wire.get(f"/invite/{token}")).status_code == 404
    assert refusal(await wire.by(bearer="a.b.c").post(f"/invite/{token}"))[0] == 401


async def test_who_lacks_the_demanded_second_factor_sets_it_up_first(
    world: World, by_ada: Wire, ada: User, runtime: Runtime, realm: Realm
):
    for user in (world.founder, world.administrator):
        await people.with_second_factor(runtime, Person(realm, user))
    sent = {"id": world.org.number, "enforcesTwoFactorAuth": True}
    assert (await world.by_administrator.put("/organization", sent)).status_code == 200
    await invited(world, {"email": ada.email})
    (found,) = (await by_ada.get(f"/user/{ada.number}/invites")).json()

    refused = await by_ada.post(f"/invite/{found['token']}")
    assert refusal(refused) == (400, "organization demands two-factor login")
    secret = (await by_ada.put("/mfa")).json()["secret"]
    assert done(await by_ada.post(f"/mfa?code={people.code_of(secret)}"))
    assert done(await by_ada.post(f"/invite/{found['token']}"))


async def test_roles_are_given_on_joining(world: World, by_ada: Wire, ada: User):
    made = await world.by_administrator.post("/rbac/roles", {"name": "Helper", "organizationID": world.org.number})
    role = made.json()["id"]
    await invited(world, {"email": ada.email, "roles": [{"id": role, "name": "Helper"}]})
    (found,) = (await by_ada.get(f"/user/{ada.number}/invites")).json()
    await by_ada.post(f"/invite/{found['token']}")

    (own,) = (await by_ada.post("/rbac/user", {})).json()

    assert {each["name"] for each in own["roles"]} == {"participant", "Helper"}
    for wrong in ({"roles": [{"id": 999_999}]}, {"labels": [{"name": 7}]}):
        body = {"organization": {"id": world.org.number}, "users": [{"email": "x@example.org", **wrong}]}
        assert (await world.by_administrator.post("/user/invite", body)).status_code == 400


async def test_many_are_invited_in_the_background(world: World, runtime: Runtime, realm: Realm):
    users = [{"email": f"p{each}@example.org"} for each in range(11)]
    body = {"organization": {"id": world.org.number}, "users": users}

    answer = await world.by_administrator.post("/user/invite", body)

    assert (answer.status_code, done(answer)) == (202, "MSG_INVITATIONS_ACCEPTED")
    batch = await people.value(runtime, "SELECT id FROM invitation_batches WHERE realm_id = $1", realm.id)
    await invitations.run(runtime, {"realm_id": str(realm.id), "batch_id": str(batch)})
    assert sum((await members(world)).values()) == 11
    with options(runtime, invited_at_once=1):
        few = {**body, "users": users[:2]}
        assert (await world.by_administrator.post("/user/invite", few)).status_code == 202


async def test_invitations_are_sent_again_to_those_who_have_not_answered(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    await invited(world, {"email": "bo@example.org"})
    first = await token_for(runtime, realm)
    again = {
        "organization": {"id": world.org.number},
        "users": [{"email": "bo@example.org"}, {"id": world.participant.number}, {"email": "nobody@example.org"}],
    }

    assert done(await world.by_administrator.post("/user/resend", again)) == "MSG_INVITATIONS_SENT"

    sent = [recipient for recipient, _ in await people.links(runtime, realm, "invitation")]
    assert sent == ["bo@example.org", "bo@example.org"]
    assert done(await wire.post(f"/invite/{first}", {"password": PASSWORD})) == "MSG_INVITATION_ACCEPTED"


async def test_only_who_may_add_members_invites(world: World, by_ada: Wire):
    body = {"organization": {"id": world.org.number}, "users": [{"email": "x@example.org"}]}

    for path in ("/user/invite", "/user/resend"):
        assert refusal(await world.by_participant.post(path, body))[0] == 403
        assert refusal(await by_ada.post(path, body))[0] == 404
        for wrong in ({}, {"users": []}, {**body, "users": []}, {**body, "organization": {}}, []):
            assert (await world.by_administrator.post(path, wrong)).status_code == 400


async def test_an_owner_is_invited_as_a_member(world: World):
    """Owners need not be members."""
    here, number = world.org.number, world.participant.number
    owner = {"organizationID": here, "ownerID": number}
    assert refusal(await world.by_administrator.post("/user/invite/owner", owner))[0] == 400
    assert done(await world.by_founder.put(f"/organization/{here}/owner/{number}"))
    assert done(await world.by_participant.delete(f"/user/{number}/{here}"))

    assert done(await world.by_administrator.post("/user/invite/owner/", owner)) == "MSG_INVITATIONS_SENT"

    (found,) = (await world.by_participant.get(f"/user/{number}/invites")).json()
    assert done(await world.by_participant.post(f"/invite/{found['token']}")) == "MSG_INVITATION_ACCEPTED"


async def test_people_with_a_browser_join_on_a_page(world: World, wire: Wire, runtime: Runtime, realm: Realm):
    await invited(world, {"email": "bo@example.org", "language": "de"})
    path = f"/invite/{await token_for(runtime, realm)}"
    browser = {"Accept": "text/html", "Accept-Language": "de"}

    page = await wire.get(path, headers=browser)
    assert ("Passwort wählen" in page.text, world.org.name in page.text) == (True, True)
    form = {"name": "Bo", "surname": "", "password": PASSWORD}
    joined = await wire.post(path, data=form, headers=browser)
    assert (joined.status_code, "Sie gehören jetzt zur Organisation." in joined.text) == (200, True)
    again = await wire.get(path, headers=browser)
    assert (again.status_code, "nicht mehr gültig" in again.text) == (404, True)


async def test_the_whole_journey(world: World, wire: Wire, runtime: Runtime, realm: Realm):
    """Invited, joined, with two-factor login, another address, gone."""
    await invited(world, {"email": "bo@example.org"})
    assert done(await wire.post(f"/invite/{await token_for(runtime, realm)}", {"name": "Bo", "password": PASSWORD}))
    by_bo = await wire.logged_in("bo@example.org", PASSWORD)
    number = (await by_bo.get("/user")).json()["id"]
    secret = (await by_bo.put("/mfa")).json()["secret"]
    assert done(await by_bo.post(f"/mfa?code={people.code_of(secret)}"))
    codes = (await by_bo.get("/mfa/backup")).json()["backupCodes"]
    assert refusal(await wire.log_in("bo@example.org", PASSWORD)) == (401, "MFA required")
    by_bo = await wire.logged_in("bo@example.org", PASSWORD, mfa=codes[0])
    assert done(await by_bo.post("/auth/change-email", {"newEmail": "bo@new.example.org", "mfaCode": codes[1]}))
    assert done(await wire.post(f"/auth/change-email/{await mailed(runtime, realm, 'change_email')}"))
    by_bo = await wire.logged_in("bo@new.example.org", PASSWORD, mfa=codes[2])
    assert refusal(await by_bo.delete("/user"))[0] == 403
    assert done(await by_bo.delete(f"/user/{number}/{world.org.number}"))
    assert done(await by_bo.delete("/user")) == "MSG_USER_DELETED"
    assert refusal(await wire.log_in("bo@new.example.org", PASSWORD, mfa=codes[3])) == (401, "bad credentials")
