"""Ory Kratos: built from its source, which the Go module proxy has, by the Go compiler.

Set up as its quickstart for PostgreSQL does, with argon2id of our cost. It has neither refresh tokens nor realms, and
finds nobody by a part of a name; its list is in the order of ids. A sign-in is two requests, as its clients make them:
a flow is begun, then the password is sent to it.
"""

import http.client
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bench import processes
from bench.dataset import PASSWORD
from bench.load import LOOPBACK, Call
from bench.peers import tasks
from bench.peers.peer import HOME, KEPT, SESSIONS, Fresh, Place, Task, ask, bearing
from bench.peers.people import HASH
from bench.people import Person
from bench.processes import Server

VERSION = "v1.3.1"
_MODULE = f"github.com/ory/kratos@{VERSION}"
_PAGES = 40
_SLICE = 1_000
_TEXTS = ("username", "email", "phone", "given_name", "family_name", "department", "site", "employee_no")
_NEEDLESS = ("20230920171028000000", "20240318143139000000")
"""One migration makes an index by extensions that the embedded PostgreSQL does not bring, the other drops it again."""
_FLOW = Call("GET", "/self-service/login/api")
_ADMINISTRATION = (tasks.GET, tasks.LIST, tasks.CREATE, tasks.CHANGE)


class Kratos:
    """One server on all cores, its database on the run's PostgreSQL."""

    name = "Kratos"

    def __init__(self) -> None:
        self._sessions = Fresh(lambda: [self._signed_in(number) for number in range(SESSIONS)])
        self._admin_port = 0
        self._ids: list[str] = []
        self._paths: list[str] = []

    def lacking(self) -> str:
        """Go."""
        return "" if shutil.which("go") else "go missing"

    def install(self, place: Place) -> None:
        """The first build takes some minutes."""
        self._place, self._admin_port = place, processes.free_port()
        place.database.make(place.owner)
        if not self._program.exists():
            _build(self._program)
        self._configuration.write_bytes(msgspec.json.encode(self._settings()))
        self._migrate()

    def told(self) -> Mapping[str, str]:
        go = processes.output_of(["go", "version"]).decode().split()[2]
        return {"Kratos": f"{VERSION}, built with {go}"}

    def start(self) -> Server:
        command = [str(self._program), "serve", "--config", str(self._configuration)]
        return processes.start(command, self._place.port, self._place.log)

    def set_up(self) -> None:
        """Nothing: whoever reaches its second port is an administrator."""

    def alive(self) -> Call:
        return Call("GET", "/health/ready")

    def first(self) -> Call:
        """It has administrators on a port of their own; somebody who asks who they are comes first here."""
        return bearing([Call("GET", "/sessions/whoami")], self._sessions.get(), header="X-Session-Token", kind="")[0]

    def bring(self, realm: str) -> bool:
        if realm != HOME:
            return False
        everybody = iter(self._place.directory.all())
        while some := list(islice(everybody, _SLICE)):
            made = [{"create": {**_described(person), "credentials": _hashed(encoded)}} for person, encoded in some]
            answer = ask(self._admin_port, Call("PATCH", "/admin/identities", body={"identities": made}))
            if any(each["action"] != "create" for each in answer["identities"]):
                raise processes.Failed("Kratos did not take everybody over.")
        return True

    def found(self, text: str) -> None:  # noqa: ARG002 - it cannot search
        return None

    def port_of(self, task: Task) -> int:
        return self._admin_port if task in _ADMINISTRATION else self._place.port

    def prelude(self, task: Task, numbers: range) -> Sequence[Call]:
        return [_FLOW] * len(numbers) if task == tasks.SIGN_IN else []

    def calls(self, task: Task, numbers: range) -> Sequence[Call]:
        if task == tasks.SIGN_IN:
            return [self._sign_in(number) for number in numbers]
        if task == tasks.CHECK:
            calls = [Call("GET", "/sessions/whoami")] * SESSIONS
            return bearing(calls, self._sessions.get(), header="X-Session-Token", kind="")
        if task == tasks.LIST:
            return [Call("GET", path) for path in self._pages()]
        if task == tasks.CREATE:
            people = map(self._place.directory.stranger, numbers)
            return [Call("POST", "/admin/identities", body=_described(person)) for person in people]
        if task in (tasks.GET, tasks.CHANGE):
            return [self._about(task, number) for number in numbers]
        return []

    def _migrate(self) -> None:
        """It stops at the first of those that cannot be carried out here, and goes on when they are marked as done."""
        migrate = [str(self._program), "migrate", "sql", "--yes", self._dsn]
        with suppress(processes.Failed):
            processes.output_of(migrate)
        for version in _NEEDLESS:
            self._place.database.run(self._place.owner, f"INSERT INTO schema_migration (version) VALUES ('{version}')")
        processes.output_of(migrate)

    def _about(self, task: Task, number: int) -> Call:
        self._pages()
        path = f"/admin/identities/{self._ids[number % len(self._ids)]}"
        if task == tasks.GET:
            return Call("GET", path)
        return Call("PATCH", path, body=[{"op": "replace", "path": "/traits/family_name", "value": f"Name {number}"}])

    def _pages(self) -> list[str]:
        """The addresses of the first pages; each names the next one in a header."""
        path = "" if self._paths else "/admin/identities?page_size=25"
        while path and len(self._paths) < _PAGES:
            self._paths.append(path)
            people, path = _page(self._admin_port, path)
            self._ids += [each["id"] for each in people]
        return self._paths

    def _sign_in(self, number: int) -> Call:
        """To a flow of its own, which has been begun before."""
        flow = ask(self._place.port, _FLOW)["id"]
        name = self._place.directory.somebody(number).username
        said = {"method": "password", "identifier": name, "password": PASSWORD}
        return Call("POST", f"/self-service/login?flow={flow}", body=said)

    def _signed_in(self, number: int) -> str:
        return ask(self._place.port, self._sign_in(number))["session_token"]

    def _settings(self) -> dict[str, Any]:
        at = f"http://{LOOPBACK}:{self._place.port}/"
        hashing = {"memory": f"{HASH['memory']}KB", "iterations": HASH["passes"], "parallelism": HASH["lanes"]}
        schema = self._place.folder / "person.json"
        schema.write_bytes(msgspec.json.encode(_schema()))
        return {
            "version": VERSION,
            "dsn": self._dsn,
            "serve": {
                "public": {"host": LOOPBACK, "port": self._place.port, "base_url": at},
                "admin": {"host": LOOPBACK, "port": self._admin_port, "base_url": at},
            },
            "selfservice": {"default_browser_return_url": at, "methods": {"password": {"enabled": True}}},
            "hashers": {"algorithm": "argon2", "argon2": hashing},
            "identity": {"default_schema_id": "person", "schemas": [{"id": "person", "url": f"file://{schema}"}]},
            "secrets": {"cookie": [PASSWORD], "cipher": ["of people who do not exist at all"[:32]]},
            "log": {"level": "warning"},
        }

    @property
    def _dsn(self) -> str:
        return self._place.database.url(self._place.owner) + "?sslmode=disable"

    @property
    def _configuration(self) -> Path:
        return self._place.folder / "kratos.json"

    @property
    def _program(self) -> Path:
        return KEPT / f"kratos-{VERSION}"


def _build(program: Path) -> None:
    """Its source names folders that are not in the module, which only its tests need: it is built from a copy."""
    found = processes.output_of(["go", "mod", "download", "-json", _MODULE])
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kratos-") as folder:
        source = Path(folder) / "source"
        shutil.copytree(msgspec.json.decode(found)["Dir"], source, copy_function=shutil.copyfile)
        source.chmod(0o755)
        processes.output_of(["go", "build", "-C", str(source), "-o", str(program), "."], GOFLAGS="-mod=mod")


def _page(port: int, path: str) -> tuple[list[dict[str, Any]], str]:
    with closing(http.client.HTTPConnection(LOOPBACK, port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        links, people = answer.headers.get_all("Link", []), msgspec.json.decode(answer.read())
    after = [each.partition(">")[0].lstrip(" <") for each in ",".join(links).split(",") if 'rel="next"' in each]
    return people, f"{urlsplit(after[0]).path}?{urlsplit(after[0]).query}" if after else ""


def _described(person: Person) -> dict[str, Any]:
    traits = {
        "username": person.username,
        "email": person.email,
        "phone": person.phone,
        "given_name": person.given_name,
        "family_name": person.family_name,
        **person.attributes,
    }
    return {"schema_id": "person", "state": "active" if person.status == "active" else "inactive", "traits": traits}


def _hashed(encoded: str) -> dict[str, Any]:
    return {"password": {"config": {"hashed_password": encoded}}}


def _schema() -> dict[str, Any]:
    """People sign in with username or address, as in Roster."""
    names = {"ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}
    properties: dict[str, Any] = {name: {"type": "string"} for name in _TEXTS}
    properties["username"] |= names
    properties["email"] |= {"format": "email", **names}
    traits = {"type": "object", "properties": properties, "required": ["username"], "additionalProperties": False}
    return {
        "$id": "https://example.org/person.json",
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Person",
        "type": "object",
        "properties": {"traits": traits},
    }
