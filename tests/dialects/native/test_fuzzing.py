"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

import pytest
import schemathesis

from roster.core.realms.models import Realm
from roster.dialects.native import dialect
from roster.web import openapi
from tests.dialects import fuzzing
from tests.dialects.conftest import Person

PREFIX = "/api/v1"
OPERATIONS = fuzzing.operations(openapi.document(dialect, PREFIX))
FINITE = sorted(OPERATIONS.keys() - {"GET /events"})


@pytest.mark.usefixtures("main_realm")
@pytest.mark.parametrize("label", FINITE)
def test_no_request_brings_an_undocumented_answer(server: str, realm: Realm, admin: Person, label: str):
    """Neither to nobody in particular nor to an administrator."""

    def check(case: schemathesis.Case) -> None:
        for headers in ({}, admin.bearer):
            fuzzing.documented(case, f"{server}/realms/{realm.slug}{PREFIX}", headers)

    fuzzing.every(fuzzing.requests(OPERATIONS[label]), check)


def test_no_operation_is_left_out():
    assert len(OPERATIONS) == len(list(dialect.operations))
