"""The contract, a catalogue of operations, as tests read it: which one a request is, and what it may answer."""

import re
from functools import cache
from typing import Any

import msgspec

from tests.dialects.contracts import FOLDER, parsed

ANYWHERE: set[tuple[int, str]] = {
    (400, "BAD_REQUEST"),
    (400, "INVALID_DATA_ENCODING"),
    (403, "MUST_BE_LOGGED_IN"),
    (403, "PERMISSION_DENIED"),
    (403, "auth-service.403.1"),
    (404, "BUS_RESPONSE_TIMEOUT"),
    (413, "TOO_LARGE"),
    (429, "TOO_MANY_REQUESTS"),
    (500, "INTERNAL_SERVER_ERROR"),
    (503, "UNAVAILABLE"),
}
"""Answers of the frame in front of every operation."""

HARDENED: set[tuple[str, int, str]] = {
    ("admin-user-update", 400, "user-service.400.4"),
    ("svc-user-update-user", 400, "user-service.400.4"),
    ("admin-user-list", 400, "user-service.400.13"),
    ("svc-user-update-profile", 400, "fruster-user-service.<FIELD>_NOT_UNIQUE"),
    ("svc-user-delete-by-query", 400, "user-service.400.13"),
}
"""Answers that the contract asks for in words only, where Roster is to be stricter than the original."""


class Documented(msgspec.Struct, frozen=True):
    """One operation; `details` is all that the contract says of it."""

    id: str
    subject: str
    details: dict[str, Any]
    pattern: re.Pattern[str]

    @property
    def errors(self) -> set[tuple[int, str]]:
        listed = {(each["status"], each["code"]) for each in self.details.get("errors") or []}
        return listed | {(status, code) for name, status, code in HARDENED if name == self.id}

    @property
    def statuses(self) -> set[int]:
        """Of successes."""
        success = self.details.get("success") or {}
        listed = [success, *success.get("alternatives", ())] if isinstance(success, dict) else []
        found = {int(each) for one in listed for each in re.findall(r"\d{3}", str(one.get("status", 200)))}
        return found or {200}


@cache
def operations() -> dict[str, Documented]:
    """All that have a subject, by id."""
    return {
        each["id"]: Documented(each["id"], each["subject"], each, _pattern(each["subject"]))
        for each in _listed()
        if each.get("subject")
    }


def identifiers() -> set[str]:
    """Of everything that the contract describes."""
    return {each["id"] for each in _listed()}


@cache
def _listed() -> list[dict[str, Any]]:
    return parsed(FOLDER / "wellbee" / "fruster.yaml")["operations"]


def operation(subject: str) -> Documented | None:
    """The operation that a subject asks for: the one with the fewest parameters."""
    found = [each for each in operations().values() if each.pattern.fullmatch(subject.lower())]
    return min(found, key=lambda each: each.subject.count(":"), default=None)


def check(subject: str, status: int, envelope: dict[str, Any]) -> None:
    """Fail unless the contract documents the answer."""
    assert envelope["status"] == status
    assert re.fullmatch(r"[0-9a-f-]{36}", envelope["reqId"])
    assert re.fullmatch(r"[0-9a-f-]{36}", envelope["transactionId"])
    assert envelope["from"].keys() == {"service", "instanceId"}
    found = operation(subject)
    if found is None:
        return
    if status < 400:
        assert status in found.statuses, f"{found.id} answers {status}: {envelope}"
        assert "error" not in envelope
    else:
        code = envelope["error"]["code"]
        named = {(status, code), (status, re.sub(r"[A-Z]+(?=_NOT_UNIQUE$)", "<FIELD>", code))}
        assert named & (found.errors | ANYWHERE), f"{found.id} answers {envelope}"
        assert envelope["error"]["title"]


def _pattern(subject: str) -> re.Pattern[str]:
    words = [
        r"[^.]+" if word.startswith(":") or word == "*" else re.escape(word.lower()) for word in subject.split(".")
    ]
    return re.compile(r"\.".join(words))
