"""API keys, personal tokens and device secrets; and who may touch whose credentials."""

from datetime import datetime, timedelta

import pytest

from roster.core.access.errors import Escalation
from roster.core.credentials import marks
from roster.core.credentials import service as credentials
from roster.core.credentials.errors import CredentialNotFound, TooManyCredentials
from roster.core.credentials.models import CredentialChange, CredentialDraft, Kind
from roster.core.realms.models import Realm
from roster.core.tokens import service as tokens
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit import clock, ids, secrets
from roster.kit.actor import Actor, Origin
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken, StepUpRequired
from roster.kit.ids import CredentialId, RealmId, UserId
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person

KEY = CredentialDraft(Kind.API_KEY, label="build server")


async def a_key(runtime: Runtime, person: Person, draft: CredentialDraft = KEY) -> tuple[CredentialId, str]:
    made = await credentials.create(runtime, factories.roster_in(person.realm), person.id, draft)
    return made.credential.id, made.secret or ""


async def an_administrator(runtime: Runtime, realm: Realm, *permissions: str) -> Actor:
    await factories.a_role(runtime, realm, "helpers", *permissions)
    return await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("helpers",)))


@pytest.mark.parametrize("kind", [Kind.API_KEY, Kind.PERSONAL])
async def test_a_key_stands_for_its_person_with_their_rights(runtime: Runtime, realm: Realm, kind: Kind):
    person = await people.a_member(runtime, realm, roles=("admin",))
    credential_id, text = await a_key(runtime, person, CredentialDraft(kind))

    actor = await people.actor_of(runtime, person, text)

    assert text.startswith("rk_")
    assert actor.is_user(person.id)
    assert actor.may("users.write")
    assert (actor.credential_id, actor.session_id, actor.authenticated_at) == (credential_id, None, None)
    assert actor.factors == (kind.value,)


async def test_a_key_is_stored_as_a_digest_only(runtime: Runtime, person: Person):
    credential_id, text = await a_key(runtime, person)

    async with runtime.lease() as tx:
        [(lookup, hash, sealed, data)] = await tx.rows(
            "SELECT lookup, hash, sealed, data FROM credentials WHERE id = $1", credential_id
        )

    assert (lookup, hash, sealed, data) == (secrets.digest(text), None, None, {})


async def test_no_altered_key_is_taken(runtime: Runtime, person: Person, other_realm: Realm):
    _, text = await a_key(runtime, person)
    _, other = await a_key(runtime, person)
    data, foreign = secrets.decode(text[3:]), secrets.decode(other[3:])
    assert data is not None
    assert foreign is not None
    bad = ["rk_" + secrets.encode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) for at in range(0, 64, 3)]
    bad += ["rk_" + secrets.encode(data[:32] + foreign[32:]), "rk_" + secrets.encode(other_realm.id.bytes + data[16:])]
    bad += [text + "A", text[:-1], text[:-1] + "B", "rk_", "rk_" + "A" * 86, "rk_\ud800" + "A" * 85, text.upper()]

    async with runtime.lease() as tx:
        for each in bad:
            with pytest.raises(InvalidToken):
                await tokens.authenticate(tx, person.realm.slug, each, Origin())
        with pytest.raises(InvalidToken):
            await tokens.authenticate(tx, other_realm.slug, text, Origin())


async def test_a_key_that_expired_or_was_deleted_fails(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    first, text = await a_key(runtime, person)
    second, other = await a_key(runtime, person)
    async with runtime.write(actor) as tx:
        change = CredentialChange(expires_at=clock.now() - timedelta(seconds=1))
        await credentials.change(tx, person.id, first, change)
        await credentials.delete(tx, person.id, second)

    for each in (text, other):
        with pytest.raises(InvalidToken):
            await people.actor_of(runtime, person, each)


async def test_a_key_cannot_make_or_remove_credentials_of_its_own_person(runtime: Runtime, person: Person):
    credential_id, text = await a_key(runtime, person)
    actor = await people.actor_of(runtime, person, text)

    with pytest.raises(StepUpRequired):
        await credentials.create(runtime, actor, person.id, KEY)
    async with runtime.write(actor) as tx:
        with pytest.raises(StepUpRequired):
            await credentials.delete(tx, person.id, credential_id)
        with pytest.raises(StepUpRequired):
            await credentials.change(tx, person.id, credential_id, CredentialChange(label="mine"))


async def test_people_manage_their_own_after_a_recent_sign_in(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    made = await credentials.create(runtime, actor, person.id, KEY)

    async with runtime.write(actor) as tx:
        changed = await credentials.change(tx, person.id, made.credential.id, CredentialChange(label="laptop"))
        assert (changed.label, changed.version) == ("laptop", 1)
        assert [each.kind for each in await credentials.list_of(tx, person.id)] == ["password", "api_key"]
        assert [each.id for each in await credentials.keys(tx, user_id=person.id)] == [made.credential.id]
        await credentials.delete(tx, person.id, made.credential.id)
        with pytest.raises(CredentialNotFound):
            await credentials.get(tx, person.id, made.credential.id)


async def test_a_stale_session_cannot_make_credentials(runtime: Runtime, person: Person):
    actor = await people.signed_in(runtime, person)
    await people.execute(
        runtime, "UPDATE sessions SET authenticated_at = now() - interval '11 minutes' WHERE id = $1", actor.session_id
    )
    token = await people.access_token(runtime, person, actor.session_id)

    with pytest.raises(StepUpRequired):
        await credentials.create(runtime, await people.actor_of(runtime, person, token), person.id, KEY)


async def test_strangers_neither_see_nor_touch_credentials(runtime: Runtime, person: Person, realm: Realm):
    credential_id, _ = await a_key(runtime, person)
    stranger = await people.signed_in(runtime, await people.a_member(runtime, realm))

    with pytest.raises(Forbidden):
        await credentials.create(runtime, stranger, person.id, KEY)
    async with runtime.write(stranger) as tx:
        for call in (
            credentials.list_of(tx, person.id),
            credentials.get(tx, person.id, credential_id),
            credentials.find_key(tx, credential_id),
            credentials.keys(tx, user_id=person.id),
        ):
            with pytest.raises(CredentialNotFound):
                await call
        with pytest.raises(Forbidden):
            await credentials.keys(tx)
        with pytest.raises(Forbidden):
            await credentials.delete(tx, person.id, credential_id)
        assert stranger.user_id is not None
        with pytest.raises(CredentialNotFound):
            await credentials.delete(tx, stranger.user_id, credential_id)


async def test_helpers_manage_credentials_of_people_who_may_no_more_than_they(runtime: Runtime, realm: Realm):
    helper = await an_administrator(runtime, realm, "credentials.write")
    plain, powerful = await people.a_member(runtime, realm), await people.a_member(runtime, realm, roles=("admin",))

    assert (await credentials.create(runtime, helper, plain.id, KEY)).secret
    with pytest.raises(Escalation):
        await credentials.create(runtime, helper, powerful.id, KEY)
    async with runtime.write(helper) as tx:
        [password] = await credentials.list_of(tx, powerful.id)
        with pytest.raises(Escalation):
            await credentials.delete(tx, powerful.id, password.id)


async def test_another_realm_is_out_of_reach_even_for_administrators(
    runtime: Runtime, person: Person, other_realm: Realm
):
    credential_id, _ = await a_key(runtime, person)
    administrator = await people.signed_in(runtime, await people.a_member(runtime, other_realm, roles=("admin",)))

    with pytest.raises(UserNotFound):
        await credentials.create(runtime, administrator, person.id, KEY)
    async with runtime.write(administrator) as tx:
        with pytest.raises(CredentialNotFound):
            await credentials.delete(tx, person.id, credential_id)
        with pytest.raises(CredentialNotFound):
            await credentials.find_key(tx, credential_id)
        assert await credentials.list_of(tx, person.id) == []


@pytest.mark.parametrize(
    ("draft", "field", "code"),
    [
        (CredentialDraft(Kind.DEVICE), "secret", "required"),
        (CredentialDraft(Kind.DEVICE, secret="short"), "secret", "too_short"),
        (CredentialDraft(Kind.DEVICE, secret="password"), "secret", "too_common"),
        (CredentialDraft(Kind.API_KEY, secret="short"), "secret", "too_short"),
        (CredentialDraft(Kind.PERSONAL, secret="a long enough one"), "secret", "not_allowed"),
        (CredentialDraft(Kind.PASSWORD, secret="a long enough one"), "kind", "wrong_kind"),
        (CredentialDraft(Kind.TOTP), "kind", "wrong_kind"),
        (CredentialDraft(Kind.BACKUP), "kind", "wrong_kind"),
        (CredentialDraft(Kind.EXTERNAL), "kind", "wrong_kind"),
        (CredentialDraft(Kind.API_KEY, label="x" * 201), "label", "too_long"),
        (CredentialDraft(Kind.API_KEY, label="nul \0"), "label", "invalid_text"),
        (CredentialDraft(Kind.API_KEY, label="\ud800"), "label", "invalid_text"),
        (CredentialDraft(Kind.API_KEY, expires_at=datetime(2030, 1, 1)), "expires_at", "no_offset"),  # noqa: DTZ001
    ],
)
async def test_a_draft_that_breaks_a_rule_is_refused(
    runtime: Runtime, person: Person, draft: CredentialDraft, field: str, code: str
):
    with pytest.raises(InvalidInput) as caught:
        await a_key(runtime, person, draft)

    assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, code)]


async def test_nobody_has_more_than_a_hundred_credentials(runtime: Runtime, person: Person):
    await people.execute(
        runtime,
        "INSERT INTO credentials (realm_id, id, user_id, kind, created_at, updated_at)"
        " SELECT $1, gen_random_uuid(), $2, 'api_key', now(), now() FROM generate_series(1, 99)",
        person.realm.id,
        person.id,
    )

    with pytest.raises(TooManyCredentials):
        await a_key(runtime, person)


async def test_nothing_is_made_for_people_who_are_deleted_or_never_were(runtime: Runtime, person: Person):
    actor = factories.roster_in(person.realm)
    async with runtime.write(actor) as tx:
        await users.delete(tx, person.id)

    for user_id in (person.id, UserId(ids.uuid7())):
        with pytest.raises(UserNotFound):
            await credentials.create(runtime, actor, user_id, KEY)


async def test_every_change_is_in_the_trail_without_a_secret(runtime: Runtime, person: Person):
    credential_id, text = await a_key(runtime, person)
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await credentials.change(tx, person.id, credential_id, CredentialChange(label="x"))
        await credentials.delete(tx, person.id, credential_id)

    async with runtime.lease() as tx:
        entries = await tx.rows(
            "SELECT action, changes::text FROM audit_entries WHERE realm_id = $1 AND action LIKE 'credential.%'",
            person.realm.id,
        )

    assert sorted({action for action, _ in entries}) == [
        "credential.changed",
        "credential.created",
        "credential.deleted",
        "credential.password_set",
    ]
    assert not any(text in changes or people.HASH in changes for _, changes in entries)


async def test_neither_a_password_nor_a_second_factor_can_be_made_to_expire(runtime: Runtime, person: Person):
    await people.with_second_factor(runtime, person)

    async with runtime.write(factories.roster_in(person.realm)) as tx:
        held = await credentials.list_of(tx, person.id)
        for each in held:
            with pytest.raises(InvalidInput):
                await credentials.change(tx, person.id, each.id, CredentialChange(expires_at=clock.now()))

    assert [each.kind for each in held] == ["password", "totp"]


def test_a_key_names_where_it_is_stored():
    realm_id, credential_id = RealmId(ids.uuid7()), CredentialId(ids.uuid7())

    assert marks.read_key(marks.new_key(realm_id, credential_id)) == (realm_id, credential_id)


def test_backup_codes_have_fifty_random_bits_and_survive_misreading(runtime: Runtime):
    codes = {marks.new_code() for _ in range(500)}
    assert len(codes) == 500
    assert {sign for code in codes for sign in code} == set("0123456789abcdefghjkmnpqrstvwxyz-")

    user_id = UserId(ids.uuid7())
    mac = marks.code_mac(runtime.keyring, user_id, "01abc-23def")
    assert mac == marks.code_mac(runtime.keyring, user_id, " OIABC 23DEF ")
    assert mac != marks.code_mac(runtime.keyring, UserId(ids.uuid7()), "01abc-23def")


def test_external_identities_cannot_run_into_each_other():
    assert marks.external("ab", "c") != marks.external("a", "bc")
    assert marks.external("1", "1:a") != marks.external("11", ":a")
