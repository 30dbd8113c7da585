"""What the tests of invitations need again and again."""

from collections.abc import Sequence
from typing import Any

from roster.core.flows import organisations
from roster.core.invitations import service as invitations
from roster.core.invitations.models import Invitee, Options, Outcome, Own
from roster.core.orgs import service as orgs
from roster.core.orgs.models import Org, OrgChange, OrgDraft
from roster.core.realms.models import Realm
from roster.core.users.models import User
from roster.kit.actor import Actor
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

LINK = "/pages/invitation?token={token}"


async def an_org(runtime: Runtime, realm: Realm, founder: User, **known: Any) -> Org:
    """An organisation of the founder's."""
    async with runtime.write(await factories.acting_as(runtime, realm, founder)) as tx:
        made = await organisations.found(tx, OrgDraft("Medics"))
    async with runtime.write(factories.roster_in(realm)) as tx:
        return await orgs.change(tx, made.id, OrgChange(**known)) if known else made


async def invited(
    runtime: Runtime, actor: Actor, org: Org, *invitees: Invitee | str, options: Options | None = None
) -> list[Outcome]:
    """Invite people, by address or with more."""
    asked = [Invitee(each) if isinstance(each, str) else each for each in invitees]
    async with runtime.write(actor) as tx:
        return await invitations.invite(tx, org.id, asked, link=LINK, options=options or Options())


async def token(runtime: Runtime, realm: Realm) -> str:
    """The token of the newest invitation that was mailed."""
    return await people.mailed_token(runtime, realm, "invitation")


async def own(runtime: Runtime, realm: Realm, user: User) -> list[Own]:
    """A person's open invitations, as they see them."""
    async with runtime.read(await factories.acting_as(runtime, realm, user)) as tx:
        return await invitations.own(tx, user.id)


def results(outcomes: Sequence[Outcome]) -> list[tuple[str, str | None]]:
    """What became of each, and why."""
    return [(each.result.value, each.problem) for each in outcomes]
