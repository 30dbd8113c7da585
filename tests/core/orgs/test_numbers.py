"""Numbers of organisations that are chosen, because accounts elsewhere have them."""

import pytest

from roster.core.flows import organisations
from roster.core.orgs import service as orgs
from roster.core.orgs.errors import OrgNumberTaken
from roster.core.orgs.models import Org, OrgDraft
from roster.core.realms.models import Realm
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput
from roster.kit.ids import OrgId
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.organisations import founded


async def numbered(runtime: Runtime, actor: Actor, number: int | None, parent_id: OrgId | None = None) -> Org:
    async with runtime.write(actor) as tx:
        return await organisations.found(tx, OrgDraft("Medics", parent_id, number=number))


async def test_an_organisation_gets_the_number_that_was_chosen(runtime: Runtime, realm: Realm, other_realm: Realm):
    roster = factories.roster_in(realm)
    made = await numbered(runtime, roster, 6371)
    assert made.number == 6371
    async with runtime.read(roster) as tx:
        assert await orgs.get_by_number(tx, 6371) == made
    with pytest.raises(OrgNumberTaken):
        await numbered(runtime, roster, 6371)
    assert (await numbered(runtime, factories.roster_in(other_realm), 6371)).number == 6371


async def test_the_next_number_passes_over_those_that_were_chosen(runtime: Runtime, realm: Realm):
    roster = factories.roster_in(realm)
    first = (await numbered(runtime, roster, None)).number
    chosen = [first + each for each in range(1, 40)]
    for number in chosen:
        await numbered(runtime, roster, number)

    after = await numbered(runtime, roster, None)

    assert after.number > first
    assert after.number not in chosen


@pytest.mark.parametrize("number", [0, -1, 2**53, 2**63])
async def test_a_number_is_one_that_every_program_can_read(runtime: Runtime, realm: Realm, number: int):
    with pytest.raises(InvalidInput):
        await numbered(runtime, factories.roster_in(realm), number)


async def test_only_those_choose_who_may_found_any(runtime: Runtime, realm: Realm):
    """Neither whoever may found one because everybody may, nor owners, below what is theirs."""
    ada = await factories.a_person(runtime, realm)
    org = await founded(runtime, realm, ada)
    by_ada = await factories.acting_as(runtime, realm, ada)
    for parent_id in (None, org.id):
        with pytest.raises(Forbidden):
            await numbered(runtime, by_ada, 6371, parent_id)
    await factories.a_role(runtime, realm, "founders", "orgs.create")
    bo = await factories.a_person(runtime, realm, roles=("founders",))
    assert (await numbered(runtime, await factories.acting_as(runtime, realm, bo), 6371)).number == 6371
