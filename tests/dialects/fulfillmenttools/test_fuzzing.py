"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

import pytest
import schemathesis

from roster.core.realms import client_keys
from roster.core.realms.models import Realm
from roster.dialects.fulfillmenttools import dialect, identity
from roster.storage.runtime import Runtime
from roster.web import openapi
from tests.dialects import fuzzing
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools import contract
from tests.dialects.fulfillmenttools.conftest import PREFIX

WRITTEN = fuzzing.operations(contract.document())
GENERATED = fuzzing.operations(openapi.document(dialect, PREFIX))
SIGN_IN = fuzzing.operations(openapi.document(identity.dialect, ""))


def test_both_documents_speak_of_the_same_operations() -> None:
    assert WRITTEN.keys() == GENERATED.keys() | SIGN_IN.keys()


def documented(case: schemathesis.Case, address: str, headers: dict[str, str]) -> None:
    """Fail unless the answer is one that the generated document and the contract have."""
    answer = fuzzing.documented(case, address, headers)
    if answer.status_code >= 400:
        found = contract.operation(case.method, case.operation.path)
        assert found is not None
        assert str(answer.status_code) in found.responses.keys() | contract.ANYWHERE
        contract.validate(answer.json(), contract.failure(found))


@pytest.mark.parametrize("label", sorted(GENERATED))
def test_no_request_brings_an_undocumented_answer(
    server: str, realm: Realm, chief: Person, supervisor: Person, label: str
) -> None:
    """To nobody in particular, to a supervisor of two facilities, to an administrator."""

    def check(case: schemathesis.Case) -> None:
        for headers in ({}, supervisor.bearer, chief.bearer):
            documented(case, server + PREFIX.format(realm=realm.slug), headers)

    fuzzing.every(GENERATED[label].as_strategy(), check)


@pytest.mark.parametrize("label", sorted(SIGN_IN))
def test_no_sign_in_brings_one_either(server: str, runtime: Runtime, realm: Realm, label: str) -> None:
    key = client_keys.write(runtime.keyring, realm.id)

    def check(case: schemathesis.Case) -> None:
        case.query = {**(case.query or {}), "key": key}
        documented(case, f"{server}/identitytoolkit.googleapis.com", {})

    fuzzing.every(SIGN_IN[label].as_strategy(), check, examples=12)
