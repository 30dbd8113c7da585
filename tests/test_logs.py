"""What the logs say, and what they never say."""

import json
import subprocess
import sys

import pytest

from roster import logs

SAYING = """
import logging
from roster import logs
logs.configure({form!r}, {level!r})
log = logs.logger("roster.test")
log.info("thing.happened", count=3, password="hidden one")
log.debug("thing.thought", count=4)
logging.getLogger("some.library").warning("it said %s", "postgresql://roster:hidden@db/roster")
try:
    raise RuntimeError("cannot reach postgresql://roster:hidden@db/roster")
except RuntimeError:
    log.exception("thing.failed")
"""


def said(form: str, level: str = "info") -> str:
    command = [sys.executable, "-c", SAYING.format(form=form, level=level)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def test_json_is_one_object_a_line_also_for_what_libraries_say():
    lines = [json.loads(line) for line in said("json").splitlines()]

    assert [line["event"] for line in lines] == [
        "thing.happened",
        "it said postgresql://***@db/roster",
        "thing.failed",
    ]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert (lines[0]["count"], lines[0]["password"]) == (3, "***")
    assert "RuntimeError: cannot reach postgresql://***@db/roster" in lines[2]["exception"]
    assert all("timestamp" in line for line in lines)


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_form_tells_secrets(form: str):
    assert "hidden" not in said(form)


def test_the_level_decides_how_much_is_said():
    assert "thing.thought" in said("console", "debug")
    assert "thing.thought" not in said("console", "info")
    assert "thing.happened" not in said("console", "warning")


def test_secrets_are_masked_at_any_depth():
    event = {
        "event": "key.created",
        "api_key": "one",
        "user": {"name": "anna", "password_hash": "two", "more": [{"token": "three"}]},
        "header": "Authorization: Bearer abc.def.ghi-jkl",
        "address": "https://user:pass@example.com/path?x=1",
    }

    shown = logs.redact(None, "info", event)

    assert shown == {
        "event": "key.created",
        "api_key": "***",
        "user": {"name": "anna", "password_hash": "***", "more": [{"token": "***"}]},
        "header": "Authorization: Bearer ***",
        "address": "https://***@example.com/path?x=1",
    }


def test_a_log_that_was_closed_stops_nothing():
    script = (
        SAYING.format(form="json", level="info") + "import sys; sys.stderr.close(); log.info('thing.went'); print('on')"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "on\n")


def test_a_log_that_nobody_reads_stops_nothing():
    script = "input()\n" + SAYING.format(form="json", level="info") + "print('went on')"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.close()
        process.stderr = None
        said, _ = process.communicate("go\n")

    assert said == "went on\n"
