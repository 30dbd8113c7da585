"""Moving from the Fruster platform: people keep ids, roles, fields and passwords."""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import uuid4

import pytest

from roster.core.credentials import service as credentials
from roster.core.flows import login
from roster.core.flows.models import Granted
from roster.core.realms.models import Realm
from roster.core.transfer.models import ImportOptions, Transfer
from roster.core.transfer.sources import reader
from roster.core.users.models import User
from roster.kit.errors import BadCredentials
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.core.transfer import moving
from tests.core.transfer.moving import bring, report_of, rows, who

SECRET = "Passw0rd!"


def keyed(digest: str, key: str) -> str:
    """What the platform calls a hash."""
    return hmac.digest(key.encode(), b"", digest).hex()


def stored(user_id: str, kind: str = "sha512", secret: str = SECRET) -> dict[str, Any]:
    """Password, salt and date as the platform stores them."""
    salt = "saltsalt"
    pepper = keyed("sha256" if kind == "old" else "sha512", user_id + secret)
    inner = keyed("sha512", secret + pepper)
    if kind == "pbkdf2":
        made = base64.b64encode(hashlib.pbkdf2_hmac("sha512", inner.encode(), salt.encode(), 1000, 96)).decode()
    else:
        made = keyed("sha256" if kind == "sha256" else "sha512", salt + inner)
    date = "2017-06-25T23:59:59.000Z" if kind == "old" else "2019-01-01T00:00:00.000Z"
    return {"password": made, "salt": salt, "hashDate": {"$date": date}}


def user(name: str, **known: Any) -> dict[str, Any]:
    """A document of the collection of users."""
    return {
        "_id": {"$oid": "5c6d1f0e9d1e8a0001a1b2c3"},
        "id": str(uuid4()),
        "email": f"{name}@example.org",
        "roles": ["user"],
        "metadata": {"created": {"$date": "2019-03-01T10:00:00.000Z"}, "updated": {"$date": {"$numberLong": "1"}}},
        **known,
    }


def exported(*documents: dict[str, Any]) -> bytes:
    """A file."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


async def moved(runtime: Runtime, realm: Realm, *documents: dict[str, Any], **options: Any) -> Transfer:
    """The import of a file."""
    return await bring(runtime, realm, exported(*documents), "fruster", **options)


async def signs_in(runtime: Runtime, realm: Realm, name: str, secret: str = SECRET) -> bool:
    """Whether somebody signs in with a password."""
    try:
        done = await login.password(runtime, people.nobody(realm), name, secret)
    except BadCredentials:
        return False
    return isinstance(done, Granted)


@pytest.mark.parametrize("kind", ["sha512", "old", "pbkdf2", "sha256"])
async def test_old_passwords_sign_in_and_are_made_anew(runtime: Runtime, realm: Realm, kind: str):
    eva = user("eva", userName="eva")
    done = await moved(runtime, realm, {**eva, **stored(eva["id"], kind)})
    assert (done.state, rows(done)) == ("done", (1, 0, 0, 0))
    person = await who(runtime, realm, "eva")
    assert str(person.id) == eva["id"]

    assert not await signs_in(runtime, realm, "eva", "passw0rd!")
    assert await signs_in(runtime, realm, "eva")

    async with runtime.read(factories.roster_in(realm)) as tx:
        now = await credentials.password_of(tx, person.id)
    assert now is not None
    assert (now.hash or "").startswith("$argon2id$")
    assert await signs_in(runtime, realm, "eva@example.org")


async def test_fields_come_from_users_and_profiles(runtime: Runtime, realm: Realm):
    eva = user(
        "Eva", userName="eva", personalNumber="199001011234", emailVerified=True, unit={"id": 7, "since": {"$date": 0}}
    )
    profile = {
        "_id": {"$oid": "x"},
        "id": eva["id"],
        "firstName": "Eva",
        "lastName": "Ek",
        "middleName": "Maria",
        "size": {"$numberInt": "38"},
        "metadata": {"created": {"$date": "2020-01-01T00:00:00Z"}},
    }
    assert rows(await moved(runtime, realm, profile, eva)) == (1, 0, 0, 0)
    person = await who(runtime, realm, "eva")
    assert (person.given_name, person.family_name, person.personal_number) == ("Eva", "Ek", "199001011234")
    assert person.email_verified_at is not None
    assert person.attributes == {
        "middleName": "Maria",
        "size": 38,
        "unit": {"id": 7, "since": "1970-01-01T00:00:00+00:00"},
    }
    assert person.created_at.isoformat() == "2019-03-01T10:00:00+00:00"


async def test_whoever_was_asked_to_verify_an_address_still_is(runtime: Runtime, realm: Realm):
    await moved(runtime, realm, user("asked", emailVerified=False), user("never"))
    asked, never = await who(runtime, realm, "asked@example.org"), await who(runtime, realm, "never@example.org")
    assert (asked.facets, never.facets) == ({"wellbee": {"verifying": True}}, {})
    assert asked.email_verified_at is None


async def test_deactivated_people_stay_out(runtime: Runtime, realm: Realm):
    off = user("off", deactivated=True)
    await moved(runtime, realm, {**off, **stored(off["id"])})
    assert (await who(runtime, realm, "off@example.org")).status == "disabled"
    assert not await signs_in(runtime, realm, "off@example.org")


async def roles(runtime: Runtime, realm: Realm, person: User) -> set[str]:
    """The names of somebody's roles."""
    return set(await moving.roles_of(runtime, realm, person))


async def test_roles_are_those_of_the_same_meaning(runtime: Runtime, realm: Realm):
    done = await moved(
        runtime, realm, user("boss", roles=["super-admin"]), user("admin", roles=["admin", "planner", "user"])
    )
    assert rows(done) == (2, 0, 0, 0)
    assert await roles(runtime, realm, await who(runtime, realm, "boss@example.org")) == {"admin"}
    given = await roles(runtime, realm, await who(runtime, realm, "admin@example.org"))
    assert given == {"wellbee:admin", "planner", "wellbee:user"}


async def test_what_is_published_or_of_no_known_form_is_no_password(runtime: Runtime, realm: Realm):
    default, odd = user("default"), user("odd", password="x", salt="y", twoFactorMethods=["sms"])
    done = await moved(runtime, realm, {**default, **stored(default["id"], secret="Frosties2019")}, odd)
    assert rows(done) == (2, 0, 0, 0)
    assert not await signs_in(runtime, realm, "default@example.org", "Frosties2019")
    codes = {(row, line["code"]) for row, line in await lines_of(runtime, realm, done)}
    assert codes == {(1, "published_password"), (2, "unsupported_hash"), (2, "second_factor_left_out")}


async def lines_of(runtime: Runtime, realm: Realm, done: Transfer) -> list[tuple[int, dict[str, Any]]]:
    """The report."""
    return [(row, {"code": code}) for row, code in await report_of(runtime, realm, done)]


async def test_rows_that_are_no_documents_do_not_stop_the_others(runtime: Runtime, realm: Realm):
    alone = {"id": str(uuid4()), "firstName": "Alone"}
    data = (
        exported(alone)
        + b"not json\n[1]\n\n"
        + b'{"email": "x@example.org", "id": "x"}\n'
        + b'{"email": "y@example.org", "n": {"$numberLong": {}}}\n'
        + b'{"email": "z@example.org", "n": {"$date": 1e300}}\n'
        + b'{"email": "w@example.org", "hashDate": "2019", "password": "'
        + b"a" * 128
        + b'", "salt": "s", "id": "'
        + str(uuid4()).encode()
        + b'"}\n'
        + b'{"email": "v@example.org", "roles": [1]}\n'
        + b'{"email": "u@example.org", "note": "\\u0000"}\n'
        + exported(user("fine"))
    )
    done = await bring(runtime, realm, data, "fruster")
    assert rows(done) == (1, 0, 0, 9)
    assert (await who(runtime, realm, "fine@example.org")).username == "fine@example.org"


async def test_people_who_exist_are_changed_and_keep_their_password(runtime: Runtime, realm: Realm):
    eva = user("eva", userName="eva")
    await moved(runtime, realm, {**eva, **stored(eva["id"])})
    changed = {**eva, **stored(eva["id"], secret="An0ther!"), "firstName": "Eva"}
    assert rows(await moved(runtime, realm, changed)) == (0, 1, 0, 0)
    assert await signs_in(runtime, realm, "eva")
    await moved(runtime, realm, changed, options=ImportOptions("replace"))
    assert await signs_in(runtime, realm, "eva", "An0ther!")


def test_a_reader_that_begins_again_joins_profiles_that_it_has_passed():
    eva, bo = user("eva"), user("bo")
    profiles = [{"id": each["id"], "firstName": each["email"]} for each in (eva, bo)]
    source = reader("fruster", after=3, known={})
    found = [*source.feed(exported(*profiles, eva, bo)), *source.finish()]
    assert [each.row for each in found] == [4]
    assert found[0].person is not None
    assert found[0].person.given_name == "bo@example.org"
