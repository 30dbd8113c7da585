"""A client generated from the contract: every operation with its typed body, every answer read as it is documented."""

import base64
import hashlib
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest

from tests.clients.conftest import Generate
from tests.clients.generator import Client
from tests.clients.onslip360.conftest import Account, Accounts
from tests.clients.onslip360.php import Signer

BACK = "https://app.example/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
NAMES = ("User", "Role", "LabelCategory", "Label", "Till", "AccessToken")
GONE = ("Role", "AccessToken")
"""What is not shown any more when it was deleted."""
KEY = base64.b64encode(b"a key made of something").decode()

Call = Callable[..., Any]


class Hawk(httpx.Auth):
    """Signs each request, its body with its type."""

    requires_request_body = True

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        kind = request.headers.get("content-type", "")
        address = f"{request.url.scheme}://{request.url.netloc.decode()}{request.url.raw_path.decode()}"
        header = self._signer.header(request.method, address, request.content.decode(), kind=kind)
        request.headers["Authorization"] = header
        yield request


class Driver:
    """Drives the client; `said` is what came back, by step."""

    def __init__(self, client: Client, account: Account) -> None:
        self.client, self.account, self.models = client, account, client.models
        self.said: dict[str, Any] = {}
        self.open: Call = partial(client.call, client.at(account.base.removesuffix("/")))
        self.ask = self.acting(account.id, account.key)

    def acting(self, identifier: str, key: str) -> Call:
        """Calls in the realm that are signed with this key."""
        auth = Hawk(Signer(identifier, base64.b64decode(key)))
        asking = self.client.at(self.account.base.removesuffix("/"), auth=auth)
        return partial(self.client.call, asking, realm=self.account.realm)

    def note(self, step: str, answer: Any) -> Any:
        """Keep an answer for the tests."""
        self.said[step] = answer
        return answer


class Life(msgspec.Struct, frozen=True):
    """What came back while one entity was made, changed, replaced and deleted."""

    made: Any
    fetched: Any
    listed: list[Any]
    changed: Any
    stale: Any
    replaced: Any
    afterwards: Any


def live(ask: Call, name: str, draft: Any, change: Any, replacement: Any) -> Life:
    """The life of an entity. Entity tags are headers, which are not typed: any that is made up is a stale one."""
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    made = ask(f"add{name}", status=201, body=draft)
    one = partial(ask, id=made.id)
    life = Life(
        made=made,
        fetched=one(f"get{name}"),
        listed=ask(f"list{plural}", q=f"id={made.id}", s="-id", c=10),
        changed=one(f"update{name}", body=change, if_match="*"),
        stale=one(f"update{name}", status=412, body=change, if_match='"x1-1"'),
        replaced=one(f"put{name}", body=replacement),
        afterwards=None,
    )
    one(f"remove{name}", status=204)
    kept = 404 if name in GONE else 200
    return msgspec.structs.replace(life, afterwards=one(f"get{name}", status=kept))


def lives(driver: Driver) -> dict[str, Life]:
    """Those of everything that there is."""
    m, ask = driver.models, driver.ask
    category = ask("addLabelCategory", status=201, body=m.LabelCategory("All"))
    owner = ask("addUser", status=201, body=m.User("Owner", "owner", "owner@example.org"))
    roles = [m.SystemRole.CASHIER, m.SystemRole.EMPLOYEE]
    kinds = {
        "User": (m.User("Åsa", "asa", "asa@example.org", pin=KEY, password=KEY, system_roles=roles, tags=["new"]),
                 m.PartialUser(name="Åsa Öberg", identity_number="790101", system_roles=None),
                 m.User("Åsa Ö", "asa.o", "asa@example.org")),
        "Role": (m.Role("Counter", permissions=["show-users"], tags=["new"]), m.PartialRole(name="Counters"),
                 m.Role("Clerk")),
        "LabelCategory": (m.LabelCategory("Shops", resources=["users"]), m.PartialLabelCategory(resources=None),
                          m.LabelCategory("Stores")),
        "Label": (m.Label("North", category.id), m.PartialLabel(name="South"), m.Label("East", category.id)),
        "Till": (m.Till("Till 1", type_=m.TillType.TILL, device_id="till-1", device_key=KEY),
                 m.PartialTill(description="By the door"), m.Till("Till one")),
    }  # fmt: skip
    found = {name: live(ask, name, *bodies) for name, bodies in kinds.items()}
    hawk = m.AccessTokenType.HAWK_KEY
    token = m.AccessToken(hawk, "Nightly", "nightly"), m.PartialAccessToken(name="Daily"), m.AccessToken(hawk, "D", "d")
    return found | {"AccessToken": live(partial(ask, user=owner.id), "AccessToken", *token)}


def signing(driver: Driver) -> None:
    """Keys of one's own, and the integration that gets one."""
    m, ask = driver.models, driver.ask
    boss = driver.note("info", ask("getClientInfo")).user.id
    driver.note("company", ask("getCompanyInfo"))
    body = m.AccessToken(m.AccessTokenType.HAWK_KEY, "Other", "other", permissions=["show-users"])
    token = ask("addAccessToken", status=201, user=boss, body=body)
    anew = ask("regenerateAccessToken", user=boss, id=token.id, body=m.KeySpecification())
    other = f"key:boss+other@{driver.account.realm}"
    driver.note("before", driver.acting(other, token.key)("getClientInfo", status=401))
    driver.note("anew", driver.acting(other, anew.key)("getClientInfo"))
    driver.note("forbidden", driver.acting(other, anew.key)("listRoles", status=403))
    ask("pinReset", status=204, body=m.PinResetRequest(KEY))
    wanted = m.PasswordResetChallengeRequest(driver.account.realm, "boss", locale="sv")
    driver.open("passwordResetChallenge", status=204, body=wanted)


def integrating(driver: Driver) -> None:
    """An integration from its registration to its key."""
    m, ask = driver.models, driver.ask
    draft = m.Integration(
        "sync", "Sync", m.IntegrationType.OAUTH, "Acme", "dev@acme.example", "https://acme.example",
        permissions=["show-users"], features=[], confinements=["user"], oauth_redirect_uris=[BACK],
    )  # fmt: skip
    made = driver.note("integration", ask("addIntegration", status=201, body=draft))
    driver.note("taken", ask("addIntegration", status=409, body=draft))
    driver.note("integrations", ask("listIntegrations"))
    driver.note("fetched", ask("getIntegration", id=made.id))
    consent = m.AuthorizeIntegrationRequest(BACK, CHALLENGE, permissions=["show-users"], return_scope=True)
    code = ask("authorizeIntegration", id=made.id, body=consent).code
    exchange = m.OAuthAuthorizationCodeRequest("authorization_code", "sync", BACK, code, VERIFIER)
    token = driver.note("token", driver.open("requestOAuthAccessToken", body=exchange))
    driver.note("token again", driver.open("requestOAuthAccessToken", status=400, body=exchange))
    key = base64.b64encode(token.secret.encode()).decode()
    driver.note("as integration", driver.acting(token.access_token, key)("getClientInfo"))


class Driven(msgspec.Struct, frozen=True):
    """The whole conversation."""

    said: dict[str, Any]
    lives: dict[str, Life]
    unused: set[str]


@pytest.fixture(scope="module")
def driven(generate: Generate, make_account: Accounts) -> Driven:
    """Everything that the contract has, in the order in which an application would ask for it."""
    client = generate("onslip360.yaml")
    driver = Driver(client, make_account())
    driver.open("checkServerLiveness", status=204)
    driver.open("checkServerReadiness", status=204)
    driver.note("echo", driver.open("checkServerEcho", body=client.models.EchoMessage("Å")))
    found = lives(driver)
    signing(driver)
    integrating(driver)
    return Driven(driver.said, found, set(client.unused))


@pytest.fixture(scope="module")
def said(driven: Driven) -> dict[str, Any]:
    """The answers, by step."""
    return driven.said


@pytest.fixture(params=NAMES)
def life(driven: Driven, request: pytest.FixtureRequest) -> Life:
    """One of them."""
    return driven.lives[request.param]


def test_every_operation_of_the_contract_is_driven(driven: Driven):
    assert driven.unused == set()


def test_an_entity_is_the_same_in_every_answer(life: Life):
    made = life.made.to_dict() | {"key": life.fetched.to_dict().get("key")}

    assert life.listed == [life.fetched]
    assert {name: value for name, value in made.items() if value is not None} == life.fetched.to_dict()
    assert (life.made.created, life.made.updated_by) == (life.made.updated, life.changed.updated_by)


def test_an_entity_is_changed_in_part_and_as_a_whole(life: Life):
    assert life.changed.id == life.replaced.id == life.made.id
    assert life.made.updated < life.changed.updated < life.replaced.updated
    assert life.changed.to_dict() != life.made.to_dict() != life.replaced.to_dict()
    assert life.stale.code == "precondition-failed"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_deleted_is_shown_so_as_far_as_it_is_kept(driven: Driven, name: str):
    afterwards = driven.lives[name].afterwards

    if name in GONE:
        assert afterwards.code == "not-found"
    else:
        assert afterwards.deleted == afterwards.updated


def test_a_change_is_what_was_asked_for(driven: Driven):
    user, role, till = (driven.lives[name] for name in ("User", "Role", "Till"))

    assert [str(each) for each in user.made.system_roles] == ["cashier", "employee"]
    assert (user.changed.name, user.changed.identity_number, user.changed.tags) == ("Åsa Öberg", "790101", ["new"])
    assert not user.changed.system_roles
    assert not user.replaced.identity_number
    assert (role.changed.permissions, bool(role.replaced.permissions)) == (["show-users"], False)
    assert (till.changed.description, str(till.changed.type_)) == ("By the door", "till")


def test_a_regenerated_key_is_the_only_one(said: dict[str, Any]):
    assert said["before"].code == "unauthorized"
    assert said["anew"].permissions == ["show-users"]
    assert said["anew"].access_token.alias == "other"
    assert said["forbidden"].code == "forbidden"


def test_a_client_is_told_its_account(said: dict[str, Any]):
    assert said["info"].company == said["company"]
    assert said["echo"].payload == "Å"


def test_an_integration_gets_a_key_for_a_code_once(said: dict[str, Any]):
    assert said["integrations"] == [said["integration"]] == [said["fetched"]]
    assert (said["token"].scope, said["token"].token_type) == ("show-users", "hawk")
    assert said["as integration"].permissions == ["show-users"]
    assert (said["taken"].code, said["token again"].code) == ("conflict", "bad-request")
