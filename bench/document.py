"""The page about speed, written by a full run, or by any with `--document`."""

from pathlib import Path

from bench import report
from bench.report import Line, Report

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_HEAD = """# How fast, how large

Written by `make bench`, which anybody can run: it makes a directory of its own in a temporary folder, listens on
loopback only, and takes twenty to thirty minutes. `make bench QUICK=1` does the same with 100,000 people in under two
minutes, with fewer rounds and so a larger spread, and without the dialects side by side. With
`BASE=bench/out/full.json` either also prints which figures have left the range of that earlier run.

Absolute figures depend on the machine; ratios hardly do. So most lines compare Roster with something else that works
beside it: with **the limit** (`bench/limit.py`), the smallest program on the same HTTP server, database driver and
database that does the same SELECT or INSERT and writes the same JSON, with no checks at all; with the same work on few
people; or with a simpler request. Both sides take turns; the figure is the median of the rounds' ratios, and *rounds*
tells the least and the greatest of them. CPU is what the processes' own clocks say, the load generator apart; where it
is of neither, and "per core", it is that of server and PostgreSQL together. The detail tells what one request costs, as
CPU of server + PostgreSQL and as p50 and p99 with eight requests at a time (one in lists and searches), the subject's
first. Lines without a bar are told for orientation.

"""
_ABOUT = {
    "starts": """## Start and memory

A start is from the command to the first answer to a request with a token. Memory is the proportional set size of all
processes of server and PostgreSQL, two seconds after the first answer.
""",
    "journeys": """## What every application does

For each path what one core does in a second, and what it costs with all people over what it costs with ten thousand,
who are in an installation of their own. People and sessions are of all over the directory. What does not depend on the
number of people may cost at most three times as much with a hundred times as many; what is done for everybody, as an
export, may cost each of them as much, and a quarter more where pages fit into no cache any more. A sign-in is judged by
PostgreSQL's part alone, since argon2 would hide it. An update gives another first name, which is searched by, so its
indexes are written too. Exported are those who were there from the start: whoever is made in the run has no role, which
is a third of what a person costs here.
""",
    "reads": """## Reading one person

With the bearer tokens of 80 sessions, which the worker remembers until the database says that something about them
changed, so that a sign-out counts at once; over the limit, and on a server whose native API has 500 operations more.
""",
    "lists": """## Lists

Pages of 25, one request after another, the same questions to the large realm and to one of ten thousand people in the
same tables; names, parts of names and dates differ from request to request. A part of an address in the order of
usernames is the hardest: an index knows who has it, another one the order, none both. Roster walks through the order
while that is likely to fill the page, and gathers all who match otherwise, of thousands first those of one letter. Of
ten thousand whose names begin with the same few letters, what is looked for among them, only the first are looked at.
Longest take two letters that hardly anybody has side by side, which none of these lines asks for: no index knows them,
so the order is walked to its end, half a second for a million.
""",
    "writes": """## Making people

Person, audit entry and outbox event in one transaction; the limit inserts three prepared rows.
""",
    "sign_ins": """## Signing in

With argon2id (19 MiB, two passes); the reference is argon2 on the same threads without anything around it. The reads
beside it are sent at a fixed rate, and waiting counts.
""",
    "scopes": """## Within facilities

In the dialect of fulfillmenttools. `users/search` is by the beginning of the last name and a part of the first, in the
order of last names; everybody has a role in one of a thousand facilities, and the caller sees three of them. Effective
permissions are those of somebody who has fifty assignments, each for another facility.
""",
    "signed": """## Signed requests, and a long list

In the dialect of Onslip 360, with two workers. The same requests are signed (Hawk, each once) and with bearer tokens.
The list of a thousand is compared with reading the same rows and building the same JSON in one go.
""",
    "organisations": """## Organisations

In the dialect of GroupAlarm. Two organisations in one directory (a quick run has 20,000 members in the larger one), the
same pages of both in turns, by last and first names, up and down, each with the exact total; a search has to count all
that it finds, and is told without a bar. Invitations are for people who have no account (3,000 in a quick run): from
the request until the job has written down that all are done, with account, membership, audit entry, token and queued
mail for each. Both log-ins are one request with all that it takes.
""",
    "documents": """## Custom fields

In the dialect of Wellbee: two fields equal, one greater.
""",
    "bus": """## Over the bus

One person found by a request over NATS, and read by HTTP.
""",
    "sockets": """## Websockets

What a thousand of them hold beyond the first fifty, and how long a message to all takes.
""",
    "dialects": """## The dialects side by side

The same people read one by one, and given another first name, by bearer token. The dialects answer with more or less
of a person than the native API does, and some need more to be known before.
""",
    "memory": """## Memory afterwards

PostgreSQL keeps pages that it has used, up to 1,024 MB or half of what is stored, whichever is more, but no more than a
sixteenth of the machine's memory.
""",
    "imports": """## Import

Of people with hashes, from an NDJSON file into an empty realm; the reference is a binary COPY of the rows that came out
of it into empty tables with the same indexes, in the same order. The CPU for each person may not grow with their number
by more than that of an export may; a tenth of them is brought in before and after all of them.
""",
    "spills": """## Spilling

PostgreSQL writes a temporary file when a statement does not find room for sorting or gathering; none may, in any part
of the run.
""",
}


def write(made: Report) -> Path:
    """The path of the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(made))
    return PAGE


def page(made: Report) -> str:
    """The page, with a table for each part of the run."""
    said = "".join(f"- {name}: {value}\n" for name, value in made.conditions.items())
    return _HEAD + said + "".join(f"\n{_ABOUT[name]}\n{_table(lines)}" for name, lines in made.parts.items())


def _table(lines: list[Line]) -> str:
    head = "| What | Figure | Bar | Verdict | Rounds | Detail |\n| --- | ---: | ---: | --- | --- | --- |\n"
    return head + "".join(f"| {' | '.join(map(_escaped, report.cells(line)))} |\n" for line in lines)


def _escaped(cell: str) -> str:
    """A statement may hold what ends a cell."""
    return cell.replace("|", "\\|")
