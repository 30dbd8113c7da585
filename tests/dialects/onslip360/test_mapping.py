"""Reading and showing users: every member of the seed, extended properties, keys that are never shown."""

from typing import Any

import msgspec
import pytest

from roster.dialects.onslip360 import reading, wire
from roster.kit.errors import InvalidInput

BODY: dict[str, Any] = {"name": "Asa", "alias": "asa", "email": "asa@example.org"}


def test_no_struct_of_an_answer_has_a_place_for_a_key():
    for kind in (wire.StoredUser, wire.StoredRole, wire.Company):
        names = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert names.isdisjoint({"pin", "password", "device-key"})


@pytest.mark.parametrize("name", ["_acme-ref", "_a-b", "_acme-order-number-2", "_a1-2b"])
def test_extended_properties_are_told_from_members(name: str):
    sent, extended = reading.read(wire.User, {**BODY, name: "77"})

    assert extended == {name: "77"}
    assert sent.alias == "asa"


@pytest.mark.parametrize(
    "name", ["_acme", "acme-ref", "_Acme-ref", "__a-b", "_a-b-", "_a_b-c", "_a-b\n", "_å-b", "ref"]
)
def test_other_unknown_members_are_refused(name: str):
    with pytest.raises(InvalidInput) as refused:
        reading.read(wire.User, {**BODY, name: "77"})

    assert [each.code for each in refused.value.problems] == ["unknown_field"]


@pytest.mark.parametrize("value", [7, True, [], {}, 1.5, "x" * 10_001])
def test_an_extended_property_is_a_short_string(value: object):
    with pytest.raises(InvalidInput):
        reading.read(wire.User, {**BODY, "_acme-ref": value})


def test_there_are_not_too_many_of_them():
    with pytest.raises(InvalidInput):
        reading.read(wire.User, {**BODY, **{f"_acme-n{n}": "x" for n in range(101)}})


def test_what_the_server_manages_is_passed_over():
    managed = {"id": 9, "created": "yesterday", "updated": 1, "deleted": None, "updated-by": "x", "updated-from": []}

    sent, _ = reading.read(wire.User, {**BODY, **managed})

    assert sent.name == "Asa"


@pytest.mark.parametrize("name", ["name", "alias", "email", "pin", "password"])
def test_what_cannot_be_removed_is_not_null_in_a_change(name: str):
    with pytest.raises(InvalidInput) as refused:
        reading.read(wire.UserPatch, {name: None})

    assert refused.value.problems[0].field == name


@pytest.mark.parametrize("name", ["identity-number", "demon", "system-roles", "roles", "tags", "labels", "deleted"])
def test_what_is_optional_can_be_removed_by_null(name: str):
    sent, _ = reading.read(wire.UserPatch, {name: None})

    assert getattr(sent, name.replace("-", "_")) is None


@pytest.mark.parametrize("alias", ["", "a b", "a+b", 'a"b', "a\\b", "å", "a\tb", "x" * 129])
def test_an_alias_fits_into_an_identifier_of_a_key(alias: str):
    with pytest.raises(InvalidInput):
        reading.read(wire.User, {**BODY, "alias": alias})


def test_every_problem_is_told_at_once():
    with pytest.raises(InvalidInput) as refused:
        reading.read(wire.User, {"name": "", "alias": "a b", "roles": ["x"], "nonsense": 1})

    assert {each.field for each in refused.value.problems} == {"name", "alias", "email", "roles[0]", "nonsense"}


@pytest.mark.parametrize(("text", "key"), [("AA==", b"\0"), ("cGluLWtleQ==", b"pin-key")])
def test_keys_come_in_base64(text: str, key: bytes):
    assert reading.key(text, "pin") == key


@pytest.mark.parametrize("text", ["", "x", "AA=", "A A==", "åäö", "AA==\n", "_-8="])
def test_what_is_no_key_is_refused(text: str):
    with pytest.raises(InvalidInput):
        reading.key(text, "pin")


def test_null_removes_an_extended_property_and_the_others_stay():
    assert reading.merged({"_a-b": "1", "_a-c": "2"}, {"_a-b": None, "_a-d": ""}) == {"_a-c": "2", "_a-d": ""}
