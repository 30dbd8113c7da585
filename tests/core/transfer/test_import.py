"""Importing into a realm: matching, merging, refusing."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from roster.core.access import objects
from roster.core.access import service as access
from roster.core.access.models import Rights, RoleDraft
from roster.core.attributes import service as attributes
from roster.core.attributes.models import DefinitionDraft
from roster.core.credentials import service as credentials
from roster.core.flows import login
from roster.core.flows.models import Granted
from roster.core.realms.models import Realm
from roster.core.transfer import service
from roster.core.transfer.errors import TransferNotFound, TransferState
from roster.core.transfer.models import ImportOptions
from roster.core.transfer.sources.person import Person
from roster.core.users import service as users
from roster.core.users.models import UserDraft
from roster.kit.errors import BadCredentials, Forbidden
from roster.kit.ids import uuid7
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.transfer import moving
from tests.core.transfer.moving import bring, ndjson, report_of, rows, who

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def test_people_are_made_with_everything_that_the_file_says(runtime: Runtime, realm: Realm):
    person = {
        "username": "Ada",
        "email": "Ada@Example.com",
        "email_verified": True,
        "phone": "070-123 45 67",
        "display_name": "Ada Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "locale": "sv_se",
        "personal_number": "18151210",
        "picture": "https://example.com/ada.png",
        "status": "pending",
        "tags": ["/staff", "/poets"],
        "attributes": {"shoe_size": 37, "nested": {"deep": [1, None, "x"]}},
        "facets": {"acceleratxr": {"x": 1}},
        "created_at": "2001-02-03T04:05:06.123456Z",
        "roles": ["cook"],
        "password_hash": people.HASH,
    }

    done = await bring(runtime, realm, ndjson(person))

    ada = await who(runtime, realm, "ada")
    assert (done.state, rows(done), done.bytes_done) == ("done", (1, 0, 0, 0), done.bytes_total)
    assert done.summary == {"roles_created": ["cook"], "roles_given": 1, "passwords": 1}
    assert (ada.username, ada.email, ada.phone, ada.locale) == ("Ada", "Ada@example.com", "070-123 45 67", "sv-SE")
    assert ada.email_verified_at is not None
    assert ada.phone_verified_at is None
    assert (ada.status, ada.tags) == ("pending", ["/poets", "/staff"])
    assert ada.attributes == person["attributes"]
    assert ada.facets == person["facets"]
    assert msgspec.to_builtins(ada.created_at) == person["created_at"]
    assert await moving.roles_of(runtime, realm, ada) == ["cook"]
    assert (await who(runtime, realm, "+46701234567")).id == ada.id


async def test_an_imported_person_can_be_found_by_a_part_of_the_name(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson({"username": "grace", "family_name": "Höpper"}))

    async with runtime.read(factories.roster_in(realm)) as tx:
        imported = await tx.value("SELECT grams FROM users WHERE realm_id = $1", realm.id)
    async with runtime.write(factories.roster_in(realm)) as tx:
        made = await users.create(tx, UserDraft(username="grace2", family_name="Höpper"))
        grams = await tx.value("SELECT grams FROM users WHERE realm_id = $1 AND id = $2", realm.id, made.id)
    assert imported
    assert set(imported) <= set(grams)


async def test_a_second_import_finds_everybody_and_changes_nothing(runtime: Runtime, realm: Realm):
    data = ndjson(
        {"username": "ada", "email": "ada@example.com", "attributes": {"a": 1}, "tags": ["y", "x"], "roles": ["cook"]},
        {"username": "bob", "email_verified": True, "email": "bob@example.com", "password_hash": people.HASH},
    )

    first = await bring(runtime, realm, data)
    second = await bring(runtime, realm, data)

    assert (rows(first), rows(second)) == ((2, 0, 0, 0), (0, 0, 2, 0))
    assert second.summary == {}
    assert (await who(runtime, realm, "ada")).version == 0


async def test_only_what_the_file_names_is_changed(runtime: Runtime, realm: Realm):
    before = {"username": "ada", "email": "ada@example.com", "email_verified": True, "given_name": "Ada"}
    await bring(runtime, realm, ndjson({**before, "attributes": {"a": 1, "b": 2}, "phone": "0701234567"}))

    change = {"username": "ADA", "given_name": None, "family_name": "L", "attributes": {"b": None, "c": 3}}
    done = await bring(runtime, realm, ndjson(change))

    ada = await who(runtime, realm, "ada")
    assert rows(done) == (0, 1, 0, 0)
    assert (ada.username, ada.email, ada.given_name, ada.family_name) == ("ADA", "ada@example.com", None, "L")
    assert (ada.attributes, ada.phone, ada.version) == ({"a": 1, "c": 3}, "0701234567", 1)
    assert ada.email_verified_at is not None
    assert done.summary["fields"] == {"username": 1, "given_name": 1, "family_name": 1, "attributes": 1}


async def test_people_are_found_by_their_address_and_then_renamed(runtime: Runtime, realm: Realm):
    ada = await factories.a_person(runtime, realm, "ada", email="ada@example.com")

    done = await bring(runtime, realm, ndjson({"username": "countess", "email": "ADA@example.com"}))

    assert rows(done) == (0, 1, 0, 0)
    assert (await who(runtime, realm, "countess")).id == ada.id


async def test_addresses_find_nobody_where_they_are_not_unique(runtime: Runtime):
    realm = await factories.a_realm(runtime, email_unique=False)
    await factories.a_person(runtime, realm, "ada", email="both@example.com")
    data = ndjson({"username": "bob", "email": "both@example.com"}, {"username": "eve", "email": "both@example.com"})

    done = await bring(runtime, realm, data)
    dry = await bring(runtime, await factories.a_realm(runtime, email_unique=False), data, dry_run=True)

    assert (rows(done), rows(dry)) == ((2, 0, 0, 0), (2, 0, 0, 0))


async def test_a_row_that_means_two_people_is_refused(runtime: Runtime, realm: Realm):
    await factories.a_person(runtime, realm, "ada", email="ada@example.com")
    await factories.a_person(runtime, realm, "bob", email="bob@example.com")

    done = await bring(runtime, realm, ndjson({"username": "ada", "email": "bob@example.com"}))

    assert rows(done) == (0, 0, 0, 1)
    assert await report_of(runtime, realm, done) == [(1, "ambiguous")]


async def test_deleted_people_hold_their_names(runtime: Runtime, realm: Realm):
    ada = await factories.a_person(runtime, realm, "ada", email="ada@example.com")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, ada.id)

    done = await bring(runtime, realm, ndjson({"username": "ada"}, {"username": "new", "email": "ada@example.com"}))

    assert rows(done) == (0, 0, 0, 2)
    assert await report_of(runtime, realm, done) == [(1, "deleted"), (2, "deleted")]


async def test_a_file_names_nobody_twice(runtime: Runtime, realm: Realm):
    twins = [
        {"username": "ada", "email": "ada@example.com"},
        {"username": "ADA"},
        {"username": "other", "email": "Ada@Example.com"},
        {"username": "bob"},
    ]

    done = await bring(runtime, realm, ndjson(*twins))

    assert rows(done) == (2, 0, 0, 2)
    assert await report_of(runtime, realm, done) == [(2, "duplicate"), (3, "duplicate")]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_file_names_nobody_twice_however_far_apart(runtime: Runtime, realm: Realm, dry_run: bool):
    far = [{"username": f"filler-{number}"} for number in range(6000)]
    first = {"username": "ada", "email": "ada@example.com"}
    twins = [{"username": "Ada"}, {"username": "x", "email": "ADA@example.com"}]

    done = await bring(runtime, realm, ndjson(first, *far, *twins), dry_run=dry_run)

    assert rows(done) == (6001, 0, 0, 2)
    assert await report_of(runtime, realm, done) == [(6002, "duplicate"), (6003, "duplicate")]
    assert await moving.count(runtime, realm) == (0 if dry_run else 6001)


async def test_everything_wrong_with_a_row_is_told_and_the_others_go_on(runtime: Runtime, realm: Realm):
    wrong = {"username": "a/b", "email": "nonsense", "locale": "?", "created_at": "2999-01-01T00:00:00Z"}

    done = await bring(runtime, realm, ndjson({"username": "ada"}, wrong, {"username": "bob"}))

    assert rows(done) == (2, 0, 0, 1)
    assert {code for _, code in await report_of(runtime, realm, done)} == {
        "invalid_username",
        "invalid_email",
        "invalid_locale",
        "out_of_range",
    }


async def test_custom_fields_are_checked_against_their_definitions(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await attributes.define(tx, "size", DefinitionDraft(kind="integer", required=True))

    given = [{"size": 37}, {"size": "many"}, {}]
    data = ndjson(*({"username": f"u{place}", "attributes": each} for place, each in enumerate(given)))
    done = await bring(runtime, realm, data)

    assert rows(done) == (1, 0, 0, 2)
    assert await report_of(runtime, realm, done) == [(2, "wrong_type"), (3, "required")]


async def test_a_dry_run_tells_the_same_and_changes_nothing(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson({"username": "ada", "given_name": "A"}))
    data = ndjson(
        {"username": "ada", "given_name": "B", "roles": ["cook"], "password_hash": people.HASH},
        {"username": "bob", "roles": ["cook"], "password": "a readable secret"},
        {"username": "bob"},
        {"username": "a/b"},
    )

    dry = await bring(runtime, realm, data, dry_run=True)
    between = await who(runtime, realm, "ada")
    real = await bring(runtime, realm, data)

    assert rows(dry) == rows(real) == (1, 1, 0, 2)
    assert dry.summary == real.summary
    assert await report_of(runtime, realm, dry) == await report_of(runtime, realm, real)
    assert between.given_name == "A"


async def test_existing_people_can_be_left_alone(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson({"username": "ada", "given_name": "A"}))

    data = ndjson({"username": "ada", "given_name": "B", "password_hash": people.HASH}, {"username": "bob"})
    done = await bring(runtime, realm, data, options=ImportOptions(existing="skip"))

    assert rows(done) == (1, 0, 1, 0)
    assert (await who(runtime, realm, "ada")).given_name == "A"


async def _can_sign_in(runtime: Runtime, realm: Realm, name: str, secret: str) -> bool:
    try:
        return isinstance(await login.password(runtime, people.nobody(realm), name, secret), Granted)
    except BadCredentials:
        return False


async def test_a_password_is_kept_unless_it_is_to_be_replaced(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson({"username": "ada", "password": "the first secret"}))
    data = ndjson({"username": "ada", "password_hash": people.HASH})

    kept = await bring(runtime, realm, data)
    after_keeping = await _can_sign_in(runtime, realm, "ada", "the first secret")
    replaced = await bring(runtime, realm, data, options=ImportOptions(existing="replace"))

    assert (rows(kept), rows(replaced)) == ((0, 0, 1, 0), (0, 1, 0, 0))
    assert after_keeping
    assert await _can_sign_in(runtime, realm, "ada", people.PASSWORD)
    assert not await _can_sign_in(runtime, realm, "ada", "the first secret")


async def test_replacing_a_password_ends_the_sessions(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm)
    granted = await people.sign_in(runtime, person)

    data = ndjson({"username": person.username, "password": "another good secret"})
    await bring(runtime, realm, data, options=ImportOptions(existing="replace"))

    with pytest.raises(Exception, match="token"):
        await people.actor_of(runtime, person, granted.access_token)


@pytest.mark.parametrize("status", ["disabled", "pending"])
async def test_shutting_somebody_out_ends_their_sessions_for_good(runtime: Runtime, realm: Realm, status: str):
    person = await people.a_member(runtime, realm)
    granted = await people.sign_in(runtime, person)

    await bring(runtime, realm, ndjson({"username": person.username, "status": status}))
    await bring(runtime, realm, ndjson({"username": person.username, "status": "active"}))

    with pytest.raises(Exception, match="token"):
        await people.actor_of(runtime, person, granted.access_token)


async def test_readable_passwords_obey_the_rules_and_are_stored_as_argon2id(runtime: Runtime, realm: Realm):
    data = ndjson({"username": "ada", "password": "password"}, {"username": "bob", "password": "quite unusual words"})

    done = await bring(runtime, realm, data)

    assert await report_of(runtime, realm, done) == [(1, "too_common")]
    bob = await who(runtime, realm, "bob")
    async with runtime.read(factories.roster_in(realm)) as tx:
        stored = await credentials.password_of(tx, bob.id)
    assert stored is not None
    assert (stored.hash or "").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_hash_of_no_known_form_is_left_out_and_said(runtime: Runtime, realm: Realm):
    done = await bring(runtime, realm, ndjson({"username": "ada", "password_hash": "{SSHA}abc", "totp": "not base32!"}))

    assert rows(done) == (1, 0, 0, 0)
    assert await report_of(runtime, realm, done) == [(1, "unsupported_hash"), (1, "unsupported_totp")]
    assert done.summary == {"notes": 2}


async def test_an_imported_authenticator_is_asked_for_at_sign_in(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson({"username": "ada", "password_hash": people.HASH, "totp": SEED}))
    person = people.Person(realm, await who(runtime, realm, "ada"))

    step = await people.begin(runtime, person)
    done = await login.second_factor(runtime, people.nobody(realm), step.proof, people.code_of(SEED))

    assert isinstance(done, Granted)


async def test_nobody_gives_what_they_do_not_hold(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "importer", "transfers.write")
    await factories.a_role(runtime, realm, "reader", "users.read")
    user = await factories.a_person(runtime, realm, roles=("importer",))
    actor = await factories.acting_as(runtime, realm, user)
    given = ["admin", "reader", "importer", "harmless"]

    data = ndjson(*({"username": f"u-{name}", "roles": [name]} for name in given))
    done = await bring(runtime, realm, data, actor=actor)

    assert rows(done) == (2, 0, 0, 2)
    assert await report_of(runtime, realm, done) == [(1, "escalation"), (2, "escalation")]
    assert done.summary["roles_created"] == ["harmless"]


async def test_nobody_changes_people_who_may_do_more(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "importer", "transfers.write")
    await factories.a_person(runtime, realm, "boss", roles=("admin",))
    user = await factories.a_person(runtime, realm, roles=("importer",))
    actor = await factories.acting_as(runtime, realm, user)

    data = ndjson({"username": "boss", "password_hash": people.HASH, "email": "eve@example.com"})
    done = await bring(runtime, realm, data, actor=actor, options=ImportOptions(existing="replace"))

    assert await report_of(runtime, realm, done) == [(1, "escalation")]
    assert (await who(runtime, realm, "boss")).email is None


@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_changes_about_people_who_exist_takes_what_it_takes_by_hand(
    runtime: Runtime, realm: Realm, dry_run: bool
):
    every = ("transfers.write", "users.write", "credentials.write", "roles.assign")
    rows_of_people = ndjson(
        {"username": "p1", "given_name": "New"},
        {"username": "p2", "email": "thief@example.org"},
        {"username": "p3", "password_hash": people.HASH},
        {"username": "p4", "totp": SEED},
        {"username": "p5", "roles": ["harmless"]},
        {"username": "p6"},
        {"username": "p7", "email": "P7@Example.org"},
    )
    needs = {1: "users.write", 2: "credentials.write", 3: "credentials.write", 4: "credentials.write"}
    await factories.a_role(runtime, realm, "harmless")
    for number in range(1, 8):
        await factories.a_person(runtime, realm, f"p{number}", email=f"p{number}@example.org")
    for lacking in every[1:]:
        await factories.a_role(runtime, realm, f"without-{lacking}", *(each for each in every if each != lacking))
        user = await factories.a_person(runtime, realm, roles=(f"without-{lacking}",))
        actor = await factories.acting_as(runtime, realm, user)
        done = await bring(
            runtime, realm, rows_of_people, actor=actor, dry_run=True, options=ImportOptions(existing="replace")
        )
        refused = {row for row, permission in {**needs, 5: "roles.assign"}.items() if permission == lacking}
        if lacking == "users.write":
            refused |= {2, 7}
        assert await report_of(runtime, realm, done) == [(row, "forbidden") for row in sorted(refused)], lacking

    await factories.a_role(runtime, realm, "importer", "transfers.write")
    user = await factories.a_person(runtime, realm, roles=("importer",))
    actor = await factories.acting_as(runtime, realm, user)
    done = await bring(
        runtime, realm, rows_of_people, actor=actor, dry_run=dry_run, options=ImportOptions(existing="replace")
    )
    assert await report_of(runtime, realm, done) == [(row, "forbidden") for row in (1, 2, 3, 4, 5, 7)]
    assert rows(done) == (0, 0, 1, 6)
    assert (await who(runtime, realm, "p2")).email == "p2@example.org"
    assert await people.value(runtime, "SELECT count(*) FROM credentials WHERE realm_id = $1", realm.id) == 0


async def test_nobody_changes_by_a_file_what_they_sign_in_with_themselves(runtime: Runtime, realm: Realm):
    """It takes a recent sign-in, for which a job cannot ask; a stolen session or key must not become the account."""
    boss = await people.a_member(runtime, realm, roles=("admin",), username="boss", email="boss@example.org")
    actor = await people.signed_in(runtime, boss)
    replace = ImportOptions(existing="replace")

    for row in (
        {"email": "thief@example.org"},
        {"password_hash": people.HASH},
        {"password": "a password of the thief's"},
        {"totp": SEED},
    ):
        done = await bring(runtime, realm, ndjson({"username": "boss", **row}), actor=actor, options=replace)
        assert await report_of(runtime, realm, done) == [(1, "own_account")], row
    done = await bring(runtime, realm, ndjson({"username": "boss", "given_name": "Bo"}), actor=actor, options=replace)

    assert rows(done) == (0, 1, 0, 0)
    assert (await who(runtime, realm, "boss")).email == "boss@example.org"
    await people.sign_in(runtime, boss)


async def test_nobody_changes_people_to_whom_permission_lists_give_more(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "importer", "transfers.write")
    keeper = await factories.a_person(runtime, realm, "keeper")
    user = await factories.a_person(runtime, realm, roles=("importer",))
    await _list(runtime, realm, Rights(str(keeper.id), full=True))
    actor = await factories.acting_as(runtime, realm, user)

    data = ndjson({"username": "keeper", "password_hash": people.HASH}, {"username": "other"})
    done = await bring(runtime, realm, data, actor=actor)

    assert await report_of(runtime, realm, done) == [(1, "escalation")]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_nobody_makes_a_person_for_whom_permission_lists_wait(runtime: Runtime, realm: Realm, dry_run: bool):
    await factories.a_role(runtime, realm, "importer", "transfers.write")
    user = await factories.a_person(runtime, realm, roles=("importer",))
    waited_for = uuid7()
    await _list(runtime, realm, Rights(str(waited_for), full=True))
    actor = await factories.acting_as(runtime, realm, user)

    data = ndjson({"username": "eve", "id": str(waited_for), "password_hash": people.HASH}, {"username": "other"})
    done = await bring(runtime, realm, data, actor=actor, dry_run=dry_run)

    assert await report_of(runtime, realm, done) == [(1, "escalation")]
    assert rows(done) == (1, 0, 0, 1)
    assert (await bring(runtime, realm, data)).rows_failed == 0


async def _list(runtime: Runtime, realm: Realm, *records: Rights) -> None:
    async with runtime.write(factories.roster_in(realm)) as tx:
        await objects.put(tx, "User", records, parent=None, version=None, defaults={})


async def test_rights_are_those_at_the_time_of_running(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "importer", "transfers.write")
    user = await factories.a_person(runtime, realm, roles=("importer",))
    actor = await factories.acting_as(runtime, realm, user)
    transfer = await moving.upload(runtime, actor, ndjson({"username": "ada"}))
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, user.id)

    done = await moving.run(runtime, factories.roster_in(realm), transfer)

    assert (done.state, done.error) == ("failed", "Whoever has started this may not do so any more.")
    assert await moving.count(runtime, realm) == 1


async def test_the_permission_is_needed(runtime: Runtime, realm: Realm):
    actor = await factories.acting_as(runtime, realm, await factories.a_person(runtime, realm))

    with pytest.raises(Forbidden):
        await moving.upload(runtime, actor, b"")


async def test_the_last_administrator_and_oneself_stay(runtime: Runtime, realm: Realm):
    boss = await factories.a_person(runtime, realm, "boss", roles=("admin",))
    other = await factories.a_person(runtime, realm, "other", roles=("admin",))
    data = ndjson({"username": "boss", "status": "disabled"}, {"username": "other", "status": "disabled"})

    by_boss = await bring(runtime, realm, data, actor=await factories.acting_as(runtime, realm, boss))
    by_roster = await bring(runtime, realm, data)

    assert await report_of(runtime, realm, by_boss) == [(1, "own_account")]
    assert (await who(runtime, realm, "other")).id == other.id
    assert await report_of(runtime, realm, by_roster) == [(1, "last_administrator")]


async def test_roles_limited_to_places_are_given_there_and_only_once(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "cook", "users.read")
    place = {"role": "cook", "contexts": [{"kind": "zone", "value": "2"}, {"kind": "facility", "value": "1"}]}
    data = ndjson({"username": "ada", "roles": [place, "COOK"]})

    first, second = await bring(runtime, realm, data), await bring(runtime, realm, data)

    ada = await who(runtime, realm, "ada")
    async with runtime.read(factories.roster_in(realm)) as tx:
        held = await access.assignments_of(tx, ada.id)
    assert (rows(first), rows(second)) == ((1, 0, 0, 0), (0, 0, 1, 0))
    assert sorted(len(each.contexts) for each in held) == [0, 2]


async def test_nobody_imports_a_role_beyond_its_ceiling_or_without_the_place_that_it_requires(
    runtime: Runtime, realm: Realm
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        draft = RoleDraft("cook", requires=["facility"], ceiling={"facility": ["1"]})
        await access.create_role(tx, draft)
    north = {"kind": "facility", "value": "1"}
    places = [[], [{"kind": "facility", "value": None}], [{"kind": "facility", "value": "2"}], [north]]
    people = [
        {"username": f"person-{n}", "roles": [{"role": "cook", "contexts": each}]} for n, each in enumerate(places)
    ]

    done = await bring(runtime, realm, ndjson(*people))

    assert await report_of(runtime, realm, done) == [
        (1, "context_required"),
        (2, "context_required"),
        (3, "above_ceiling"),
    ]
    ids = await who(runtime, realm, "person-3")
    async with runtime.read(factories.roster_in(realm)) as tx:
        marks = await tx.rows("SELECT cardinality(places), cardinality(held) FROM users WHERE id = $1", ids.id)
    assert marks == [(1, 1)]


async def test_every_person_gets_an_entry_in_the_trail_and_an_event(runtime: Runtime, realm: Realm):
    await bring(runtime, realm, ndjson({"username": "ada"}))
    ada = await who(runtime, realm, "ada")
    await bring(runtime, realm, ndjson({"username": "ada", "given_name": "Ada"}))

    async with runtime.read(factories.roster_in(realm)) as tx:
        trail = await tx.rows(
            "SELECT action, changes FROM audit_entries WHERE realm_id = $1 AND subject_id = $2 ORDER BY at",
            realm.id,
            ada.id,
        )
        events = await tx.rows(
            "SELECT type FROM outbox_events WHERE realm_id = $1 AND subject_id = $2 ORDER BY at", realm.id, ada.id
        )
        whole = await tx.value(
            "SELECT count(*) FROM audit_entries WHERE realm_id = $1 AND action = 'users.imported'", realm.id
        )
    assert trail == [("user.created", {}), ("user.changed", {"given_name": [None, "Ada"]})]
    assert events == [("user.created",), ("user.changed",)]
    assert whole == 2


async def test_the_source_is_gone_when_the_import_is_over(runtime: Runtime, realm: Realm):
    transfer = await moving.upload(runtime, factories.roster_in(realm), ndjson({"username": "ada"}))
    before = await _pieces(runtime, realm)
    await moving.run(runtime, factories.roster_in(realm), transfer)

    assert (before, await _pieces(runtime, realm)) == (1, 0)


async def _pieces(runtime: Runtime, realm: Realm) -> int:
    async with runtime.read(factories.roster_in(realm)) as tx:
        return await tx.value("SELECT count(*) FROM transfer_chunks WHERE realm_id = $1", realm.id)


async def test_what_is_uploaded_after_a_cancellation_is_not_kept(runtime: Runtime, realm: Realm):
    """The source holds people's data and hashes, so nothing of it outlives its import."""
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        transfer = await service.start_import(tx, "roster")

    async def uploaded() -> AsyncIterator[bytes]:
        yield b"x" * (1 << 20)
        async with runtime.write(actor) as tx:
            await service.cancel(tx, transfer.id)
        yield b"y" * (1 << 20)

    with pytest.raises(TransferState):
        await service.append_source(runtime, actor, transfer.id, uploaded())
    assert await _pieces(runtime, realm) == 0


async def test_a_cancelled_import_merges_nothing_more(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    transfer = await moving.upload(runtime, actor, ndjson({"username": "ada"}))
    async with runtime.write(actor) as tx:
        await service.cancel(tx, transfer.id)

    done = await moving.run(runtime, actor, transfer)

    assert (done.state, await moving.count(runtime, realm)) == ("cancelled", 0)
    async with runtime.write(actor) as tx:
        with pytest.raises(TransferState):
            await service.cancel(tx, transfer.id)


async def test_a_file_is_sent_once_and_before_it_is_submitted(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    async with runtime.write(actor) as tx:
        transfer = await service.start_import(tx, "roster")
    async with runtime.write(actor) as tx:
        with pytest.raises(TransferState):
            await service.submit(tx, transfer.id)
    await service.append_source(runtime, actor, transfer.id, moving.chunks(b"{}"))

    with pytest.raises(TransferState):
        await service.append_source(runtime, actor, transfer.id, moving.chunks(b"{}"))


async def test_imports_of_other_realms_do_not_exist(runtime: Runtime, realm: Realm):
    transfer = await moving.upload(runtime, factories.roster_in(realm), b"")
    stranger = factories.roster_in(await factories.a_realm(runtime))

    async with runtime.read(stranger) as tx:
        with pytest.raises(TransferNotFound):
            await service.get(tx, transfer.id)
    with pytest.raises(TransferNotFound):
        await service.report(runtime, stranger, transfer.id)


async def test_the_report_comes_as_a_table_too(runtime: Runtime, realm: Realm):
    done = await bring(runtime, realm, ndjson({"username": "a/b"}))

    table = await moving.read(await service.report(runtime, factories.roster_in(realm), done.id, "csv"))

    assert table.decode().splitlines() == [
        "row,field,code,text",
        "1,username,invalid_username,A name is not empty and holds no control or path signs.",
    ]


HOSTILE: list[object] = [
    None,
    True,
    -1,
    10**400,
    -(10**18),
    1e308,
    5e-324,
    "",
    " ",
    "\t\r\n",
    "\u2028\u202e\ufeff",
    "\U0001d54f" * 200,
    "ﷺ" * 200,
    "İ" * 100,
    "'; DROP TABLE users; --",
    "{1,2}",
    "\\x00",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:60Z",
    "00000000-0000-0000-0000-000000000000",
    [],
    [[]],
    ["", "a" * 201],
    ["x"] * 500,
    {"": 1},
    {"a.b": 1},
    {"a" * 65: 1},
    {"x": "y" * 20_000},
    {"x": [10**400, 1e-300, [[[[{"z": None}]]]]]},
    {"keycloak": {"id": "x" * 5000}},
    {"keycloak": {"id": 7}},
    {"role": "x"},
    [{"role": "x", "contexts": [{"kind": "", "value": ""}]}],
]


async def test_nothing_that_a_row_says_stops_an_import(runtime: Runtime, realm: Realm):
    fields = [name for name in Person.__struct_fields__ if name not in ("password", "username")]
    lines = [
        {"username": f"u-{place}-{name}", name: value} for name in fields for place, value in enumerate(HOSTILE)
    ] + [{"username": value} for value in HOSTILE]

    first = await bring(runtime, realm, ndjson(*lines, {"username": "last"}))
    again = await bring(runtime, realm, ndjson(*lines), options=ImportOptions(existing="replace"))
    out = await moving.written(runtime, realm, secrets=True)
    back = await bring(runtime, await factories.a_realm(runtime), out)

    assert (first.state, first.error, sum(rows(first))) == ("done", None, len(lines) + 1)
    assert (await who(runtime, realm, "last")).username == "last"
    assert (again.state, again.error, sum(rows(again))) == ("done", None, len(lines))
    assert rows(back) == (first.rows_created + again.rows_created, 0, 0, 0)
