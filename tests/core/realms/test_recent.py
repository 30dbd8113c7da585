"""What counts as a recent sign-in."""

from datetime import timedelta

import pytest

from roster.core.realms import recent
from roster.core.realms.models import Realm
from roster.kit import clock
from roster.kit.ids import SessionId, uuid7
from roster.storage.runtime import Runtime
from tests import factories


@pytest.mark.parametrize(("ago", "counts"), [(-300, True), (0, True), (300, True), (900, False), (-900, False)])
async def test_a_sign_in_is_recent_for_a_while_and_not_for_as_long_as_a_clock_was_ahead(
    runtime: Runtime, realm: Realm, ago: int, counts: bool
):
    person = await factories.a_person(runtime, realm)
    at = clock.now() - timedelta(seconds=ago)
    session_id = SessionId(uuid7())
    signed_in = await factories.acting_as(runtime, realm, person, session_id=session_id, authenticated_at=at)

    async with runtime.read(signed_in) as tx:
        assert await recent.is_recent(tx) is counts
