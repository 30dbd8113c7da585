"""Sign-in and renewal in the identity toolkit's form."""

from typing import Any

import httpx
import msgspec
import pytest

from roster.core.flows import login, passwords
from roster.core.limits import service as limits
from roster.core.realms import client_keys
from roster.core.realms import service as realms
from roster.core.realms.models import Realm, RealmChange
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.dialects.fulfillmenttools import identity
from roster.kit import secrets
from roster.kit.errors import BadCredentials, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person
from tests.dialects.fulfillmenttools.conftest import RENEWAL, TOOLKIT, Wire, word

SIGN_IN = "/v1/accounts:signInWithPassword"


@pytest.fixture
async def mira(runtime: Runtime, realm: Realm) -> Person:
    """Somebody with a password and an address."""
    email = "Mira.Okafor@example.org"
    return await people.a_member(
        runtime, realm, username="mokafor", email=email, given_name="Mira", family_name="Okafor"
    )


async def renewal_of(wire: Wire) -> str:
    """A refresh token of Mira's."""
    return (await wire.sign_in("mira.okafor@example.org", PASSWORD)).json()["refreshToken"]


# the key


def test_a_key_names_its_realm_and_cannot_be_made_up(runtime: Runtime, realm: Realm) -> None:
    key = client_keys.write(runtime.keyring, realm.id)
    data = secrets.decode(key.removeprefix("rc_"))
    assert data is not None

    assert client_keys.read(runtime.keyring, key) == realm.id
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert client_keys.read(runtime.keyring, "rc_" + secrets.encode(changed)) is None
    for other in ("", "rc_", key[3:], key + "A", key[:-1], key.upper(), "rc_" + "é" * 43):
        assert client_keys.read(runtime.keyring, other) is None


async def test_without_a_key_the_call_is_refused(wire: Wire) -> None:
    answer = await wire.sign_in("mira@example.org", PASSWORD, key="")

    assert word(answer) == (403, "The request is missing a valid API key.")
    assert answer.json()["error"]["status"] == "PERMISSION_DENIED"


async def test_an_unknown_key_is_refused(wire: Wire, runtime: Runtime) -> None:
    nowhere = client_keys.write(runtime.keyring, factories.nowhere().realm_id)
    for key in ("AIzaSyNothing", nowhere):
        answer = await wire.sign_in("mira@example.org", PASSWORD, key=key)
        assert word(answer) == (400, "API key not valid. Please pass a valid API key.")
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_the_key_of_a_tenant_that_is_switched_off_is_unknown(
    wire: Wire, runtime: Runtime, realm: Realm, mira: Person
) -> None:
    async with runtime.write(factories.nowhere()) as tx:
        await realms.change(tx, realm.slug, RealmChange(status="disabled"))

    assert word(await wire.sign_in("mira.okafor@example.org", PASSWORD))[0] == 400


async def test_under_a_tenants_address_the_key_must_be_that_tenants(wire: Wire, runtime: Runtime, mira: Person) -> None:
    other = await factories.a_realm(runtime)

    own = await wire.sign_in("mira.okafor@example.org", PASSWORD, prefix=wire.prefix)
    foreign = await wire.sign_in("mira.okafor@example.org", PASSWORD, prefix=f"/fulfillmenttools/{other.slug}")

    assert own.status_code == 200
    assert word(foreign) == (400, "API key not valid. Please pass a valid API key.")


@pytest.mark.parametrize("host", ["identitytoolkit.googleapis.com", "securetoken.googleapis.com"])
async def test_the_hosts_that_clients_have_built_in_are_served(wire: Wire, mira: Person, host: str) -> None:
    answer = await wire.sign_in("mira.okafor@example.org", PASSWORD, prefix="", headers={"Host": host})

    assert answer.status_code == 200


async def test_the_tenants_own_host_is_served(wire: Wire, mira: Person) -> None:
    headers = {"Host": f"{wire.slug}.api.fulfillmenttools.com"}

    token = (await wire.sign_in("mira.okafor@example.org", PASSWORD, prefix="", headers=headers)).json()["idToken"]
    answer = await wire.http.get("/api/permissions", headers={**headers, "Authorization": f"Bearer {token}"})

    assert answer.status_code == 403
    assert isinstance(answer.json(), list)


# signing in


async def test_the_answer_is_that_of_the_original(wire: Wire, mira: Person) -> None:
    answer = (await wire.sign_in("mira.okafor@example.org", PASSWORD)).json()

    assert answer.pop("idToken").count(".") == 2
    assert answer.pop("refreshToken")
    assert answer == {
        "kind": "identitytoolkit#VerifyPasswordResponse",
        "localId": str(mira.id),
        "email": "Mira.Okafor@example.org",
        "displayName": "Mira Okafor",
        "registered": True,
        "expiresIn": "3600",
    }


async def test_the_token_is_good_in_every_dialect(wire: Wire, mira: Person) -> None:
    token = (await wire.sign_in("mira.okafor@example.org", PASSWORD)).json()["idToken"]

    me = await wire.http.get(f"/realms/{wire.slug}/api/v1/me", headers={"Authorization": f"Bearer {token}"})

    assert me.status_code == 200
    assert str(mira.id) in me.text
    claims = msgspec.json.decode(secrets.decode(token.split(".")[1]) or b"")
    assert claims["sub"] == claims["user_id"] == str(mira.id)
    assert (claims["email"], claims["email_verified"]) == ("Mira.Okafor@example.org", False)


@pytest.mark.parametrize(
    "address", ["mokafor@{0}.com", "MOkafor@{0}.COM", "MIRA.OKAFOR@EXAMPLE.ORG", " mokafor@{0}.com "]
)
async def test_addresses_are_the_own_one_and_one_made_of_the_username(wire: Wire, mira: Person, address: str) -> None:
    assert (await wire.sign_in(address.format(wire.slug), PASSWORD)).status_code == 200


async def test_nobody_takes_a_username_by_claiming_its_address(wire: Wire, runtime: Runtime, mira: Person) -> None:
    await people.a_member(runtime, mira.realm, username="other", email=f"mokafor@{wire.slug}.com")

    answer = await wire.sign_in(f"mokafor@{wire.slug}.com", PASSWORD)

    assert answer.json()["localId"] == str(mira.id)


async def test_an_own_address_in_the_tenants_domain_works(wire: Wire, runtime: Runtime, realm: Realm) -> None:
    jo = await people.a_member(runtime, realm, username="jo", email=f"jo.lind@{wire.slug}.com")

    assert (await wire.sign_in(f"jo.lind@{wire.slug}.com", PASSWORD)).json()["localId"] == str(jo.id)


async def test_an_id_or_a_phone_number_is_no_username(wire: Wire, runtime: Runtime, realm: Realm) -> None:
    jo = await people.a_member(runtime, realm, username="jo", phone="+4670123456")

    for name in (str(jo.id), "+4670123456"):
        assert word(await wire.sign_in(f"{name}@{wire.slug}.com", PASSWORD))[1] == "INVALID_LOGIN_CREDENTIALS"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"password": PASSWORD}, "MISSING_EMAIL"),
        ({"email": "  ", "password": PASSWORD}, "MISSING_EMAIL"),
        ({"email": "mokafor", "password": PASSWORD}, "INVALID_EMAIL"),
        ({"email": "@example.org", "password": PASSWORD}, "INVALID_EMAIL"),
        ({"email": "mira.okafor@example.org"}, "MISSING_PASSWORD"),
        ({"email": "mira.okafor@example.org", "password": "wrong"}, "INVALID_LOGIN_CREDENTIALS"),
        ({"email": "nobody@example.org", "password": PASSWORD}, "INVALID_LOGIN_CREDENTIALS"),
    ],
)
async def test_what_is_missing_or_wrong_has_its_word(wire: Wire, mira: Person, body: Any, expected: str) -> None:
    assert word(await wire.toolkit(SIGN_IN, body)) == (400, expected)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"email": 1}', b'{"email":"\\u0000@x.org"}', b"\xff"])
async def test_what_is_no_such_body_is_refused_in_the_same_form(wire: Wire, content: bytes) -> None:
    answer = await wire.toolkit(SIGN_IN, content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


async def test_unknown_addresses_and_methods_are_refused_in_the_same_form(wire: Wire) -> None:
    assert word(await wire.toolkit("/v1/accounts:lookup"))[0] == 404
    wrong = await wire.http.get(TOOLKIT + SIGN_IN, params={"key": wire.key})
    assert word(wrong)[0] == 405
    assert word(await wire.toolkit(SIGN_IN, {"email": "x" * 1_100_000}))[0] == 413


async def test_people_who_are_disabled_or_deleted_get_the_answer_of_a_wrong_password(
    wire: Wire, runtime: Runtime, realm: Realm, mira: Person
) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, mira.id, UserChange(status="disabled"))
    disabled = await wire.sign_in("mira.okafor@example.org", PASSWORD)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, mira.id)
    deleted = await wire.sign_in("mira.okafor@example.org", PASSWORD)

    assert word(disabled) == word(deleted) == (400, "INVALID_LOGIN_CREDENTIALS")


async def test_guesses_are_counted_with_those_of_all_dialects(wire: Wire, mira: Person) -> None:
    names = ["mira.okafor@example.org", f"mokafor@{wire.slug}.com"]
    for attempt in range(10):
        assert word(await wire.sign_in(names[attempt % 2], "wrong"))[0] == 400

    answer = await wire.sign_in("mira.okafor@example.org", PASSWORD)
    body = {"username": "mokafor", "password": PASSWORD}
    elsewhere = await wire.http.post(f"/realms/{wire.slug}/api/v1/sign-in", json=body)

    assert word(answer) == (429, "TOO_MANY_ATTEMPTS_TRY_LATER")
    assert int(answer.headers["retry-after"]) > 0
    assert elsewhere.status_code == 429


async def test_a_tenant_has_2000_sign_ins_a_minute(wire: Wire, runtime: Runtime, realm: Realm, mira: Person) -> None:
    assert (identity.PER_TENANT.count, identity.PER_TENANT.per_seconds) == (2000, 60)
    async with runtime.read(factories.roster_in(realm)) as tx:
        for _ in range(1999):
            assert await limits.try_spend(tx, [(identity.PER_TENANT, "")]) == 0

    assert (await wire.sign_in("mira.okafor@example.org", PASSWORD)).status_code == 200
    answer = await wire.sign_in("mira.okafor@example.org", PASSWORD)

    assert word(answer) == (429, "TOO_MANY_ATTEMPTS_TRY_LATER")
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_whoever_guesses_uses_up_their_own_limit_not_the_tenants(
    runtime: Runtime, realm: Realm, mira: Person
) -> None:
    for attempt in range(12):
        with pytest.raises(BadCredentials if attempt < 10 else TooMany):
            await login.password(runtime, people.nobody(realm), "mokafor", "wrong", limit=identity.PER_TENANT)

    async with runtime.read(factories.roster_in(realm)) as tx:
        spent = await tx.value(
            "SELECT spent FROM counters WHERE realm_id = $1 AND bucket = $2", realm.id, identity.PER_TENANT.bucket("")
        )
    assert spent == 10


async def test_known_and_unknown_names_cost_the_same(wire: Wire, mira: Person) -> None:
    counts: list[int] = []
    for _ in range(2):  # from now on the realm is remembered
        await wire.sign_in("another@example.org", "wrong")
    for name in (f"mokafor@{wire.slug}.com", f"nobody@{wire.slug}.com", "mira.okafor@example.org", "no@example.org"):
        with people.counting() as sent:
            assert word(await wire.sign_in(name, "wrong"))[1] == "INVALID_LOGIN_CREDENTIALS"
        counts.append(len(sent))

    assert counts[0] == counts[1]
    assert counts[2] == counts[3]


# second factor


async def test_people_with_a_second_factor_go_on_with_it(wire: Wire, runtime: Runtime, mira: Person) -> None:
    seed, _ = await people.with_second_factor(runtime, mira)

    first = (await wire.sign_in("mira.okafor@example.org", PASSWORD)).json()
    proof = {"mfaPendingCredential": first["mfaPendingCredential"], "mfaEnrollmentId": "totp"}
    wrong = await finalize(wire, {**proof, "totpVerificationInfo": {"verificationCode": "000000"}})
    done = await finalize(wire, {**proof, "totpVerificationInfo": {"verificationCode": people.code_of(seed)}})

    assert "idToken" not in first
    assert "totp" in [each["mfaEnrollmentId"] for each in first["mfaInfo"]]
    assert word(wrong) == (400, "INVALID_CODE")
    assert done.json()["localId"] == str(mira.id)
    assert (await wire.renew(done.json()["refreshToken"])).status_code == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "MISSING_MFA_PENDING_CREDENTIAL"),
        ({"mfaPendingCredential": "x.y.z"}, "MISSING_CODE"),
        (
            {"mfaPendingCredential": "x.y.z", "totpVerificationInfo": {"verificationCode": "123456"}},
            "INVALID_MFA_PENDING_CREDENTIAL",
        ),
    ],
)
async def test_a_second_step_without_a_first_is_refused(wire: Wire, body: Any, expected: str) -> None:
    assert word(await finalize(wire, body)) == (400, expected)


async def finalize(wire: Wire, body: object) -> httpx.Response:
    return await wire.toolkit("/v2/accounts/mfaSignIn:finalize", body)


# renewal


async def test_a_token_is_renewed(wire: Wire, mira: Person) -> None:
    renewed = (await wire.renew(await renewal_of(wire))).json()

    assert renewed["id_token"] == renewed["access_token"]
    assert (renewed["token_type"], renewed["expires_in"]) == ("Bearer", "3600")
    assert (renewed["user_id"], renewed["project_id"]) == (str(mira.id), wire.slug)
    assert (await wire.renew(renewed["refresh_token"])).status_code == 200


@pytest.mark.parametrize("names", [("grant_type", "refresh_token"), ("grantType", "refreshToken")])
@pytest.mark.parametrize("form", ["json", "form", "query"])
async def test_json_a_form_and_the_query_are_taken_in_both_spellings(
    wire: Wire, mira: Person, form: str, names: tuple[str, str]
) -> None:
    sent = dict(zip(names, ("refresh_token", await renewal_of(wire)), strict=True))
    if form == "json":
        answer = await wire.toolkit("/v1/token", sent)
    else:
        more: dict[str, Any] = {"data" if form == "form" else "params": sent}
        answer = await wire.toolkit("/v1/token", **more)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"refresh_token": "rr_x"}, "MISSING_GRANT_TYPE"),
        ({"grant_type": "password", "refresh_token": "rr_x"}, "INVALID_GRANT_TYPE"),
        ({"grant_type": "refresh_token"}, "MISSING_REFRESH_TOKEN"),
        ({"grant_type": "refresh_token", "refresh_token": "rr_x"}, "INVALID_REFRESH_TOKEN"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "INVALID_REFRESH_TOKEN"),
    ],
)
async def test_a_renewal_that_cannot_be_has_its_word(wire: Wire, body: Any, expected: str) -> None:
    assert word(await wire.toolkit("/v1/token", body)) == (400, expected)


async def test_a_token_of_another_tenant_is_no_refresh_token(wire: Wire, runtime: Runtime, mira: Person) -> None:
    other = await factories.a_realm(runtime)
    key = client_keys.write(runtime.keyring, other.id)

    assert word(await wire.renew(await renewal_of(wire), key=key)) == (400, "INVALID_REFRESH_TOKEN")


async def test_a_new_password_ends_renewal(wire: Wire, runtime: Runtime, realm: Realm, mira: Person) -> None:
    token = await renewal_of(wire)
    await passwords.set_password(runtime, factories.roster_in(realm), mira.id, "another long secret")

    assert word(await wire.renew(token)) == (400, "TOKEN_EXPIRED")


async def test_the_disabled_and_the_deleted_are_told_apart_by_their_own_token(
    wire: Wire, runtime: Runtime, realm: Realm, mira: Person
) -> None:
    token = await renewal_of(wire)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, mira.id, UserChange(status="disabled"))
    assert word(await wire.renew(token)) == (400, "USER_DISABLED")

    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, mira.id)
    assert word(await wire.renew(token)) == (400, "USER_NOT_FOUND")


async def test_renewal_is_served_at_every_address(wire: Wire, mira: Person) -> None:
    for prefix in (RENEWAL, TOOLKIT, wire.prefix):
        assert (await wire.renew(await renewal_of(wire), prefix=prefix)).status_code == 200
