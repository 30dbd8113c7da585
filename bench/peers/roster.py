"""Roster itself, as a stranger runs it: its command, its settings' defaults, its native API."""

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from bench import processes
from bench.dataset import PASSWORD
from bench.load import Call
from bench.peers import tasks
from bench.peers.peer import HOME, SESSIONS, Fresh, Place, Task, ask, bearing
from bench.peers.people import exported
from bench.people import Person
from bench.processes import Server

_STEP = 0.1
_PAGES = 40


class Roster:
    """One worker for each core, its database on the run's PostgreSQL."""

    name = "Roster"

    def __init__(self) -> None:
        self._administrators = Fresh(lambda: [self._sign_in("admin")["access_token"] for _ in range(SESSIONS)])
        self._people = Fresh(lambda: [self._signed_in(number)["access_token"] for number in range(SESSIONS)])
        self._ids: list[str] = []
        self._cursors: list[str] = []

    def lacking(self) -> str:
        return ""

    def install(self, place: Place) -> None:
        self._place = place
        place.database.make(place.owner)

    def told(self) -> Mapping[str, str]:
        return {"Roster": f"{self._place.cores} workers, otherwise its defaults"}

    def start(self) -> Server:
        place = self._place
        command = processes.serve_command(place.folder / "data", place.port, "--workers", str(place.cores))
        return processes.start(
            command,
            place.port,
            place.log,
            ROSTER_DATABASE_URL=place.database.url(place.owner),
            ROSTER_ADMIN_PASSWORD=PASSWORD,
        )

    def set_up(self) -> None:
        """The first start has made its administrator."""

    def alive(self) -> Call:
        return Call("GET", "/health/ready")

    def first(self) -> Call:
        return bearing([Call("GET", f"/api/v1/users/{self._somebody(1)}")], self._administrators.get())[0]

    def bring(self, realm: str) -> bool:
        """As an import of Keycloak's own export, by the API of the running server."""
        inside = {} if realm == HOME else {"Roster-Realm": realm}
        if inside:
            self._ask(Call("POST", "/api/v1/realms", body={"slug": realm}))
        file = msgspec.json.encode({"users": exported(list(self._place.directory.all()))})
        upload = Call("POST", "/api/v1/imports?format=keycloak", {**inside, "Content-Type": "application/json"})
        started = self._ask(upload, raw=file)
        self._wait_for(Call("GET", f"/api/v1/imports/{started['id']}", inside))
        return True

    def found(self, text: str) -> list[str]:
        return [each["username"] for each in self._ask(Call("GET", _search(text)))["items"]]

    def port_of(self, task: Task) -> int:  # noqa: ARG002 - all on one
        return self._place.port

    def prelude(self, task: Task, numbers: range) -> Sequence[Call]:  # noqa: ARG002 - one request does it
        return []

    def calls(self, task: Task, numbers: range) -> Sequence[Call]:
        if task == tasks.SIGN_IN:
            return [_sign_in(self._place.directory.somebody(number).username) for number in numbers]
        if task == tasks.REFRESH:
            return [_refresh(self._signed_in(number)["refresh_token"]) for number in range(8)]
        if task in (tasks.CHECK, tasks.INTROSPECT):
            return bearing([Call("GET", "/api/v1/me")] * SESSIONS, self._people.get())
        return bearing(self._administration(task, numbers), self._administrators.get())

    def _administration(self, task: Task, numbers: range) -> list[Call]:
        directory = self._place.directory
        if task == tasks.LIST:
            return [Call("GET", path) for path in self._pages()]
        if task == tasks.SEARCH:
            return [Call("GET", _search(directory.part_of_a_name(number))) for number in numbers]
        if task == tasks.CREATE:
            return [Call("POST", "/api/v1/users", body=_described(directory.stranger(number))) for number in numbers]
        paths = [f"/api/v1/users/{self._somebody(number)}" for number in numbers]
        if task == tasks.GET:
            return [Call("GET", path) for path in paths]
        return [
            Call("PATCH", path, body={"family_name": f"Name {at}"}) for at, path in zip(numbers, paths, strict=True)
        ]

    def _somebody(self, number: int) -> str:
        self._walk()
        return self._ids[number % len(self._ids)]

    def _pages(self) -> list[str]:
        self._walk()
        return [f"/api/v1/users?limit=25&sort=username{cursor}" for cursor in self._cursors]

    def _walk(self) -> None:
        """Once through the first pages."""
        path, cursor = "/api/v1/users?limit=25&sort=username", ""
        while not self._ids or (cursor and len(self._cursors) < _PAGES):
            page = self._ask(Call("GET", path + cursor))
            self._ids += [each["id"] for each in page["items"]]
            cursor = f"&cursor={quote(page['next_cursor'])}" if page["next_cursor"] else ""
            self._cursors += [cursor] if cursor else []

    def _signed_in(self, number: int) -> dict[str, str]:
        return self._sign_in(self._place.directory.somebody(number).username)

    def _sign_in(self, username: str) -> dict[str, str]:
        return ask(self._place.port, _sign_in(username))

    def _ask(self, call: Call, *, raw: bytes | None = None) -> Any:
        return ask(self._place.port, bearing([call], self._administrators.get())[0], raw=raw)

    def _wait_for(self, call: Call) -> None:
        while (state := self._ask(call))["state"] in ("queued", "running"):
            time.sleep(_STEP)
        if state["state"] != "done" or state["rows_created"] != self._place.directory.size:
            raise processes.Failed(f"The import ended otherwise: {state}")


def _sign_in(username: str) -> Call:
    return Call("POST", "/api/v1/sign-in", body={"username": username, "password": PASSWORD})


def _refresh(token: str) -> Call:
    return Call("POST", "/api/v1/refresh", body={"refresh_token": token})


def _search(text: str) -> str:
    return f"/api/v1/users?q={quote(text)}&sort=username"


def _described(person: Person) -> dict[str, object]:
    return {
        "username": person.username,
        "email": person.email,
        "phone": person.phone,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email_verified": person.verified,
        "attributes": person.attributes,
    }
