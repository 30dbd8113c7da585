"""`roster import` and `roster export`, beside a running server."""

import csv
import json
import os
import pty
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests import servers
from tests.servers import Installation, Server


def people(path: Path, *, first: int = 0, count: int = 3, **more: object) -> Path:
    """A file of this many people."""
    lines = [
        json.dumps({"username": f"person-{number}", "email": f"person-{number}@example.com", **more})
        for number in range(first, first + count)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def a_realm(installation: Installation, slug: str) -> list[str]:
    installation.roster("realm", "create", slug)
    return ["--realm", slug]


def test_a_dry_run_changes_nothing_and_the_import_what_it_said(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "dry")
    file = people(tmp_path / "people.ndjson")

    said = beside.ask("import", str(file), *realm, "--dry-run")
    assert (said["state"], said["created"], said["dry_run"]) == ("done", 3, True)
    assert beside.ask("user", "list", *realm) == []

    done = beside.ask("import", str(file), *realm)
    assert (done["state"], done["created"], done["dry_run"]) == ("done", 3, False)
    assert [each["username"] for each in beside.ask("user", "list", *realm)] == ["person-0", "person-1", "person-2"]

    again = beside.ask("import", str(file), *realm)
    assert (again["created"], again["unchanged"]) == (0, 3)


def test_imported_people_sign_in_with_what_they_had(beside: Installation, server: Server, tmp_path: Path) -> None:
    realm = a_realm(beside, "movers")
    file = people(tmp_path / "people.ndjson", count=1, password="the one I had before")

    beside.roster("import", str(file), *realm)

    server.sign_in("person-0", "the one I had before", "movers")


def test_rows_that_are_refused_are_told_and_the_others_come_in(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "mixed")
    file = people(tmp_path / "people.ndjson", count=2)
    with file.open("a") as out:
        out.write('{"username": "broken", "email": "nowhere"}\n')
    report = tmp_path / "report.csv"

    done = beside.roster("import", str(file), *realm, "--report", str(report), "--json", code=1)

    told = json.loads(done.stdout)
    assert (told["state"], told["created"], told["refused"]) == ("done", 2, 1)
    assert "row 3, email: " in done.stderr
    with report.open() as rows:
        (row,) = csv.DictReader(rows)
    assert (row["row"], row["field"]) == ("3", "email")


def test_a_file_of_another_form_changes_nothing(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "other-form")
    file = tmp_path / "people.json"
    file.write_text('["no", "realm"]')

    done = beside.roster("import", str(file), "--format", "keycloak", *realm, code=1)

    assert "failed" in done.stdout
    assert "Traceback" not in done.stderr
    assert beside.ask("user", "list", *realm) == []


def test_the_form_is_told_by_the_name_or_has_to_be_given(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "forms")
    table = tmp_path / "people.csv"
    table.write_text("username,email\nanna,anna@example.com\n")
    assert beside.ask("import", str(table), *realm)["created"] == 1

    nameless = people(tmp_path / "people")
    refused = beside.roster("import", str(nameless), *realm, code=1)
    assert refused.stderr == "roster: --format: The form of people cannot be told from its name.\n"
    assert beside.ask("import", str(nameless), "--format", "roster", *realm)["created"] == 3


def test_an_export_comes_back_into_another_realm_as_it_was(beside: Installation, tmp_path: Path) -> None:
    first, second = a_realm(beside, "from-here"), a_realm(beside, "to-there")
    beside.roster("import", str(people(tmp_path / "people.ndjson", count=5, tags=["blue"])), *first)
    file = tmp_path / "out.ndjson"

    told = beside.ask("export", str(file), *first)

    assert (told["file"], told["format"], told["bytes"]) == (str(file), "roster", file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir() if "out" in each.name] == ["out.ndjson"]
    assert beside.ask("import", str(file), *second)["created"] == 5
    shown = beside.ask("user", "show", "person-4", *second)
    assert (shown["email"], shown["tags"]) == ("person-4@example.com", ["blue"])


def test_an_export_goes_to_the_next_program(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "piped")
    beside.roster("import", str(people(tmp_path / "people.ndjson")), *realm)

    table = beside.roster("export", "--format", "csv", "--fields", "username,email", *realm).stdout
    head, *rows = table.splitlines()
    assert head == "username,email"
    assert sorted(rows) == [f"person-{number},person-{number}@example.com" for number in range(3)]

    lines = beside.roster("export", *realm).stdout.splitlines()
    assert sorted(json.loads(line)["username"] for line in lines) == ["person-0", "person-1", "person-2"]


def test_secrets_are_exported_only_when_asked_for(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "secretive")
    beside.roster("import", str(people(tmp_path / "people.ndjson", count=1, password="something to hide")), *realm)

    assert "argon2" not in beside.roster("export", *realm).stdout
    assert "argon2id" in beside.roster("export", "--secrets", *realm).stdout


def test_an_import_that_is_killed_goes_on_with_the_same_command(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "killed")
    file = people(tmp_path / "people.ndjson", count=12_000)
    arguments = ["import", str(file), *realm, *beside.arguments]
    command = [sys.executable, "-m", "roster", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=servers.environment()) as process:
        assert process.stderr is not None
        while b"new" not in process.stderr.readline():
            pass
        process.kill()
    before = len(beside.ask("user", "list", *realm, "--limit", "20000"))
    assert 0 < before < 12_000

    done = beside.ask("import", str(file), *realm)

    assert (done["state"], done["created"]) == ("done", 12_000)
    assert len(beside.ask("user", "list", *realm, "--limit", "20000")) == 12_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_stops_an_import_with_a_word_and_without_a_trace(
    beside: Installation, tmp_path: Path, number: signal.Signals
) -> None:
    realm = a_realm(beside, f"interrupted-by-{number:d}")
    file = people(tmp_path / "people.ndjson", count=12_000)
    command = [sys.executable, "-m", "roster", "import", str(file), *realm, *beside.arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=servers.environment()) as process:
        assert process.stderr is not None
        assert b"begun" in process.stderr.readline()
        process.send_signal(number)
        said = process.stderr.read().decode()
    assert process.returncode == 128 + number
    assert "The same command goes on from here." in said
    assert "Traceback" not in said


def test_a_terminal_gets_a_bar(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "bar")
    file = people(tmp_path / "people.ndjson")
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "roster", "import", str(file), *realm, *beside.arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=other_end, env=servers.environment(TERM="xterm")
    )
    os.close(other_end)

    shown = b""
    while piece := read(terminal):
        shown += piece
    os.close(terminal)

    assert process.wait() == 0
    assert "━" in shown.decode()
    assert "3 new" in shown.decode()


def read(terminal: int) -> bytes:
    """The end of a terminal is an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_sessions_of_a_fruster_installation_are_taken_over_once(beside: Installation, tmp_path: Path) -> None:
    realm = a_realm(beside, "fruster")
    person = "00000000-0000-4000-8000-000000000001"
    users, sessions = tmp_path / "users.json", tmp_path / "sessions.json"
    users.write_text(json.dumps({"id": person, "email": "eva@example.com", "roles": ["user"]}) + "\n")
    line = {"id": "ab" * 64, "userId": person, "expires": {"$date": "2999-01-01T00:00:00.000Z"}}
    sessions.write_text(json.dumps(line) + "\nnot one\n")

    assert beside.ask("import", str(users), "--format", "fruster", *realm)["created"] == 1

    assert beside.ask("import-sessions", str(sessions), *realm) == {"taken": 1, "left": 0, "refused": 1}
    assert beside.ask("import-sessions", str(sessions), *realm) == {"taken": 0, "left": 1, "refused": 1}
