"""docs/peers.md: a run's tables, and what was done for them."""

from pathlib import Path

from bench.peers import table
from bench.peers.table import Found

_HEAD = """# Beside others

Written by `make peers`, which anybody can run: it fetches Keycloak from Maven Central where Java 17 and Maven are
there, builds Ory Kratos from its source where Go is, starts them beside Roster on one PostgreSQL, and gives all the
same people and the same work in turns. `make peers QUICK=1` does the same with fewer people and rounds.

CPU is what the processes' own clocks say, the load generator apart; *over Roster's* is the median of the rounds'
ratios, above 1 where Roster takes less, and *rounds* tells the least and the greatest of them. *Per core* is how many
such requests one core does in a second, server and PostgreSQL together. p50, p99 and *rate* are those of eight
connections in closed loop, on cores that load generator and PostgreSQL share: other work on the machine distorts these
first.

"""
_TAIL = """
## What was done

- **The same ground.** One PostgreSQL (the one that Roster brings, 128 MB of shared buffers, every commit on disk), a
  database for each, everybody connects by TCP on loopback. Servers may use all cores; all of them run all the time, and
  who is not asked waits. Everybody was warmed up before each line, with several times the requests of a round and on
  until it took no less CPU any more, as a Java program needs.
- **The same people.** Made by arithmetic, with name, address, phone and three custom fields, imported with their
  hashes. Before anything is measured, twenty searches must find the same people in the same order in Roster and
  Keycloak.
- **The same hash.** argon2id with 19 MiB, two passes and one lane, which is Roster's default (Keycloak's own would be
  7 MiB and five passes). Roster's and Keycloak's access tokens are signed with ES256, and a refresh token can be used
  once; Kratos' sessions have tokens that say nothing.
- **Keycloak**: built with `kc.sh build --db=postgres --cache=local`, started with `start --optimized`; the heap is what
  its guide on sizing gives one server (70 % of a container of 1,360 MB). Sign-in is the grant of a password by a
  confidential client, the session check is `userinfo`; the list is its brief representation, which leaves custom fields
  out (Roster's has them). By default it keeps no record of what happens and counts no wrong guesses, and so it was
  measured: Roster writes an audit entry and an event with every sign-in and change, and counts. Its answers to GET,
  `userinfo` and introspection come from caches in its memory. People come in by partial imports of a hundred at a time:
  with more in one request each takes longer, and with nine thousand the request runs into its limit of five minutes.
- **Kratos**: built from its source, set up as its quickstart for PostgreSQL does. A sign-in is two requests, as its
  clients make them: a flow is begun, then the password is sent to it; both are counted. It has no refresh tokens, no
  introspection and no search by a part of a name; its list is in the order of ids, and whoever reaches its second port
  is an administrator, without a token that would have to be checked. Its first answer after a start is that to a
  session check. People come in by batches of 1,000.
- **Roster**: one worker for each core, everything else by default, the native API. `GET /me`, which tells person, roles
  and permissions, is compared with both `userinfo` and introspection. People come in as the same export, by an import
  job. It writes a line to its log for each request; the others, as by default, do not.
- **Memory** is the proportional set size: of the server's processes, and of the processes of PostgreSQL that serve its
  connections. PostgreSQL's own processes are the same for all and counted for nobody.
"""


def write(found: Found) -> Path:
    """The path of the page."""
    table.PAGE.write_text(_HEAD + table.markdown(found) + _TAIL)
    return table.PAGE
