"""When the window of a counter begins, and when it is over."""

from roster.core.limits import service as limits
from roster.core.limits.service import Policy
from roster.core.realms.models import Realm
from roster.storage.runtime import Runtime
from tests import factories

TWO = Policy("test:windows", 2, 900)


async def test_who_began_a_moment_before_the_window_counts_in_it(runtime: Runtime, realm: Realm):
    actor = factories.roster_in(realm)
    async with runtime.read(actor) as early, runtime.read(actor) as late:
        assert early.now < late.now
        assert await limits.try_spend(late, [(TWO, "person")]) == 0
        assert await limits.try_spend(late, [(TWO, "person")]) == 0

        assert await limits.waiting(early, [(TWO, "person")]) > 0
        assert await limits.try_spend(early, [(TWO, "person")]) > 0
