"""Clients that sign their requests, as the tests need them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from roster.core.credentials import signing
from roster.core.credentials.models import SigningDraft, SigningKey
from roster.core.signed import service as signed
from roster.core.signed.models import Signed
from roster.kit import clock, hawk, ids
from roster.kit.actor import Actor, Origin
from roster.kit.hawk import Header, Target
from roster.storage.runtime import Runtime
from tests import factories
from tests.core.people import Person

TARGET = Target("POST", "/onslip/v1/~acme/users/?q=a;c=50", "roster.example", 443)
BODY = b'{"name":"Asa"}'


async def a_key(runtime: Runtime, person: Person, **known: Any) -> SigningKey:
    """A key of this person, made by Roster itself."""
    async with runtime.write(factories.roster_in(person.realm)) as tx:
        return await signing.create(tx, person.id, SigningDraft(**known))


def a_request(identifier: str, key: bytes, *, seconds: float = 0, body: bytes = BODY, **header: Any) -> Signed:
    """A request that is signed now, or so many seconds from now."""
    known: Mapping[str, Any] = {
        "ts": str(int(clock.now().timestamp() + seconds)),
        "nonce": ids.uuid7().hex[-12:],
        "hash": hawk.payload_hash("application/json", body),
    }
    unsigned = Header(id=identifier, mac="", **{**known, **header})
    return Signed(hawk.sign(key, unsigned, TARGET), TARGET, "application/json", body)


def named_otherwise(request: Signed, identifier: str) -> Signed:
    """The same signature under another name, which the MAC does not cover."""
    return msgspec.structs.replace(request, header=msgspec.structs.replace(request.header, id=identifier))


async def authenticated(runtime: Runtime, slug: str, request: Signed, origin: Origin | None = None) -> Actor:
    """Whoever signed the request."""
    async with runtime.lease() as tx:
        actor = await signed.authenticate(tx, slug, request, origin or Origin(dialect="test"))
        assert tx.actor is actor
        return actor
