"""Other products beside Roster: what all are given, how what they did is compared, and how answers are read."""

import asyncio

import msgspec
import pytest

from bench.load import Call, Outcome, _Connection
from bench.meter import Usage
from bench.peers import contest, table
from bench.peers.people import WITH_PASSWORD, Directory, exported
from bench.peers.table import Comparison, Figure, Found, compare
from bench.trial import Spread, Window
from roster.core.credentials import hashing
from roster.core.transfer.sources.keycloak import KeycloakSource


def _window(server: float, database: float, *latencies: float) -> Window:
    return Window(Outcome(1.0, list(latencies), {200: len(latencies)}), Usage(server, database))


def _found(*, failed: dict[str, str] | None = None) -> Found:
    windows = {
        "Roster": [_window(0.001, 0.001, 0.010, 0.020), _window(0.002, 0.002, 0.010, 0.020)],
        "Other": [_window(0.004, 0.002, 0.030, 0.040), _window(0.004, 0.000, 0.030, 0.040)],
    }
    start = Figure(title="start", unit="s", found={"Roster": Spread(2, 1, 3), "Other": Spread(9, 9, 9)})
    return Found(conditions={"date": "today"}, work=[compare("GET one user", windows, failed or {})], figures=[start])


def test_rounds_are_compared_each_with_roster_in_the_same_turn():
    sides = _found().work[0].sides

    assert sides["Other"].over_ours.least == pytest.approx(1)
    assert sides["Other"].over_ours.greatest == pytest.approx(3)
    assert sides["Other"].over_ours.median == pytest.approx(2)
    assert sides["Roster"].over_ours.median == 1


def test_per_core_counts_server_and_database_together():
    side = _found().work[0].sides["Roster"]

    assert side.server == pytest.approx(750)
    assert side.per_core == pytest.approx(1e6 / 1500)


def test_the_document_tells_who_failed_and_every_row_has_all_columns():
    text = table.markdown(_found(failed={"Third": "it answered 500"}))

    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert "| GET one user | Third | failed: it answered 500 |" in text
    assert "| start | 2.00 s (1.00 to 3.00) | 9.00 s | 4.5 x |" in text
    work, figures = rows[:5], rows[5:]
    assert {line.count("|") for line in work} == {11}
    assert {line.count("|") for line in figures} == {5}


def test_a_product_without_a_figure_leaves_its_cells_empty():
    found = msgspec.structs.replace(
        _found(),
        figures=[
            *_found().figures,
            Figure(title="import", unit="s", found={"Roster": Spread(1, 1, 1)}),
        ],
    )

    assert "| import | 1.00 s |  |  |" in table.markdown(found)


def test_what_others_do_with_less_is_told_as_lost():
    lean = {name: [_window(0.001, 0.001, 0.01)] for name in ("Roster", "Other")}
    lean["Other"] = [_window(0.0005, 0.0005, 0.01)]
    memory = Figure(title="memory", unit="MB", found={"Roster": Spread(100, 100, 100), "Other": Spread(80, 80, 80)})
    found = msgspec.structs.replace(_found(), work=[compare("list", lean, {})], figures=[*_found().figures, memory])

    assert table.losses(found) == [
        "list: Other takes 0.50 x of Roster's CPU",
        "memory: Other has 0.80 x of Roster's",
    ]
    assert table.markdown(_found()).endswith("## Where Roster loses\n\n- nowhere in this run\n")


def test_a_run_can_be_read_back_from_its_json():
    found = _found(failed={"Third": "no"})

    again = msgspec.json.decode(msgspec.json.encode(found), type=Found)

    assert again == found
    assert isinstance(again.work[0], Comparison)


def test_whoever_still_gets_cheaper_is_not_warm_yet():
    assert not contest.steady([])
    assert not contest.steady([900.0])
    assert not contest.steady([900.0, 500.0])
    assert contest.steady([900.0, 500.0, 480.0])
    assert contest.steady([900.0, 1000.0])


def test_requests_that_belong_together_count_as_one():
    made = contest.together([_window(0.001, 0.002, 0.01, 0.02), _window(0.003, 0.004, 0.10, 0.20)])

    assert made.count == 2
    assert made.usage.server == pytest.approx(0.004)
    assert made.usage.database == pytest.approx(0.006)
    assert made.outcome.latencies == pytest.approx([0.11, 0.22])
    assert made.outcome.seconds == 2.0


def test_people_of_a_directory_have_hashes_that_roster_imports_and_some_know_their_password():
    directory = Directory(200)
    everybody = list(directory.all())
    source = KeycloakSource()

    read = list(source.feed(msgspec.json.encode({"users": exported(everybody)})))

    people = [each.person for each in read if each.person is not None]
    assert [each.username for each in people] == [person.username for person, _ in everybody]
    assert [each.password_hash for each in people] == [encoded for _, encoded in everybody]
    known = {each.username for each in directory.known}
    assert len(known) == WITH_PASSWORD
    hashes = {encoded for person, encoded in everybody if person.username in known}
    assert len(hashes) == 1
    assert hashing.verify(hashes.pop(), "correct horse battery staple") == hashing.Verdict(ok=True, needs_rehash=False)


def test_parts_of_names_are_plain_letters_that_somebody_has():
    directory = Directory(500)
    names = [person.username for person, _ in directory.all()]

    for number in range(100):
        part = directory.part_of_a_name(number)
        assert part.isascii()
        assert part.isalpha()
        assert any(part in name for name in names)


class _Wire(asyncio.Transport):
    """Keeps what is sent."""

    sent = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"token":"b"}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + b'{"a":' + b"\r\n2\r\n1}\r\n0\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nLocation: /users/1\r\n\r\n",
    ],
)
async def test_an_answer_is_read_to_its_end_whether_it_tells_its_length_or_comes_in_chunks(answer: bytes):
    connection, wire = _Connection(), _Wire()
    connection.connection_made(wire)

    asking = asyncio.ensure_future(connection.ask(b"GET / HTTP/1.1\r\n\r\n"))
    await asyncio.sleep(0)
    for at in range(len(answer) - 1):
        connection.data_received(answer[at : at + 1])
    early = asking.done()
    connection.data_received(answer[-1:])
    status, body = await asking

    assert not early
    assert wire.sent == b"GET / HTTP/1.1\r\n\r\n"
    assert (status, body) == (int(answer[9:12]), answer.partition(b"\r\n\r\n")[2])


def test_a_member_of_an_answer_becomes_the_next_body_or_takes_its_place_in_the_next_form():
    form = Call("POST", "/", form={"kind": "x", "token": "a"}).with_carried("token", "b")
    body = Call("POST", "/", body={"token": "a"}).with_carried("token", "b")

    assert form.payload() == b"kind=x&token=b"
    assert body.payload() == b'{"token":"b"}'
