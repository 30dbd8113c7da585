"""The PHP SDK's habits, and one request at two workers."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import httpx
import pytest

from tests.clients.onslip360.conftest import Account, Accounts
from tests.clients.onslip360.php import JSON, Php, Refused, Signer
from tests.servers import Installation, Server

VECTOR_KEY = b"0123456789abcdef0123456789abcdef"
VECTOR_BODY = (
    '{"name":"Åsa Öberg","alias":"asa","email":"asa@example.org","pin":"cGluLWtleQ==","password":"cHctLWtleQ=="}'
)
VECTOR_USERS = "https://roster.example/onslip/v1/~acme/users/"
MANY = 1100

Connect = Callable[..., Php]


@pytest.fixture(scope="module")
def account(make_account: Accounts) -> Account:
    """A realm for all of them, where addresses may belong to several people, as in the product."""
    return make_account(email_unique=False)


@pytest.fixture(scope="module")
def connect(account: Account) -> Iterator[Connect]:
    """Makes a client of the account."""
    with ExitStack() as clients:
        yield lambda signer=None: clients.enter_context(closing(Php(account, signer)))


@pytest.fixture(scope="module")
def php(connect: Connect) -> Php:
    """One with the administrator's key."""
    return connect()


@pytest.fixture(scope="module")
def users(account: Account) -> str:
    """The path of all users."""
    return f"~{account.realm}/users/"


def draft(alias: str) -> dict[str, object]:
    """A user as the SDK sends one, with what it requires."""
    keys = {"pin": base64.b64encode(b"pin").decode(), "password": base64.b64encode(b"password").decode()}
    return {"name": "Åsa Öberg", "alias": alias, "email": "a/b@example.org", **keys}


def test_it_signs_as_the_vector_says():
    signer = Signer("key:boss+ci@acme", VECTOR_KEY, ts=1735689600, nonce="a1B2c3")

    header = signer.header("POST", VECTOR_USERS, VECTOR_BODY)

    assert 'hash="BGhnKdkrBbdfbu39x82B7PlXa/Rl7dZmwRSE43umf7I="' in header
    assert 'mac="VZh8tyCnm3sGpxXQqmgEbOh6SXcu8ZB+n/Er6uWAp5A="' in header


def test_a_hash_over_an_empty_type_is_taken(php: Php, users: str):
    made = php.send("POST", users, draft("asa"))

    user, tag = made.json(), made.headers["etag"]
    assert (made.status_code, user["name"], user["email"]) == (201, "Åsa Öberg", "a/b@example.org")
    changed = php.request("PATCH", f"{users}{user['id']}", {"email": "new@example.org"}, {"if-match": tag})
    assert changed["email"] == "new@example.org"
    with pytest.raises(Refused) as stale:
        php.request("PUT", f"{users}{user['id']}", draft("asa"), {"if-match": tag})
    assert (stale.value.status, stale.value.code) == (412, "precondition-failed")
    assert php.request("DELETE", f"{users}{user['id']}") is None
    assert php.calls[-1].endswith("204")


def test_empty_credentials_are_passed_over_where_none_are_needed(connect: Connect, account: Account):
    nobody = connect(Signer("", b""))

    assert nobody.request("GET", "health/alive") is None
    assert nobody.request("GET", "health/ready") is None
    assert nobody.request("POST", "health/echo", {"payload": "Å/"}) == {"payload": "Å/"}
    assert nobody.request("POST", "password-reset-challenge", {"company": account.realm, "user": "boss"}) is None
    with pytest.raises(Refused) as refused:
        nobody.request("POST", "oauth-token", {"grant_type": "authorization_code"})
    assert refused.value.status == 400
    with pytest.raises(Refused) as unknown:
        nobody.request("GET", f"~{account.realm}")
    assert (unknown.value.status, unknown.value.code) == (401, "unauthorized")


def test_a_list_comes_whole(
    make_account: Accounts, installation: Installation, tmp_path_factory: pytest.TempPathFactory
):
    crowded = make_account()
    people = tmp_path_factory.mktemp("people") / "people.csv"
    people.write_text("username\n" + "".join(f"person-{number:04}\n" for number in range(MANY)))
    installation.roster("import", str(people), "--realm", crowded.realm)
    with closing(Php(crowded)) as php:
        found = php.list(f"~{crowded.realm}/users/", q="alias:person", s="-alias", d=False)

        assert [each["alias"] for each in found] == [f"person-{number:04}" for number in reversed(range(MANY))]
        assert len(php.calls) == 2


def test_what_stood_at_a_moment_is_asked_for_behind_the_path(php: Php, users: str):
    made = php.request("POST", users, draft("moment"))
    path = f"{users}{made['id']}"
    php.request("PATCH", path, {"name": "Another"})

    assert php.request("GET", f"{path}@{made['updated']}")["name"] == "Åsa Öberg"


# one request, twice


@pytest.fixture(scope="module")
def workers(server: Server) -> Iterator[list[httpx.Client]]:
    """A client for each worker."""
    clients = server.client_of_each_worker(2)
    yield clients
    for client in clients:
        client.close()


def signed(account: Account, method: str, path: str, body: str | None = None) -> httpx.Request:
    """A request that can be sent again."""
    address = account.base + path
    header = Signer(account.id, base64.b64decode(account.key)).header(method, address, body)
    headers = {"authorization": header, **({"content-type": JSON} if body else {})}
    return httpx.Request(method, address, headers=headers, content=body)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (1, 0)])
def test_a_request_is_taken_once_whichever_worker_gets_it(
    account: Account, workers: list[httpx.Client], first: int, second: int
):
    request = signed(account, "GET", f"~{account.realm}")

    assert workers[first].send(request).status_code == 200
    again = workers[second].send(request)
    assert (again.status_code, again.json()["code"]) == (401, "unauthorized")


def test_a_change_that_is_sent_again_elsewhere_is_not_made_twice(
    account: Account, workers: list[httpx.Client], php: Php, users: str
):
    request = signed(account, "POST", users, json.dumps(draft("once")))

    answers = [worker.send(request).status_code for worker in (*workers, *workers)]

    assert answers == [201, 401, 401, 401]
    assert len(php.list(users, q="alias=once")) == 1


def test_a_signature_is_good_for_nothing_else(account: Account, workers: list[httpx.Client], users: str):
    body = json.dumps(draft("other"))
    for change in (
        {"content": body.replace("other", "changed")},
        {"url": f"{account.base}{users.rstrip('/')}"},
        {"url": f"{account.base}{users}?q="},
        {"method": "GET"},
        {"headers": {"host": "elsewhere.example"}},
    ):
        good = signed(account, "POST", users, body)
        headers = {"authorization": good.headers["authorization"], "content-type": JSON}
        sent = {"method": good.method, "url": good.url, "content": body, **change}
        forged = httpx.Request(**sent | {"headers": headers | change.get("headers", {})})  # type: ignore[arg-type]
        assert workers[0].send(forged).status_code == 401, change
