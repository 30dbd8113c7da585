"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

import pytest
import schemathesis

from roster.core.realms.models import Realm
from roster.dialects.acceleratxr import dialect
from roster.web import openapi
from tests.dialects import fuzzing
from tests.dialects.acceleratxr import contract
from tests.dialects.acceleratxr.conftest import PREFIX
from tests.dialects.conftest import Person

WRITTEN = fuzzing.operations(contract.document())
GENERATED = fuzzing.operations(openapi.document(dialect, PREFIX))


def test_both_documents_speak_of_the_same_operations() -> None:
    assert WRITTEN.keys() == GENERATED.keys()


@pytest.mark.parametrize("label", sorted(GENERATED))
def test_no_request_brings_an_undocumented_answer(
    server: str, realm: Realm, admin: Person, person: Person, label: str
) -> None:
    """To nobody in particular, to somebody without any role, to an administrator."""
    callers = [{}, *({"Authorization": f"jwt {by.access_token}"} for by in (person, admin))]

    def check(case: schemathesis.Case) -> None:
        for headers in callers:
            fuzzing.documented(case, f"{server}/realms/{realm.slug}{PREFIX}", headers)

    fuzzing.every(GENERATED[label].as_strategy(), check)
