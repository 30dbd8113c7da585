"""Realms, custom fields, the trail, messages; and acting in another realm."""

from uuid import uuid4

import httpx
import msgspec
import pytest

from roster.core.realms import client_keys
from roster.core.realms.models import Realm, RealmSettings
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn, signed_in


def a_slug() -> str:
    return f"new-{uuid4().hex[:12]}"


async def test_a_realm_is_made_filled_and_switched_off(client: httpx.AsyncClient, platform: Person):
    slug = a_slug()
    made = await client.post(
        "/realms", headers=platform.bearer, json={"slug": slug, "settings": {"self_registration": False}}
    )
    there = {**platform.bearer, "Roster-Realm": slug}

    eva = await client.post("/users", headers=there, json={"username": "eva", "password": "correct horse 3"})
    await client.post(f"/users/{eva.json()['id']}/assignments", headers=there, json={"role": "admin"})
    signed = await client.post("/sign-in", json={"username": "eva", "password": "correct horse 3", "realm": slug})
    bearer = {"Authorization": f"Bearer {signed.json()['access_token']}"}
    me = await client.get("/me", headers=bearer)
    off = await client.patch(f"/realms/{slug}", headers=platform.bearer, json={"status": "disabled"})

    assert (made.status_code, made.headers["location"]) == (201, f"/api/v1/realms/{slug}")
    assert made.json()["settings"]["self_registration"] is False
    assert made.json()["settings"]["password_min_length"] == 8
    assert (me.json()["realm"], me.json()["permissions"]) == (slug, ["*"])
    assert off.json()["status"] == "disabled"
    assert (await client.get("/me", headers=bearer)).status_code == 401
    assert (await client.get("/users", headers=there)).status_code == 404
    again = await client.post("/sign-in", json={"username": "eva", "password": "correct horse 3", "realm": slug})
    assert again.status_code == 404


async def test_realms_are_listed_in_order_page_by_page(client: httpx.AsyncClient, platform: Person, realm: Realm):
    slugs: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/realms", headers=platform.bearer, params={"limit": "50", **cursor})).json()
        slugs += [each["slug"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert slugs == sorted(set(slugs))
    assert {"main", realm.slug} <= set(slugs)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"slug": "main"}, 409, "slug_taken"),
        ({"slug": "No Slug"}, 400, "invalid_input"),
        ({"slug": "x", "settings": {"password_min_length": 1}}, 400, "invalid_input"),
        ({"slug": "x", "settings": {"unknown": 1}}, 400, "invalid_input"),
    ],
)
async def test_realms_that_cannot_be_made_are_refused(
    client: httpx.AsyncClient, platform: Person, body: dict[str, object], status: int, code: str
):
    response = await client.post("/realms", headers=platform.bearer, json=body)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_the_key_for_signing_in_elsewhere_is_shown_with_the_realm(
    client: httpx.AsyncClient, runtime: Runtime, admin: Person
):
    shown = await client.get(f"/realms/{admin.realm.slug}", headers=admin.bearer)

    assert shown.json()["fulfillmenttools_api_key"] == client_keys.write(runtime.keyring, admin.realm.id)


async def test_administrators_of_a_realm_read_and_change_the_rules_of_their_own_only(
    client: httpx.AsyncClient, admin: Person, stranger: Person
):
    own = await client.patch(
        f"/realms/{admin.realm.slug}", headers=admin.bearer, json={"settings": {"retention_days": 7}}
    )
    stale = await client.patch(
        f"/realms/{admin.realm.slug}", headers={**admin.bearer, "If-Match": '"0"'}, json={"display_name": "X"}
    )
    other = await client.patch(f"/realms/{stranger.realm.slug}", headers=admin.bearer, json={"display_name": "X"})
    off = await client.patch(f"/realms/{admin.realm.slug}", headers=admin.bearer, json={"status": "disabled"})

    assert own.json()["settings"]["retention_days"] == 7
    assert (stale.status_code, other.status_code, off.status_code) == (412, 404, 409)
    assert (await client.get("/realms", headers=admin.bearer)).status_code == 403


# A value besides the default for each rule of a realm, as it goes over the wire.
WEAKER = {
    "self_registration": False,
    "email_unique": False,
    "password_min_length": 9,
    "access_token_for": 60,
    "session_for": 60,
    "session_idle_for": 60,
    "recovery_for": 60,
    "organisations_by_anyone": False,
    "verification_for": 60,
    "invitation_for": 60,
    "mfa_step_for": 60,
    "recent_sign_in_for": 60,
    "mfa_skipped_by": ["password"],
    "key_derivation": "roster-kdf-1",
    "possess": True,
    "audit_months": 1,
}
HARMLESS = {"email_required": True, "default_locale": "sv", "default_region": "DE", "retention_days": 7}


def test_every_rule_of_a_realm_is_either_guarded_or_harmless():
    names = {field.name for field in msgspec.structs.fields(RealmSettings)}

    assert set(WEAKER) | set(HARMLESS) == names


@pytest.mark.parametrize(("name", "value"), WEAKER.items())
async def test_rules_that_keep_a_realm_safe_are_changed_after_a_recent_sign_in_only(
    client: httpx.AsyncClient, runtime: Runtime, admin: Person, name: str, value: object
):
    path, body = f"/realms/{admin.realm.slug}", {"settings": {name: value}}
    key = (await client.post("/api-keys", headers=admin.bearer, json={})).json()["key"]
    by_key = await client.patch(path, headers={"Authorization": f"Bearer {key}"}, json=body)
    await _long_ago(runtime, admin)
    late = await client.patch(path, headers=admin.bearer, json=body)
    seen = await client.get(path, headers=admin.bearer)
    again = await signed_in(runtime, admin.realm, admin.user)

    fresh = await client.patch(path, headers=again.bearer, json=body)

    for refused in (by_key, late):
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert seen.json()["settings"][name] != value
    assert (fresh.status_code, fresh.json()["settings"][name]) == (200, value)


@pytest.mark.parametrize("region", ["se", "QQ", "", "SWE"])
async def test_a_realm_lies_in_a_country_that_has_phone_numbers(client: httpx.AsyncClient, admin: Person, region: str):
    path, body = f"/realms/{admin.realm.slug}", {"settings": {"default_region": region}}
    refused = await client.patch(path, headers=admin.bearer, json=body)

    assert refused.status_code == 400
    assert [each["field"] for each in refused.json()["problems"]] == ["settings.default_region"]


async def test_other_rules_and_the_same_values_again_need_no_recent_sign_in(
    client: httpx.AsyncClient, runtime: Runtime, admin: Person
):
    path = f"/realms/{admin.realm.slug}"
    rules = (await client.get(path, headers=admin.bearer)).json()["settings"]
    await _long_ago(runtime, admin)

    same = await client.patch(path, headers=admin.bearer, json={"settings": rules})
    other = await client.patch(path, headers=admin.bearer, json={"display_name": "X", "settings": HARMLESS})

    assert (same.status_code, other.status_code) == (200, 200)
    assert other.json()["settings"] == {**rules, **HARMLESS}


async def _long_ago(runtime: Runtime, person: Person) -> None:
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await tx.run(
            "UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes' WHERE user_id = $1",
            person.user.id,
        )


# another realm


async def test_platform_administrators_act_in_another_realm_and_the_trail_says_who(
    client: httpx.AsyncClient, platform: Person, admin: Person
):
    there = {**platform.bearer, "Roster-Realm": admin.realm.slug}

    made = await client.post("/users", headers=there, json={"username": "eva"})
    seen = await client.get(f"/users/{made.json()['id']}", headers=admin.bearer)
    trail = await client.get("/audit", headers=admin.bearer, params={"filter": f'subject_id eq "{made.json()["id"]}"'})
    at_home = await client.get(f"/users/{made.json()['id']}", headers=platform.bearer)

    assert seen.json()["username"] == "eva"
    assert [(each["action"], each["actor_id"], each["actor_name"]) for each in trail.json()["items"]] == [
        ("user.created", str(platform.user.id), platform.user.username)
    ]
    assert at_home.status_code == 404


async def test_nobody_else_acts_in_another_realm_nor_learns_of_it(
    client: httpx.AsyncClient,
    runtime: Runtime,
    main_realm: Realm,
    admin: Person,
    stranger: Person,
    platform: Person,
):
    helper = await signed_in(runtime, main_realm, await factories.a_person(runtime, main_realm))

    for caller, slug in (
        (admin, stranger.realm.slug),
        (admin, "main"),
        (admin, "no-such-realm"),
        (helper, admin.realm.slug),
        (platform, "no-such-realm"),
    ):
        response = await client.get("/users", headers={**caller.bearer, "Roster-Realm": slug})
        assert (response.status_code, response.json()["code"]) == (404, "realm_not_found")


async def test_ones_own_account_is_in_ones_own_realm(client: httpx.AsyncClient, platform: Person, realm: Realm):
    there = {**platform.bearer, "Roster-Realm": realm.slug}

    assert (await client.get("/me", headers=there)).status_code == 404
    assert (await client.delete("/me", headers=there)).status_code == 404
    assert (await client.get("/api-keys", headers=there)).status_code == 404
    assert (await client.get("/me", headers={**platform.bearer, "Roster-Realm": "main"})).status_code == 200


# custom fields


async def test_custom_fields_are_defined_checked_searched_and_forgotten(client: httpx.AsyncClient, admin: Person):
    made = await client.put(
        "/attributes/grade", headers=admin.bearer, json={"kind": "integer", "choices": [1, 2], "visibility": "basic"}
    )
    wrong = await client.post("/users", headers=admin.bearer, json={"username": "eva", "attributes": {"grade": 3}})
    right = await client.post("/users", headers=admin.bearer, json={"username": "eva", "attributes": {"grade": 2}})
    found = await client.get("/users", headers=admin.bearer, params={"filter": "attributes.grade ge 2"})
    gone = await client.delete("/attributes/grade", headers=admin.bearer)

    assert (made.status_code, made.json()["choices"]) == (200, [1, 2])
    assert (wrong.status_code, wrong.json()["problems"][0]["field"]) == (400, "attributes.grade")
    assert right.status_code == 201
    assert [each["username"] for each in found.json()["items"]] == ["eva"]
    assert gone.status_code == 204
    assert (await client.delete("/attributes/grade", headers=admin.bearer)).json()["code"] == "attribute_not_found"
    assert (await client.get("/attributes", headers=admin.bearer)).json()["items"] == []


# the trail


async def test_the_trail_is_filtered_and_paged(client: httpx.AsyncClient, admin: Person, person: Person):
    for name in ("Eva", "Evi", "Evo"):
        await client.patch(f"/users/{person.user.id}", headers=admin.bearer, json={"display_name": name})
    query = {"filter": f'subject_id eq "{person.user.id}" and action eq "user.changed"', "limit": "2"}

    first = (await client.get("/audit", headers=admin.bearer, params={**query, "total": "true"})).json()
    second = await client.get("/audit", headers=admin.bearer, params={**query, "cursor": first["next_cursor"]})

    changes = [each["changes"]["display_name"] for each in first["items"] + second.json()["items"]]
    assert changes == [["Evi", "Evo"], ["Eva", "Evi"], [None, "Eva"]]
    assert first["total"] == 3
    assert {each["dialect"] for each in first["items"]} == {"native"}
    assert first["items"][0]["address"] == "192.0.2.1"
    assert first["items"][0]["session_id"] is not None


async def test_passwords_never_reach_the_trail(client: httpx.AsyncClient, admin: Person, person: Person):
    await client.put(
        f"/users/{person.user.id}/credentials/password", headers=admin.bearer, json={"password": "correct horse 9"}
    )

    trail = await client.get("/audit", headers=admin.bearer, params={"limit": "1000"})

    assert "credential.password_set" in trail.text
    assert "correct horse" not in trail.text
    assert "argon2" not in trail.text


# messages


async def test_the_mailbox_shows_what_was_written_to_people(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    eva = await sign_in(email="eva@example.com", display_name="Eva <b>")
    await client.post(f"/users/{eva.user.id}/verify-email", headers=admin.bearer)

    (listed,) = (await client.get("/messages", headers=admin.bearer, params={"state": "queued"})).json()["items"]
    message = (await client.get(f"/messages/{listed['id']}", headers=admin.bearer)).json()
    sent = await client.get("/messages", headers=admin.bearer, params={"state": "sent"})

    assert (listed["recipient"], listed["state"], "text" in listed) == ("eva@example.com", "queued", False)
    assert "Hello Eva <b>," in message["text"]
    assert "Hello Eva &lt;b&gt;," in message["html"]
    assert sent.json()["items"] == []


async def test_nobody_reads_the_mail_of_their_betters(client: httpx.AsyncClient, admin: Person, sign_in: SignIn):
    boss = await sign_in(roles=("admin",), email="boss@example.com")
    reader = await sign_in("messages.read")
    await client.post(f"/users/{boss.user.id}/verify-email", headers=admin.bearer)
    (listed,) = (await client.get("/messages", headers=reader.bearer)).json()["items"]

    response = await client.get(f"/messages/{listed['id']}", headers=reader.bearer)

    assert (response.status_code, response.json()["code"]) == (403, "escalation")
