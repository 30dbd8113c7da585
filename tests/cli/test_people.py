"""`roster user`, `roster realm` and `roster key`, beside a running server."""

import base64
import json
import re
import subprocess
import sys

import pytest

from tests import servers
from tests.servers import Installation, Server


def test_a_person_lives_through_all_commands(beside: Installation, server: Server) -> None:
    made = beside.ask("user", "create", "lina", "--email", "lina@example.com", "--name", "Lina L.")
    assert (made["username"], made["email"], made["name"], made["status"]) == (
        "lina", "lina@example.com", "Lina L.", "active",
    )  # fmt: skip
    generated = made["password"]
    assert generated.isalnum()
    assert beside.ask("user", "show", "LINA@example.com")["id"] == made["id"]
    assert "password" not in beside.ask("user", "show", "lina")

    bearer = server.sign_in("lina", generated)
    with server.client() as client:
        assert client.get("/api/v1/me", headers=bearer).json()["user"]["id"] == made["id"]

        assert beside.ask("user", "disable", "lina")["status"] == "disabled"
        assert client.get("/api/v1/me", headers=bearer).status_code == 401
        assert beside.ask("user", "enable", "lina")["status"] == "active"

        bearer = server.sign_in("lina", generated)
        beside.roster("user", "set-password", "lina", "--password", "-", stdin="another password\n")
        assert client.get("/api/v1/me", headers=bearer).status_code == 401
        bearer = server.sign_in("lina", "another password")

        assert beside.ask("user", "delete", "lina")["status"] == "deleted"
        assert client.get("/api/v1/me", headers=bearer).status_code == 401
    assert "lina" not in {each["username"] for each in beside.ask("user", "list")}
    assert [each["username"] for each in beside.ask("user", "list", "--deleted")] == ["lina"]
    assert beside.ask("user", "show", made["id"])["status"] == "deleted"
    assert beside.ask("user", "restore", "lina")["status"] == "active"
    server.sign_in("lina", "another password")


def test_an_administrator_may_do_everything(beside: Installation, server: Server) -> None:
    made = beside.ask("user", "create", "boss", "--admin")

    bearer = server.sign_in("boss", made["password"])

    with server.client() as client:
        assert client.get("/api/v1/realms", headers=bearer).status_code == 200


def test_a_password_that_was_given_is_never_shown(beside: Installation) -> None:
    done = beside.roster("user", "create", "quiet", "--password", "-", stdin="whispered words\n")

    assert "whispered" not in done.stdout + done.stderr
    assert "password" not in done.stdout


def test_tokens_outlive_the_key_that_signed_them_unless_it_is_replaced_at_once(
    beside: Installation, server: Server
) -> None:
    beside.roster("realm", "create", "signing")
    password = beside.ask("user", "create", "ada", "--admin", "--realm", "signing")["password"]
    bearer = server.sign_in("ada", password, realm="signing")
    with server.client() as client:
        address = "/realms/signing/api/v1/me"
        replaced = beside.ask("realm", "replace-key", "signing")
        assert client.get(address, headers=bearer).status_code == 200
        keys = client.get("/realms/signing/api/v1/jwks").json()["keys"]
        assert replaced["kid"] in {each["kid"] for each in keys}

        beside.ask("realm", "replace-key", "signing", "--at-once")
        assert client.get(address, headers=bearer).status_code == 401
        bearer = server.sign_in("ada", password, realm="signing")
        assert client.get(address, headers=bearer).status_code == 200


def test_people_are_listed_in_pages_by_name(beside: Installation) -> None:
    for name in ("list-c", "list-a", "list-b"):
        beside.roster("user", "create", name)

    listed = beside.roster("user", "list", "--search", "list-", "--limit", "2")
    assert [line.split()[1] for line in listed.stdout.splitlines()] == ["USERNAME", "list-a", "list-b"]
    assert "--limit" in listed.stderr

    nobody = beside.roster("user", "list", "--search", "nobody at all")
    assert (nobody.stdout, nobody.stderr) == ("", "Nothing found.\n")
    assert beside.ask("user", "list", "--search", "nobody at all") == []


def test_names_cannot_play_tricks_on_the_terminal(beside: Installation) -> None:
    beside.roster("user", "create", "tricky", "--name", "[bold]x[/nothing] 名前")

    shown = beside.roster("user", "show", "tricky").stdout
    assert "[bold]x[/nothing] 名前" in shown


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["user", "show", "nobody"], "roster: Nobody in this realm is called 'nobody'."),
        (["user", "create", "admin"], "roster: A user with this name exists."),
        (["user", "create", "x", "--email", "no address"], "roster: email: "),
        (["user", "create", "x", "--password", "short"], "roster: password: "),
        (["user", "create", "x" * 300], "roster: "),
        (["user", "restore", "admin"], "roster: "),
        (["user", "list", "--realm", "nowhere"], "roster: There is no such realm."),
        (["realm", "create", "main"], "roster: "),
        (["realm", "create", "Not A Slug"], "roster: slug: "),
        (["realm", "show", "nowhere"], "roster: There is no such realm."),
        (["key", "create", "--user", "nobody"], "roster: Nobody in this realm is called 'nobody'."),
        (["key", "create", "--user", "admin", "--alias", "x"], "roster: kind: "),
        (["key", "create", "--user", "admin", "--kind", "hawk", "--alias", "a+b"], "roster: "),
        (
            ["key", "create", "--user", "admin", "--kind", "hawk", "--device", "none"],
            "roster: There is no such device.",
        ),
        (["key", "revoke", "key:admin+none@main"], "roster: There is no such credential."),
        (["key", "create", "--kind", "organisation", "--user", "admin"], "roster: kind: "),
        (["key", "create", "--organisation", "1"], "roster: kind: "),
        (["key", "create"], "roster: kind: "),
        (
            ["key", "create", "--kind", "organisation", "--organisation", "999999"],
            "roster: There is no such organisation.",
        ),
        (["key", "revoke", "nonsense"], "roster: 'nonsense' is not the id of a key."),
        (["key", "revoke", "01a201a9-a47c-70fc-8f0d-4e2b9932dd66"], "roster: "),
    ],
)
def test_what_goes_wrong_is_one_line(beside: Installation, arguments: list[str], line: str) -> None:
    done = beside.roster(*arguments, code=1)

    assert done.stdout == ""
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_realm_is_made_with_its_own_people(beside: Installation, server: Server) -> None:
    made = beside.ask("realm", "create", "acme", "--name", "Acme Inc.")
    assert (made["slug"], made["name"], made["status"]) == ("acme", "Acme Inc.", "active")
    assert beside.ask("realm", "show", "acme") == made
    assert made["fulfillmenttools_api_key"].startswith("rc_")
    assert {each["slug"] for each in beside.ask("realm", "list")} >= {"main", "acme"}

    person = beside.ask("user", "create", "wile", "--realm", "acme", "--admin")
    assert [each["username"] for each in beside.ask("user", "list", "--realm", "acme")] == ["wile"]
    server.sign_in("wile", person["password"], "acme")


def test_a_key_is_printed_once_and_ends_at_once(beside: Installation, server: Server) -> None:
    beside.roster("user", "create", "robot")
    made = beside.ask("key", "create", "--user", "robot", "--label", "nightly", "--days", "30")
    assert (made["kind"], made["label"], made["state"]) == ("api_key", "nightly", "active")
    assert made["expires_at"] > made["created_at"]
    bearer = {"Authorization": f"Bearer {made['key']}"}
    with server.client() as client:
        assert client.get("/api/v1/me", headers=bearer).status_code == 200

        listed = beside.roster("key", "list", "--user", "robot", "--json").stdout
        assert made["id"] in listed
        assert made["key"] not in listed

        assert beside.ask("key", "revoke", made["id"])["state"] == "revoked"
        assert client.get("/api/v1/me", headers=bearer).status_code == 401
    assert beside.ask("key", "list", "--user", "robot") == []


def test_a_token_of_an_organisation_is_printed_once_and_ends_at_once(beside: Installation, server: Server) -> None:
    with server.client() as client:
        org = client.post("/api/v1/organisations", headers=server.sign_in(), json={"name": "Medics"}).json()
        number = str(org["number"])
        made = beside.ask("key", "create", "--kind", "organisation", "--organisation", number, "--label", "machine")
        assert (made["kind"], made["label"], made["organisation"]) == ("organisation", "machine", org["number"])
        bearer = {"Authorization": f"Bearer {made['key']}"}
        assert client.get(f"/api/v1/organisations/{org['id']}", headers=bearer).json()["name"] == "Medics"

        listed = beside.roster("key", "list", "--organisation", number, "--json").stdout
        assert made["id"] in listed
        assert made["key"] not in listed
        assert beside.ask("key", "revoke", made["id"], "--organisation", number)["state"] == "revoked"
        assert client.get(f"/api/v1/organisations/{org['id']}", headers=bearer).status_code == 401


def test_a_personal_token_is_its_person(beside: Installation, server: Server) -> None:
    beside.roster("user", "create", "tokened")
    made = beside.ask("key", "create", "--kind", "personal", "--user", "tokened")
    with server.client() as client:
        bearer = {"Authorization": f"Bearer {made['key']}"}
        assert "tokened" in client.get("/api/v1/me", headers=bearer).text


def test_a_device_has_a_key_that_is_printed_once(beside: Installation) -> None:
    made = beside.ask("device", "create", "Till 1", "--id", "till-1")
    plain = beside.ask("device", "create", "Till 2", "--id", "7")
    renewed = beside.ask("device", "key", "till-1")

    assert (made["id"], made["name"], made["kind"], made["status"]) == ("dev:till-1@main", "Till 1", "till", "enabled")
    assert plain["id"] == f"dev:{plain['number']}@main"
    assert len(base64.b64decode(made["key"], validate=True)) == 32
    assert (renewed["id"], renewed["key"] != made["key"]) == (made["id"], True)
    listed = beside.roster("device", "list", "--json").stdout
    assert [each["number"] for each in json.loads(listed)] == [made["number"], plain["number"]]
    assert renewed["key"] not in listed
    assert beside.ask("device", "disable", "till-1")["status"] == "disabled"
    assert beside.ask("device", "enable", str(made["number"]))["status"] == "enabled"
    assert beside.ask("device", "delete", made["device_id"])["status"] == "deleted"
    assert beside.roster("device", "key", "till-1", code=1).stderr == "roster: There is no such device.\n"


def test_a_reader_that_has_seen_enough_is_no_error(beside: Installation) -> None:
    command = [sys.executable, "-m", "roster", "user", "list", "--json", *beside.arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=servers.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_the_trail_says_that_it_was_the_command_line(beside: Installation, server: Server) -> None:
    made = beside.ask("user", "create", "traced")

    with server.client() as client:
        found = client.get("/api/v1/audit", headers=server.sign_in(), params={"limit": 5}).json()["items"]

    entry = next(each for each in found if each["subject_id"] == made["id"])
    assert "command line" in str(entry)


def test_a_key_that_signs_requests_is_printed_with_its_identifier_and_ends_by_it(beside: Installation) -> None:
    beside.roster("user", "create", "signer")
    made = beside.ask("key", "create", "--user", "signer", "--kind", "hawk")
    again = beside.ask("key", "create", "--user", "signer", "--kind", "hawk", "--alias", "ci")

    assert re.fullmatch(r"key:signer\+[0-9a-f]{8}@main", made["id"])
    assert len(base64.b64decode(made["key"], validate=True)) == 32
    assert again["id"] == "key:signer+ci@main"
    listed = beside.roster("key", "list", "--user", "signer", "--json").stdout
    assert made["key"] not in listed
    assert [each["id"] for each in json.loads(listed)] == [made["id"], again["id"]]
    assert beside.ask("key", "revoke", made["id"])["state"] == "revoked"
    assert [each["id"] for each in beside.ask("key", "list", "--user", "signer")] == [again["id"]]
    assert beside.roster("key", "revoke", made["id"], code=1).stderr == "roster: There is no such credential.\n"


def test_an_organisation_gets_a_number_of_ones_choice(beside: Installation) -> None:
    made = beside.ask("organisation", "create", "Fire brigade", "--owner", "admin", "--number", "6371")
    below = beside.ask("organisation", "create", "North", "--parent", "6371")

    assert (made["number"], made["name"]) == (6371, "Fire brigade")
    listed = json.loads(beside.roster("organisation", "list", "--json").stdout)
    assert {each["number"] for each in listed} >= {6371, below["number"]}
    for refused, reason in (
        (["again", "--owner", "admin", "--number", "6371"], "There is an organisation with this number."),
        (["nobody's"], "owner: Say with --owner whose a root is."),
        (["x", "--owner", "nobody"], "Nobody in this realm is called 'nobody'."),
        (["x", "--parent", "999999"], "There is no such organisation."),
        (["x", "--owner", "admin", "--number", "0"], "number: A number is 1 to 9007199254740991."),
    ):
        done = beside.roster("organisation", "create", *refused, code=1)
        assert reason in done.stderr
