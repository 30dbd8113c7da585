"""The product's own SDKs, as npm has them, against a served realm: two for Node, and the one for browsers in jsdom."""

from time import time

import pytest

from tests.clients.node import Conversation, Node
from tests.clients.onslip360.conftest import NEWER, OLDER, WEB, Account, Accounts, refused
from tests.servers import Installation

MANY = 1100


@pytest.fixture(scope="module", params=(OLDER, NEWER, WEB))
def sdk(request: pytest.FixtureRequest) -> str:
    """The package."""
    return request.param


@pytest.fixture(scope="module")
def account(make_account: Accounts, sdk: str) -> Account:
    """A realm for one package, where administrators may act in the name of others."""
    return make_account(possess=True)


@pytest.fixture(scope="module")
async def said(node: Node, account: Account, sdk: str) -> Conversation:
    """The conversation about the life of a user."""
    return await node.run("people.mjs", env=account.environment | {"SDK": sdk, "OTHER_REALM": "main"})


@pytest.fixture(scope="module")
async def given(node: Node, account: Account, sdk: str) -> Conversation:
    """The conversation about what users are given, and what they sign with."""
    return await node.run("neighbours.mjs", env=account.environment | {"SDK": sdk})


def paths(said: Conversation, step: str) -> list[str]:
    """What was asked in a step, below the base address, by an SDK for Node."""
    return [request.partition("/v1/")[2] for request in said.requests(step)]


# people


def test_a_client_is_told_who_it_is(said: Conversation, account: Account):
    info = said["client info"]

    assert {"edit-users", "show-users", "edit-roles"} <= set(info["permissions"])
    assert (info["user"]["alias"], info["user"]["system-roles"]) == ("boss", ["admin"])
    assert account.id == f"key:boss+{info['access-token']['alias']}@{account.realm}"
    assert said["company"] == info["company"]
    assert info["company"]["alias"] == said["served elsewhere"] == account.realm


def test_health_is_told_to_everybody(said: Conversation):
    assert said["alive"] == said["ready"] == ({} if said["wire"] else "")  # nothing, as each SDK shows it
    assert said["echo"] == {"payload": "Å; &="}


def test_a_user_is_stored_as_sent_and_keys_are_not_told(said: Conversation, account: Account):
    user = said["add"]

    assert (user["name"], user["alias"], user["email"]) == ("Åsa Öberg", "asa.oberg", "asa@example.org")
    assert (user["identity-number"], user["system-roles"], user["tags"]) == ("19790101-1234", ["cashier"], ["new"])
    assert (user["_acme-ref"], user["_acme-shoe-size"]) == ("77", "39")
    assert user["updated-by"] == said["client info"]["user"]["id"]
    assert {"pin", "password"} & user.keys() == set()
    assert (user["@"], user["@location"]) == ("201", f"/onslip360/v1/~{account.realm}/users/{user['id']}")
    same = {name: value for name, value in user.items() if name[0] != "@"}
    assert said["get"] == {**same, "@": "200", "@etag": user["@etag"]}


def test_what_is_wrong_is_told_with_a_code(said: Conversation):
    wrong = ("no name", "unknown member", "unknown role", "null name")

    assert refused(said, "alias taken") == [(409, "conflict")]
    assert refused(said, *wrong) == [(400, "bad-request")] * len(wrong)
    assert refused(said, "filter by key", "bad filter", "bad order") == [(400, "bad-query")] * 3


def test_users_are_found(said: Conversation):
    for step in ("find by alias", "find by name", "find by much", "find by time"):
        assert said[step] == ["asa.oberg"]
    assert said["find nobody"] == said["find what is newer"] == []
    assert said["two by two"] == ["asa.oberg"]  # a count is a limit, which the SDK keeps to


def test_an_entity_that_is_known_is_not_sent_again(said: Conversation):
    assert said.failure("get what is known").status == 304


def test_a_change_says_what_changes_and_null_removes(said: Conversation):
    before, after = said["add"], said["change"]

    assert after["name"] == "Åsa"
    assert {"system-roles", "identity-number", "_acme-shoe-size"} & after.keys() == set()
    assert (after["_acme-ref"], after["tags"], after["email"]) == ("77", ["new"], before["email"])
    assert after["@etag"] != before["@etag"]


def test_nothing_is_changed_by_a_stale_entity_tag(said: Conversation):
    steps = ("change as it was", "replace as it was", "remove as it was")

    assert refused(said, *steps) == [(412, "precondition-failed")] * 3
    assert said["at once"] == [200] + [412] * 5


def test_what_was_read_can_be_sent_back(said: Conversation):
    changing = {"updated", "tags", "@", "@etag"}
    before, after = ({k: v for k, v in said[step].items() if k not in changing} for step in ("change", "send back"))

    assert before == after


def test_a_replacement_leaves_nothing_that_it_does_not_say(said: Conversation):
    user = said["replace"]

    assert (user["id"], user["alias"], user["email"]) == (said["add"]["id"], "asa.o", "new@example.org")
    assert {"_acme-ref", "tags", "pin", "password"} & user.keys() == set()


def test_a_deleted_user_is_out_of_the_way_until_restored(said: Conversation):
    assert said["remove"] == {"status": "204", "type": None}
    assert said["remove again"] == "204"
    assert said["list without"] == ["boss"]
    deleted = said["get deleted"]["deleted"]
    assert said["list with"] == [{"id": said["add"]["id"], "deleted": deleted}]
    assert refused(said, "change deleted", "replace deleted") == [(404, "not-found")] * 2
    assert said["restore"]["alias"] == "asa.o"
    assert "deleted" not in said["restore"]


def test_a_user_is_shown_as_they_were(said: Conversation):
    then = said["at a moment"]

    assert (then["name"], then["alias"], then["_acme-ref"]) == ("Åsa Öberg", "asa.oberg", "77")
    assert refused(said, "before its time") == [(404, "not-found")]


def test_every_revision_is_told(said: Conversation):
    report = said["revisions"]
    boss = said["client info"]["user"]["id"]

    assert report["type"] == "revisions"
    assert {row["updated-by"] for row in report["revisions"]} == {boss}
    moments = [row["updated"] for row in report["revisions"]]
    assert {said["add"]["created"], said["change"]["updated"], said["restore"]["updated"]} <= set(moments)
    assert moments in (sorted(moments), sorted(moments, reverse=True))
    assert [row["deleted"] for row in report["revisions"] if "deleted" in row] == [said["get deleted"]["deleted"]]


def test_nobody_is_told_what_is_wrong_with_a_key(said: Conversation):
    assert refused(said, "nobody", "foreign realm", "no realm") == [(404, "not-found")] * 3
    assert refused(said, "wrong key", "unknown id", "no key") == [(401, "unauthorized")] * 3
    assert said.failure("wrong key").message == said.failure("unknown id").message
    assert said.failure("foreign realm").message == said.failure("no realm").message


def test_browsers_ask_beforehand_and_send_other_methods_as_post(said: Conversation, account: Account, sdk: str):
    user = f"/onslip360/v1/~{account.realm}/users/{said['add']['id']}"

    if sdk == WEB:
        assert {f"OPTIONS {user} 204", f"POST {user} 200", f"POST {user} 412", f"PUT {user} 200"} <= set(said["wire"])
        assert not {each.partition(" ")[0] for each in said["wire"]} & {"PATCH", "REPORT"}
    else:
        assert said.requests("change")[0].startswith("PATCH ")


# what users are given


def test_a_role_goes_through_its_life(given: Conversation):
    role, changed = given["add role"], given["change role"]

    assert (role["@"], role["_acme-floor"]) == ("201", "2")
    assert (changed["name"], changed["permissions"]) == ("Head of labels", role["permissions"])
    assert given["find role"] == [changed]
    assert given["give role"]["roles"] == [role["id"]]
    assert given["who has it"] == [given["give role"]["id"]]
    assert (given["replace role"]["name"], given["remove role"]) == ("Passing on", "204")
    assert refused(given, "role taken", "change role as it was", "get removed role") == [
        (409, "conflict"),
        (412, "precondition-failed"),
        (404, "not-found"),
    ]


def test_labels_are_in_categories_and_on_people(given: Conversation):
    label, category = given["add label"], given["add category"]

    assert (label["label-category"], label["_acme-colour"]) == (category["id"], "red")
    assert "resources" not in given["change category"]
    assert (given["labels of category"], given["categories"]) == (["Far north"], ["All shops"])
    assert given["attach label"]["labels"] == [label["id"]]
    assert given["who is labelled"] == [given["attach label"]["id"]]
    assert refused(given, "label without category", "attach unknown label") == [(400, "bad-request")] * 2
    assert refused(given, "change label as it was") == [(412, "precondition-failed")]
    assert refused(given, "category in use") == [(409, "conflict")]
    assert (given["remove label"], given["remove category"]) == ("204", "204")


def test_a_token_signs_as_its_user_and_does_no_more_than_both_may(given: Conversation):
    token, info = given["add token"], given["sign with token"]

    assert (token["@"], token["_acme-host"]) == ("201", "a1")
    assert (info["user"]["alias"], info["permissions"]) == ("asa", ["show-users"])
    assert info["access-token"]["id"] == token["id"]
    assert "key" not in info["access-token"]
    assert refused(given, "more than it may") == [(403, "forbidden")]


def test_a_new_key_of_a_token_takes_the_place_of_the_old_one(given: Conversation):
    assert given["regenerate token"]["key"] != given["add token"]["key"]
    assert given["sign with the new key"] == "asa"
    assert "key" not in given["get token"]
    assert given["change token"]["alias"] == "nightly"
    assert given["sign under its new name"]["access-token"]["alias"] == given["replace token"]["alias"] == "all"
    assert given["tokens"] == [{"alias": "all"}]
    assert given["remove token"] == "204"
    assert refused(given, "alias taken", "of another kind") == [(409, "conflict"), (400, "bad-request")]
    assert refused(given, "sign with the key before", "sign with the removed") == [(401, "unauthorized")] * 2


def test_a_password_signs_and_people_do_alone_what_is_theirs(given: Conversation):
    asa = given["give role"]["id"]

    assert given["sign with password"]["user"]["id"] == asa
    assert "access-token" not in given["sign with password"]
    assert given["own name"]["name"] == "Asa herself"
    assert given["own address by password"]["email"] == "self@example.org"
    assert given["own label"]["updated-by"] == asa
    assert refused(given, "wrong password") == [(401, "unauthorized")]
    forbidden = ("own address by a limited token", "own roles", "own permissions", "token of somebody else")
    assert refused(given, *forbidden) == [(403, "forbidden")] * 4


def test_a_till_keeps_its_key_to_itself(given: Conversation):
    till, changed = given["add till"], given["change till"]

    assert (till["device-id"], till["config"], till["_acme-desk"]) == ("till-1", {"width": 42}, "north")
    assert "device-key" not in till
    assert (changed["description"], given["tills"]) == ("By the door", ["Till 1"])
    assert (given["replace till"]["name"], given["remove till"]) == ("Till two", "204")
    assert refused(given, "change till as it was") == [(412, "precondition-failed")]


def test_a_pin_is_good_on_a_trusted_device_only(given: Conversation):
    info, changed = given["PIN on the till"], given["changed from the till"]

    assert (info["user"]["alias"], info["till"]["id"]) == ("asa", given["add till"]["id"])
    assert (changed["updated-by"], changed["updated-from"]) == (changed["id"], info["till"]["id"])
    assert "user" not in given["till alone"]
    assert given["till alone"]["permissions"] == []
    assert given["the new PIN"] == "asa"
    assert refused(given, "PIN alone", "wrong PIN", "the PIN before") == [(401, "unauthorized")] * 3


def test_who_may_act_for_others_does_what_they_may(given: Conversation):
    info = given["as another"]

    assert (info["user"]["alias"], info["access-token"]["user"]) == ("asa", given["add role"]["updated-by"])
    assert "edit-users" not in info["permissions"]
    assert given["label as another"]["updated-by"] == given["add role"]["updated-by"]
    forbidden = ("more than the other may", "PIN as another", "as nobody", "as the boss")
    assert refused(given, *forbidden) == [(403, "forbidden")] * 4


def test_nobody_learns_who_has_lost_a_password(given: Conversation):
    assert given["lost password"] == given["lost by nobody"] == "204"


def test_whoever_is_deleted_signs_nothing(given: Conversation):
    assert given["remove user"] == "204"
    gone = ("token of the removed", "password of the removed", "PIN of the removed")
    assert refused(given, *gone) == [(401, "unauthorized")] * 3


# long lists


@pytest.fixture(scope="module")
async def paged(
    node: Node, make_account: Accounts, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Conversation:
    """The conversation about a realm with many people."""
    account = make_account()
    people = tmp_path_factory.mktemp("people") / "people.csv"
    people.write_text("username\n" + "".join(f"person-{number:04}\n" for number in range(MANY)))
    installation.roster("import", str(people), "--realm", account.realm)
    return await node.run("paging.mjs", env=account.environment | {"SDK": OLDER})


def realm_of(asked: str) -> str:
    """What stands behind the realm in a path."""
    return asked.partition("/")[2]


def test_a_long_list_comes_whole_in_pages(paged: Conversation):
    everybody = ["boss", *(f"person-{number:04}" for number in range(MANY))]

    assert sorted(paged["everybody"]) == everybody
    assert paged["backwards"] == everybody[::-1]
    assert [realm_of(each) for each in paths(paged, "everybody")] == ["users/ 200", "users/?c=101;o=1000 200"]
    assert [progress[1:] for progress in paged["progress"]] == [[1000, 1101], [1101, 1101]]


def test_a_part_of_a_long_list_is_just_that(paged: Conversation):
    people = [f"person-{number:04}" for number in range(MANY)]

    assert paged["from the middle"] == people[49 : 49 + 1020]
    assert len(paths(paged, "from the middle")) == 2
    assert paged["a few"] == ["person-1005", "person-1006", "person-1007"]
    assert len(paths(paged, "a few")) == 1


# clocks


async def test_a_wrong_clock_is_told_the_right_time_under_the_key(node: Node, make_account: Accounts):
    said = await node.run("clock.mjs", env=make_account().environment | {"SDK": NEWER})

    assert said["slow"] == said["fast"] == "200"
    for step in ("a minute slow", "a minute fast"):
        told = said[step]
        assert (told["status"], told["code"], told["error"]) == (401, "unauthorized", "Stale timestamp")
        assert abs(int(told["ts"]) - time()) < 60
        assert told["tsm"]
