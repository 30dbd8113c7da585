"""Labels of organisations and who carries them (contract, tag labels; notes, section 12)."""

from typing import Any

import httpx
import pytest

from roster.core.orgs import tokens
from roster.core.orgs.models import Org, OrgTokenDraft
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import organisations as making
from tests.dialects.groupalarm.conftest import Account, Wire, World, member_of, refusal

MISSING = (404, "label not found")
SAVED = {"message": "Saved."}
DELETED = {"message": "Deleted."}


async def made(wire: Wire, org: Org, name: str = "Medics", **more: Any) -> dict[str, Any]:
    """A label of the organisation."""
    answer = await wire.post("/label", {"organizationID": org.number, "name": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def read(wire: Wire, label: dict[str, Any]) -> dict[str, Any]:
    """The label as it is now."""
    answer = await wire.get(f"/label/{label['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(wire: Wire, org: Org, more: str = "") -> Any:
    """What the list answers, with this behind its query."""
    answer = await wire.get(f"/labels?organization={org.number}{more}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(labels: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in labels]


async def token_of(world: World, wire: Wire) -> Wire:
    """Asks as the organisation itself."""
    answer = await world.by_administrator.post("/rbac/token", {"organizationID": world.org.number, "name": "gateway"})
    return wire.by(api=answer.json()["token"])


async def a_writer(world: World, account: Account, runtime: Runtime, realm: Realm, wire: Wire, *methods: str) -> Wire:
    """A member whose role has these methods of labels only; who reads members, as every participant does."""
    by_ann, org = world.by_administrator, world.org
    user = await account()
    await member_of(runtime, realm, org, user)
    role = (await by_ann.post("/rbac/roles", {"name": "Labeller", "organizationID": org.number})).json()["id"]
    await by_ann.post(f"/rbac/roles/{role}/access", {"endpoints": ["label"], "methods": list(methods)})
    await by_ann.post(f"/rbac/roles/{role}/user", {"roleID": role, "userID": user.number})
    return await wire.logged_in(str(user.email))


async def test_a_label_is_made_read_replaced_and_deleted(world: World):
    by_ann, org = world.by_administrator, world.org
    label = await made(by_ann, org, color="#D22B2B", description="Ready", minimumUsers=2, priority=1, unknown=[])
    assert label == {
        "assignees": [],
        "availableUsers": 0,
        "color": "#D22B2B",
        "description": "Ready",
        "id": label["id"],
        "minimumUsers": 2,
        "name": "Medics",
        "organizationID": org.number,
        "pauseableUsers": None,
        "priority": 1,
    }
    assert await read(world.by_participant, label) == label

    path = f"/label/{label['id']}"
    changed = (await by_ann.put(f"{path}/", {"organizationID": org.number, "name": "Doctors"})).json()

    assert (changed["name"], changed["color"], changed["minimumUsers"]) == ("Doctors", "", 0)
    assert await read(by_ann, label) == changed
    answer = await by_ann.delete(path, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()) == (200, DELETED)
    for gone in (
        await by_ann.get(path),
        await by_ann.delete(path),
        await by_ann.put(path, {"organizationID": org.number, "name": "Doctors"}),
        await by_ann.post(f"{path}/assignees/{world.participant.number}"),
        await by_ann.delete(f"{path}/assignees/{world.participant.number}"),
    ):
        assert refusal(gone) == MISSING
    assert await listed(by_ann, org) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"name": "x"},
        {"name": ""},
        {"name": "  "},
        {"name": "a\x07"},
        {"name": "x" * 201},
        {"name": "Taken"},
        {"name": "tAKEN"},
        {"name": "x", "color": "red"},
        {"name": "x", "color": "#12"},
        {"name": "x", "minimumUsers": -1},
        {"name": "x", "assignees": [999_999_999]},
        {"name": "x", "substitute": {"id": 999_999_999}},
        {"name": "x", "smartLabelConfiguration": {"conjunctionType": "xor", "labelIDs": [1, 2]}},
        {"name": "x", "smartLabelConfiguration": {"conjunctionType": "or", "labelIDs": []}},
        {"name": "x", "smartLabelConfiguration": {"conjunctionType": "or", "labelIDs": [999_999_998, 999_999_999]}},
        {"name": "x", "smartLabelConfiguration": {"conjunctionType": "or", "geofenceIDs": [1], "labelIDs": [1, 2]}},
        {"name": "x", "organizationID": 0},
        {"name": "x", "organizationID": "7"},
    ],
)
async def test_what_is_no_label_is_refused(world: World, body: Any):
    by_ann = world.by_administrator
    taken, other = await made(by_ann, world.org, "Taken"), await made(by_ann, world.org, "Other")
    if (isinstance(body, dict) and body.get("name") != "x") or "color" in body:
        body = {"organizationID": world.org.number, **body}

    assert refusal(await by_ann.post("/label", body))[0] == 400
    assert refusal(await by_ann.put(f"/label/{other['id']}", body))[0] == 400
    assert await listed(by_ann, world.org) == [taken, other]


async def test_members_are_given_labels_and_have_them_taken_away(world: World, runtime: Runtime, realm: Realm):
    by_ann, org, pat = world.by_administrator, world.org, world.participant
    label = await made(by_ann, org)
    path = f"/label/{label['id']}/assignees/{pat.number}"
    english = {"Accept-Language": "en"}

    for _ in range(2):
        answer = await by_ann.post(path, headers=english)
        assert (answer.status_code, answer.json()) == (200, SAVED)
    found = await read(world.by_participant, label)
    assert (found["assignees"], found["availableUsers"]) == ([pat.number], 1)

    await world.by_participant.put("/user/availability", {"preference": False, "organizationID": org.number})
    assert (await read(by_ann, label))["availableUsers"] == 0
    answer = await by_ann.delete(path, headers=english)
    assert (answer.status_code, answer.json()) == (200, DELETED)
    assert (await read(by_ann, label))["assignees"] == []
    assert refusal(await by_ann.delete(path)) == MISSING


async def test_labels_go_to_members_only_invited_ones_included(
    world: World, runtime: Runtime, realm: Realm, account: Account, ada: User
):
    label = await made(world.by_administrator, world.org)
    bo = await account()
    await member_of(runtime, realm, world.org, bo, pending=True)
    path = f"/label/{label['id']}/assignees"

    assert (await world.by_administrator.post(f"{path}/{bo.number}")).status_code == 200
    found = await read(world.by_administrator, label)
    assert (found["assignees"], found["availableUsers"]) == ([bo.number], 0)
    for number in (ada.number, 999_999_999):
        for answer in (
            await world.by_administrator.post(f"{path}/{number}"),
            await world.by_administrator.delete(f"{path}/{number}"),
        ):
            assert refusal(answer) == (404, "not a member")
    sent = {"organizationID": world.org.number, "name": "Medics", "assignees": [ada.number]}
    assert refusal(await world.by_administrator.put(f"/label/{label['id']}", sent))[0] == 400


async def test_assignees_that_are_sent_are_all_there_are(world: World):
    by_ann, org, pat, fay = world.by_administrator, world.org, world.participant, world.founder
    label = await made(by_ann, org, assignees=[pat.number], pauseableUsers=[pat.number, fay.number])
    assert (label["assignees"], label["pauseableUsers"]) == ([pat.number], [pat.number])
    path, sent = f"/label/{label['id']}", {"organizationID": org.number, "name": "Medics"}

    for assignees, expected in (
        ({}, [pat.number]),
        ({"assignees": None}, [pat.number]),
        ({"assignees": [fay.number, fay.number]}, [fay.number]),
        ({"assignees": []}, []),
    ):
        answer = await by_ann.put(path, {**sent, **assignees})
        assert answer.json()["assignees"] == expected, answer.text
        assert (await read(by_ann, label))["assignees"] == expected


async def test_leaving_takes_labels_away(world: World, runtime: Runtime, realm: Realm):
    label = await made(world.by_administrator, world.org, assignees=[world.participant.number])
    await world.by_participant.delete(f"/user/{world.participant.number}/{world.org.number}")
    await member_of(runtime, realm, world.org, world.participant)

    assert (await read(world.by_administrator, label))["assignees"] == []


async def test_the_list_is_bare_until_a_page_is_asked_for(world: World):
    by_ann, org = world.by_administrator, world.org
    for name in ("Alpha", "Beta", "Gamma"):
        await made(by_ann, org, name)
    await made(by_ann, org, "Beta too", assignees=[world.participant.number])
    everything = ["Alpha", "Beta", "Gamma", "Beta too"]
    mine = f"&user={world.participant.number}"

    assert names(await listed(by_ann, org)) == everything
    assert names(await listed(by_ann, org, mine)) == ["Beta too"]
    for more, expected, total in (
        ("&all=true", everything, 4),
        ("&all=true&limit=1&offset=2", everything, 4),
        ("&all=false&limit=2", ["Alpha", "Beta"], 4),
        ("&limit=2&offset=1", ["Beta", "Gamma"], 4),
        ("&offset=9", [], 4),
        ("&search=bETA", ["Beta", "Beta too"], 2),
        ("&search=beta&limit=1&offset=1", ["Beta too"], 2),
        ("&type=normal", everything, 4),
        ("&type=smart", [], 0),
        (f"{mine}&limit=1", ["Beta too"], 1),
        (f"{mine}&type=all&offset=1", [], 1),
        ("&user=999999999&all=true", [], 0),
    ):
        found = await listed(by_ann, org, more)
        assert found.keys() == {"labels", "total"}, more
        assert (names(found["labels"]), found["total"]) == (expected, total), more


@pytest.mark.parametrize("more", ["&limit=0", "&limit=51", "&offset=-1", "&type=x", "&all=perhaps", "&user=x"])
async def test_pages_have_bounds(world: World, more: str):
    answer = await world.by_administrator.get(f"/labels?organization={world.org.number}{more}")
    assert refusal(answer)[0] == 400


async def test_a_list_names_its_organisation(world: World):
    assert refusal(await world.by_administrator.get("/labels"))[0] == 400
    assert refusal(await world.by_administrator.get("/labels?organization=0"))[0] == 400
    assert refusal(await world.by_administrator.get("/labels?organization=999999999")) == (404, "org not found")


async def test_a_rule_computes_who_carries_a_label(world: World):
    by_ann, org = world.by_administrator, world.org
    fay, ann, pat = world.founder.number, world.administrator.number, world.participant.number
    one, two = (
        await made(by_ann, org, "One", assignees=[fay, pat]),
        await made(by_ann, org, "Two", assignees=[ann, pat]),
    )
    parts = {"labelIDs": [one["id"], two["id"]]}
    both = await made(by_ann, org, "Both", smartLabelConfiguration={"conjunctionType": "and", **parts}, assignees=[ann])
    either = await made(by_ann, org, "Either", smartLabelConfiguration={"conjunctionType": "or", **parts})
    await world.by_participant.put("/user/availability", {"preference": False, "organizationID": 0})

    found = {each["name"]: each for each in (await listed(by_ann, org, "&type=smart"))["labels"]}

    assert found.keys() == {"Both", "Either"}
    assert (found["Both"]["assignees"], found["Both"]["availableUsers"]) == ([pat], 0)
    assert (found["Either"]["assignees"], found["Either"]["availableUsers"]) == (sorted([fay, ann, pat]), 2)
    assert found["Both"]["smartLabelConfiguration"] == {"conjunctionType": "and", "geofenceIDs": [], **parts}
    assert names((await listed(by_ann, org, f"&type=all&user={fay}"))["labels"]) == ["One", "Either"]
    for answer in (
        await by_ann.post(f"/label/{both['id']}/assignees/{fay}"),
        await by_ann.delete(f"/label/{both['id']}/assignees/{pat}"),
        await by_ann.post(
            "/label",
            {
                "organizationID": org.number,
                "name": "Nested",
                "smartLabelConfiguration": {"conjunctionType": "or", "labelIDs": [one["id"], either["id"]]},
            },
        ),
    ):
        assert refusal(answer)[0] == 400
    await by_ann.delete(f"/label/{two['id']}")
    assert (await read(by_ann, both))["assignees"] == []
    assert (await read(by_ann, either))["assignees"] == sorted([fay, pat])


async def test_a_label_has_a_substitute_which_has_none_of_its_own(world: World):
    by_ann, org = world.by_administrator, world.org
    third = await made(by_ann, org, "Third")
    second = await made(by_ann, org, "Second", substitute=third, assignees=[world.participant.number])
    first = await made(by_ann, org, "First", substitute={"id": second["id"], "name": "ignored"})

    assert second["substitute"] == third
    assert first["substitute"] == {name: value for name, value in second.items() if name != "substitute"}
    sent = {"organizationID": org.number, "name": "Third", "substitute": {"id": third["id"]}}
    assert refusal(await by_ann.put(f"/label/{third['id']}", sent))[0] == 400
    await by_ann.delete(f"/label/{second['id']}")
    assert "substitute" not in await read(by_ann, first)


async def test_people_list_what_they_carry_in_each_organisation(
    world: World, runtime: Runtime, realm: Realm, wire: Wire, account: Account
):
    pat = world.participant.number
    other = await making.founded(runtime, realm, world.founder, name="Other")
    invited_to = await making.founded(runtime, realm, world.founder, name="Invited")
    await member_of(runtime, realm, other, world.participant)
    await member_of(runtime, realm, invited_to, world.participant, pending=True)
    one = await made(world.by_founder, world.org, "One", assignees=[pat, world.founder.number])
    two = await made(world.by_founder, world.org, "Two", assignees=[pat])
    await made(world.by_founder, world.org, "Three", assignees=[world.founder.number])
    parts = {"conjunctionType": "and", "labelIDs": [one["id"], two["id"]]}
    await made(world.by_founder, world.org, "Both", smartLabelConfiguration=parts)

    found = (await world.by_participant.get("/label/organizations")).json()
    page = (await world.by_participant.get("/label/organizations?limit=1&offset=1")).json()

    shown = {each["organization"]["name"]: names(each["labels"]) for each in found["organizationsWithLabels"]}
    assert (shown, found["totalOrganizations"]) == ({"Medics": ["One", "Two", "Both"], "Other": []}, 2)
    assert found["organizationsWithLabels"][0]["labels"][0] == await read(world.by_participant, one)
    assert [each["organization"]["id"] for each in page["organizationsWithLabels"]] == [other.number]
    assert refusal(await world.by_participant.get("/label/organizations?limit=51"))[0] == 400
    nobody = (await (await wire.logged_in(str((await account()).email))).get("/label/organizations")).json()
    assert nobody == {"organizationsWithLabels": [], "totalOrganizations": 0}
    assert refusal(await (await token_of(world, wire)).get("/label/organizations"))[0] == 403


async def test_the_organisation_itself_runs_its_labels(world: World, wire: Wire):
    by_org = await token_of(world, wire)
    label = await made(by_org, world.org)
    path = f"/label/{label['id']}"

    assert (await by_org.post(f"{path}/assignees/{world.participant.number}")).status_code == 200
    assert (await by_org.put(path, {"organizationID": world.org.number, "name": "Doctors"})).status_code == 200
    assert names(await listed(by_org, world.org)) == ["Doctors"]
    assert (await by_org.delete(path)).status_code == 200


async def answers_to(caller: Wire, org: Org, label: dict[str, Any], user: User) -> list[tuple[int, str]]:
    """How this caller is refused all that is done to a label."""
    path, sent = f"/label/{label['id']}", {"organizationID": org.number, "name": "Mine"}
    return [
        refusal(await caller.put(path, sent)),
        refusal(await caller.post(f"{path}/assignees/{user.number}")),
        refusal(await caller.delete(f"{path}/assignees/{user.number}")),
        refusal(await caller.delete(path)),
        refusal(await caller.post("/label", sent)),
    ]


async def test_participants_read_labels_and_change_none(world: World):
    label = await made(world.by_administrator, world.org, assignees=[world.participant.number])

    found = await answers_to(world.by_participant, world.org, label, world.participant)

    assert found == [(403, "forbidden")] * 5
    assert await listed(world.by_participant, world.org) == [label]


async def test_labels_of_another_organisation_are_not_there(
    world: World, runtime: Runtime, realm: Realm, wire: Wire, ada: User, by_ada: Wire
):
    """Neither for strangers, nor for the token of another organisation, nor as a part of one's own labels."""
    label = await made(world.by_administrator, world.org, assignees=[world.participant.number])
    own = await making.founded(runtime, realm, ada, name="Own")
    answer = await by_ada.post("/rbac/token", {"organizationID": own.number, "name": "x"})
    by_own = wire.by(api=answer.json()["token"])

    for caller in (by_ada, by_own):
        assert await answers_to(caller, world.org, label, world.participant) == [MISSING] * 4 + [(404, "org not found")]
        assert refusal(await caller.get(f"/label/{label['id']}")) == MISSING
        assert refusal(await caller.get(f"/labels?organization={world.org.number}")) == (404, "org not found")
    sent = {"organizationID": own.number, "name": "Mine"}
    parts = {"conjunctionType": "or", "labelIDs": [label["id"], (await made(by_ada, own, "Own one"))["id"]]}
    for more in ({"substitute": {"id": label["id"]}}, {"smartLabelConfiguration": parts}):
        assert refusal(await by_ada.post("/label", {**sent, **more}))[0] == 400
    moved = await world.by_administrator.put(f"/label/{label['id']}", sent)
    assert refusal(moved)[0] == 400
    assert await read(world.by_administrator, label) == label


async def test_labels_of_another_realm_are_not_there(world: World, client: httpx.AsyncClient, runtime: Runtime):
    label = await made(world.by_administrator, world.org)
    other_realm = await factories.a_realm(runtime)
    stranger = await factories.a_person(runtime, other_realm, "eve")
    org = await making.founded(runtime, other_realm, stranger)
    from_there = await factories.acting_as(runtime, other_realm, stranger)
    async with runtime.write(from_there) as tx:
        issued = await tokens.create(tx, org.id, OrgTokenDraft("x"))
    by_org = Wire(client, other_realm.slug).by(api=issued.text)

    assert names(await listed(by_org, org)) == []
    assert await answers_to(by_org, world.org, label, world.participant) == [MISSING] * 4 + [(404, "org not found")]
    assert refusal(await by_org.get(f"/label/{label['id']}")) == MISSING


@pytest.mark.parametrize(
    ("methods", "allowed"),
    [(["GET"], set()), (["POST"], {"POST"}), (["PUT"], {"PUT", "assign"}), (["DELETE"], {"DELETE"})],
)
async def test_methods_of_an_access_entry_are_told_apart(
    world: World,
    account: Account,
    runtime: Runtime,
    realm: Realm,
    wire: Wire,
    methods: list[str],
    allowed: set[str],
):
    label = await made(world.by_administrator, world.org)
    caller = await a_writer(world, account, runtime, realm, wire, *methods)
    path, sent = f"/label/{label['id']}", {"organizationID": world.org.number, "name": "Other"}

    answers = {
        "POST": await caller.post("/label", {**sent, "name": "New"}),
        "PUT": await caller.put(path, sent),
        "assign": await caller.post(f"{path}/assignees/{world.participant.number}"),
        "DELETE": await caller.delete(path),
    }

    assert {name for name, answer in answers.items() if answer.is_success} == allowed
    assert {answer.status_code for name, answer in answers.items() if name not in allowed} == {403}


@pytest.mark.parametrize("number", ["0", "-1", "x", "9999999999999999999999", "1.5"])
async def test_numbers_that_are_none_name_no_label(world: World, number: str):
    for answer in (
        await world.by_administrator.get(f"/label/{number}"),
        await world.by_administrator.delete(f"/label/{number}"),
        await world.by_administrator.post(f"/label/{number}/assignees/1"),
    ):
        assert refusal(answer)[0] in (400, 404)
