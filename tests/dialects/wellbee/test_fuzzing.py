"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

from itertools import count
from typing import Any

import pytest
import schemathesis

from roster.core.realms.models import Realm
from roster.dialects.wellbee import dialect
from roster.storage.runtime import Runtime
from roster.web import openapi, plain_page
from tests.dialects import fuzzing
from tests.dialects.conftest import Person
from tests.dialects.wellbee import cases
from tests.dialects.wellbee.conftest import PREFIX

DOCUMENT = openapi.document(dialect, PREFIX)
for _page in ("/set-password", "/verify-email"):
    DOCUMENT["paths"][_page]["post"]["responses"]["400"]["content"][plain_page.HTML] = {"schema": {"type": "string"}}
"""Pages say what is wrong on a page."""
OPERATIONS = fuzzing.operations(DOCUMENT)
PUBLIC = {f"{each.method} {each.path}" for each in dialect.operations if each.public}


@pytest.fixture
async def world(runtime: Runtime, realm: Realm, admin: Person) -> cases.World:
    """Somebody whom some requests are about, and a token of theirs."""
    return await cases.a_world(runtime, realm, admin.user)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_no_request_brings_an_undocumented_answer(server: str, world: cases.World, admin: Person, label: str):
    """By an administrator; whatever is open to everybody by nobody in particular."""
    headers = {} if label in PUBLIC else admin.bearer
    good = {"id": "pat", "userId": "pat", "orderRef": "order", "authRef": "order"}
    made = count(1)

    def check(case: schemathesis.Case) -> Any:
        if next(made) % 2:
            case.path_parameters |= {each: world.ids[good[each]] for each in case.path_parameters if each in good}
        fuzzing.documented(case, f"{server}/realms/{world.realm.slug}{PREFIX}", headers)

    fuzzing.every(fuzzing.requests(OPERATIONS[label]), check)


def test_no_operation_is_left_out():
    assert len(OPERATIONS) == len(list(dialect.operations))
