"""Mapping, both ways."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.access.models import AccessList, Members, MembersChange, Rights, Role
from roster.core.credentials.models import Credential, Kind
from roster.core.users.models import User
from roster.dialects.acceleratxr import mapping, wire
from roster.kit.errors import InvalidInput
from roster.kit.ids import CredentialId, RoleId, UserId, uuid7
from roster.kit.patch import UNSET
from tests.dialects.acceleratxr import contract

AT = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
V7 = st.builds(
    lambda high, low: UUID(
        int=high >> 80 << 80 | 0x7 << 76 | (high >> 64 & 0xFFF) << 64 | 0x8 << 60 | low & (1 << 60) - 1
    ),
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
)
SCHEMAS = contract.document()["components"]["schemas"]


@given(V7)
def test_every_identifier_is_shown_as_version_4_and_read_back(identifier: UUID) -> None:
    shown = mapping.uid(identifier)

    assert UUID(shown).version == 4
    assert mapping.read_uid(shown) == identifier
    assert mapping.read_uid(shown.upper()) == identifier
    assert mapping.read_uid(str(identifier)) == identifier


@given(V7, V7)
def test_two_identifiers_never_look_alike_and_keep_their_order(one: UUID, two: UUID) -> None:
    assert (mapping.uid(one) < mapping.uid(two)) == (one < two)
    assert (mapping.uid(one) == mapping.uid(two)) == (one == two)


@pytest.mark.parametrize(
    "text", ["jdoe", "", "{4b2f0c5e-7a10-4c3b-9a55-0d2f6a4b8c11}", "4b2f0c5e7a104c3b9a550d2f6a4b8c11"]
)
def test_what_is_no_identifier_stays_as_it_is(text: str) -> None:
    assert mapping.read_uid(text) is None
    assert mapping.identifier(text) == text


def a_user(**known: object) -> User:
    values = dict.fromkeys(User.__struct_fields__)
    values.update(
        id=UserId(uuid7()),
        number=1,
        username="jdoe",
        attributes={},
        facets={},
        tags=[],
        status="active",
        version=0,
        access_version=0,
        created_at=AT,
        updated_at=AT,
    )
    del values["view"]
    return User(**{**values, **known})  # type: ignore[arg-type]


def test_a_user_is_shown_as_the_example_shows_her() -> None:
    jane = a_user(email="jane.doe@example.org", given_name="Jane", family_name="Doe")

    shown = msgspec.to_builtins(mapping.user_out(jane))

    assert shown == {
        "uid": mapping.uid(jane.id),
        "dateCreated": "2026-01-05T08:30:00.000Z",
        "dateModified": "2026-01-05T08:30:00.000Z",
        "version": 0,
        "name": "jdoe",
        "email": "jane.doe@example.org",
        "firstName": "Jane",
        "lastName": "Doe",
        "phone": "",
        "roles": [],
        "externalIds": [],
        "verified": False,
    }
    contract.validate(shown, SCHEMAS["User"])


def test_a_reduced_user_keeps_identity_times_version_and_name() -> None:
    shown = msgspec.to_builtins(mapping.user_out(a_user(email="j@example.org").basic(), ["editors"], ["google:1"]))

    assert shown.keys() == {"uid", "dateCreated", "dateModified", "version", "name"}
    contract.validate(shown, SCHEMAS["User"])


def test_a_user_without_address_shows_none() -> None:
    assert "email" not in msgspec.to_builtins(mapping.user_out(a_user()))


@pytest.mark.parametrize("trusted", [False, True])
def test_a_draft_and_a_change_say_what_was_sent_and_who_may_say_it(trusted: bool) -> None:
    body = wire.UserWrite("jdoe", "j@example.org", first_name="Jane", verified=True, roles=["admin"])

    draft = mapping.user_draft(body, trusted=trusted)
    change = mapping.user_change(body, trusted=trusted)

    assert (draft.username, draft.email, draft.given_name, draft.family_name, draft.phone) == (
        ("jdoe", "j@example.org", "Jane", None, None)
    )
    assert (change.username, change.email, change.given_name, change.family_name) == (
        "jdoe",
        "j@example.org",
        "Jane",
        None,
    )
    assert draft.email_verified is trusted
    assert change.email_verified is (True if trusted else UNSET)
    assert mapping.user_change(wire.UserWrite("a", "b"), trusted=True).email_verified is UNSET


def test_external_ids_are_written_and_read() -> None:
    assert mapping.external_id("google", "1:2") == "google:1:2"
    (read,) = mapping.identities(["google:1:2"])
    assert (read.provider, read.subject) == ("google", "1:2")
    for wrong in ("google", ":1", "google:", "x" * 65 + ":1"):
        with pytest.raises(InvalidInput):
            mapping.identities([wrong])


def test_a_role_shows_everybody_who_has_it() -> None:
    one, two = UserId(uuid7()), UserId(uuid7())
    role = Role(RoleId(uuid7()), 1, "editors", "", "They edit", [], {}, [], False, {}, 3, AT, None, AT, None)

    shown = msgspec.to_builtins(mapping.role_out(role, Members(frozenset({one, two}), frozenset({two}))))

    assert shown["members"] == sorted([mapping.uid(one), mapping.uid(two)])
    assert shown["owners"] == [mapping.uid(two)]
    contract.validate(shown, SCHEMAS["Role"])


def test_of_members_and_owners_those_that_are_not_sent_stay() -> None:
    one = UserId(uuid7())

    def change(**body: object) -> MembersChange | None:
        return mapping.role_members(wire.RoleWrite("x", **body))  # type: ignore[arg-type]

    assert change() is None
    assert change(members=[mapping.uid(one)]) == MembersChange(members=frozenset({one}))
    assert change(owners=[mapping.uid(one)]) == MembersChange(owners=frozenset({one}))
    assert change(members=[], owners=[]) == MembersChange(frozenset(), frozenset())


@pytest.mark.parametrize(("kind", "type_"), [(kind, type_) for type_, kind in mapping.KINDS.items()])
def test_a_secret_never_shows_what_it_consists_of(kind: Kind, type_: str) -> None:
    user_id = UserId(uuid7())
    id, nothing = CredentialId(uuid7()), (None, None, None, None)
    stored = Credential(id, 1, user_id, kind, "active", "", {"x": 1}, 0, AT, None, AT, *nothing)

    shown = msgspec.to_builtins(mapping.secret_out(stored))

    assert shown.keys() == {"uid", "dateCreated", "dateModified", "version", "userId", "type"}
    assert (shown["type"], shown["userId"]) == (type_, mapping.uid(user_id))
    contract.validate(shown, SCHEMAS["UserSecret"])
    assert mapping.secret_kind(type_) == kind


def test_codes_get_back_the_zeros_that_a_number_loses() -> None:
    assert [mapping.code(wire.TotpCode(each)) for each in (21589, 0, "021589", "abcde-fghjk")] == (
        ["021589", "000000", "021589", "abcde-fghjk"]
    )


def test_a_permission_list_is_stored_and_shown_with_its_own_identifiers() -> None:
    user_id = uuid7()
    sent = [wire.AclRecord(mapping.uid(user_id), read=True), wire.AclRecord(".*", full=False)]

    stored = mapping.records_in(sent)
    shown = mapping.list_out(AccessList(str(user_id), "User", stored, 1, AT, AT))

    assert stored == [Rights(str(user_id), read=True), Rights(".*", full=False)]
    assert shown.records == sent
    assert shown.uid == mapping.uid(user_id)
    contract.validate(msgspec.to_builtins(shown), SCHEMAS["AccessControlList"])


SAME_NAME = (wire.User, wire.NewUser, wire.AuthToken, wire.Count, wire.Role, wire.UserSecret, wire.AccessControlList)
WRITTEN = (wire.UserWrite, wire.RoleWrite, wire.UserSecretWrite, wire.PasswordWrite, wire.TotpCode)
STRUCTS = {
    **{struct.__name__: struct for struct in (*SAME_NAME, *WRITTEN)},
    "ACLRecord": wire.AclRecord,
    "Error": wire.Failure,
}


@pytest.mark.parametrize("name", STRUCTS)
def test_the_structs_have_the_members_that_the_contract_has(name: str) -> None:
    fields = msgspec.structs.fields(STRUCTS[name])
    required = {each.encode_name for each in fields if each.required}

    assert {each.encode_name for each in fields} == SCHEMAS[name]["properties"].keys()
    assert required >= set(SCHEMAS[name]["required"])
    if STRUCTS[name] in WRITTEN:
        assert required == set(SCHEMAS[name]["required"])
