"""Orders at electronic identifications: who is signed in, who is not, and that nothing is handed over twice."""

import asyncio
import hmac
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roster.core.flows import identified, upkeep
from roster.core.mfa.errors import PersonalNumberTaken
from roster.core.orders import service as kept
from roster.core.orders.errors import OrderFailed, OrderNotFound
from roster.core.realms.models import Realm
from roster.core.tokens import service as tokens
from roster.core.users import service as users
from roster.core.users.errors import UserNotFound
from roster.federation import orders
from roster.federation.errors import ProviderSilent, UnknownProvider
from roster.federation.orders import Answered, Pending, Started
from roster.kit import clock
from roster.kit.actor import EVERYTHING, Actor, Kind, Origin
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput, StepUpRequired, TooMany, Unauthenticated
from roster.settings import BankId
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person, nobody
from tests.federation import identification
from tests.federation.identification import NUMBER, BankIdService, FrejaService, asking

OTHER = "198506152399"


@pytest.fixture
def bankid(runtime: Runtime, tmp_path: Path) -> Iterator[BankIdService]:
    """BankID on this machine, which the installation asks."""
    with identification.bankid(tmp_path) as service, asking(runtime, bankid=service.settings):
        yield service


@pytest.fixture
def freja(runtime: Runtime, tmp_path: Path) -> Iterator[FrejaService]:
    """The same for Freja."""
    with identification.freja(tmp_path) as service, asking(runtime, freja=service.settings):
        yield service


@pytest.fixture
async def jane(runtime: Runtime, realm: Realm) -> Person:
    """Whom the number means."""
    return await people.a_member(runtime, realm, personal_number="19900101-2385")


def program(realm: Realm) -> Actor:
    """One of our own services."""
    origin = Origin(dialect="test")
    return Actor(Kind.SERVICE, realm.id, realm.slug, origin, name="bus", grants=EVERYTHING)


async def ask(
    runtime: Runtime, actor: Actor, started: Started, provider: Any = "bankid", *, proof: str | None = None
) -> Pending | Answered:
    """Collect, as if the provider had not been asked for a while."""
    await people.execute(
        runtime, "UPDATE orders SET asked_at = now() - interval '5 s' WHERE realm_id = $1", actor.realm_id
    )
    return await orders.collect(runtime, actor, provider, started.reference, proof=proof or started.proof)


async def answered(runtime: Runtime, actor: Actor, started: Started, provider: Any = "bankid") -> Answered:
    """Collect, and insist that it is complete."""
    found = await ask(runtime, actor, started, provider)
    assert isinstance(found, Answered)
    return found


# signing in


async def test_whoever_answers_is_signed_in(runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor, return_url="https://example.org/")
    assert next(iter(bankid.orders.values()))["wanted"] == {
        "endUserIp": actor.origin.address,
        "returnUrl": "https://example.org/",
    }
    assert isinstance(await ask(runtime, actor, started), Pending)

    bankid.completes()
    done = await answered(runtime, actor, started)

    assert done.granted is not None
    assert done.granted.user.id == jane.id
    assert done.granted.session.factors == ("bankid",)
    assert done.brought["user"] == {"personalNumber": NUMBER, **identification.NAMES}
    signed_in = await people.actor_of(runtime, jane, done.granted.access_token)
    assert signed_in.user_id == jane.id


async def test_the_reference_given_out_is_not_the_providers(runtime: Runtime, realm: Realm, bankid: BankIdService):
    started = await orders.log_in_with_bankid(runtime, nobody(realm))

    assert started.reference not in bankid.orders


async def test_the_code_moves_and_its_secret_stays_here(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    _, token, seconds, proof = started.code.split(".")
    assert seconds == "0"
    sealed = await people.value(runtime, "SELECT sealed FROM orders WHERE realm_id = $1", realm.id)
    assert isinstance(sealed, bytes)
    assert token.encode() not in sealed

    await people.execute(
        runtime, "UPDATE orders SET started_at = started_at - interval '7 s' WHERE realm_id = $1", realm.id
    )
    found = await ask(runtime, actor, started)

    assert isinstance(found, Pending)
    assert found.code.startswith(f"bankid.{token}.7.")
    assert not hmac.compare_digest(found.code.rpartition(".")[2], proof)
    assert len(found.code.rpartition(".")[2]) == sha256().digest_size * 2


@pytest.mark.parametrize("hint", ["outstandingTransaction", "noClient", "started", "userSign", "processing"])
async def test_a_pending_order_says_how_it_goes_on(runtime: Runtime, realm: Realm, bankid: BankIdService, hint: str):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.goes_on(hint)

    found = await ask(runtime, actor, started)

    assert isinstance(found, Pending)
    assert found.hint == hint


async def test_a_failed_order_stays_failed(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.goes_on("userCancel", "failed")

    for _ in range(2):
        with pytest.raises(OrderFailed) as refused:
            await ask(runtime, actor, started)
        assert refused.value.hint == "userCancel"
    assert len(bankid.collected) == 1


async def test_an_order_that_the_provider_has_forgotten_has_expired(
    runtime: Runtime, realm: Realm, bankid: BankIdService
):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.orders.clear()

    with pytest.raises(OrderFailed) as refused:
        await ask(runtime, actor, started)
    assert refused.value.hint == "expiredTransaction"


async def test_however_many_ask_the_provider_is_asked_once(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)

    found = await asyncio.gather(
        *(orders.collect(runtime, actor, "bankid", started.reference, proof=started.proof) for _ in range(20))
    )

    assert all(isinstance(each, Pending) for each in found)
    assert len(bankid.collected) == 1


async def test_an_order_signs_in_once(runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()
    await answered(runtime, actor, started)

    with pytest.raises(OrderNotFound):
        await ask(runtime, actor, started)
    assert len(bankid.collected) == 1


async def test_of_many_who_ask_at_once_one_is_signed_in(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()

    found = await asyncio.gather(*(ask(runtime, actor, started) for _ in range(8)), return_exceptions=True)

    assert len([each for each in found if isinstance(each, Answered)]) == 1
    sessions = await people.value(runtime, "SELECT count(*) FROM sessions WHERE realm_id = $1", realm.id)
    assert sessions == 1


async def test_nobody_else_can_collect_it(runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()
    stranger = await people.signed_in(runtime, await people.a_member(runtime, realm))
    bare = msgspec.structs.replace(started, proof=None)

    for who, wrong in [(nobody(realm), None), (nobody(realm), "guessed"), (stranger, None), (program(realm), None)]:
        with pytest.raises(OrderNotFound):
            await ask(runtime, who, bare, proof=wrong)
    assert bankid.collected == []
    assert (await answered(runtime, actor, started)).granted is not None


async def test_what_one_session_began_another_of_the_same_person_cannot_collect(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    first, second = await people.signed_in(runtime, jane), await people.signed_in(runtime, jane)
    started = await orders.log_in_with_bankid(runtime, first, address="192.0.2.7")
    assert started.proof is None

    with pytest.raises(OrderNotFound):
        await ask(runtime, second, started)


async def test_an_order_of_another_realm_or_provider_does_not_exist(
    runtime: Runtime, realm: Realm, bankid: BankIdService, freja: FrejaService
):
    started = await orders.log_in_with_bankid(runtime, nobody(realm))
    elsewhere = nobody(await factories.a_realm(runtime))

    with pytest.raises(OrderNotFound):
        await ask(runtime, elsewhere, started)
    with pytest.raises(OrderNotFound):
        await ask(runtime, nobody(realm), started, "freja")


async def test_an_order_is_kept_for_ten_minutes(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    await people.execute(runtime, "UPDATE orders SET expires_at = started_at WHERE realm_id = $1", realm.id)

    with pytest.raises(OrderNotFound):
        await ask(runtime, actor, started)
    await upkeep.sweep_orders(runtime)
    assert await people.value(runtime, "SELECT count(*) FROM orders WHERE realm_id = $1", realm.id) == 0


async def test_a_number_that_nobody_has_signs_nobody_in(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()

    with pytest.raises(UserNotFound):
        await ask(runtime, actor, started)
    with pytest.raises(OrderNotFound):
        await ask(runtime, actor, started)


async def test_a_number_that_two_people_have_signs_nobody_in(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    await people.a_member(runtime, realm, personal_number=NUMBER)
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()

    with pytest.raises(UserNotFound):
        await ask(runtime, actor, started)


async def test_of_two_people_the_one_who_is_tied_to_the_number_is_meant(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await identified.activate(tx, jane.id)
    await people.a_member(runtime, realm, personal_number=NUMBER)
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()

    done = await answered(runtime, actor, started)

    assert done.granted is not None
    assert done.granted.user.id == jane.id


@pytest.mark.parametrize("status", ["disabled", "pending"])
async def test_people_who_may_not_sign_in_are_not(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person, status: str
):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, jane.id, people.status(status))
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()

    with pytest.raises(BadCredentials):
        await ask(runtime, actor, started)


async def test_deleted_people_are_nobody(runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, jane.id)
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()

    with pytest.raises(UserNotFound):
        await ask(runtime, actor, started)


async def test_a_provider_that_is_silent_for_a_moment_costs_no_order(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    works = bankid.there.answers["/rp/v6.0/collect"]
    bankid.refuses("collect", 503, "Maintenance")

    with pytest.raises(ProviderSilent):
        await ask(runtime, actor, started)
    assert isinstance(await orders.collect(runtime, actor, "bankid", started.reference, proof=started.proof), Pending)

    bankid.there.answers["/rp/v6.0/collect"] = works
    bankid.completes()
    assert (await answered(runtime, actor, started)).granted is not None


async def test_an_order_that_was_never_begun_leaves_nothing(runtime: Runtime, realm: Realm, bankid: BankIdService):
    bankid.refuses("auth", 500, "internalError")

    with pytest.raises(ProviderSilent):
        await orders.log_in_with_bankid(runtime, nobody(realm))
    assert await people.value(runtime, "SELECT count(*) FROM orders WHERE realm_id = $1", realm.id) == 0


async def test_nobody_begins_orders_without_end(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm, "192.0.2.99")
    for _ in range(kept.STARTS.count):
        async with runtime.read(actor) as tx:
            await kept.spend_start(tx)

    with pytest.raises(TooMany):
        await orders.log_in_with_bankid(runtime, actor)
    assert bankid.orders == {}


async def test_nobody_guesses_references_without_end(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm, "192.0.2.98")
    started = Started("no such order", None, "", "")
    for _ in range(kept.MISSES.count):
        with pytest.raises(OrderNotFound):
            await orders.collect(runtime, actor, "bankid", started.reference)

    with pytest.raises(TooMany):
        await orders.collect(runtime, actor, "bankid", started.reference)


async def test_an_order_can_be_called_off_by_whoever_began_it(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)

    with pytest.raises(OrderNotFound):
        await orders.cancel(runtime, nobody(realm), "bankid", started.reference)
    await orders.cancel(runtime, actor, "bankid", started.reference, started.proof)

    assert bankid.orders == {}
    with pytest.raises(OrderFailed):
        await ask(runtime, actor, started)
    with pytest.raises(OrderNotFound):
        await orders.cancel(runtime, actor, "bankid", started.reference, started.proof)


async def test_without_certificates_there_are_no_orders(runtime: Runtime, realm: Realm):
    actor = nobody(realm)

    for refused in (
        orders.log_in_with_bankid(runtime, actor),
        orders.sign_with_bankid(runtime, actor, "Text"),
        orders.log_in_with_freja(runtime, actor),
        orders.collect(runtime, actor, "bankid", "any"),
    ):
        with pytest.raises(UnknownProvider):
            await refused


# programs


async def test_a_program_learns_who_it_was_and_opens_no_session(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    started = await orders.log_in_with_bankid(runtime, program(realm), address="198.51.100.4")
    assert next(iter(bankid.orders.values()))["wanted"]["endUserIp"] == "198.51.100.4"
    bankid.completes(OTHER)

    done = await answered(runtime, program(realm), started)

    assert done.granted is None
    assert done.brought["user"] == {"personalNumber": OTHER, **identification.NAMES}


async def test_a_program_says_where_the_person_comes_from(runtime: Runtime, realm: Realm, bankid: BankIdService):
    with pytest.raises(InvalidInput):
        await orders.log_in_with_bankid(runtime, program(realm))


async def test_where_numbers_open_accounts_changing_one_takes_what_a_password_takes(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    await factories.a_role(runtime, realm, "clerk", "users.read", "users.write")
    await factories.a_role(runtime, realm, "trusted", "users.read", "users.write", "credentials.write")
    clerk = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("clerk",)))
    trusted = await people.signed_in(runtime, await people.a_member(runtime, realm, roles=("trusted",)))
    change = people.UserChange(personal_number=OTHER)

    with pytest.raises(Forbidden):
        async with runtime.write(clerk) as tx:
            await users.change(tx, jane.id, change)
    async with runtime.write(trusted) as tx:
        await users.change(tx, jane.id, change)
    with asking(runtime, bankid=BankId()):
        async with runtime.write(clerk) as tx:
            await users.change(tx, jane.id, people.UserChange(personal_number=NUMBER))


# signing


async def test_a_person_signs_what_they_see(runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person):
    actor = await people.signed_in(runtime, jane)
    started = await orders.sign_with_bankid(runtime, actor, "I agree.", address="192.0.2.7")
    assert next(iter(bankid.orders.values()))["wanted"]["requirement"] == {"personalNumber": NUMBER}
    bankid.completes()

    done = await answered(runtime, actor, started)

    assert done.granted is None
    assert done.brought["signature"] == "c2lnbmF0dXJl"


async def test_what_somebody_else_has_signed_is_not_handed_over(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = await people.signed_in(runtime, jane)
    started = await orders.sign_with_bankid(runtime, actor, "I agree.", address="192.0.2.7")
    bankid.completes(OTHER)

    with pytest.raises(OrderFailed) as refused:
        await ask(runtime, actor, started)
    assert refused.value.hint == "anotherSigner"


async def test_signing_takes_a_person_whose_number_is_known(runtime: Runtime, realm: Realm, bankid: BankIdService):
    unknown = await people.signed_in(runtime, await people.a_member(runtime, realm))

    with pytest.raises(Unauthenticated):
        await orders.sign_with_bankid(runtime, nobody(realm), "I agree.")
    with pytest.raises(InvalidInput):
        await orders.sign_with_bankid(runtime, unknown, "I agree.", address="192.0.2.7")


@pytest.mark.parametrize("text", ["", "x" * 30_001, "å" * 15_001])
async def test_texts_that_bankid_would_not_take_are_refused(
    runtime: Runtime, realm: Realm, bankid: BankIdService, text: str
):
    with pytest.raises(InvalidInput):
        await orders.sign_with_bankid(runtime, program(realm), text, address="192.0.2.7")
    assert bankid.there.asked == []


# tying an account to BankID


async def bind(runtime: Runtime, actor: Actor, started: Started, **more: Any) -> None:
    assert actor.user_id is not None
    async with runtime.write(actor) as tx:
        await identified.activate(tx, actor.user_id, reference=started.reference, **more)


async def test_a_finished_order_ties_a_number_to_ones_own_account_once(
    runtime: Runtime, realm: Realm, bankid: BankIdService
):
    person = await people.a_member(runtime, realm)
    actor = await people.signed_in(runtime, person)
    started = await orders.log_in_with_bankid(runtime, actor, address="192.0.2.7")
    with pytest.raises(OrderNotFound):
        await bind(runtime, actor, started)
    bankid.completes()
    assert (await answered(runtime, actor, started)).granted is None

    await bind(runtime, actor, started)

    async with runtime.read(actor) as tx:
        assert (await users.get(tx, person.id)).personal_number == NUMBER
    with pytest.raises(OrderNotFound):
        await bind(runtime, actor, started)


async def test_an_order_that_signed_somebody_in_ties_their_account(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    anybody = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, anybody)
    bankid.completes()
    done = await answered(runtime, anybody, started)
    assert done.granted is not None
    actor = await people.actor_of(runtime, jane, done.granted.access_token)

    await bind(runtime, actor, started)


async def test_an_order_of_another_session_ties_nothing(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    first, second = await people.signed_in(runtime, jane), await people.signed_in(runtime, jane)
    started = await orders.log_in_with_bankid(runtime, first, address="192.0.2.7")
    bankid.completes(OTHER)
    await answered(runtime, first, started)

    with pytest.raises(OrderNotFound):
        await bind(runtime, second, started)


async def test_a_number_of_somebody_else_ties_nothing(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    person = await people.a_member(runtime, realm)
    actor = await people.signed_in(runtime, person)
    started = await orders.log_in_with_bankid(runtime, actor, address="192.0.2.7")
    bankid.completes(OTHER)
    await answered(runtime, actor, started)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, jane.id, people.UserChange(personal_number=OTHER))

    with pytest.raises(PersonalNumberTaken):
        await bind(runtime, actor, started)


async def test_whoever_answers_with_somebody_elses_number_is_signed_in_as_them(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = await people.signed_in(runtime, await people.a_member(runtime, realm))
    started = await orders.log_in_with_bankid(runtime, actor, address="192.0.2.7")
    bankid.completes()

    done = await answered(runtime, actor, started)

    assert done.granted is not None
    assert done.granted.user.id == jane.id
    with pytest.raises(OrderNotFound):
        await bind(runtime, actor, started)


async def test_a_finished_order_for_the_known_number_is_as_good_as_signing_in_again(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = await people.signed_in(runtime, jane)
    started = await orders.log_in_with_bankid(runtime, actor, address="192.0.2.7")
    bankid.completes()
    done = await answered(runtime, actor, started)
    assert done.granted is not None
    await people.execute(
        runtime, "UPDATE sessions SET authenticated_at = now() - interval '1 day' WHERE realm_id = $1", realm.id
    )
    stale = await people.actor_of(runtime, jane, done.granted.access_token)

    await bind(runtime, stale, started)


async def test_a_number_that_is_new_here_takes_a_recent_sign_in(runtime: Runtime, realm: Realm, bankid: BankIdService):
    person = await people.a_member(runtime, realm)
    actor = await people.signed_in(runtime, person)
    started = await orders.log_in_with_bankid(runtime, actor, address="192.0.2.7")
    bankid.completes()
    await answered(runtime, actor, started)
    stale = msgspec.structs.replace(actor, authenticated_at=clock.now() - timedelta(days=1))

    with pytest.raises(StepUpRequired):
        await bind(runtime, stale, started)


async def test_what_was_signed_ties_nothing(runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person):
    actor = await people.signed_in(runtime, jane)
    started = await orders.sign_with_bankid(runtime, actor, "I agree.", address="192.0.2.7")
    bankid.completes()
    await answered(runtime, actor, started)

    with pytest.raises(OrderNotFound):
        await bind(runtime, actor, started)


async def test_a_number_that_is_not_that_of_the_order_is_refused(runtime: Runtime, realm: Realm, bankid: BankIdService):
    actor = await people.signed_in(runtime, await people.a_member(runtime, realm))
    started = await orders.log_in_with_bankid(runtime, actor, address="192.0.2.7")
    bankid.completes()
    await answered(runtime, actor, started)

    with pytest.raises(InvalidInput):
        await bind(runtime, actor, started, number=OTHER)


# Freja


async def test_freja_signs_in_whom_it_has_signed_for(runtime: Runtime, realm: Realm, freja: FrejaService, jane: Person):
    actor = nobody(realm)
    started = await orders.log_in_with_freja(runtime, actor)
    assert started.code == started.start
    assert started.code.endswith(next(iter(freja.orders)))
    freja.goes_on("DELIVERED_TO_MOBILE")
    pending = await ask(runtime, actor, started, "freja")
    assert isinstance(pending, Pending)
    assert pending.hint == "DELIVERED_TO_MOBILE"
    freja.approves()

    done = await answered(runtime, actor, started, "freja")

    assert done.granted is not None
    assert done.granted.session.factors == ("freja",)
    assert done.granted.user.id == jane.id
    with pytest.raises(OrderNotFound):
        await ask(runtime, actor, started, "freja")


@pytest.mark.parametrize("status", ["CANCELED", "REJECTED", "EXPIRED", "RP_CANCELED"])
async def test_an_order_at_freja_fails(runtime: Runtime, realm: Realm, freja: FrejaService, status: str):
    actor = nobody(realm)
    started = await orders.log_in_with_freja(runtime, actor)
    freja.goes_on(status)

    with pytest.raises(OrderFailed) as refused:
        await ask(runtime, actor, started, "freja")
    assert refused.value.hint == status


async def test_people_with_a_number_of_another_country_are_not_signed_in(
    runtime: Runtime, realm: Realm, freja: FrejaService, jane: Person
):
    await people.a_member(runtime, realm, personal_number="-")
    actor = nobody(realm)
    started = await orders.log_in_with_freja(runtime, actor)
    freja.approves(NUMBER, "NO")

    with pytest.raises(UserNotFound):
        await ask(runtime, actor, started, "freja")


async def test_freja_is_asked_for_a_person_by_what_is_known_of_them(
    runtime: Runtime, realm: Realm, freja: FrejaService
):
    person = await people.a_member(runtime, realm, email="jo@example.org")
    actor = await people.signed_in(runtime, person)

    await orders.log_in_with_freja(runtime, actor, "EMAIL")

    assert next(iter(freja.orders.values()))["wanted"]["userInfo"] == "jo@example.org"
    with pytest.raises(InvalidInput):
        await orders.log_in_with_freja(runtime, actor, "PHONE")
    with pytest.raises(Unauthenticated):
        await orders.log_in_with_freja(runtime, nobody(realm), "EMAIL")


async def test_a_session_opened_by_bankid_is_checked_like_every_other(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    bankid.completes()
    done = await answered(runtime, actor, started)
    assert done.granted is not None
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.change(tx, jane.id, people.status("disabled"))

    with pytest.raises(Unauthenticated):
        async with runtime.lease() as tx:
            await tokens.authenticate(tx, realm.slug, done.granted.access_token, Origin(dialect="test"))


async def test_a_slow_answer_is_waited_for_before_the_provider_is_asked_again(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = nobody(realm)
    started = await orders.log_in_with_bankid(runtime, actor)
    async with runtime.read(actor) as tx:
        order = await kept.find(tx, "bankid", started.reference, started.proof)
        assert await kept.claim(tx, order.id)

    assert isinstance(await ask(runtime, actor, started), Pending)
    assert bankid.collected == []
    await people.execute(runtime, "UPDATE orders SET asked_at = now() - interval '20 s' WHERE realm_id = $1", realm.id)
    await orders.collect(runtime, actor, "bankid", started.reference, proof=started.proof)
    assert len(bankid.collected) == 1


async def test_orders_that_are_answered_are_no_flood(
    runtime: Runtime, realm: Realm, bankid: BankIdService, jane: Person
):
    actor = nobody(realm, "192.0.2.97")
    async with runtime.read(actor) as tx:
        for _ in range(kept.STARTS.count - 1):
            await kept.spend_start(tx)

    for _ in range(3):
        started = await orders.log_in_with_bankid(runtime, actor)
        bankid.completes()
        await answered(runtime, actor, started)

    await orders.log_in_with_bankid(runtime, actor)
    with pytest.raises(TooMany):
        await orders.log_in_with_bankid(runtime, actor)
