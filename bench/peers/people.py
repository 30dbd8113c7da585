"""Who is in the directories of all peers, and their form in an export of Keycloak, which all are imported from."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from bench import people
from bench.dataset import PASSWORD
from bench.people import Person, mixed
from roster.core.credentials import hashing

WITH_PASSWORD = 64
"""People who can sign in with PASSWORD: the first ones who are active. The others' hashes belong to no password."""
HASH = {"memory": 19_456, "passes": 2, "lanes": 1}
"""argon2id as Roster makes it, in KiB; every peer is set to the same."""
_STRANGERS = 10_000_000


class Directory:
    """So many people, who are the same everywhere."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.known = [
            each for each in people.people(size, count=min(size, WITH_PASSWORD * 2)) if each.status == "active"
        ]
        self.known = self.known[:WITH_PASSWORD]
        self._hash = hashing.hash_secret(PASSWORD)

    def somebody(self, number: int) -> Person:
        """Of those who can sign in."""
        return self.known[number % len(self.known)]

    def stranger(self, number: int) -> Person:
        """Somebody who is not in it yet."""
        return people.person(_STRANGERS + number, 2 * _STRANGERS)

    def all(self) -> Iterator[tuple[Person, str]]:
        """Everybody, with their hash."""
        knows = {each.number for each in self.known}
        for each in people.people(self.size):
            yield each, self._hash if each.number in knows else _strange_hash(each.noise)

    def part_of_a_name(self, number: int) -> str:
        """Three to six letters out of the last name of somebody, all of them plain: every peer finds the same."""
        bits = mixed(number * 7919)
        person = people.person(bits % self.size, self.size)
        name = person.username.partition(".")[2].rstrip("0123456789")
        length = 3 + (bits >> 40) % 4
        return name[(bits >> 50) % max(1, len(name) - length) :][:length]


def described(person: Person) -> dict[str, Any]:
    """As Keycloak takes a person."""
    return {
        "username": person.username,
        "email": person.email,
        "emailVerified": person.verified,
        "firstName": person.given_name,
        "lastName": person.family_name,
        "enabled": person.status == "active",
        "attributes": {**{name: [value] for name, value in person.attributes.items()}, "phoneNumber": [person.phone]},
    }


def exported(everybody: Sequence[tuple[Person, str]]) -> list[dict[str, Any]]:
    """As Keycloak exports people."""
    return [
        {
            **described(person),
            "createdTimestamp": int(person.created_at.timestamp() * 1000),
            "credentials": [_credential(encoded)],
        }
        for person, encoded in everybody
    ]


def _credential(encoded: str) -> dict[str, str]:
    salt, value = (text + "=" * (-len(text) % 4) for text in encoded.split("$")[4:])
    parameters = {
        "hashLength": ["32"],
        "memory": [str(HASH["memory"])],
        "type": ["id"],
        "version": ["1.3"],
        "parallelism": [str(HASH["lanes"])],
    }
    data = {"hashIterations": HASH["passes"], "algorithm": "argon2", "additionalParameters": parameters}
    return {
        "type": "password",
        "secretData": _json({"value": value, "salt": salt, "additionalParameters": {}}),
        "credentialData": _json(data),
    }


def _strange_hash(noise: int) -> str:
    salt, mark = noise.to_bytes(8, "big") * 2, mixed(noise).to_bytes(8, "big") * 4
    parts = (base64.b64encode(part).decode().rstrip("=") for part in (salt, mark))
    return f"$argon2id$v=19$m={HASH['memory']},t={HASH['passes']},p={HASH['lanes']}$" + "$".join(parts)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
