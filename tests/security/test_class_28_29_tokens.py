"""Classes 28 and 29: forged tokens at every front door; the corpus is that of `tests/core/tokens`."""

import httpx

from roster.core.realms.models import Realm
from roster.core.tokens import keys
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.people import Person
from tests.core.tokens.forging import Genuine, corpus
from tests.security.fronts import PREFIXES, Front

COOKIES = {"native": "roster_session", "acceleratxr": "jwt"}


async def test_every_forged_token_is_refused_at_every_front_door_in_header_and_cookie(
    runtime: Runtime, client: httpx.AsyncClient, realm: Realm, person: Person
):
    token = (await people.sign_in(runtime, person)).access_token
    async with runtime.read(factories.roster_in(realm)) as tx:
        bad = corpus(Genuine.of(token, await keys.signing(tx)))
    bad = {
        what: forged for what, forged in bad.items() if forged.strip(' "\t\r\n') != token
    }  # HTTP itself cuts those off
    assert len(bad) >= 60
    for name in PREFIXES:
        front = Front(name, client, realm)
        url = front.prefix + ("/me" if name == "native" else "/users/me")
        assert (await front.me(token)).status_code == 200
        for what, forged in bad.items():
            raw = forged.encode("utf-8", "surrogatepass")
            scheme = front.authorization("").encode()
            for header, value in ((b"authorization", scheme + raw), (b"cookie", COOKIES[name].encode() + b"=" + raw)):
                answer = await client.get(url, headers=[(header, value)])  # type: ignore[list-item]
                assert answer.status_code in (401, 403), (name, what, header)
