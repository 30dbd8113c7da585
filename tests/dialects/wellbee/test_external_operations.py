"""What the contract says of BankID, Freja, the trail and push messages is what is served."""

import pytest

from roster.dialects.wellbee import dialect, on_bus
from roster.dialects.wellbee.subjects import REQUEST, subject_of
from tests.dialects.wellbee import contract

GROUPS = (
    *("bankid", "freja", "audit", "notifications"),
    *("audit-service", "bank-id-service", "push-service", "interceptor", "wb-user-service"),
)
OTHERS = ("user-bankid-activate", "user-bankid-deactivate")
OURS = {id: each for id, each in contract.operations().items() if each.details["group"] in GROUPS or id in OTHERS}
SERVED = {each.id: each for each in on_bus.operations}
OVER_HTTP = {each.id for each in dialect.operations}


def test_none_is_missing():
    assert len(OURS) == 20
    assert SERVED.keys() >= OURS.keys()


@pytest.mark.parametrize("id", OURS)
def test_an_operation_is_where_the_contract_says_and_for_whom(id: str):
    documented, served = OURS[id], SERVED[id]
    needed = documented.details["auth"]

    assert subject_of(served).lower() == documented.subject.lower()
    assert (served.method == REQUEST) == (needed == "service-internal") == (id not in OVER_HTTP)
    assert served.public == (needed == "none")
    assert served.needs == (",".join(needed) if isinstance(needed, list) else "")
    assert served.status in documented.statuses


@pytest.mark.parametrize("id", OURS)
def test_a_body_takes_what_the_contract_lists(id: str):
    request = OURS[id].details.get("request") or {}
    listed = {each["name"] for each in request.get("fields") or []}
    taken = getattr(SERVED[id].body_type, "__struct_encode_fields__", ())

    if "message" not in listed:
        assert set(taken) == listed
