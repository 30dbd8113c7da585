"""Addresses that are compared as one may be two people's mailboxes: only letter case makes no other mailbox."""

import pytest

from roster.core.flows import addresses, external
from roster.core.flows.errors import LinkRequired
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.core.users.models import UserChange
from roster.kit.errors import InvalidToken, StepUpRequired
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.transfer.moving import bring, ndjson, who

MINE, ANOTHERS = "jo@fass.de", "jo@faß.de"
LINK = "/recover?user={user_id}&token={token}"


@pytest.fixture
async def person(runtime: Runtime, realm: Realm) -> Person:
    """Somebody whose address is verified."""
    return await people.a_member(runtime, realm, username="jo", email=MINE, email_verified=True)


async def change(runtime: Runtime, person: Person, email: str, *, recent: bool = True) -> None:
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        now = tx.now
    known = {"authenticated_at": now, "factors": ("password",)} if recent else {}
    actor = await factories.acting_as(runtime, person.realm, person.user, session_id=person.id, **known)
    async with runtime.write(actor) as tx:
        await users.change(tx, person.id, UserChange(email=email))


async def test_another_mailbox_takes_a_recent_sign_in(runtime: Runtime, person: Person):
    with pytest.raises(StepUpRequired):
        await change(runtime, person, ANOTHERS, recent=False)
    await change(runtime, person, MINE.upper(), recent=False)


async def test_another_mailbox_is_not_verified_and_the_old_one_is_told(runtime: Runtime, realm: Realm, person: Person):
    await change(runtime, person, ANOTHERS)

    after = await who(runtime, realm, "jo")
    assert (after.email, after.email_verified_at) == (ANOTHERS, None)
    assert [to for to, _ in await people.links(runtime, realm, "email_changed")] == [MINE]
    with pytest.raises(LinkRequired):
        await external.sign_in(runtime, people.nobody(realm), people.identity(email=ANOTHERS, email_verified=True))


async def test_other_letter_case_is_the_same_mailbox(runtime: Runtime, realm: Realm, person: Person):
    await change(runtime, person, "Jo@Fass.de")
    assert (await who(runtime, realm, "jo")).email_verified_at is not None


@pytest.mark.parametrize("purpose", ["verify_email", "recover_password"])
async def test_a_token_proves_the_mailbox_that_it_was_sent_to(
    runtime: Runtime, realm: Realm, person: Person, purpose: str
):
    roster = factories.roster_in(realm)
    if purpose == "verify_email":
        await recovery.request_verification(runtime, roster, person.id, LINK)
    else:
        await recovery.request(runtime, people.nobody(realm), "jo", LINK)
    token = await people.mailed_token(runtime, realm, purpose)
    await change(runtime, person, ANOTHERS)

    async with runtime.read(roster) as tx:
        assert not await recovery.is_open(tx, token)
    with pytest.raises(InvalidToken):
        await recovery.verify_email(runtime, people.nobody(realm), token)


async def test_one_may_wish_for_another_mailbox_that_is_compared_as_the_same(
    runtime: Runtime, realm: Realm, person: Person
):
    wish = await addresses.request(runtime, factories.roster_in(realm), person.id, ANOTHERS, LINK)
    assert wish.email == ANOTHERS


async def test_an_import_does_not_verify_another_mailbox(runtime: Runtime, realm: Realm, person: Person):
    await bring(runtime, realm, ndjson({"username": person.username, "email": ANOTHERS}))

    after = await who(runtime, realm, "jo")
    assert (after.email, after.email_verified_at) == (ANOTHERS, None)
