"""Tokens that are not, or no longer, good: the documented 401 from the next request on."""

import pytest

from roster.core.access import service as access
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.tokens import keys
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.tokens.forging import Genuine, corpus
from tests.dialects.conftest import Person
from tests.dialects.fulfillmenttools.conftest import Wire, refusal

ME = "/api/users/me/effectivepermissions"
REFUSED = (401, "The token is not valid.")


async def test_forged_and_expired_tokens_are_refused(
    wire: Wire, runtime: Runtime, realm: Realm, supervisor: Person
) -> None:
    token = supervisor.access_token
    async with runtime.read(factories.roster_in(realm)) as tx:
        genuine = Genuine.of(token, await keys.signing(tx))
    bad = corpus(genuine) | {"expired": genuine.signed(claims={"exp": 1})}
    assert len(bad) > 60
    assert (await wire.get(ME, by=supervisor)).status_code == 200

    for what, forged in bad.items():
        if forged.strip(' "\t\r\n') == token:
            continue  # HTTP itself cuts those off
        raw = b"Bearer " + forged.encode("utf-8", "surrogatepass")
        answer = await wire.http.get(wire.prefix + ME, headers=[(b"authorization", raw)])  # type: ignore[list-item]
        assert answer.status_code == 401, what


@pytest.mark.parametrize("end", ["session", "disabled", "deleted"])
async def test_what_was_revoked_is_refused_at_once(
    wire: Wire, runtime: Runtime, realm: Realm, supervisor: Person, end: str
) -> None:
    assert (await wire.get(ME, by=supervisor)).status_code == 200

    async with runtime.write(factories.roster_in(realm)) as tx:
        if end == "session":
            await sessions.end_all(tx, supervisor.user.id)
        elif end == "disabled":
            await users.change(tx, supervisor.user.id, UserChange(status="disabled"))
        else:
            await users.delete(tx, supervisor.user.id)

    assert refusal(await wire.get(ME, by=supervisor)) == REFUSED


async def test_a_role_that_is_taken_away_counts_no_longer(
    wire: Wire, runtime: Runtime, realm: Realm, supervisor: Person
) -> None:
    assert (await wire.get("/api/roles", by=supervisor)).status_code == 200

    async with runtime.write(factories.roster_in(realm)) as tx:
        (held,) = await access.assignments_of(tx, supervisor.user.id)
        await access.unassign(tx, held.id)

    assert refusal(await wire.get("/api/roles", by=supervisor)) == (403, "The permission ROLE_READ is required.")
