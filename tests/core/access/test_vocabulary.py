"""What roles may hold: the directory's permissions and keys of front doors; and the roles that front doors document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster.core.access import service as access
from roster.core.access import vocabulary
from roster.core.access.errors import Escalation, RoleBuiltIn
from roster.core.access.models import PERMISSIONS, RoleChange, RoleDraft
from roster.core.access.vocabulary import BuiltIn, Catalogue, Key, Vocabulary
from roster.core.flows import provision
from roster.core.realms.models import Realm
from roster.kit.errors import InvalidInput
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

KEYS = {
    "SEE": Key("SEE", ("users.read",), "PEOPLE", "PERSON", "READ"),
    "EDIT": Key("EDIT", ("users.read", "users.write"), "PEOPLE", "PERSON", "WRITE"),
    "COOK": Key("COOK"),
}
CLERK = BuiltIn("CLERK", "Sees people", ("kitchen:SEE", "kitchen:COOK"), {"user_role": ("CLERK",)}, ("facility",))
KITCHEN = Catalogue("kitchen", KEYS, (CLERK,))
KNOWN = Vocabulary([KITCHEN])


@pytest.mark.parametrize(
    ("named", "given_too"),
    [
        (["kitchen:SEE"], {"users.read"}),
        (["kitchen:EDIT"], {"users.read", "users.write"}),
        (["kitchen:COOK"], set[str]()),
        (["users.read"], {"kitchen:SEE"}),
        (["users.read", "users.write"], {"kitchen:SEE", "kitchen:EDIT"}),
        (["users.write"], set[str]()),
        (["kitchen:SEE", "users.write"], {"users.read"}),
        ([], set[str]()),
    ],
)
def test_a_key_brings_what_it_means_and_permissions_bring_the_keys_that_mean_no_more(
    named: list[str], given_too: set[str]
):
    assert KNOWN.expand(named) == {*named, *given_too}


PARTS = st.sets(st.sampled_from(sorted([*PERMISSIONS.keys() - {"*"}, *KNOWN.keys])))


@given(first=PARTS, second=PARTS)
def test_more_permissions_never_give_less(first: set[str], second: set[str]):
    assert KNOWN.expand(first) <= KNOWN.expand(first | second)


def test_everything_stays_one_word_until_it_is_shown():
    assert KNOWN.expand(["*", "kitchen:SEE"]) == {"*"}
    assert KNOWN.spell_out(["*"]) == {*PERMISSIONS, *KNOWN.keys}
    assert KNOWN.directory(["kitchen:SEE", "kitchen:COOK", "users.read"]) == ["kitchen:COOK", "users.read"]
    assert (KNOWN.knows("kitchen:SEE"), KNOWN.knows("SEE"), KNOWN.knows("kitchen:NO")) == (True, False, False)


@pytest.fixture
def kitchen(runtime: Runtime) -> Runtime:
    """A server that knows the keys and roles of one front door."""
    worker = people.a_worker(runtime)
    vocabulary.install(worker, [KITCHEN])
    return worker


def test_catalogues_may_be_brought_when_somebody_asks(runtime: Runtime):
    worker = people.a_worker(runtime)
    brought: list[Catalogue] = []

    def bring() -> list[Catalogue]:
        brought.append(KITCHEN)
        return brought

    vocabulary.install_late(worker, bring)
    assert not brought
    assert vocabulary.of(worker).knows("kitchen:SEE")
    assert vocabulary.of(worker) is vocabulary.of(worker)
    assert brought == [KITCHEN]


async def test_keys_work_in_roles_like_permissions(kitchen: Runtime):
    realm = await factories.a_realm(kitchen)
    await factories.a_role(kitchen, realm, "helper", "kitchen:SEE", "kitchen:COOK")
    await factories.a_role(kitchen, realm, "reader", "users.read", "roles.read", "roles.write")
    clerk = await factories.acting_as(kitchen, realm, await factories.a_person(kitchen, realm, roles=("helper",)))
    reader = await factories.acting_as(kitchen, realm, await factories.a_person(kitchen, realm, roles=("reader",)))
    admin = await factories.acting_as(kitchen, realm, await factories.a_person(kitchen, realm, roles=("admin",)))

    asked = ("users.read", "kitchen:SEE", "kitchen:COOK", "kitchen:EDIT")
    assert [clerk.may(each) for each in asked] == [True, True, True, False]
    assert [reader.may(each) for each in asked] == [True, True, False, False]
    assert admin.may("kitchen:COOK")
    async with kitchen.write(reader) as tx:
        assert (await access.create_role(tx, RoleDraft("seers", permissions=["kitchen:SEE"]))).permissions
        for key in ("kitchen:COOK", "kitchen:EDIT"):
            with pytest.raises(Escalation):
                await access.create_role(tx, RoleDraft("more", permissions=[key]))
        with pytest.raises(InvalidInput):
            await access.create_role(tx, RoleDraft("more", permissions=["kitchen:NOTHING"]))


async def test_documented_roles_are_in_every_realm_and_stay(kitchen: Runtime):
    realm = await factories.a_realm(kitchen)

    async with kitchen.write(factories.roster_in(realm)) as tx:
        clerk = await access.find_role(tx, "clerk")
        assert (clerk.built_in, clerk.permissions) == (True, ["kitchen:COOK", "kitchen:SEE"])
        assert (clerk.ceiling, clerk.requires) == ({"user_role": ["CLERK"]}, ["facility"])
        with pytest.raises(RoleBuiltIn):
            await access.change_role(tx, clerk.id, RoleChange(description="x"))
        with pytest.raises(RoleBuiltIn):
            await access.delete_role(tx, clerk.id)


async def test_documented_roles_come_to_older_realms_and_take_nothing_from_them(runtime: Runtime, kitchen: Runtime):
    fresh, owning = await factories.a_realm(runtime), await factories.a_realm(runtime)
    await factories.a_role(runtime, owning, "Clerk", "audit.read")

    for realm in (fresh, owning):
        async with kitchen.write(factories.roster_in(realm)) as tx:
            for _ in range(2):
                await access.keep_built_in_roles(tx)

    async with kitchen.read(factories.roster_in(fresh)) as tx:
        made = await access.find_role(tx, "CLERK")
        assert (made.built_in, made.version) == (True, 0)
    async with kitchen.read(factories.roster_in(owning)) as tx:
        kept = await access.find_role(tx, "CLERK")
        assert (kept.name, kept.built_in, kept.permissions) == ("Clerk", False, ["audit.read"])


async def test_a_documented_role_follows_the_document(kitchen: Runtime):
    realm = await factories.a_realm(kitchen)
    newer = people.a_worker(kitchen)
    vocabulary.install(newer, [Catalogue("kitchen", KEYS, (BuiltIn("CLERK", "Cooks", ("kitchen:COOK",)),))])
    user = await factories.a_person(kitchen, realm)

    async with newer.write(factories.roster_in(realm)) as tx:
        version = "SELECT access_version FROM realms WHERE id = $1"
        before = await tx.value(version, realm.id)
        await access.keep_built_in_roles(tx)
        clerk = await access.find_role(tx, "clerk")
        await access.assign(tx, clerk.id, user.id)

        assert (clerk.permissions, clerk.ceiling, clerk.requires) == (["kitchen:COOK"], {}, [])
        assert await tx.value(version, realm.id) == before + 1


async def test_a_realm_made_by_provision_has_an_administrator_role_too(kitchen: Runtime):
    async with kitchen.write(factories.nowhere()) as tx:
        realm: Realm = await provision.create_realm(tx, f"made-{people.ids.uuid7().hex}")
    async with kitchen.read(factories.roster_in(realm)) as tx:
        assert (await access.find_role(tx, "admin")).permissions == ["*"]
