"""The page about speed, written by a full run, or by any with `--document`."""

from pathlib import Path

from bench.report import Report, markdown

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_HEAD = """# How fast, how large

Written by `make bench`, which anybody can run: it makes a directory of its own in a temporary folder, listens on
loopback only, and takes about twenty minutes. `make bench QUICK=1` does the same with 100,000 people in under two
minutes.

Absolute figures depend on the machine; ratios hardly do. So most lines compare Roster with **the limit**
(`bench/limit.py`): the smallest program on the same HTTP server, database driver and database that does the same
SELECT or INSERT and writes the same JSON, with no checks at all. Subject and limit take turns; the figure
is the median of the rounds' ratios, and *rounds* tells the least and the greatest of them. CPU is what the processes'
own clocks say, the load generator apart; "per core" counts server and PostgreSQL together. Lines without a bar are told
for orientation.

"""
_TAIL = """
## What the lines mean

- **GET one user**: with the bearer tokens of 80 sessions, which the worker remembers until the database says that
  something about them changed, so that a sign-out counts at once. The second line repeats it on a server whose native
  API has 500 operations more.
- **list 25**: one request after another, the same questions to the large realm and to one of ten thousand people in
  the same tables; names, parts of names and dates differ from request to request. A part of an address in the order
  of usernames is the hardest: an index knows who has it, another one the order, none both. Roster walks through the
  order while that is likely to fill the page, and gathers all who match otherwise. What has ten thousand matches that
  come late in the order, as a few parts of names do, takes the longest.
- **users/search**: in the dialect of fulfillmenttools, by the beginning of the last name and a part of the first, in
  the order of last names; everybody has a role in one of a thousand facilities, and the caller sees three of them.
- **effective permissions**: of somebody who has fifty assignments, each for another facility.
- **create user**: person, audit entry and outbox event in one transaction; the limit inserts three prepared rows.
- **sign-in**: with argon2id (19 MiB, two passes); the reference is argon2 on the same threads without anything around
  it. The reads beside it are sent at a fixed rate, and waiting counts.
- **import**: of people with hashes, from an NDJSON file into an empty realm; the reference is a binary COPY of the
  rows that came out of it into empty tables with the same indexes.
- **users/pagination**, **user/invite**, **auth/login**: in the dialect of GroupAlarm. Two organisations in one
  directory (a quick run has 20,000 members in the larger one), the same pages of both in turns, by last and first
  names, up and down, each with the exact total; a search has to count all that it finds. Invitations are for people who
  have no account (3,000 in a quick run): from the request until the job has written down that all are done, with
  account, membership, audit entry, token and queued mail for each. Both log-ins are one request with all that it takes.
- **memory**: proportional set size of all processes of server and PostgreSQL, which keeps pages that it has used, up to
  half of what is stored or a sixteenth of the machine's memory.
"""


def write(report: Report) -> Path:
    """The path of the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(_HEAD + markdown(report) + _TAIL)
    return PAGE
