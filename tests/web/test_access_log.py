"""The lines of the access log as people read them."""

from datetime import UTC, datetime

from roster.web.access_log import Line, readable

AT = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_a_line_says_when_how_what_and_who():
    line = Line(AT, "GET", "/api/v1/me", 200, 3.14, "abc-1", "192.0.2.7", realm="main", actor="someone")

    assert readable(line) == b"2031-05-06T07:08:09.000Z 200 GET /api/v1/me 3.1 ms main/someone abc-1"


def test_a_line_stays_one_line_whatever_is_asked():
    line = Line(AT, "GET", "/realms/x\x9b31m", 404, 1.0, "abc-1", "192.0.2.7", realm="x\n2031 200 forged\x1b[2J")

    assert readable(line).count(b"\n") == 0
    assert b"\x1b" not in readable(line)
    assert "\x9b".encode() not in readable(line)
