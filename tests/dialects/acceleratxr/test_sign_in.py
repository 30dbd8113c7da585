"""Signing in: HTTP Basic, the second step, renewal, providers, and where tokens may stand (notes, sections 5 and 6)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.acceleratxr.conftest import PASSWORD, PREFIX, Register, Wire, basic, options, refusal
from tests.dialects.acceleratxr.test_secrets import create, enrolled
from tests.dialects.calling import ADDRESS
from tests.dialects.conftest import Person
from tests.federation import provider as providers
from tests.federation.provider import StandIn


def claims(token: str) -> dict[str, Any]:
    return msgspec.json.decode(people.payload_of(token))


# HTTP Basic


async def test_signing_in_answers_with_a_token_and_a_cookie_as_in_the_example(wire: Wire, register: Register) -> None:
    made = await register("jdoe", password=PASSWORD)

    answer = await wire.sign_in("jdoe", PASSWORD)

    token = answer.json()["token"]
    assert answer.json().keys() == {"token"}
    assert answer.headers["set-cookie"] == f"jwt={token}; Path=/; HttpOnly; Secure; SameSite=Lax"
    assert (await wire.get("/users/me", token=token)).json() == made["user"]


async def test_the_token_tells_who_it_is_in_the_claim_profile(
    wire: Wire, admin: Person, runtime: Runtime, realm: Realm
) -> None:
    await factories.a_role(runtime, realm, "editors")
    extra = {"roles": ["editors"], "externalIds": ["google:117"], "verified": True}
    made = await wire.post("/users", {"name": "jdoe", "email": "jane@example.org", **extra}, by=admin)
    await wire.put("/users/jdoe/secrets/password", {"secret": PASSWORD}, by=admin)

    found = claims((await wire.sign_in("jdoe", PASSWORD)).json()["token"])

    assert found["profile"] == {
        "uid": made.json()["user"]["uid"],
        "name": "jdoe",
        "email": "jane@example.org",
        "roles": ["editors"],
        "externalIds": ["google:117"],
        "verified": True,
    }
    assert found["exp"] - found["iat"] == 3600
    assert found["iss"] == found["aud"]


@pytest.mark.parametrize("form", ["jdoe", "JDoe", "uid", "jane.doe@example.org", "+1 (212) 555-0147"])
async def test_every_identifier_signs_in(wire: Wire, register: Register, form: str) -> None:
    made = await register("jdoe", password=PASSWORD, phone="+1 212 555 0147")
    await wire.put("/users/me", {**made["user"], "email": "jane.doe@example.org"}, token=made["token"])

    assert (await wire.sign_in(made["user"]["uid"] if form == "uid" else form, PASSWORD)).status_code == 200


async def test_a_number_that_two_users_have_signs_in_neither(wire: Wire, register: Register) -> None:
    await register("one", password=PASSWORD, phone="+1 212 555 0147")
    await register("two", password=PASSWORD, phone="+12125550147")

    assert refusal(await wire.sign_in("+1 212 555 0147", PASSWORD)) == (401, "api-101")


async def test_every_failure_looks_the_same(wire: Wire, register: Register, admin: Person) -> None:
    await register("jdoe", password=PASSWORD)
    await register("bare")
    await register("gone", password=PASSWORD)
    await wire.delete("/users/gone", by=admin)

    answers = [
        await wire.sign_in(name, secret)
        for name, secret in (
            ("jdoe", "wrong"),
            ("nobody", PASSWORD),
            ("bare", PASSWORD),
            ("gone", PASSWORD),
            ("x", "y:z"),
        )
    ]

    assert {(each.status_code, each.text) for each in answers} == {(401, answers[0].text)}
    assert refusal(answers[0]) == (401, "api-101")
    assert answers[0].headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic amRvZQ==", "Basic OnNlY3JldA==", "Basic amRvZTo=", "Basic //79", "jwt x"]
)
async def test_a_malformed_basic_header_is_refused(wire: Wire, header: str) -> None:
    assert refusal(await wire.get("/auth/password", headers={"Authorization": header})) == (401, "api-101")


async def test_without_a_header_authentication_is_asked_for(wire: Wire) -> None:
    assert refusal(await wire.get("/auth/password")) == (401, "api-100")


async def test_secrets_may_hold_colons_and_letters_of_any_alphabet(wire: Wire, register: Register) -> None:
    await register("jdoe", password="pass:wörd:密碼密碼")

    assert (await wire.sign_in("jdoe", "pass:wörd:密碼密碼")).status_code == 200


async def test_too_many_guesses_are_answered_with_a_time_to_wait(
    wire: Wire, register: Register, runtime: Runtime
) -> None:
    await register("jdoe", password=PASSWORD)

    for _ in range(runtime.settings.limits.identity_guesses):
        assert refusal(await wire.sign_in("jdoe", "wrong")) == (401, "api-101")
    answer = await wire.sign_in("jdoe", PASSWORD)

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


# the second step


async def test_a_second_factor_is_asked_for_by_a_redirect_whose_token_is_good_for_nothing_else(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await create(wire, jane, type="password", secret=PASSWORD)
    _, seed, codes = await enrolled(wire, runtime, realm, jane)

    first = await wire.sign_in("jdoe", PASSWORD)

    assert (first.status_code, first.content) == (302, b"")
    assert "set-cookie" not in first.headers
    where = urlsplit(first.headers["location"])
    assert where.path == f"/realms/{realm.slug}{PREFIX}/auth/totp"
    step = parse_qs(where.query)["jwt_token"][0]
    assert "profile" not in claims(step)
    assert refusal(await wire.get("/users/me", token=step)) == (401, "api-101")
    followed = await wire.get(f"/auth/totp?jwt_token={step}")
    assert refusal(followed) == (401, "api-101")
    assert "code" in followed.json()["message"]
    assert refusal(await wire.post(f"/auth/totp?jwt_token={step}", {"token": "000000"})) == (401, "api-101")
    done = await wire.post(f"/auth/totp?jwt_token={step}", {"token": people.code_of(seed)})
    assert (await wire.get("/users/me", token=done.json()["token"])).json()["name"] == "jdoe"
    assert "set-cookie" in done.headers
    again = await wire.post(f"/auth/totp?jwt_token={step}", {"token": codes[0]})
    assert refusal(again) == (401, "api-101")


async def test_the_second_step_takes_the_token_in_the_header_and_a_backup_code(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await create(wire, jane, type="password", secret=PASSWORD)
    _, _, codes = await enrolled(wire, runtime, realm, jane)
    step = parse_qs(urlsplit((await wire.sign_in("jdoe", PASSWORD)).headers["location"]).query)["jwt_token"][0]

    assert (await wire.post("/auth/totp", {"token": codes[0]}, token=step)).status_code == 200
    assert refusal(await wire.post("/auth/totp", {"token": codes[1]})) == (401, "api-100")
    assert refusal(await wire.post("/auth/totp", {"token": codes[1]}, by=jane)) == (401, "api-101")


async def test_device_secrets_api_keys_and_backup_codes_skip_the_second_factor(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm
) -> None:
    await create(wire, jane, type="device", secret="hash of the device")
    key = await create(wire, jane, type="apikey")
    _, _, codes = await enrolled(wire, runtime, realm, jane)

    assert (await wire.sign_in("jdoe", "hash of the device")).status_code == 200
    assert (await wire.sign_in("jdoe", codes[0])).status_code == 200
    assert refusal(await wire.sign_in("jdoe", codes[0])) == (401, "api-101")
    assert (await wire.sign_in("jdoe", key["secret"])).status_code == 200


# renewal


async def test_a_token_is_renewed_within_its_session(wire: Wire, register: Register) -> None:
    made = await register("jdoe")

    renewed = (await wire.get("/auth/token", token=made["token"])).json()["token"]

    assert claims(renewed)["sid"] == claims(made["token"])["sid"]
    assert claims(renewed)["profile"]["name"] == "jdoe"
    assert (await wire.get("/users/me", token=renewed)).status_code == 200


async def test_what_is_no_session_is_not_renewed(wire: Wire, jane: Person) -> None:
    key = await create(wire, jane, type="apikey")

    assert refusal(await wire.get("/auth/token", token=key["secret"])) == (401, "api-101")


# where tokens may stand


async def test_tokens_stand_in_the_header_in_any_case_or_in_the_cookie(wire: Wire, jane: Person) -> None:
    for scheme in ("jwt", "JWT", "Bearer", "bearer", "bEARER"):
        answer = await wire.get("/users/me", headers={"Authorization": f"{scheme} {jane.access_token}"})
        assert answer.status_code == 200
    assert (await wire.get("/users/me", headers={"Cookie": f"a=b; jwt={jane.access_token}"})).status_code == 200


async def test_the_query_is_taken_where_links_lead_and_elsewhere_only_by_a_setting(
    wire: Wire, jane: Person, runtime: Runtime
) -> None:
    path = f"/users/me?jwt_token={jane.access_token}"

    assert refusal(await wire.get(path)) == (403, "api-015")
    assert refusal(await wire.get(f"/users?jwt_token={jane.access_token}")) == (401, "api-100")
    with options(runtime, query_token_everywhere=True):
        assert (await wire.get(path)).json()["name"] == "jdoe"
        assert len((await wire.get(f"/users?jwt_token={jane.access_token}")).json()) == 1


async def test_the_query_comes_before_the_header_and_the_header_before_the_cookie(
    wire: Wire, jane: Person, john: Person, admin: Person, runtime: Runtime
) -> None:
    headers = {"Cookie": f"jwt={admin.access_token}"}
    with options(runtime, query_token_everywhere=True):
        by_query = await wire.get(f"/users/me?jwt_token={jane.access_token}", by=john, headers=headers)
    by_header = await wire.get("/users/me", by=john, headers=headers)

    assert (by_query.json()["name"], by_header.json()["name"]) == ("jdoe", "john")


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"Origin": ADDRESS}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({}, False),
    ],
)
async def test_changes_with_a_cookie_must_come_from_our_own_pages(
    wire: Wire, jane: Person, sent: dict[str, str], taken: bool
) -> None:
    headers = {"Cookie": f"jwt={jane.access_token}", **sent}
    body = {"name": "jdoe", "email": "jane.doe@example.org"}

    answer = await wire.put("/users/me", body, headers=headers)

    assert answer.status_code == 200 if taken else refusal(answer) == (403, "api-102")


async def test_another_sites_page_registers_as_nobody_in_particular(wire: Wire, jane: Person) -> None:
    headers = {"Cookie": f"jwt={jane.access_token}", "Origin": "https://evil.example"}

    made = await wire.post("/users", {"name": "other", "email": "o@example.org"}, headers=headers)

    assert claims(made.json()["token"])["profile"]["name"] == "other"


# providers


@pytest.fixture
def there() -> Iterator[StandIn]:
    """Google on this machine; whoever asks is Jane."""
    with providers.running() as stand_in:
        stand_in.says("/tokeninfo", {"aud": "our-app"})
        stand_in.says("/userinfo", {"sub": "117", "email": "jane.doe@example.org", "email_verified": True})
        yield stand_in


async def test_a_provider_signs_in_whom_it_knows_and_registers_whom_nobody_knows(
    wire: Wire, runtime: Runtime, there: StandIn
) -> None:
    with options(runtime, providers={"google": there.provider("google")}):
        first = await wire.get("/auth/google?oauth_token=token-1")
        second = await wire.get("/auth/GOOGLE?oauth_token=token-2&oauth_refresh=token-3")

    user = (await wire.get("/users/me", token=first.json()["token"])).json()
    assert (user["email"], user["externalIds"], user["verified"]) == ("jane.doe@example.org", ["google:117"], True)
    assert claims(second.json()["token"])["profile"]["uid"] == user["uid"]
    assert "set-cookie" not in first.headers


async def test_an_address_that_only_one_side_has_verified_proves_nothing(
    wire: Wire, jane: Person, admin: Person, runtime: Runtime, there: StandIn
) -> None:
    body = {"name": "jdoe", "email": "jane.doe@example.org", "verified": True}

    with options(runtime, providers={"google": there.provider("google")}):
        unproved = await wire.get("/auth/google?oauth_token=token-1")
        await wire.put("/users/jdoe", body, by=admin)
        proved = await wire.get("/auth/google?oauth_token=token-1")

    assert refusal(unproved) == (400, "api-011")
    assert claims(proved.json()["token"])["profile"]["name"] == "jdoe"


async def test_with_an_own_token_the_external_id_moves_to_its_user(
    wire: Wire, jane: Person, john: Person, admin: Person, runtime: Runtime, there: StandIn
) -> None:
    there.says("/userinfo", {"sub": "117"})
    with options(runtime, providers={"google": there.provider("google")}):
        await wire.get("/auth/google?oauth_token=token-1", by=jane)
        moved = await wire.get("/auth/google?oauth_token=token-1", by=john)
        again = await wire.get("/auth/google?oauth_token=token-1")

    assert moved.status_code == 200
    assert claims(again.json()["token"])["profile"]["name"] == "john"
    users = {each["name"]: each for each in (await wire.get("/users", by=admin)).json()}
    assert (users["jdoe"]["externalIds"], users["john"]["externalIds"]) == ([], ["google:117"])


async def test_another_sites_page_cannot_attach_its_account_to_a_visitors(
    wire: Wire, jane: Person, runtime: Runtime, there: StandIn
) -> None:
    there.says("/userinfo", {"sub": "666"})
    headers = {"Cookie": f"jwt={jane.access_token}", "Sec-Fetch-Site": "cross-site"}
    with options(runtime, providers={"google": there.provider("google")}):
        answer = await wire.get("/auth/google?oauth_token=token-1", headers=headers)

    assert claims(answer.json()["token"])["profile"]["name"] != "jdoe"
    assert (await wire.get("/users/me", by=jane)).json()["externalIds"] == []


async def test_a_second_factor_is_asked_for_after_a_provider_too(
    wire: Wire, jane: Person, runtime: Runtime, realm: Realm, there: StandIn
) -> None:
    with options(runtime, providers={"google": there.provider("google")}):
        await wire.get("/auth/google?oauth_token=token-1", by=jane)
        await enrolled(wire, runtime, realm, jane)
        answer = await wire.get("/auth/google?oauth_token=token-1")

    assert answer.status_code == 302
    assert "/auth/totp?jwt_token=" in answer.headers["location"]


async def test_providers_that_are_not_set_up_are_not_found_and_bad_tokens_refused(
    wire: Wire, runtime: Runtime, there: StandIn
) -> None:
    for name in ("google", "facebook", "twitter", "nothing"):
        assert refusal(await wire.get(f"/auth/{name}?oauth_token=x")) == (404, "api-010")
    assert refusal(await wire.get("/auth/twitter/reverse")) == (404, "api-010")
    there.says("/tokeninfo", {}, status=400)
    with options(runtime, providers={"google": there.provider("google")}):
        assert refusal(await wire.get("/auth/google?oauth_token=bad")) == (401, "api-101")
        assert refusal(await wire.get("/auth/google")) == (400, "api-003")
        there.says("/tokeninfo", {}, status=500)
        assert (await wire.get("/auth/google?oauth_token=bad")).status_code == 503


async def test_the_reverse_token_of_twitter_is_answered_in_the_known_form(
    wire: Wire, runtime: Runtime, there: StandIn
) -> None:
    there.says("/request_token", "OAuth oauth_version=1.0")

    with options(runtime, providers={"twitter": there.provider("twitter")}):
        answer = await wire.get("/auth/twitter/reverse")

    assert answer.json() == {"x_reverse_auth_parameters": "OAuth oauth_version=1.0"}


async def test_one_sign_in_is_good_at_the_platforms_other_apis_too(wire: Wire, jane: Person) -> None:
    """The token comes from elsewhere and says nothing in this dialect's claim; it is good all the same."""
    assert "profile" not in claims(jane.access_token)
    assert (await wire.get("/users/me", headers={"Authorization": f"jwt {jane.access_token}"})).status_code == 200


def test_the_header_of_basic_is_what_the_example_shows() -> None:
    assert basic("jdoe", "correct horse battery") == "Basic amRvZTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk="
