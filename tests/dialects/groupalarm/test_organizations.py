"""Organisations, their owners and members (notes, sections 8 to 10, 12 and 15)."""

import asyncio

import pytest

from roster.core.access import within
from roster.core.access.models import ORG_ADMINISTRATOR
from roster.core.credentials import service as credentials
from roster.core.memberships import service as memberships
from roster.core.memberships.models import MembershipChange
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations, people
from tests.core.people import Person
from tests.dialects.groupalarm.conftest import Account, Wire, World, done, mailed, member_of, refusal

HERE = {"name": "Fire brigade", "description": "Volunteers", "timezone": "Europe/Berlin", "language": "de"}


async def numbers(wire: Wire, path: str) -> list[int]:
    """Ids in a list of organisations."""
    answer = await wire.get(path)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()]


async def test_whoever_founds_an_organisation_owns_and_administers_it(by_ada: Wire, ada: User):
    answer = await by_ada.post("/organization/", {**HERE, "id": 0, "parentID": None, "ownerIDs": [9], "unknown": 1})

    assert answer.status_code == 201
    made = answer.json()
    assert {name: made[name] for name in HERE} == HERE
    assert (made["ownerIDs"], made["parentID"], made["hasChildren"], made["state"]) == (
        [ada.number],
        0,
        False,
        "active",
    )
    assert (await by_ada.get(f"/organization/{made['id']}")).json() == made
    for path in ("/organizations", "/organizations/", "/organizations/?all=true", "/organizations/owner"):
        assert await numbers(by_ada, path) == [made["id"]]
    members = (await by_ada.get(f"/users?organization={made['id']}")).json()
    assert [each["id"] for each in members] == [ada.number]


async def test_an_organisation_is_changed_member_by_member(world: World):
    change = {
        "id": world.org.number,
        "name": "Medics north",
        "avatarURL": "https://example.org/m.png",
        "enforcesTwoFactorAuth": False,
        "dataRetentionPeriod": 24,
        "location": {"address": "Street 1", "latitude": 48.1, "longitude": 11.5},
        "tags": ["north"],
        "ownerIDs": [],
        "state": "inactive",
    }

    changed = (await world.by_administrator.put("/organization", change)).json()

    assert {name: changed[name] for name in change.keys() - {"ownerIDs", "state"}} == {
        name: change[name] for name in change.keys() - {"ownerIDs", "state"}
    }
    assert (changed["ownerIDs"], changed["state"]) == ([world.founder.number], "active")
    again = await world.by_founder.put("/organization/", {"id": world.org.number, "timezone": "Europe/Stockholm"})
    assert (again.json()["name"], again.json()["timezone"]) == ("Medics north", "Europe/Stockholm")
    assert again.json()["location"] == change["location"]
    fewer = (await world.by_founder.put("/organization/", {"id": world.org.number, "tags": []})).json()
    kept = ("avatarURL", "dataRetentionPeriod", "location")
    assert (fewer["tags"], {name: fewer[name] for name in kept}) == ([], {name: change[name] for name in kept})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"id": 0, "name": "x"},
        {"id": "7"},
        {"name": ""},
        {"timezone": "Mars/Base"},
        {"parentID": 3},
        {"location": {"latitude": 91}},
        {"tags": "x"},
        [],
    ],
)
async def test_what_is_no_change_of_an_organisation_is_refused(world: World, body: object):
    if isinstance(body, dict) and not body.keys() & {"id", "name"}:
        body = {"id": world.org.number, **body} if body else body

    assert (await world.by_founder.put("/organization", body)).status_code == 400


async def test_only_who_runs_an_organisation_changes_it(world: World, by_ada: Wire):
    change = {"id": world.org.number, "name": "Mine"}

    assert refusal(await world.by_participant.put("/organization", change))[0] == 403
    assert refusal(await by_ada.put("/organization", change)) == (404, "org not found")
    for path in ("", "/children", f"/owner/{world.founder.number}"):
        assert refusal(await by_ada.get(f"/organization/{world.org.number}{path}")) == (404, "org not found")
        assert (await by_ada.get(f"/organization/999999{path}")).status_code == 404
    assert await numbers(by_ada, "/organizations") == []


async def test_what_is_below_is_listed_with_the_way_there(world: World):
    made: list[int] = []
    for name in ("North", "South", "West"):
        answer = await world.by_founder.post("/organization", {"name": name, "parentID": world.org.number})
        assert answer.status_code == 201
        made.append(answer.json()["id"])
    deep = (await world.by_founder.post("/organization", {"name": "Deep", "parentID": made[0]})).json()

    page = (await world.by_founder.get(f"/organization/{world.org.number}/children?limit=2")).json()
    assert ([each["id"] for each in page["childs"]], page["totalChilds"], page["path"]) == (made[:2], 3, [])
    assert [each["hasChildren"] for each in page["childs"]] == [True, False]
    below = (await world.by_founder.get(f"/organization/{deep['id']}/children")).json()
    assert (below["childs"], below["totalChilds"]) == ([], 0)
    assert [each["id"] for each in below["path"]] == [world.org.number, made[0]]
    assert deep["parentID"] == made[0]
    assert (await world.by_participant.post("/organization", {"name": "x", "parentID": made[0]})).status_code in (
        403,
        404,
    )


async def test_lists_in_pages_have_their_own_envelope(by_ada: Wire):
    made = [(await by_ada.post("/organization", {"name": f"O{each}"})).json()["id"] for each in range(3)]

    page = (await by_ada.get("/organizations/paginated?limit=2&offset=1")).json()

    assert list(page) == ["organizations", "totalOrganizations"]
    assert ([each["id"] for each in page["organizations"]], page["totalOrganizations"]) == (made[1:], 3)
    assert (await by_ada.get("/organizations/paginated?limit=51")).status_code == 400


async def test_owners_decide_about_owners(world: World, by_ada: Wire, ada: User):
    here = f"/organization/{world.org.number}/owner"

    for wire in (world.by_administrator, world.by_participant):
        assert refusal(await wire.put(f"{here}/{world.administrator.number}"))[0] == 403
        assert refusal(await wire.delete(f"{here}/{world.founder.number}"))[0] == 403
    assert refusal(await by_ada.put(f"{here}/{ada.number}"))[0] == 404
    assert refusal(await world.by_founder.put(f"{here}/{ada.number}")) == refusal(
        await world.by_founder.put(f"{here}/999999")
    )
    assert refusal(await world.by_founder.delete(f"{here}/{world.founder.number}")) == (403, "last owner")

    assert done(await world.by_founder.put(f"{here}/{world.participant.number}"))
    assert await numbers(world.by_participant, "/organizations/owner") == [world.org.number]
    assert done(await world.by_participant.delete(f"{here}/{world.founder.number}"))
    assert (await world.by_founder.get(f"/organization/{world.org.number}")).json()["ownerIDs"] == [
        world.participant.number
    ]


async def test_the_owner_above_is_found(world: World):
    child = (await world.by_founder.post("/organization", {"name": "North", "parentID": world.org.number})).json()

    path = f"/organization/{child['id']}/owner"
    assert (await world.by_founder.get(f"{path}/{world.founder.number}")).json()["id"] == world.org.number
    assert (await world.by_founder.get(f"{path}/{world.participant.number}")).status_code == 404


async def test_members_see_each_other(world: World, runtime: Runtime, realm: Realm, account: Account, ada: User):
    """Section 15; an invited person whose account is in use is shown by number only."""
    bo = await account("bo@example.org", status="pending")
    for user in (ada, bo):
        await member_of(runtime, realm, world.org, user, pending=True)

    found = (await world.by_participant.get(f"/users?organization={world.org.number}")).json()

    shown = {each["id"]: each for each in found}
    assert shown[world.founder.number] == {
        "availablePreference": True,
        "availableStatus": 1,
        "avatarURL": "",
        "editable": True,
        "email": "fay@example.org",
        "externalID": "",
        "id": world.founder.number,
        "name": "Fay",
        "pending": False,
        "surname": "",
    }
    assert (shown[bo.number]["email"], shown[bo.number]["pending"]) == ("bo@example.org", True)
    assert (shown[bo.number]["availablePreference"], shown[bo.number]["availableStatus"]) == (False, 0)
    assert (shown[ada.number]["email"], shown[ada.number]["name"], shown[ada.number]["pending"]) == ("", "", True)


async def test_members_are_searched_sorted_and_paged(world: World, runtime: Runtime, realm: Realm, account: Account):
    for name, surname in (("Zoe", "Alm"), ("Bo", "Muster")):
        user = await account(f"{name.lower()}@example.org", given_name=name, family_name=surname)
        await member_of(runtime, realm, world.org, user)
    here = f"/users/pagination?organization={world.org.number}"

    async def names(query: str) -> list[str]:
        found = (await world.by_participant.get(here + query)).json()
        assert list(found) == ["publicUsers", "totalPublicUsers"]
        return [each["name"] for each in found["publicUsers"]]

    assert await names("&orderby=name") == ["Ann", "Bo", "Fay", "Pat", "Zoe"]
    assert await names("&orderby=name&orderdir=desc&limit=2&offset=1") == ["Pat", "Fay"]
    assert (await names(""))[:2] == ["Zoe", "Bo"]
    assert await names("&search=USTE") == ["Bo"]
    assert await names("&search=zoe%40") == ["Zoe"]
    assert await names("&search=%25") == []
    for wrong in ("&orderby=email", "&orderdir=up", "&limit=0"):
        assert (await world.by_participant.get(here + wrong)).status_code == 400
    assert (await world.by_participant.get("/users/pagination")).status_code == 400


async def test_strangers_see_no_members(world: World, by_ada: Wire, ada: User):
    for path in (
        f"/users?organization={world.org.number}",
        f"/users/pagination?organization={world.org.number}",
        f"/user/{world.founder.number}?organization={world.org.number}",
        f"/mfa?user={world.founder.number}&organization={world.org.number}",
    ):
        assert refusal(await by_ada.get(path)) == (404, "org not found")
    assert (await by_ada.get("/users")).status_code == 400
    for id in (ada.number, 999999, "x"):
        found = await world.by_founder.get(f"/user/{id}?organization={world.org.number}")
        assert found.status_code == 404


async def test_a_member_is_read_without_what_belongs_to_the_session(world: World):
    user = (await world.by_participant.get(f"/user/{world.founder.number}?organization={world.org.number}")).json()

    assert (user["name"], user["token"], user["chatToken"], user["active"]) == ("Fay", "", "", True)


async def test_two_factor_login_of_a_member_can_be_asked_for(world: World, runtime: Runtime, realm: Realm):
    await people.with_second_factor(runtime, Person(realm, world.participant))
    path = f"/mfa?user={world.participant.number}"

    assert (await world.by_participant.get("/mfa/")).json() == {"enabled": True}
    assert (await world.by_founder.get("/mfa")).json() == {"enabled": False}
    assert (await world.by_founder.get(f"{path}&organization={world.org.number}")).json() == {"enabled": True}
    assert (await world.by_founder.get(path)).status_code == 400


async def test_who_was_only_invited_shows_nobody_how_they_sign_in(
    world: World, runtime: Runtime, realm: Realm, ada: User
):
    await people.with_second_factor(runtime, Person(realm, ada))
    await member_of(runtime, realm, world.org, ada, pending=True)

    answer = await world.by_administrator.get(f"/mfa?user={ada.number}&organization={world.org.number}")

    assert answer.status_code == 404


async def test_administrators_change_names_of_members_who_let_them(world: World, by_ada: Wire, ada: User):
    user = {"id": world.participant.number, "name": "Patricia"}
    body = {"organizationId": world.org.number, "user": user}

    assert refusal(await world.by_participant.put("/user/", {**body, "user": {"id": world.founder.number}}))[0] == 403
    assert refusal(await world.by_administrator.put("/user/", {**body, "organizationId": 0}))[0] == 403
    assert refusal(await by_ada.put("/user/", body))[0] == 404
    assert refusal(await world.by_administrator.put("/user/", {**body, "user": {"id": ada.number}}))[0] == 404
    sent = {**body, "user": {**user, "email": "stolen@example.org", "editable": False}}
    assert done(await world.by_administrator.put("/user/", sent))
    own = (await world.by_participant.get("/user/")).json()
    assert (own["name"], own["email"], own["editable"]) == ("Patricia", "pat@example.org", True)

    await world.by_participant.put("/user/", {"user": {"editable": False}})

    assert refusal(await world.by_administrator.put("/user/", body)) == (403, "user does not allow to be edited")


async def test_people_leave_and_are_removed(world: World, runtime: Runtime, realm: Realm, ada: User, by_ada: Wire):
    here = world.org.number
    assert refusal(await by_ada.delete(f"/user/{world.founder.number}/{here}"))[0] == 404
    assert refusal(await world.by_participant.delete(f"/user/{world.founder.number}/{here}"))[0] == 403

    assert done(await world.by_administrator.delete(f"/user/{world.participant.number}/{here}"))
    assert refusal(await world.by_participant.get(f"/users?organization={here}"))[0] == 404
    assert refusal(await world.by_administrator.delete(f"/user/{world.participant.number}/{here}"))[0] == 404
    await member_of(runtime, realm, world.org, ada, pending=True)
    assert await numbers(by_ada, "/organizations") == []
    assert done(await by_ada.delete(f"/user/{ada.number}/{here}"))
    assert refusal(await by_ada.delete(f"/user/{ada.number}/{here}"))[0] == 404


async def test_an_invitation_keeps_nobody_from_deleting_their_account(
    world: World, runtime: Runtime, realm: Realm, ada: User, by_ada: Wire
):
    here = world.org.number
    await member_of(runtime, realm, world.org, ada, pending=True)
    await member_of(runtime, realm, await organisations.founded(runtime, realm, world.founder), world.participant)
    assert refusal(await world.by_participant.delete("/user")) == (403, "user is member of 2 organizations")
    assert done(await world.by_participant.delete(f"/user/{world.participant.number}/{here}"))
    await member_of(runtime, realm, world.org, world.participant, pending=True)
    assert refusal(await world.by_participant.delete("/user")) == (403, "user is member of 1 organization")

    assert done(await by_ada.delete("/user"))

    shown = (await world.by_administrator.get(f"/users?organization={here}")).json()
    assert ada.number not in [each["id"] for each in shown]


async def test_the_last_administrator_stays_even_when_two_leave_at_once(world: World):
    here = world.org.number
    leaving = [
        world.by_founder.delete(f"/user/{world.founder.number}/{here}"),
        world.by_administrator.delete(f"/user/{world.administrator.number}/{here}"),
    ]

    answers = await asyncio.gather(*leaving)

    assert sorted(each.status_code for each in answers) == [200, 403]
    refused = next(each for each in answers if each.status_code == 403)
    assert refusal(refused) == (403, "last org administrator")


async def test_an_account_is_deleted_after_leaving(world: World, runtime: Runtime, realm: Realm):
    """Section 15."""
    refused = await world.by_administrator.delete("/user")
    assert refused.json() == {
        "success": False,
        "message": "Leave all organisations first.",
        "error": "user is member of 1 organization",
    }
    assert refused.status_code == 403

    await world.by_administrator.delete(f"/user/{world.administrator.number}/{world.org.number}")

    assert done(await world.by_administrator.delete("/user")) == "MSG_USER_DELETED"
    async with runtime.write(factories.roster_in(realm)) as tx:
        await within.give_built_in(tx, world.org, ORG_ADMINISTRATOR, world.participant.id)
    assert done(await world.by_founder.delete(f"/user/{world.founder.number}/{world.org.number}"))
    assert refusal(await world.by_founder.delete("/user"))[0] == 403


async def test_two_factor_login_stays_on_where_an_organisation_demands_it(world: World, runtime: Runtime, realm: Realm):
    for user in (world.founder, world.administrator):
        _, codes = await people.with_second_factor(runtime, Person(realm, user))
    sent = {"id": world.org.number, "enforcesTwoFactorAuth": True}
    assert (await world.by_founder.put("/organization", sent)).json()["enforcesTwoFactorAuth"] is True

    refused = await world.by_administrator.delete(f"/mfa?code={codes[0]}")

    assert refusal(refused) == (403, "second factor required")
    await world.by_administrator.delete(f"/user/{world.administrator.number}/{world.org.number}")
    assert done(await world.by_administrator.delete(f"/mfa?code={codes[0]}")) == "MSG_MFA_DISABLED"


async def test_invitations_say_what_the_organisation_wants(world: World, by_ada: Wire):
    path = f"/invite/config/text/{world.org.number}"
    assert refusal(await world.by_founder.get(path)) == (404, "no invitation text stored")

    assert done(await world.by_administrator.put(path, {"organization_id": world.org.number, "text": "Welcome!"}))

    assert (await world.by_founder.get(path)).json() == {"organization_id": world.org.number, "text": "Welcome!"}
    for wire, status in ((world.by_participant, 403), (by_ada, 404)):
        assert refusal(await wire.get(path))[0] == status
        assert refusal(await wire.put(path, {"text": "x"}))[0] == status
    assert refusal(await world.by_founder.put(path, {"organization_id": 999, "text": "x"}))[0] == 400
    assert done(await world.by_founder.put(path, {"text": ""}))
    assert (await world.by_founder.get(path)).status_code == 404


async def test_what_an_organisation_calls_its_members_is_shown(world: World, runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await memberships.change(tx, world.org.id, world.participant.id, MembershipChange(external_id="P-7"))

    found = (await world.by_founder.get(f"/users?organization={world.org.number}")).json()

    assert {each["id"]: each["externalID"] for each in found}[world.participant.number] == "P-7"


async def test_the_address_changes_when_the_new_one_confirms_it(
    wire: Wire, by_ada: Wire, ada: User, runtime: Runtime, realm: Realm, account: Account
):
    """Section 6; whether an address is taken shows only to who reads its mail."""
    bo = await account("bo@example.org")
    assert refusal(await by_ada.get("/auth/change-email")) == (404, "no email change")
    assert done(await by_ada.post("/auth/change-email", {"newEmail": bo.email})) == "MSG_EMAIL_CHANGE_REQUESTED"
    taken = await mailed(runtime, realm, "change_email")
    assert refusal(await wire.post(f"/auth/change-email/{taken}")) == (400, "email taken")

    assert done(await by_ada.post("/auth/change-email/", {"newEmail": "ada@new.example.org"}))

    found = (await by_ada.get("/auth/change-email")).json()
    assert (found["newEmail"], found["userID"], found.keys()) == (
        "ada@new.example.org",
        ada.number,
        {"newEmail", "userID", "creationTime", "expirationTime"},
    )
    assert (await wire.log_in(str(ada.email))).status_code == 200
    token = await mailed(runtime, realm, "change_email")
    assert (
        "Confirm your new e-mail address"
        in (await wire.get(f"/auth/change-email/{token}", headers={"Accept": "text/html"})).text
    )
    assert done(await wire.post(f"/auth/change-email/{token}")) == "MSG_EMAIL_CHANGED"
    assert refusal(await wire.post(f"/auth/change-email/{token}"))[0] == 404
    assert refusal(await wire.post("/auth/change-email/nonsense"))[0] == 404
    assert (await by_ada.get("/user/")).json()["email"] == "ada@new.example.org"
    assert (await wire.log_in(str(ada.email))).status_code == 401
    assert (await wire.log_in("ada@new.example.org")).status_code == 200


async def test_a_change_of_the_address_takes_a_code_where_there_is_a_second_factor(
    by_ada: Wire, ada: User, runtime: Runtime, realm: Realm
):
    seed, _ = await people.with_second_factor(runtime, Person(realm, ada))
    body = {"newEmail": "ada@new.example.org"}

    assert refusal(await by_ada.post("/auth/change-email", body))[0] == 400
    assert refusal(await by_ada.post("/auth/change-email", {**body, "mfaCode": "000000"}))[0] == 400
    assert done(await by_ada.post("/auth/change-email", {**body, "mfaCode": people.code_of(seed)}))
    assert done(await by_ada.delete("/auth/change-email")) == "MSG_ENTRY_DELETED_SUCCESSFULLY"
    assert refusal(await by_ada.delete("/auth/change-email")) == (404, "no email change")
    assert refusal(await by_ada.post("/auth/change-email", {"newEmail": "no address"}))[0] == 400


async def test_nobody_changes_the_address_of_somebody_with_an_account(world: World):
    for number in (world.participant.number, 999999):
        body = {"newEmail": "mine@example.org", "userID": number}
        assert refusal(await world.by_administrator.post("/auth/change-email", body))[0] in (403, 404)
        assert refusal(await world.by_administrator.get(f"/auth/change-email?userID={number}"))[0] in (403, 404)


async def asks_for(by: Wire, user: User) -> int:
    """What it answers to somebody who wants another's address to be their own."""
    return (await by.post("/auth/change-email", {"newEmail": "mine@example.org", "userID": user.number})).status_code


async def test_an_organisation_gives_an_address_to_those_whom_it_alone_keeps(
    world: World, wire: Wire, runtime: Runtime, realm: Realm
):
    kept = await factories.a_person(runtime, realm)
    await member_of(runtime, realm, world.org, kept)

    assert await asks_for(world.by_participant, kept) in (403, 404)
    assert await asks_for(world.by_administrator, kept) == 200
    assert done(await wire.post(f"/auth/change-email/{await mailed(runtime, realm, 'change_email')}"))

    assert await asks_for(world.by_administrator, kept) in (403, 404)


@pytest.mark.parametrize("known", ["nothing", "personal number", "password", "another organisation"])
async def test_it_keeps_nobody_who_was_only_invited_or_comes_by_themselves(
    world: World, by_ada: Wire, ada: User, runtime: Runtime, realm: Realm, known: str
):
    """Anybody may found an organisation and invite whom they like."""
    number = "19121212-1212" if known == "personal number" else None
    user = await factories.a_person(runtime, realm, personal_number=number)
    if known == "password":
        async with runtime.write(factories.roster_in(realm)) as tx:
            await credentials.replace_password(tx, user.id, people.HASH)
    if known == "another organisation":
        await member_of(runtime, realm, await organisations.founded(runtime, realm, ada), user)
    await member_of(runtime, realm, world.org, user, pending=known == "nothing")

    assert await asks_for(world.by_administrator, user) in (403, 404)
    assert await people.links(runtime, realm, "change_email") == []
