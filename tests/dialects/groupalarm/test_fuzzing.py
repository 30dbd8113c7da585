"""Made-up requests of every kind, against a real server: no fault of ours, and no answer that is not documented."""

from itertools import count

import pytest
import schemathesis

from roster.core.realms.models import Realm
from roster.dialects.groupalarm import dialect
from roster.storage.runtime import Runtime
from tests.dialects import fuzzing
from tests.dialects.conftest import Person
from tests.dialects.groupalarm import cases, contract
from tests.dialects.groupalarm.conftest import PREFIX

FAULTS = {"500", "503"}
"""In the contract, and yet a defect when a made-up request brings them."""
SERVED = {f"{each.method} {each.path.rstrip('/')}" for each in dialect.operations}
_ERROR = contract.document()["components"]["responses"]["BadRequest"]
_CONTRACT = fuzzing.completed(contract.document(), contract.ANYWHERE - FAULTS, _ERROR)
WRITTEN = {
    label: operation for label, operation in fuzzing.operations(_CONTRACT).items() if label.rstrip("/") in SERVED
}
"""Both spellings of a path, where the contract has both."""
PUBLIC = {f"{each.method} {each.path.rstrip('/')}" for each in dialect.operations if each.public}


@pytest.fixture
async def world(runtime: Runtime, realm: Realm, person: Person) -> cases.World:
    """An organisation of the person with one of everything, so that some numbers are good."""
    return await cases.a_world(runtime, realm, person.user)


@pytest.mark.parametrize("label", sorted(WRITTEN))
def test_no_request_brings_an_undocumented_answer(server: str, world: cases.World, person: Person, label: str):
    """To the founder, and to an organisation by itself or, where that needs nobody, to nobody."""
    other = {} if label.rstrip("/") in PUBLIC else {"API-TOKEN": world.secrets[0]}
    good = {"organizationID": "org", "userID": "pat", "roleID": "role", "token": "invitation", "id": "session"}
    made = count(1)

    def check(case: schemathesis.Case) -> None:
        if next(made) % 2:
            case.path_parameters |= {each: world.ids[good[each]] for each in case.path_parameters if each in good}
            case.query |= {each: world.ids["org"] for each in case.query if each in ("organization", "organization_id")}
        for headers in (other, person.bearer):
            fuzzing.documented(case, f"{server}/realms/{world.realm.slug}{PREFIX}", headers)

    fuzzing.every(fuzzing.requests(WRITTEN[label]), check)
