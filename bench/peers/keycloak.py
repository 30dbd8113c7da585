"""Keycloak: its distribution from Maven Central, built and started as its guide for production says.

The heap is what its containers get by its guide on sizing (1,250 MB for one server with its caches: 300 MB of it not
heap, and the rest 70 % of the limit). Caches are local, because there is one server. Where the two differ by default
in what they do, Keycloak is set to do what Roster does: argon2id of the same cost, tokens signed with ES256, refresh
tokens that can be used once. It saves no events and counts no wrong guesses, as by default; Roster does both.
"""

import shutil
import tarfile
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench import processes
from bench.dataset import PASSWORD
from bench.load import LOOPBACK, Call
from bench.peers import tasks
from bench.peers.peer import HOME, KEPT, SESSIONS, Fresh, Place, Task, ask, bearing
from bench.peers.people import HASH, described, exported
from bench.processes import Server

VERSION = "26.7.3"
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_BUILD = ("--db=postgres", "--cache=local")
_HEAP = "-XX:MaxRAM=1360m -XX:MaxRAMPercentage=70 -XX:MinRAMPercentage=70 -XX:InitialRAMPercentage=50"
_CLIENT = {"client_id": "bench", "client_secret": "not-secret-at-all"}
_ADMINISTRATOR = "admin"
"""Called like Roster's, so that searches find both or neither."""
_SLICE = 100
"""People in one request of an import: the time for each grows with those in the same request."""
_PAGES = 40
_LIFETIME = 3600


class Keycloak:
    """One server on all cores, its database on the run's PostgreSQL."""

    name = "Keycloak"

    def __init__(self) -> None:
        self._administrators = Fresh(lambda: [self._granted(_ADMINISTRATOR)["access_token"] for _ in range(SESSIONS)])
        self._people = Fresh(
            lambda: [self._granted(self._known(at), scope="openid")["access_token"] for at in range(SESSIONS)]
        )
        self._ids: list[str] = []

    def lacking(self) -> str:
        """Java and Maven."""
        missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
        return f"{' and '.join(missing)} missing" if missing else ""

    def install(self, place: Place) -> None:
        self._place = place
        place.database.make(place.owner)
        if not (self._home / "built").exists():
            shutil.rmtree(self._home, ignore_errors=True)
            _fetch()
            processes.output_of([str(self._program), "build", *_BUILD])
            (self._home / "built").touch()

    def told(self) -> Mapping[str, str]:
        java = processes.output_of(["java", "--version"]).decode().splitlines()[0]
        return {"Keycloak": f"{VERSION} on {java}, {_HEAP}, built with {' '.join(_BUILD)}"}

    def start(self) -> Server:
        place = self._place
        at = f"http://{LOOPBACK}:{place.port}"
        address = f"jdbc:postgresql://{LOOPBACK}:{place.database.port}/{place.owner}"
        hashing = "--spi-password-hashing--argon2--"
        command = [
            *(str(self._program), "start", "--optimized", "--http-enabled=true", f"--hostname={at}"),
            *(
                f"--http-host={LOOPBACK}",
                f"--http-port={place.port}",
                f"--db-url={address}",
                f"--db-username={place.owner}",
            ),
            *(f"{hashing}memory={HASH['memory']}", f"{hashing}iterations={HASH['passes']}"),
            f"{hashing}parallelism={HASH['lanes']}",
        ]
        return processes.start(
            command,
            place.port,
            place.log,
            JAVA_OPTS_KC_HEAP=_HEAP,
            KC_DB_PASSWORD=place.database.password(place.owner),
            KC_BOOTSTRAP_ADMIN_USERNAME=_ADMINISTRATOR,
            KC_BOOTSTRAP_ADMIN_PASSWORD=PASSWORD,
        )

    def set_up(self) -> None:
        self._make_realm(HOME)

    def alive(self) -> Call:
        return Call("GET", "/realms/master")

    def first(self) -> Call:
        return bearing([Call("GET", _admin(f"/users/{self._somebody(1)}"))], self._administrators.get())[0]

    def bring(self, realm: str) -> bool:
        if realm != HOME:
            self._make_realm(realm)
        everybody = iter(self._place.directory.all())
        while users := exported(list(islice(everybody, _SLICE))):
            self._as_master(
                Call("POST", f"/admin/realms/{realm}/partialImport", body={"ifResourceExists": "FAIL", "users": users})
            )
        return True

    def found(self, text: str) -> list[str]:
        return [each["username"] for each in self._ask(Call("GET", _search(text)))]

    def port_of(self, task: Task) -> int:  # noqa: ARG002 - all on one
        return self._place.port

    def prelude(self, task: Task, numbers: range) -> Sequence[Call]:  # noqa: ARG002 - one request does it
        return []

    def calls(self, task: Task, numbers: range) -> Sequence[Call]:
        if task == tasks.SIGN_IN:
            return [_grant(HOME, username=self._known(number), **_CLIENT) for number in numbers]
        if task == tasks.REFRESH:
            return [_refresh(self._granted(self._known(number))["refresh_token"]) for number in range(8)]
        if task == tasks.CHECK:
            return bearing([Call("GET", _openid(HOME, "userinfo"))] * SESSIONS, self._people.get())
        if task == tasks.INTROSPECT:
            path = _openid(HOME, "token/introspect")
            return [Call("POST", path, form={**_CLIENT, "token": token}) for token in self._people.get()]
        return bearing(self._administration(task, numbers), self._administrators.get())

    def _administration(self, task: Task, numbers: range) -> list[Call]:
        directory = self._place.directory
        if task == tasks.LIST:
            return [
                Call("GET", _admin(f"/users?briefRepresentation=true&max=25&first={25 * at}")) for at in range(_PAGES)
            ]
        if task == tasks.SEARCH:
            return [Call("GET", _search(directory.part_of_a_name(number))) for number in numbers]
        if task == tasks.CREATE:
            return [Call("POST", _admin("/users"), body=described(directory.stranger(number))) for number in numbers]
        paths = [_admin(f"/users/{self._somebody(number)}") for number in numbers]
        if task == tasks.GET:
            return [Call("GET", path) for path in paths]
        return [Call("PUT", path, body=self._changed(at)) for at, path in zip(numbers, paths, strict=True)]

    def _changed(self, number: int) -> dict[str, Any]:
        """It wants to be told the whole person."""
        return {**self._described[number % len(self._described)], "lastName": f"Name {number}"}

    def _somebody(self, number: int) -> str:
        if not self._ids:
            pages = self._ask(Call("GET", _admin("/users?max=1000")))
            mine = [each for each in pages if each["username"] != _ADMINISTRATOR]
            self._ids = [each["id"] for each in mine]
            self._described = [
                {name: each[name] for name in ("username", "email", "firstName", "attributes")} for each in mine
            ]
        return self._ids[number % len(self._ids)]

    def _make_realm(self, realm: str) -> None:
        made = {
            "realm": realm,
            "enabled": True,
            "sslRequired": "none",
            "defaultSignatureAlgorithm": "ES256",
            "accessTokenLifespan": _LIFETIME,
            "revokeRefreshToken": True,
            "refreshTokenMaxReuse": 0,
            "clients": [{"clientId": "bench", "secret": _CLIENT["client_secret"], "directAccessGrantsEnabled": True}],
            "users": [_administrator()],
        }
        self._as_master(Call("POST", "/admin/realms", body=made))
        profile = f"/admin/realms/{realm}/users/profile"
        known = self._as_master(Call("GET", profile))
        self._as_master(Call("PUT", profile, body={**known, "unmanagedAttributePolicy": "ENABLED"}))

    def _known(self, number: int) -> str:
        return self._place.directory.somebody(number).username

    def _granted(self, username: str, **more: str) -> dict[str, str]:
        return ask(self._place.port, _grant(HOME, username=username, **_CLIENT, **more))

    def _ask(self, call: Call) -> Any:
        return ask(self._place.port, bearing([call], self._administrators.get())[0])

    def _as_master(self, call: Call) -> Any:
        """As the administrator of all realms, whose tokens last a minute."""
        granted = ask(self._place.port, _grant("master", client_id="admin-cli", username=_ADMINISTRATOR))
        return ask(self._place.port, bearing([call], [granted["access_token"]])[0])

    @property
    def _home(self) -> Path:
        return KEPT / f"keycloak-{VERSION}"

    @property
    def _program(self) -> Path:
        return self._home / "bin" / "kc.sh"


def _fetch() -> None:
    """By Maven, from wherever its settings say."""
    KEPT.mkdir(parents=True, exist_ok=True)
    artifact = f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
    processes.output_of(["mvn", "-q", "-B", f"{_PLUGIN}:copy", artifact, f"-DoutputDirectory={KEPT}"])
    packed = KEPT / f"keycloak-quarkus-dist-{VERSION}.tar.gz"
    with tarfile.open(packed) as archive:
        archive.extractall(KEPT, filter="data")
    packed.unlink()


def _administrator() -> dict[str, Any]:
    return {
        "username": _ADMINISTRATOR,
        "enabled": True,
        "email": "a@b.cd",
        "firstName": "A",
        "lastName": "B",
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        "clientRoles": {"realm-management": ["realm-admin"]},
    }


def _openid(realm: str, what: str) -> str:
    return f"/realms/{realm}/protocol/openid-connect/{what}"


def _admin(path: str) -> str:
    return f"/admin/realms/{HOME}{path}"


def _grant(realm: str, **said: str) -> Call:
    return Call("POST", _openid(realm, "token"), form={"grant_type": "password", "password": PASSWORD, **said})


def _refresh(token: str) -> Call:
    return Call("POST", _openid(HOME, "token"), form={"grant_type": "refresh_token", **_CLIENT, "refresh_token": token})


def _search(text: str) -> str:
    """Without the stars it would look at the beginnings of names only."""
    return _admin(f"/users?briefRepresentation=true&max=25&search={quote(f'*{text}*')}")
