"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

from itertools import count

import pytest
import schemathesis

from roster.core.realms.models import Realm
from roster.dialects.onslip360 import dialect
from roster.storage.runtime import Runtime
from roster.web import openapi
from tests.dialects import fuzzing
from tests.dialects.conftest import Person
from tests.dialects.onslip360 import cases, contract
from tests.dialects.onslip360.conftest import PREFIX

_ERROR = contract.document()["components"]["responses"]["BadRequest"]
WRITTEN = fuzzing.operations(fuzzing.completed(contract.document(), contract.ANYWHERE, _ERROR))
GENERATED = fuzzing.operations(openapi.document(dialect, PREFIX))


def test_both_documents_speak_of_the_same_operations():
    assert WRITTEN.keys() == GENERATED.keys()


@pytest.fixture
async def world(runtime: Runtime, realm: Realm, bearer: None) -> cases.World:
    """Somebody with one of everything, so that some numbers are good."""
    return await cases.a_world(runtime, realm)


@pytest.mark.parametrize("label", sorted(WRITTEN))
def test_no_request_brings_an_undocumented_answer(
    server: str, world: cases.World, boss: Person, cashier: Person, label: str
):
    """Neither to a cashier nor to an administrator."""
    good = [value for value in world.ids.values() if isinstance(value, int)]
    made = count(1)

    def check(case: schemathesis.Case) -> None:
        number = next(made)
        for name in case.path_parameters:
            if name == "realm":
                case.path_parameters[name] = world.realm.slug
            elif number % 2:
                case.path_parameters[name] = good[number % len(good)]
        for by in (cashier, boss):
            fuzzing.documented(case, server + PREFIX, by.bearer)

    fuzzing.every(WRITTEN[label].as_strategy(), check, examples=10)
