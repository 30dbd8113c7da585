"""The command line itself: help, what is no installation, what is wrong with one."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests import servers
from tests.servers import Installation

COMMANDS: dict[tuple[str, ...], list[str]] = {
    (): [
        "serve",
        "import",
        "import-sessions",
        "export",
        "user",
        "realm",
        "organisation",
        "key",
        "device",
        "doctor",
        "settings",
    ],
    ("user",): ["list", "show", "create", "set-password", "disable", "enable", "delete", "restore"],
    ("realm",): ["list", "create", "show", "replace-key"],
    ("key",): ["create", "list", "revoke"],
    ("device",): ["create", "list", "key", "disable", "enable", "delete"],
}
PATHS = [[*above, below] for above, all_below in COMMANDS.items() for below in all_below]


@pytest.mark.parametrize("above", COMMANDS)
def test_help_names_every_command(above: tuple[str, ...]) -> None:
    said = servers.roster(*above, "--help").stdout

    assert [line.split()[0] for line in said.partition("Commands:\n")[2].splitlines()] == COMMANDS[above]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_says_what_it_does_and_speaks_json(path: list[str]) -> None:
    said = servers.roster(*path, "--help")

    assert said.code == 0
    assert f"Usage: roster {' '.join(path)} [OPTIONS]" in said.stdout
    if len(path) == 2 or path[0] not in ("user", "realm", "organisation", "key", "device"):
        for option in ("--data", "--database-url", "--json"):
            assert option in said.stdout


def test_help_does_not_load_the_directory() -> None:
    script = (
        "import sys; sys.argv = ['roster', '--help']; from roster import cli\n"
        "try: cli.main()\n"
        "finally: print([name for name in sys.modules if name.startswith(('roster.core', 'asyncpg', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["importing", "exporting", "users", "realms"])
def test_a_command_does_not_load_the_front_doors(command: str) -> None:
    script = (
        f"import roster.cli.{command}, sys\n"
        "print([name for name in sys.modules if name.startswith(('roster.app', 'roster.dialects', 'roster.web'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roster", "--version"], capture_output=True, text=True, check=True,
        env=servers.environment(),
    )  # fmt: skip

    assert done.stdout.startswith("Roster 0.")


@pytest.mark.parametrize("arguments", [["nonsense"], ["user", "nonsense"], ["user", "show"], ["serve", "--port", "x"]])
def test_a_command_line_that_is_wrong_is_told_so(arguments: list[str]) -> None:
    done = servers.roster(*arguments)

    assert done.code == 2
    assert "Usage: roster" in done.stderr
    assert "Error: " in done.stderr


def test_a_folder_without_an_installation_is_left_alone(tmp_path: Path) -> None:
    nowhere = Installation(tmp_path / "typo")

    done = nowhere.roster("user", "list", code=1)

    assert done.stderr.startswith(f"roster: There is no installation in {nowhere.data}: `roster serve` makes one")
    assert not nowhere.data.exists()


def test_a_database_that_no_server_has_prepared_is_left_alone(tmp_path: Path, empty_dsn: str) -> None:
    (tmp_path / "roster.toml").touch()

    done = Installation(tmp_path, empty_dsn).roster("user", "list", code=1)

    assert (
        done.stderr == "roster: The database is not set up for this release of Roster yet: start `roster serve` once.\n"
    )


def test_a_database_that_is_away_is_one_line_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "roster.toml").touch()
    away = Installation(tmp_path, "postgresql://roster:hidden@127.0.0.1:1/roster")

    done = away.roster("user", "list", code=1)

    assert done.stderr.startswith("roster: The database cannot be reached. (")
    assert done.stderr.count("\n") == 1
    assert "hidden" not in done.stderr


def test_a_setting_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "roster.toml").write_text("[server]\nprot = 1\n")

    done = Installation(tmp_path).roster("user", "list", code=1)

    assert done.stderr.startswith("roster: server.prot is no setting (")
    assert done.stderr.count("\n") == 1


def test_the_variables_say_where_the_installation_is(beside: Installation) -> None:
    assert beside.url is not None
    done = servers.roster(
        "user", "list", "--json", env={"ROSTER_DATA": str(beside.data), "ROSTER_DATABASE_URL": beside.url}
    )

    assert "admin" in {each["username"] for each in json.loads(done.stdout)}


def test_another_installations_key_is_refused(beside: Installation, tmp_path: Path) -> None:
    (tmp_path / "roster.toml").touch()

    done = Installation(tmp_path, beside.url).roster("user", "list", code=1)

    assert done.stderr.startswith("roster: The secret key does not belong to this database.")


def test_settings_tell_where_they_come_from_and_hide_secrets(beside: Installation) -> None:
    done = beside.roster("settings", "--json", env={"ROSTER_SERVER_WORKERS": "3", "ROSTER_MAIL_PASSWORD": "hide me"})

    found = {each["key"]: each for each in json.loads(done.stdout)}
    assert found["server.workers"] == {"key": "server.workers", "value": 3, "origin": "ROSTER_SERVER_WORKERS"}
    assert found["server.port"]["origin"] == "default"
    assert "hide me" not in done.stdout
    assert found["database.url"]["value"] == "********"


def verdicts(installation: Installation, code: int = 0) -> dict[str, str]:
    done = installation.roster("doctor", "--json", code=code)
    return {each["subject"]: each["verdict"] for each in json.loads(done.stdout)}


def test_the_doctor_finds_nothing_wrong_with_a_fresh_installation(beside: Installation) -> None:
    found = verdicts(beside)

    assert found.pop("mail") == "warning"
    assert set(found.values()) == {"ok"}
    assert {"server", "database", "schema", "secret key", "administrators", "disk"} <= found.keys()


def test_the_doctor_finds_what_is_wrong(beside: Installation) -> None:
    beside.roster("realm", "create", "headless")
    beside.roster("user", "create", "anybody", "--realm", "headless")
    assert verdicts(beside)["administrators"] == "warning"

    key = beside.data / "secret.key"
    key.chmod(0o644)
    assert verdicts(beside, code=1)["key file"] == "wrong"
    key.chmod(0o600)

    beside.data.chmod(0o755)
    assert verdicts(beside)["data folder"] == "warning"
    beside.data.chmod(0o700)


async def test_the_doctor_says_what_waits_for_servers_of_another_release(
    beside: Installation, connection: asyncpg.Connection
) -> None:
    """And commands do not."""
    taken = "DELETE FROM schema_migrations WHERE name LIKE '%_post_add_heartbeat.sql' RETURNING name, checksum, source"
    record = await connection.fetchrow(taken)
    assert record is not None
    try:
        assert verdicts(beside)["schema"] == "warning"
        assert beside.ask("user", "list")
    finally:
        await connection.execute("INSERT INTO schema_migrations VALUES ($1, $2, $3)", *record)
    assert verdicts(beside)["schema"] == "ok"


@pytest.fixture
async def connection(beside: Installation) -> AsyncIterator[asyncpg.Connection]:
    """To its database."""
    made = await asyncpg.connect(beside.url)
    yield made
    await made.close()


def test_the_doctor_says_what_is_not_there(tmp_path: Path) -> None:
    assert verdicts(Installation(tmp_path / "nowhere"), code=1) == {"program": "ok", "installation": "wrong"}

    (tmp_path / "roster.toml").touch()
    away = Installation(tmp_path, "postgresql://roster@127.0.0.1:1/roster")
    assert verdicts(away, code=1)["database"] == "wrong"


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = servers.roster("serve", "--data", str(tmp_path / "file" / "data"))

    assert done.code == 1
    assert "file" in done.stderr
    assert done.stderr.count("\n") == 1
