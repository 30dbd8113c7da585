"""The corpus of bad tokens against the one door for access tokens."""

import pytest

from roster.core.tokens import keys
from roster.core.tokens import service as tokens
from roster.kit.actor import Origin
from roster.kit.errors import InvalidToken
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.tokens.forging import Genuine, corpus


async def genuine(runtime: Runtime, person: Person) -> Genuine:
    granted = await people.sign_in(runtime, person)
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        return Genuine.of(granted.access_token, await keys.signing(tx))


async def test_every_bad_token_is_refused(runtime: Runtime, person: Person):
    good = await genuine(runtime, person)
    bad = corpus(good)
    taken: list[str] = []

    async with runtime.lease() as tx:
        for name, text in bad.items():
            try:
                await tokens.authenticate(tx, person.realm.slug, text, Origin())
                taken.append(name)
            except InvalidToken:
                continue

    assert taken == []
    assert len(bad) >= 60
    assert len(set(bad.values()) - {good.text}) == len(bad)


async def test_the_forge_can_make_a_good_token(runtime: Runtime, person: Person):
    """Otherwise the corpus would prove nothing."""
    good = await genuine(runtime, person)

    actor = await people.actor_of(runtime, person, good.signed(claims={"more": [1, 2, 3]}))

    assert actor.is_user(person.id)


async def test_a_token_is_refused_by_every_realm_but_its_own(runtime: Runtime, person: Person):
    granted = await people.sign_in(runtime, person)
    await people.actor_of(runtime, person, granted.access_token)
    other = await factories.a_realm(runtime)
    stranger = await people.a_member(runtime, other)
    await people.sign_in(runtime, stranger)

    for worker in (runtime, people.a_worker(runtime)):
        for slug in (other.slug, "no-such-realm", "", "\0", "\ud800", person.realm.slug.upper()):
            async with worker.lease() as tx:
                with pytest.raises(InvalidToken):
                    await tokens.authenticate(tx, slug, granted.access_token, Origin())
