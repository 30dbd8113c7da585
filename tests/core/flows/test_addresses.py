"""Another e-mail address: asked for, confirmed, dropped; the old one stays valid until then."""

import asyncio

import pytest

from roster.core.flows import addresses, login, passwords
from roster.core.flows.errors import CodeRequired, NoEmailChange
from roster.core.flows.models import EmailChange, Granted
from roster.core.mfa.errors import WrongCode
from roster.core.realms.models import Realm
from roster.core.recovery import service as recovery
from roster.core.users import service as users
from roster.core.users.errors import EmailTaken
from roster.core.users.models import User, UserChange
from roster.kit.actor import Actor
from roster.kit.errors import Forbidden, InvalidInput, InvalidToken, NotFound, StepUpRequired, TooMany
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import PASSWORD, Person, nobody

LINK = "/confirm?token={token}"
OLD, NEW = "Jo@example.org", "jo@new.example"


@pytest.fixture
async def mailed(runtime: Runtime, realm: Realm) -> Person:
    """A person whose address is verified."""
    return await people.a_member(runtime, realm, email=OLD, email_verified=True, locale="de")


async def ask(runtime: Runtime, person: Person, email: str = NEW, actor: Actor | None = None) -> str:
    actor = actor or await people.signed_in(runtime, person)
    await addresses.request(runtime, actor, person.id, email, LINK)
    return await people.mailed_token(runtime, person.realm, "change_email")


async def stored(runtime: Runtime, person: Person) -> User:
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        return await users.get(tx, person.id)


async def state(runtime: Runtime, actor: Actor, person: Person) -> EmailChange:
    async with runtime.read(actor) as tx:
        return await addresses.state(tx, person.id)


async def test_the_old_address_stays_until_the_new_one_is_confirmed(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    token = await ask(runtime, mailed, actor=actor)

    assert (await stored(runtime, mailed)).email == OLD
    assert (await state(runtime, actor, mailed)).email == NEW
    [(recipient, _)] = await people.links(runtime, mailed.realm, "change_email")
    assert recipient == NEW
    assert await people.links(runtime, mailed.realm, "email_changed") == []

    await addresses.confirm(runtime, nobody(mailed.realm), token)

    after = await stored(runtime, mailed)
    assert (after.email, after.email_verified_at is not None) == (NEW, True)
    [(told, _)] = await people.links(runtime, mailed.realm, "email_changed")
    assert told == OLD
    with pytest.raises(NoEmailChange):
        await state(runtime, actor, mailed)
    assert isinstance(await login.password(runtime, nobody(mailed.realm), NEW, PASSWORD), Granted)


async def test_a_token_works_once_also_in_parallel(runtime: Runtime, mailed: Person):
    token = await ask(runtime, mailed)

    outcomes = await asyncio.gather(
        *(addresses.confirm(runtime, nobody(mailed.realm), token) for _ in range(6)), return_exceptions=True
    )

    assert [type(each) for each in outcomes].count(User) == 1
    assert {type(each) for each in outcomes} == {User, InvalidToken}
    with pytest.raises(InvalidToken):
        await addresses.confirm(runtime, nobody(mailed.realm), token)


async def test_a_second_wish_replaces_the_first(runtime: Runtime, mailed: Person):
    first = await ask(runtime, mailed)
    second = await ask(runtime, mailed, "other@new.example")

    with pytest.raises(InvalidToken):
        await addresses.confirm(runtime, nobody(mailed.realm), first)
    await addresses.confirm(runtime, nobody(mailed.realm), second)

    assert (await stored(runtime, mailed)).email == "other@new.example"


async def test_of_two_wishes_at_once_one_counts(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    names = [f"p{number}@new.example" for number in range(4)]
    await asyncio.gather(*(addresses.request(runtime, actor, mailed.id, name, LINK) for name in names))
    last = (await state(runtime, actor, mailed)).email

    mailed_links = await people.links(runtime, mailed.realm, "change_email")
    for _, values in (*mailed_links, *reversed(mailed_links)):
        try:
            await addresses.confirm(runtime, nobody(mailed.realm), str(values["link"]).rpartition("token=")[2])
        except InvalidToken:
            continue

    assert (await stored(runtime, mailed)).email == last


async def test_a_dropped_wish_cannot_be_confirmed(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    token = await ask(runtime, mailed, actor=actor)
    async with runtime.write(actor) as tx:
        await addresses.abort(tx, mailed.id)

    with pytest.raises(InvalidToken):
        await addresses.confirm(runtime, nobody(mailed.realm), token)
    with pytest.raises(NoEmailChange):
        async with runtime.write(actor) as tx:
            await addresses.abort(tx, mailed.id)


async def test_nobody_is_told_that_an_address_is_taken_before_they_read_its_mail(runtime: Runtime, mailed: Person):
    await people.a_member(runtime, mailed.realm, email="taken@example.org")
    actor = await people.signed_in(runtime, mailed)
    await ask(runtime, mailed, "first@example.org", actor)
    with people.counting() as for_taken:
        taken = await addresses.request(runtime, actor, mailed.id, "taken@example.org", LINK)
    token = await people.mailed_token(runtime, mailed.realm, "change_email")
    with people.counting() as for_free:
        free = await addresses.request(runtime, actor, mailed.id, "free@example.org", LINK)

    assert for_taken == for_free
    assert type(taken) is type(free)
    with pytest.raises(InvalidToken):
        await addresses.confirm(runtime, nobody(mailed.realm), token)
    again = await ask(runtime, mailed, "TAKEN@example.org", actor)
    with pytest.raises(EmailTaken):
        await addresses.confirm(runtime, nobody(mailed.realm), again)
    assert (await stored(runtime, mailed)).email == OLD


async def test_a_name_that_is_the_address_goes_with_it(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, username="jo@example.org")
    await addresses.confirm(runtime, nobody(realm), await ask(runtime, person))

    after = await stored(runtime, person)
    assert (after.username, after.email) == (NEW, NEW)


async def test_somebody_elses_name_that_is_the_address_counts_as_taken(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, username="jo@example.org")
    token = await ask(runtime, person)
    await people.a_member(runtime, realm, username=NEW)

    with pytest.raises(EmailTaken):
        await addresses.confirm(runtime, nobody(realm), token)


async def test_an_address_that_cannot_be_a_name_leaves_one(runtime: Runtime, realm: Realm):
    person = await people.a_member(runtime, realm, username="jo@example.org")
    await addresses.confirm(runtime, nobody(realm), await ask(runtime, person, "a/b#c@example.org"))

    after = await stored(runtime, person)
    assert after.email == "a/b#c@example.org"
    assert after.username.startswith("abc-")


async def test_with_a_second_factor_a_code_is_asked_for_and_enough(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    seed, _ = await people.with_second_factor(runtime, mailed)
    await people.execute(
        runtime, "UPDATE sessions SET authenticated_at = now() - interval '30 days' WHERE user_id = $1", mailed.id
    )
    with pytest.raises(CodeRequired):
        await addresses.request(runtime, actor, mailed.id, NEW, LINK)
    with pytest.raises(WrongCode):
        await addresses.request(runtime, actor, mailed.id, NEW, LINK, code="000000")

    code = people.code_of(seed)
    await addresses.request(runtime, actor, mailed.id, NEW, LINK, code=code)

    with pytest.raises(WrongCode):
        await addresses.request(runtime, actor, mailed.id, NEW, LINK, code=code)


async def test_codes_are_guessed_a_few_times_only(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    await people.with_second_factor(runtime, mailed)

    outcomes: list[object] = await asyncio.gather(
        *(addresses.request(runtime, actor, mailed.id, NEW, LINK, code=f"{n:06}") for n in range(20)),
        return_exceptions=True,
    )

    assert {type(each) for each in outcomes} == {WrongCode, TooMany}
    assert [type(each) for each in outcomes].count(WrongCode) == 10


async def test_a_session_left_open_is_not_enough_but_the_password_is(runtime: Runtime, mailed: Person):
    actor = await people.actor_of(runtime, mailed, (await people.sign_in(runtime, mailed)).access_token)
    await people.execute(
        runtime, "UPDATE sessions SET authenticated_at = now() - interval '1 day' WHERE user_id = $1", mailed.id
    )
    stale = await people.actor_of(runtime, mailed, await people.access_token(runtime, mailed, actor.session_id))
    with pytest.raises(StepUpRequired):
        await addresses.request(runtime, stale, mailed.id, NEW, LINK)

    await addresses.request(runtime, stale, mailed.id, NEW, LINK, password=PASSWORD)


@pytest.mark.parametrize(
    "email",
    ["", "no address", "a@b@c", "jo@example.org\r\nBcc: x@example.org", "x" * 400 + "@example.org", OLD.lower()],
)
async def test_what_is_no_new_address_is_refused(runtime: Runtime, mailed: Person, email: str):
    with pytest.raises(InvalidInput):
        await ask(runtime, mailed, email)

    assert await people.links(runtime, mailed.realm, "change_email") == []


async def test_a_new_password_drops_the_wish(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    token = await ask(runtime, mailed, actor=actor)
    await passwords.set_password(runtime, actor, mailed.id, "another long secret", current=PASSWORD)

    with pytest.raises(InvalidToken):
        await addresses.confirm(runtime, nobody(mailed.realm), token)


@pytest.mark.parametrize("status", ["disabled", "deleted"])
async def test_people_who_are_shut_out_confirm_nothing(runtime: Runtime, mailed: Person, status: str):
    token = await ask(runtime, mailed)
    async with runtime.write(factories.roster_in(mailed.realm)) as tx:
        if status == "deleted":
            await users.delete(tx, mailed.id)
        else:
            await users.change(tx, mailed.id, people.status(status))

    with pytest.raises(InvalidToken):
        await addresses.confirm(runtime, nobody(mailed.realm), token)


async def test_tokens_are_for_their_realm_and_their_purpose(runtime: Runtime, mailed: Person, other_realm: Realm):
    token = await ask(runtime, mailed)
    async with runtime.write(factories.roster_in(mailed.realm)) as tx:
        await users.change(tx, mailed.id, UserChange(email_verified=False))
    await recovery.request_verification(runtime, factories.roster_in(mailed.realm), mailed.id, LINK)
    verification = await people.mailed_token(runtime, mailed.realm, "verify_email")

    for actor, text in (
        (nobody(other_realm), token),
        (nobody(mailed.realm), verification),
        (nobody(mailed.realm), "x"),
    ):
        with pytest.raises(InvalidToken):
            await addresses.confirm(runtime, actor, text)
    with pytest.raises(InvalidToken):
        await recovery.verify_email(runtime, nobody(mailed.realm), token)


async def test_others_ask_with_both_permissions_and_not_for_their_betters(runtime: Runtime, mailed: Person):
    await factories.a_role(runtime, mailed.realm, "writers", "users.write", "users.read")
    await factories.a_role(runtime, mailed.realm, "keepers", "users.write", "users.read", "credentials.write")
    writer = await people.a_member(runtime, mailed.realm, roles=("writers",))
    keeper = await people.a_member(runtime, mailed.realm, roles=("keepers",))
    admin = await people.a_member(runtime, mailed.realm, roles=("admin",))
    stranger = await people.a_member(runtime, mailed.realm)

    with pytest.raises(NotFound):
        await ask(runtime, mailed, actor=await people.signed_in(runtime, stranger))
    with pytest.raises(Forbidden):
        await ask(runtime, mailed, actor=await people.signed_in(runtime, writer))
    with pytest.raises(Forbidden):
        await ask(runtime, admin, actor=await people.signed_in(runtime, keeper))
    with pytest.raises(NotFound):
        await state(runtime, await people.signed_in(runtime, stranger), mailed)

    await ask(runtime, mailed, actor=await people.signed_in(runtime, keeper))
    assert (await state(runtime, await people.signed_in(runtime, writer), mailed)).email == NEW


async def test_messages_to_one_person_are_limited(runtime: Runtime, mailed: Person):
    actor = await people.signed_in(runtime, mailed)
    for number in range(5):
        await ask(runtime, mailed, f"p{number}@new.example", actor)

    with pytest.raises(TooMany):
        await ask(runtime, mailed, actor=actor)
