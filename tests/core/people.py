"""What the tests of signing in need again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import msgspec
from pyotp.totp import TOTP

from roster.core.credentials import service as credentials
from roster.core.credentials.models import Identity
from roster.core.flows import login
from roster.core.flows.models import Granted, StepNeeded
from roster.core.messages import service as messages
from roster.core.mfa import service as mfa
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.tokens import service as tokens
from roster.core.users.models import User, UserChange
from roster.kit import clock, ids, secrets
from roster.kit.actor import Actor, Origin, anonymous
from roster.kit.ids import RealmId, SessionId, UserId
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories

PASSWORD = "a long enough secret"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$dGVzdHMtb25seS1zYWx0MQ$MzSM6y/3OUvJKT1GzVK5Hbppm9YEUikQUri6llggcXQ"
"""Of PASSWORD, so that making a person costs no hash."""
_COUNTING: ContextVar[bool] = ContextVar("counting", default=False)


class Person(msgspec.Struct, frozen=True):
    """Somebody in a realm, as the tests know them."""

    realm: Realm
    user: User

    @property
    def id(self) -> UserId:
        return self.user.id

    @property
    def username(self) -> str:
        return self.user.username


def nobody(realm: Realm, address: str = "") -> Actor:
    """A caller nobody knows yet; each from an address of its own unless one is given."""
    address = address or f"2001:db8:{ids.uuid7().hex[-8:-4]}:{ids.uuid7().hex[-4:]}::1"
    return anonymous(realm.id, realm.slug, Origin(dialect="test", address=address, user_agent="tests"))


def a_worker(runtime: Runtime) -> Runtime:
    """Another worker on the same database: same settings and key, a memory of its own."""
    return Runtime(runtime.settings, runtime.pool, runtime.keyring, runtime.workers)


async def a_member(
    runtime: Runtime, realm: Realm, *, username: str = "", roles: tuple[str, ...] = (), **known: object
) -> Person:
    """A person whose password is PASSWORD."""
    user = await factories.a_person(runtime, realm, username, roles=roles, **known)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await credentials.replace_password(tx, user.id, HASH)
    return Person(realm, user)


async def sign_in(runtime: Runtime, person: Person, secret: str = PASSWORD, *, code: str | None = None) -> Granted:
    """Sign in and insist on success."""
    done = await login.password(runtime, nobody(person.realm), person.username, secret, code=code)
    assert isinstance(done, Granted)
    return done


async def begin(runtime: Runtime, person: Person, secret: str = PASSWORD) -> StepNeeded:
    """Sign in and insist on being asked for a second factor."""
    done = await login.password(runtime, nobody(person.realm), person.username, secret)
    assert isinstance(done, StepNeeded)
    return done


async def actor_of(runtime: Runtime, person: Person, token: str) -> Actor:
    """Whoever a token stands for."""
    async with runtime.lease() as tx:
        return await tokens.authenticate(tx, person.realm.slug, token, Origin(dialect="test"))


async def signed_in(runtime: Runtime, person: Person) -> Actor:
    """The person as an actor after a real sign-in."""
    return await actor_of(runtime, person, (await sign_in(runtime, person)).access_token)


async def with_second_factor(runtime: Runtime, person: Person) -> tuple[str, list[str]]:
    """Turn MFA on; the seed and the backup codes. The code used for it is forgotten."""
    actor = factories.roster_in(person.realm)
    async with runtime.write(actor) as tx:
        enrolment = await mfa.enrol(tx, person.id)
    async with runtime.write(actor) as tx:
        activated = await mfa.activate(tx, person.id, enrolment.credential.id, code_of(enrolment.secret))
    await forget_codes(runtime, person)
    return enrolment.secret, activated.codes


def code_of(seed: str, steps: int = 0) -> str:
    """What an authenticator shows, so many steps from now."""
    generator = TOTP(seed)
    return generator.generate_otp(generator.timecode(clock.now()) + steps)


async def forget_codes(runtime: Runtime, person: Person) -> None:
    """As if the time of the codes used so far were long over."""
    await execute(
        runtime, "UPDATE credentials SET data = '{}' WHERE realm_id = $1 AND user_id = $2", person.realm.id, person.id
    )


async def execute(runtime: Runtime, sql: str, *values: object) -> None:
    """Change the database behind the back of the features."""
    async with runtime.lease() as tx:
        await tx.run(sql, *values)  # type: ignore[arg-type]


async def value(runtime: Runtime, sql: str, *values: object) -> object:
    """Look into the database behind the back of the features."""
    async with runtime.lease() as tx:
        return await tx.value(sql, *values)  # type: ignore[arg-type]


async def links(runtime: Runtime, realm: Realm, template: str) -> list[tuple[str, dict[str, object]]]:
    """Recipients and values of the queued messages, oldest first."""
    async with runtime.lease() as tx:
        rows = await tx.rows(
            "SELECT id, recipient, sealed FROM messages WHERE realm_id = $1 AND template = $2 ORDER BY id",
            realm.id,
            template,
        )
    return [(recipient, _values(runtime, realm.id, id, sealed)) for id, recipient, sealed in rows]


def _values(runtime: Runtime, realm_id: RealmId, message_id: UUID, sealed: bytes) -> dict[str, object]:
    found = messages.values_of(runtime.keyring, realm_id, message_id, sealed)
    assert found is not None
    return found


async def mailed_token(runtime: Runtime, realm: Realm, template: str) -> str:
    """The token of the newest message; its link ends with it."""
    _, values = (await links(runtime, realm, template))[-1]
    return str(values["link"]).rpartition("token=")[2]


def status(text: str) -> UserChange:
    """A change of status, named by a parameter of a test."""
    return msgspec.convert({"status": text}, UserChange)


def identity(subject: str = "", **known: object) -> Identity:
    """A person as some provider knows them."""
    return Identity("example", subject or ids.uuid7().hex, **known)  # type: ignore[arg-type]


def payload_of(token: str) -> str:
    """What a token says, unverified."""
    data = secrets.decode(token.split(".")[1])
    assert data is not None
    return data.decode()


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements that are sent meanwhile, without BEGIN and COMMIT, and without what the background does."""
    sent: list[str] = []
    token = _COUNTING.set(True)
    before = {name: getattr(Tx, name) for name in ("maybe", "one", "all", "rows", "value", "run")}

    def counted(name: str) -> Any:
        async def call(tx: Tx, *arguments: Any, **named: Any) -> Any:
            if _COUNTING.get():
                sent.append(next(each for each in arguments if isinstance(each, str)))
            return await before[name](tx, *arguments, **named)

        return call

    for name in before:
        setattr(Tx, name, counted(name))
    try:
        yield sent
    finally:
        _COUNTING.reset(token)
        for name, function in before.items():
            setattr(Tx, name, function)


async def refresh_token(runtime: Runtime, person: Person, session_id: SessionId | None) -> str:
    """The refresh token of a session's present generation."""
    assert session_id is not None
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        return sessions.refresh_token(tx, await sessions.get(tx, session_id))


async def access_token(runtime: Runtime, person: Person, session_id: SessionId | None) -> str:
    """A fresh access token for a live session."""
    return (
        await login.refresh(runtime, nobody(person.realm), await refresh_token(runtime, person, session_id))
    ).access_token
