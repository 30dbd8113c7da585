"""What stays of an erased person: nothing but an id, in no table."""

from roster.core.audit import service as audit
from roster.core.credentials import service as credentials
from roster.core.credentials import signing
from roster.core.credentials.models import CredentialChange, CredentialDraft, Kind, SigningChange, SigningDraft
from roster.core.devices import service as devices
from roster.core.devices.models import DeviceDraft
from roster.core.flows import upkeep
from roster.core.labels import categories
from roster.core.labels import service as labels
from roster.core.labels.models import CategoryDraft, LabelDraft, Subject
from roster.core.memberships import service as memberships
from roster.core.memberships.models import MembershipChange
from roster.core.realms import service as realms
from roster.core.realms.models import Realm
from roster.core.sessions import service as sessions
from roster.core.sessions.models import Opening
from roster.core.tokens import proofs
from roster.core.tokens.models import Purpose
from roster.core.users import service as users
from roster.core.users.models import User
from roster.kit import actor as actors
from roster.kit.actor import Origin
from roster.storage.runtime import Runtime
from roster.storage.tx import Tx
from tests import factories
from tests.core import organisations

SECRET = "Kilimanjaro"
ADDRESS = "203.0.113.177"
HERE = Origin(address=ADDRESS, user_agent=f"{SECRET}'s phone")


async def somebody(runtime: Runtime, realm: Realm) -> User:
    """A person who has left traces everywhere."""
    user = await factories.a_person(runtime, realm, f"{SECRET}-1", email=f"{SECRET}@example.org")
    founder = await factories.a_person(runtime, realm)
    org = await organisations.founded(runtime, realm, founder)
    roster = factories.roster_in(realm)
    robot = await credentials.create(runtime, roster, user.id, CredentialDraft(Kind.API_KEY, label=SECRET))
    async with runtime.write(roster) as tx:
        await credentials.change(tx, user.id, robot.credential.id, CredentialChange(label=f"{SECRET}'s robot"))
        await credentials.delete(tx, user.id, robot.credential.id)
        await memberships.add(tx, org.id, user.id)
        await memberships.change(tx, org.id, user.id, MembershipChange(external_id=f"{SECRET}-7"))
        await signed_and_labelled(tx, user)
    async with runtime.write(actors.anonymous(realm.id, realm.slug, HERE)) as tx:
        await audit.record(tx, "sign_in.failed", "user", user.id)
        await proofs.issue(tx, Purpose.CHANGE_EMAIL, user.id, {"email": f"{SECRET}@example.com"}, 900)
    return user


async def signed_and_labelled(tx: Tx, user: User) -> None:
    """A key tied to a device, a session on it, and labels of the person and of the key."""
    till = await devices.create(tx, DeviceDraft(name="Till"))
    made = await signing.create(tx, user.id, SigningDraft(alias="ci", label=SECRET, device_id=till.id))
    await signing.change(tx, user.id, made.credential.id, SigningChange(label=f"{SECRET}'s till"))
    category = await categories.create(tx, CategoryDraft(name="Colours"))
    red = await labels.create(tx, LabelDraft(name="Red", category_id=category.id))
    await labels.attach(tx, Subject.USER, user.id, [red.id])
    await labels.attach(tx, Subject.CREDENTIAL, made.credential.id, [red.id])
    with tx.acting(actors.anonymous(tx.realm_id, tx.actor.realm_slug, HERE)):
        await sessions.open(tx, Opening(user.id, ("password",)))


async def hits(tx: Tx, text: str) -> list[str]:
    """The tables that hold this text anywhere."""
    tables = await tx.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind = 'r'"
    )
    question = "SELECT count(*) FROM {} t WHERE t::text ILIKE '%' || $1 || '%'"
    return [table for (table,) in tables if await tx.value(question.format(table), text)]  # type: ignore[arg-type]


async def test_an_erased_person_leaves_no_trace_of_keys_labels_membership_or_address(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm)

    async with runtime.write(factories.roster_in(realm)) as tx:
        assert {"users", "credentials", "memberships", "sessions", "proofs"} <= set(await hits(tx, SECRET))
        await users.erase(tx, user.id)

        assert await hits(tx, SECRET) == []
        assert await hits(tx, ADDRESS) == []
        assert await tx.value("SELECT count(*) FROM label_attachments WHERE realm_id = $1", realm.id) == 0


async def test_the_sweep_erases_as_thoroughly(runtime: Runtime, realm: Realm):
    user = await somebody(runtime, realm)
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.delete(tx, user.id)
        days = (await realms.current(tx)).settings.retention_days
        await tx.run(
            "UPDATE users SET deleted_at = deleted_at - make_interval(days => $3) WHERE realm_id = $1 AND id = $2",
            realm.id,
            user.id,
            days + 1,
        )

    await upkeep.erase_people(runtime)

    async with runtime.lease() as tx:
        assert await hits(tx, SECRET) == []
        assert await hits(tx, ADDRESS) == []
        assert await tx.value("SELECT count(*) FROM label_attachments WHERE realm_id = $1", realm.id) == 0
