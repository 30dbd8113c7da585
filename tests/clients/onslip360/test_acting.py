"""Who acts for others, by the product's own SDK: applications that people let do so, and those who run all realms."""

from typing import Any

import pytest

from tests.clients.node import Conversation, Node
from tests.clients.onslip360.conftest import NEWER, OLDER, Account, Accounts, refused
from tests.servers import PASSWORD, Installation, Server


@pytest.fixture(scope="module")
async def allowed(node: Node, make_account: Accounts) -> Conversation:
    """The conversation of an application that people let act for them."""
    return await node.run("oauth.mjs", env=make_account().environment | {"SDK": NEWER, "PASSWORD": PASSWORD})


def back(said: Conversation, step: str) -> dict[str, Any]:
    """What the page told the application."""
    assert said[step]["status"] == 303
    return said[step]["back"]


def test_an_integration_is_registered(allowed: Conversation):
    made = allowed["register"]

    assert (made["alias"], set(made["permissions"])) == ("acme-sync", {"show-users", "show-roles"})
    assert allowed["registered"] == [made]
    assert allowed["fetched"] == made


def test_the_page_leads_back_with_a_code_for_whoever_allows_it(allowed: Conversation):
    assert "acme-sync" in allowed["page"]
    assert allowed["wrong password"] == {"status": 401, "back": None}
    refusal = back(allowed, "not allowed")
    assert (refusal["error"], refusal["state"]) == ("access_denied", "where I was")
    granted = back(allowed, "allowed")
    assert granted.keys() == {"code", "state"}


def test_a_code_becomes_a_key_once(allowed: Conversation):
    token = allowed["token"]

    assert token["access_token"].startswith("key:boss+acme-sync")
    assert len(token["secret"]) >= 43
    assert refused(allowed, "wrong verifier", "the code again") == [(400, "bad-request")] * 2


def test_the_key_does_what_was_allowed_and_no_more(allowed: Conversation):
    info = allowed["sign"]

    assert (info["user"]["alias"], info["permissions"]) == ("boss", ["show-users"])
    assert allowed["list"] == ["boss"]
    assert refused(allowed, "more than was allowed") == [(403, "forbidden")]


def test_consent_by_the_api_gives_a_key_as_well(allowed: Conversation):
    assert allowed["token of consent"]["scope"] == "show-roles"
    assert allowed["sign by consent"]["permissions"] == ["show-roles"]
    assert allowed["sign by consent"]["access-token"]["name"] == "Roles only"
    assert refused(allowed, "consent to more", "consent for another address") == [(400, "bad-request")] * 2


async def test_who_runs_all_realms_signs_in_each(
    node: Node, make_account: Accounts, installation: Installation, server: Server
):
    account = make_account()
    made = installation.ask("key", "create", "--user", "admin", "--kind", "hawk")
    demon = Account(server.url, "main", made["id"], made["key"])

    said = await node.run("demon.mjs", env=demon.environment | {"SDK": OLDER, "OTHER_REALM": account.realm})

    assert said["at home"]["user"]["demon"] is True
    assert "show-companies" in said["at home"]["permissions"]
    assert said["there"]["company"]["alias"] == account.realm
    assert said["list"] == ["asa", "boss"]
    assert said["as somebody there"]["user"]["alias"] == "boss"
    assert "show-companies" not in said["as somebody there"]["permissions"]
    assert refused(said, "as nobody there") == [(403, "forbidden")]
