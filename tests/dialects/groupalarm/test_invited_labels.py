"""Labels on invitations: by number or by name, for a few people at once and for many in the background."""

from typing import Any

import pytest

from roster.core.invitations import service as invitations
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests.core import organisations as making
from tests.core import people
from tests.dialects.groupalarm.conftest import Account, Wire, World, done, member_of, options, refusal

BY_NAME = {"mapLabelsByName": True}
MAKING = {**BY_NAME, "createNewLabels": True}


async def made(world: World, name: str, **more: Any) -> int:
    """The number of a new label."""
    sent = {"organizationID": world.org.number, "name": name, **more}
    answer = await world.by_administrator.post("/label", sent)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def invited(world: World, *users: dict[str, Any], **flags: Any) -> list[tuple[str, list[str]]]:
    """What becomes of each, and names of the labels that they carry then."""
    sent = {"organization": {"id": world.org.number}, "users": users, **flags}
    answer = await world.by_administrator.post("/user/invite", sent)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert all(label["organizationID"] == world.org.number for each in found for label in each["user"]["labels"])
    return [(each["importResult"], [label["name"] for label in each["user"]["labels"]]) for each in found]


async def carriers(world: World) -> dict[str, set[str]]:
    """Addresses of those who carry each label."""
    org = world.org.number
    known = {
        each["id"]: each["email"] for each in (await world.by_administrator.get(f"/users?organization={org}")).json()
    }
    found = (await world.by_administrator.get(f"/labels?organization={org}")).json()
    return {each["name"]: {known[number] for number in each["assignees"]} for each in found}


async def test_labels_are_given_by_number_or_by_name(world: World):
    drivers = await made(world, "Drivers")
    await made(world, "Pilots")

    results = await invited(
        world,
        {"email": "bo@example.org", "labels": [{"id": drivers}, {"name": "pilots", "organizationID": 999}]},
        {"email": "cy@example.org", "labels": [{"id": drivers, "name": "ignored"}]},
        {"email": "di@example.org", "labels": None},
        {"email": "ed@example.org", "labels": []},
        **BY_NAME,
    )

    assert results == [("invited", ["Drivers", "Pilots"]), ("invited", ["Drivers"]), ("invited", []), ("invited", [])]
    assert await carriers(world) == {"Drivers": {"bo@example.org", "cy@example.org"}, "Pilots": {"bo@example.org"}}


@pytest.mark.parametrize("flags", [{}, BY_NAME, {"createNewLabels": True}])
async def test_an_unknown_label_fails_that_person_alone(world: World, flags: dict[str, bool]):
    """`createNewLabels` alone does nothing: it works together with `mapLabelsByName` only."""
    results = await invited(
        world,
        {"email": "bo@example.org", "labels": [{"name": "Medics"}]},
        {"email": "cy@example.org", "labels": [{"id": 999_999_999}]},
        {"email": "di@example.org", "labels": [{}]},
        {"email": "ed@example.org"},
        **flags,
    )

    assert results == [("failed", []), ("failed", []), ("failed", []), ("invited", [])]
    assert await carriers(world) == {}


async def test_names_count_only_when_asked(world: World):
    await made(world, "Medics")
    person = {"email": "bo@example.org", "labels": [{"name": "Medics"}]}

    assert await invited(world, person) == [("failed", [])]
    assert await invited(world, person, **BY_NAME) == [("invited", ["Medics"])]


async def test_labels_that_are_missing_are_made_when_asked(world: World):
    results = await invited(
        world,
        {"email": "bo@example.org", "labels": [{"name": " Medics "}, {"name": "Night"}]},
        {"email": "cy@example.org", "labels": [{"name": "mEDICS"}]},
        {"email": "di@example.org", "labels": [{"name": "  "}]},
        {"email": "ed@example.org", "labels": [{"id": 999_999_999, "name": "Medics"}]},
        **MAKING,
    )

    assert results == [("invited", ["Medics", "Night"]), ("invited", ["Medics"]), ("failed", []), ("failed", [])]
    assert await carriers(world) == {"Medics": {"bo@example.org", "cy@example.org"}, "Night": {"bo@example.org"}}


async def test_labels_of_members_are_left_completed_or_replaced(world: World):
    one, two = await made(world, "One", assignees=[world.participant.number]), await made(world, "Two")
    person = {"email": "pat@example.org", "labels": [{"id": two}]}

    assert await invited(world, person) == [("skipped", ["One"])]
    assert await invited(world, person, updateExistingUsers=True) == [("updated", ["One", "Two"])]
    assert await invited(world, person, updateExistingUsers=True, removeAssignedData=True) == [("updated", ["Two"])]
    assert one != two


async def test_labels_of_another_organisation_and_computed_ones_are_unknown(
    world: World, runtime: Runtime, realm: Realm
):
    other = await making.founded(runtime, realm, world.founder, name="Other")
    answer = await world.by_founder.post("/label", {"organizationID": other.number, "name": "Theirs"})
    one, two = await made(world, "One"), await made(world, "Two")
    rule = {"conjunctionType": "or", "labelIDs": [one, two]}
    computed = await made(world, "Both", smartLabelConfiguration=rule)

    for number in (answer.json()["id"], computed):
        assert await invited(world, {"email": "bo@example.org", "labels": [{"id": number}]}) == [("failed", [])]


async def test_many_people_are_labelled_in_the_background(world: World, runtime: Runtime, realm: Realm):
    users = [{"email": f"p{each}@example.org", "labels": [{"name": f"Team {each % 2}"}]} for each in range(4)]
    sent = {
        "organization": {"id": world.org.number},
        "users": [*users, {"email": "x@example.org", "labels": [{"id": 1}]}],
    }
    with options(runtime, invited_at_once=3):
        answer = await world.by_administrator.post("/user/invite", {**sent, **MAKING})
    assert (answer.status_code, done(answer)) == (202, "MSG_INVITATIONS_ACCEPTED")
    assert await carriers(world) == {}

    batch = await people.value(runtime, "SELECT id FROM invitation_batches WHERE realm_id = $1", realm.id)
    await invitations.run(runtime, {"realm_id": str(realm.id), "batch_id": str(batch)})

    assert await carriers(world) == {
        "Team 0": {"p0@example.org", "p2@example.org"},
        "Team 1": {"p1@example.org", "p3@example.org"},
    }


async def test_whoever_may_only_invite_gives_no_labels(
    world: World, runtime: Runtime, realm: Realm, wire: Wire, account: Account, ada: User
):
    label, by_ann, org = await made(world, "Drivers"), world.by_administrator, world.org
    await member_of(runtime, realm, org, ada)
    role = (await by_ann.post("/rbac/roles", {"name": "Host", "organizationID": org.number})).json()["id"]
    await by_ann.post(f"/rbac/roles/{role}/access", {"endpoints": ["user"], "methods": ["POST"]})
    await by_ann.post(f"/rbac/roles/{role}/user", {"roleID": role, "userID": ada.number})
    by_ada = await wire.logged_in(str(ada.email))
    sent: dict[str, Any] = {"organization": {"id": org.number}, "users": [{"email": "bo@example.org"}], **MAKING}

    assert (await by_ada.post("/user/invite", sent)).status_code == 200
    for labels in ([{"id": label}], [{"name": "Drivers"}], [{"name": "New"}]):
        sent["users"] = [{"email": "cy@example.org", "labels": labels}]
        assert refusal(await by_ada.post("/user/invite", sent)) == (403, "forbidden")
        with options(runtime, invited_at_once=0):
            assert refusal(await by_ada.post("/user/invite", sent)) == (403, "forbidden")
    assert await carriers(world) == {"Drivers": set()}
