"""A realm export in Keycloak's form with a thousand invented people: `python -m tests.core.transfer.keycloak_export`.

Every kind of hash that Keycloak makes is there, in the form before version 8 (parts as members) and in the one since
(JSON in two texts), and so are readable passwords, authenticators, groups, attributes, disabled people, realm and
client roles, and the account of a service. The same people come out every time.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

from argon2 import low_level

PEOPLE = 1000
KINDS = (
    "old-pbkdf2",
    "old-pbkdf2-sha256",
    "old-pbkdf2-sha512",
    "pbkdf2",
    "pbkdf2-sha256",
    "pbkdf2-sha512",
    "argon2",
    "none",
    "unknown",
)
PLAIN = "plain"
SEED = "abcdefghijklmnopqrst"
"""An authenticator's seed as Keycloak keeps it: the characters are the key."""
SEED_BASE32 = base64.b32encode(SEED.encode()).decode()
GROUPS = ("/staff", "/staff/kitchen", "/customers")


def password_of(number: int) -> str:
    """What the person types."""
    return f"correct horse {number}"


def kind_of(number: int) -> str:
    """How the person's password is stored."""
    return PLAIN if number % 100 == 7 else KINDS[number % len(KINDS)]


def export() -> dict[str, Any]:
    """The whole realm."""
    return {
        "id": "example",
        "realm": "example",
        "enabled": True,
        "roles": {
            "realm": [
                {"id": "r1", "name": "offline_access", "description": "${role_offline-access}", "composite": False},
                {"id": "r2", "name": "cook", "description": "Cooks", "composite": False},
                {"id": "r3", "name": "admin", "composite": True, "composites": {"realm": ["cook"]}},
            ],
            "client": {"shop": [{"id": "c1", "name": "buyer"}, {"id": "c2", "name": "nobody-has-it"}]},
        },
        "groups": [{"name": name, "path": f"/{name}", "subGroups": []} for name in ("staff", "customers")],
        "requiredCredentials": ["password"],
        "users": [*people(), _service()],
        "clients": [{"clientId": "shop", "attributes": {"text": 'with "quotes", {brackets} and \\ backslashes ]'}}],
        "keycloakVersion": "26.0.0",
    }


def people() -> Iterator[dict[str, Any]]:
    """The people alone."""
    for number in range(PEOPLE):
        yield {
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "createdTimestamp": 1_600_000_000_000 + number,
            "username": f"person-{number}",
            "enabled": number % 11 != 5,
            "totp": number % 50 == 0,
            "emailVerified": number % 3 == 0,
            "firstName": ("Ada", "Björn", "Çelik", "李", "O'Neil")[number % 5],
            "lastName": f"Example-{number}",
            "email": f"Person-{number}@example.com",
            "attributes": {"department": [f"dep-{number % 7}"], "nick.names": ["a", "b"], "locale": ["sv"]},
            "credentials": _credentials(number),
            "requiredActions": [],
            "realmRoles": ["offline_access", "cook"] + (["admin"] if number == 1 else []),
            "clientRoles": {"shop": ["buyer"]},
            "groups": [GROUPS[number % len(GROUPS)]],
        }


def _service() -> dict[str, Any]:
    return {"id": "service", "username": "service-account-shop", "serviceAccountClientId": "shop", "enabled": True}


def _credentials(number: int) -> list[dict[str, Any]]:
    found = _password(number)
    if number % 100 == 0:
        found.append({"type": "totp", "hashedSaltedValue": SEED, "digits": 6, "period": 30, "algorithm": "HmacSHA1"})
    elif number % 50 == 0:
        data = {"subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1"}
        found.append({"type": "otp", "secretData": _json({"value": SEED}), "credentialData": _json(data)})
    return found


def _password(number: int) -> list[dict[str, Any]]:
    kind, secret, salt = kind_of(number), password_of(number).encode(), f"salt-{number:06d}-salt".encode()
    match kind:
        case "none":
            return []
        case "plain":
            return [{"type": "password", "value": secret.decode()}]
        case "unknown":
            return [_new("whirlpool", salt, b"x" * 64, 5, {})]
        case "argon2":
            return [_argon2(secret, salt)]
        case _:
            return [_pbkdf2(kind, secret, salt, 10 + number % 3)]


def _pbkdf2(kind: str, secret: bytes, salt: bytes, iterations: int) -> dict[str, Any]:
    algorithm = kind.removeprefix("old-")
    digest = algorithm.partition("-")[2] or "sha1"
    size = 64 if digest != "sha256" else 32
    made = hashlib.pbkdf2_hmac(digest, secret, salt, iterations, size)
    if kind != algorithm:
        return _old(algorithm, salt, made, iterations)
    return _new(algorithm, salt, made, iterations, {})


def _argon2(secret: bytes, salt: bytes) -> dict[str, Any]:
    made = low_level.hash_secret_raw(secret, salt, 1, 64, 1, 32, low_level.Type.ID)
    known = {"hashLength": ["32"], "memory": ["64"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
    return _new("argon2", salt, made, 1, known)


def _old(algorithm: str, salt: bytes, made: bytes, iterations: int) -> dict[str, Any]:
    found = {
        "type": "password",
        "hashedSaltedValue": _base64(made),
        "salt": _base64(salt),
        "hashIterations": iterations,
        "counter": 0,
        "digits": 0,
    }
    return found if algorithm == "pbkdf2" else {**found, "algorithm": algorithm}


def _new(algorithm: str, salt: bytes, made: bytes, iterations: int, known: dict[str, list[str]]) -> dict[str, Any]:
    data = {"hashIterations": iterations, "algorithm": algorithm, "additionalParameters": known}
    secret = {"value": _base64(made), "salt": _base64(salt), "additionalParameters": {}}
    return {"type": "password", "secretData": _json(secret), "credentialData": _json(data)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(value: object) -> str:
    return json.dumps(value)


if __name__ == "__main__":
    json.dump(export(), sys.stdout, indent=2, ensure_ascii=False)
