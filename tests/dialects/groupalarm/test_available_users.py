"""How many members of organisations can be called on, as organisations themselves show it."""

from typing import Any

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.core import people
from tests.dialects.groupalarm.conftest import Account, Wire, World, member_of


def counted(available: int, not_available: int) -> dict[str, int]:
    return {"countAvailable": available, "countInEvent": 0, "countNotAvailable": not_available}


def counts(organization: dict[str, Any]) -> tuple[Any, Any]:
    """Of the organisation alone, and of it with all below."""
    return organization.get("availableUsers"), organization.get("availableUsersTotal")


async def test_members_are_counted_alone_and_with_all_below(
    world: World, runtime: Runtime, realm: Realm, account: Account
):
    """Everybody once in a tree, invited people not at all, and somebody who is in as available as they are anywhere."""
    north = await making.founded(runtime, realm, world.founder, below=world.org.id, name="North")
    far = await making.founded(runtime, realm, world.founder, below=north.id, name="Far north")
    bo, cy = await account(), await account()
    await member_of(runtime, realm, north, world.participant)
    await member_of(runtime, realm, far, bo)
    await member_of(runtime, realm, far, cy, pending=True)
    await world.by_participant.put("/user/availability", {"preference": False, "organizationID": world.org.number})
    path = f"/organization/{world.org.number}"

    assert counts((await world.by_founder.get(path)).json()) == (counted(2, 1), counted(4, 0))
    (child,) = (await world.by_founder.get(f"{path}/children")).json()["childs"]
    assert counts(child) == (counted(2, 0), counted(3, 0))
    await world.by_participant.put("/user/availability", {"preference": False, "organizationID": 0})
    await world.by_participant.post("/users/availability", {"duration": 60, "start_time": "2026-01-01T00:00:00Z"})
    listed = {each["name"]: counts(each) for each in (await world.by_founder.get("/organizations")).json()}
    assert listed == {
        "Medics": (counted(2, 1), counted(3, 1)),
        "North": (counted(1, 1), counted(2, 1)),
        "Far north": (counted(2, 0), counted(2, 0)),
    }
    shown = (await world.by_founder.get(f"{path}/availability")).json()
    assert (shown["countInRoot"], shown["countTotal"]) == listed["Medics"]


async def test_whoever_may_not_see_members_is_shown_no_numbers(
    world: World, runtime: Runtime, realm: Realm, wire: Wire, account: Account
):
    await factories.a_role(runtime, realm, "viewer", "orgs.read")
    viewer = await account(roles=["viewer"])
    path = f"/organization/{world.org.number}"

    found = (await (await wire.logged_in(str(viewer.email))).get(path)).json()

    assert (found["name"], counts(found)) == ("Medics", (None, None))
    assert counts((await world.by_participant.get(path)).json()) == (counted(3, 0), counted(3, 0))


async def test_a_list_is_counted_in_one_statement(world: World, runtime: Runtime, realm: Realm):
    with people.counting() as for_one:
        await world.by_founder.get("/organizations")
    for name in ("A", "B", "C"):
        await making.founded(runtime, realm, world.founder, below=world.org.id, name=name)
    with people.counting() as for_four:
        found = (await world.by_founder.get("/organizations")).json()

    assert [counts(each)[0] for each in found] == [counted(3, 0), *[counted(1, 0)] * 3]
    counting = [each for each in for_four if "availability_absences" in each]
    assert len(counting) == len([each for each in for_one if "availability_absences" in each]) == 1
