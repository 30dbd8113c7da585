"""Accounts that are tied to BankID: a password alone opens them no more."""

import pytest

from roster.core.access.errors import Escalation
from roster.core.credentials import identities
from roster.core.credentials import service as credentials
from roster.core.credentials.models import CredentialDraft, Kind
from roster.core.flows import external, identified, login
from roster.core.flows.models import Granted
from roster.core.mfa import bankid
from roster.core.mfa import service as mfa
from roster.core.mfa.errors import BankIdRequired, LastWay, PersonalNumberTaken
from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, InvalidToken, StepUpRequired
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person, identity, nobody

NUMBER = "199001012385"
OTHER = "198506152399"


@pytest.fixture
async def jane(runtime: Runtime, realm: Realm) -> Person:
    """Somebody whose number is known."""
    return await people.a_member(runtime, realm, personal_number="19900101-2385")


async def tie(runtime: Runtime, person: Person, number: str | None = None) -> None:
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        await identified.activate(tx, person.id, number=number)


async def test_a_right_password_is_not_enough_any_more(runtime: Runtime, realm: Realm, jane: Person):
    await people.sign_in(runtime, jane)
    await tie(runtime, jane)

    with pytest.raises(BankIdRequired):
        await login.password(runtime, nobody(realm), jane.username, PASSWORD)
    with pytest.raises(BadCredentials):
        await login.password(runtime, nobody(realm), jane.username, "a wrong password")
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await mfa.methods(tx, jane.id) == ("bankid",)
        assert await bankid.is_bound(tx, jane.id)


async def test_a_code_of_an_authenticator_is_not_enough_either(runtime: Runtime, realm: Realm, jane: Person):
    seed, _ = await people.with_second_factor(runtime, jane)
    await tie(runtime, jane)

    with pytest.raises(BankIdRequired):
        await login.password(runtime, nobody(realm), jane.username, PASSWORD, code=people.code_of(seed))
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert await mfa.methods(tx, jane.id) == ("totp", "bankid")


async def test_a_sign_in_that_lacks_its_second_step_ends(runtime: Runtime, realm: Realm, jane: Person):
    seed, _ = await people.with_second_factor(runtime, jane)
    step = await people.begin(runtime, jane)
    await tie(runtime, jane)

    with pytest.raises(InvalidToken):
        await login.second_factor(runtime, nobody(realm), step.proof, people.code_of(seed))


async def test_nor_is_the_word_of_an_external_provider(runtime: Runtime, realm: Realm, jane: Person):
    me = identity("7")
    async with runtime.write(factories.roster_in(realm)) as tx:
        await identities.attach(tx, jane.id, me)
    await tie(runtime, jane)

    with pytest.raises(BankIdRequired):
        await external.sign_in(runtime, nobody(realm), me)


async def test_means_that_need_no_second_factor_work_on(runtime: Runtime, realm: Realm, jane: Person):
    draft = CredentialDraft(kind=Kind.DEVICE, secret="the secret of a telephone")
    await credentials.create(runtime, factories.roster_in(realm), jane.id, draft)
    await tie(runtime, jane)

    done = await login.password(runtime, nobody(realm), jane.username, "the secret of a telephone")

    assert isinstance(done, Granted)


async def test_a_proved_number_opens_the_account(runtime: Runtime, realm: Realm, jane: Person):
    await tie(runtime, jane)

    async with runtime.write(nobody(realm)) as tx:
        granted = await identified.sign_in(tx, NUMBER, "bankid")

    assert (granted.user.id, granted.session.factors) == (jane.id, ("bankid",))


async def test_untied_the_password_will_do_again(runtime: Runtime, realm: Realm, jane: Person):
    await tie(runtime, jane)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await bankid.unbind(tx, jane.id)
        await bankid.unbind(tx, jane.id)

    await people.sign_in(runtime, jane)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await users.get(tx, jane.id)).personal_number == "19900101-2385"


async def test_nobody_is_left_without_a_way_to_sign_in(runtime: Runtime, realm: Realm):
    person = Person(realm, await factories.a_person(runtime, realm, personal_number=NUMBER))
    await tie(runtime, person)

    with pytest.raises(LastWay):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await bankid.unbind(tx, person.id)


async def test_a_number_ties_one_person_only(runtime: Runtime, realm: Realm, jane: Person):
    twin = await people.a_member(runtime, realm)

    with pytest.raises(PersonalNumberTaken):
        await tie(runtime, twin, NUMBER)
    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await users.get(tx, twin.id)).personal_number is None


async def test_a_deleted_persons_number_is_free(runtime: Runtime, realm: Realm, jane: Person):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, jane.id)

    await tie(runtime, await people.a_member(runtime, realm), NUMBER)


async def test_a_tie_that_others_hold_is_not_taken_away(runtime: Runtime, realm: Realm, jane: Person):
    await tie(runtime, jane)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, jane.id, people.UserChange(personal_number=None))

    with pytest.raises(PersonalNumberTaken):
        await tie(runtime, await people.a_member(runtime, realm), NUMBER)


@pytest.mark.parametrize(
    "number", ["", "12", "9001012385", "199001012386", "199013012384", "19900101238x", "\uff11" * 12]
)
async def test_numbers_are_checked(runtime: Runtime, realm: Realm, number: str):
    with pytest.raises(InvalidInput):
        await tie(runtime, await people.a_member(runtime, realm), number)


@pytest.mark.parametrize("number", ["19850615-2399", "198506752396"])
async def test_numbers_with_a_hyphen_and_of_coordination_are_fine(runtime: Runtime, realm: Realm, number: str):
    person = await people.a_member(runtime, realm)

    await tie(runtime, person, number)

    async with runtime.read(factories.roster_in(realm)) as tx:
        assert (await users.get(tx, person.id)).personal_number == number.replace("-", "")


async def test_nobody_ties_their_own_account_without_proof(runtime: Runtime, realm: Realm, jane: Person):
    actor = await people.signed_in(runtime, jane)

    for named in (None, NUMBER, OTHER):
        with pytest.raises(InvalidInput):
            async with runtime.write(actor) as tx:
                await identified.activate(tx, jane.id, number=named)


async def test_having_signed_in_with_bankid_is_proof(runtime: Runtime, realm: Realm, jane: Person):
    async with runtime.write(nobody(realm)) as tx:
        granted = await identified.sign_in(tx, NUMBER, "bankid")
    actor = await people.actor_of(runtime, jane, granted.access_token)

    async with runtime.write(actor) as tx:
        await identified.activate(tx, jane.id)
        assert await bankid.is_bound(tx, jane.id)


async def test_a_session_that_was_left_open_ties_nothing_when_asked_to_be_recent(
    runtime: Runtime, realm: Realm, jane: Person
):
    async with runtime.write(nobody(realm)) as tx:
        granted = await identified.sign_in(tx, NUMBER, "bankid")
    await people.execute(
        runtime, "UPDATE sessions SET authenticated_at = now() - interval '1 day' WHERE realm_id = $1", realm.id
    )
    stale = await people.actor_of(runtime, jane, granted.access_token)

    with pytest.raises(StepUpRequired):
        async with runtime.write(stale) as tx:
            await identified.activate(tx, jane.id)
    with pytest.raises(StepUpRequired):
        async with runtime.write(stale) as tx:
            await bankid.unbind(tx, jane.id)


async def test_others_are_tied_and_untied_with_permission_only(runtime: Runtime, realm: Realm, jane: Person):
    await factories.a_role(runtime, realm, "reader", "users.read", "users.write")
    colleague = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("reader",)))

    with pytest.raises(Forbidden):
        async with runtime.write(colleague) as tx:
            await identified.activate(tx, jane.id, number=NUMBER)
    with pytest.raises(Forbidden):
        async with runtime.write(colleague) as tx:
            await bankid.unbind(tx, jane.id)


async def test_nobody_ties_their_betters(runtime: Runtime, realm: Realm):
    await factories.a_role(runtime, realm, "support", "users.read", "credentials.write")
    support = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("support",)))
    admin = await people.a_member(runtime, realm, roles=("admin",))

    with pytest.raises(Escalation):
        async with runtime.write(support) as tx:
            await identified.activate(tx, admin.id, number=NUMBER)


async def test_unknown_people_are_not_tied(runtime: Runtime, realm: Realm, jane: Person):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, jane.id)

    with pytest.raises(UserNotFound):
        await tie(runtime, jane)
