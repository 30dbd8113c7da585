"""Addresses, request ids, origins, logs, and the pages of the installation itself."""

import asyncio
import io
from typing import Any

import msgspec
import pytest

from roster.kit import secrets
from roster.web.access_log import AccessLog, masked
from roster.web.mounts import Mount
from roster.web.request import Site
from tests.web import toy

TENANT = msgspec.structs.replace(toy.dialect, name="tenant", realm_in_path=True)
ROOT = msgspec.structs.replace(toy.dialect, name="root")
PLACES = [
    Mount(dialect=toy.dialect, prefix="/toy/v1"),
    Mount(dialect=toy.dialect, prefix="/toy/v1/names", realm="inner"),
    Mount(dialect=TENANT, prefix="/t/{realm}"),
    Mount(dialect=TENANT, host="{realm}.toys.example"),
    Mount(dialect=TENANT, prefix="/plain"),
]


@pytest.mark.parametrize(
    ("path", "host", "name", "realm", "prefix"),
    [
        ("/toy/v1/names/a", "h", "unknown_route", "", ""),
        ("/toy/v1/names/names/a", "h", "a", "inner", "/toy/v1/names"),
        ("/realms/acme/toy/v1/names/names/a", "h", "a", "acme", "/realms/acme/toy/v1/names"),
        ("/t/acme/names/a", "h", "a", "acme", "/t/acme"),
        ("/t/ac%20me/names/a", "h", "a", "ac me", "/t/ac%20me"),
        ("/names/a", "acme.toys.example:8080", "a", "acme", ""),
        ("/names/a", "ACME.Toys.example", "a", "acme", ""),
        ("/names/a", "acme.toys.example.evil.example", "unknown_route", "", ""),
        ("/realms/acme/t/other/names/a", "h", "unknown_route", "", ""),
        ("/realms/acme", "h", "unknown_route", "", ""),
        ("/realms//toy/v1/names/names/a", "h", "unknown_route", "", ""),
        ("/realms/%00/toy/v1/names/names/a", "h", "unknown_route", "", ""),
        ("/toy/v1names/a", "h", "unknown_route", "", ""),
        ("/toy/V1/names/names/a", "h", "unknown_route", "", ""),
    ],
)
async def test_prefix_and_host_lead_to_dialect_and_realm(path: str, host: str, name: str, realm: str, prefix: str):
    wire = await toy.Wire(toy.mounted(mounts=PLACES)).send("GET", path.encode(), headers={"host": host})

    if name == "unknown_route":
        assert (wire.status, wire.json()["code"]) == (404, name)
    else:
        assert (wire.json()["name"], wire.json()["realm"], wire.json()["prefix"]) == (name, realm, prefix)


async def test_two_places_share_an_address_when_one_says_how_its_paths_go_on():
    places = [
        Mount(dialect=ROOT, prefix="/s", realm="one"),
        Mount(dialect=ROOT, prefix="/s", realm="two", below="/names/b"),
        Mount(dialect=ROOT, host="toys.example", realm="one"),
        Mount(dialect=ROOT, host="toys.example", realm="two", below="/names/b"),
    ]
    app = toy.mounted(mounts=places)

    for prefix, host in ((b"/s", "h"), (b"", "toys.example")):
        for path, realm in ((b"/names/a", "one"), (b"/names/b", "two"), (b"/names/bc", "two")):
            answer = await toy.Wire(app).send("GET", prefix + path, headers={"host": host})
            assert answer.json()["realm"] == realm


async def test_a_realm_in_the_operations_own_path_counts():
    wire = await toy.Wire(toy.mounted(mounts=PLACES)).send("REPORT", b"/plain/~acme/toys/5.json")

    assert wire.json() == {"realm": "acme", "number": 5}


async def test_a_dialect_may_stand_at_the_root_beside_our_own_pages():
    async with toy.client(toy.mounted(mounts=[Mount(dialect=ROOT)])) as client:
        name = await client.get("/names/a")
        live = await client.get("/health/live")

    assert (name.json()["name"], live.json()) == ("a", {"status": "live"})


@pytest.mark.parametrize(
    ("sent", "kept"), [("abc-123", True), ("a" * 65, False), ("a b", False), ("", False), ('"><script>', False)]
)
async def test_a_sane_request_id_is_kept_and_any_other_replaced(sent: str, kept: bool):
    app = toy.mounted()

    first = await toy.Wire(app).send("GET", b"/toy/v1/whoami", headers={"x-request-id": sent})
    second = await toy.Wire(app).send("GET", b"/toy/v1/whoami", headers={"x-request-id": sent})

    assert (first.header("x-request-id") == [sent]) is kept
    assert (first.header("x-request-id") == second.header("x-request-id")) is kept


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (1, "", "9.9.9.9"),
    ],
)
async def test_the_client_address_is_what_a_trusted_proxy_saw(proxies: int, forwarded: str, address: str):
    app = toy.mounted(site=Site(trusted_proxies=proxies))

    wire = await toy.Wire(app).send("GET", b"/toy/v1/whoami", headers={"x-forwarded-for": forwarded})

    assert wire.json()["address"] == address


async def test_api_answers_are_neither_cached_nor_sniffed():
    async with toy.client(toy.mounted()) as client:
        answers = [await client.get(path) for path in ("/toy/v1/whoami", "/toy/v1/nothing", "/nothing")]

    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "application/json"


async def test_listed_origins_may_call_with_credentials_and_others_may_not():
    app = toy.mounted(site=Site(cors_origins=("https://shop.example",)))

    async with toy.client(app) as client:
        good = await client.get("/toy/v1/whoami", headers={"Origin": "https://shop.example"})
        bad = await client.get("/toy/v1/whoami", headers={"Origin": "https://evil.example"})

    assert good.headers["access-control-allow-origin"] == "https://shop.example"
    assert good.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in bad.headers
    assert good.headers["vary"] == bad.headers["vary"] == "Origin"


async def test_any_origin_never_means_with_credentials():
    async with toy.client(toy.mounted(site=Site(cors_origins=("*",)))) as client:
        answer = await client.get("/toy/v1/whoami", headers={"Origin": "https://any.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_preflight_names_the_methods_of_its_path():
    app = toy.mounted(site=Site(cors_origins=("https://shop.example",)))
    asks = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "authorization, x-own",
    }

    async with toy.client(app, token="") as client:
        good = await client.options(f"/toy/v1/toys/{toy.BEAR}", headers=asks)
        unknown = await client.options("/toy/v1/nothing", headers=asks)
        split = await client.options("/toy/v1/toys", headers={**asks, "Access-Control-Request-Headers": "a;b<c>"})

    assert good.status_code == 204
    assert good.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS"
    assert good.headers["access-control-allow-headers"] == "authorization, x-own"
    assert unknown.status_code == 404
    assert "access-control-allow-headers" not in split.headers


async def test_the_access_log_tells_what_happened_without_secrets():
    written = io.BytesIO()
    log = AccessLog(written)
    app = toy.mounted(access_log=log)

    await toy.Wire(app).send(
        "GET",
        b"/toy/v1/whoami",
        query=b"a=1&jwt_token=SECRET&%74oken=SECRET",
        headers={"cookie": "s=SECRET", "x-request-id": "r1"},
    )
    await toy.Wire(app).send("GET", b"/nothing\n{}")
    log.flush()

    lines = [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    assert "SECRET" not in str(lines)
    assert "good" not in str(lines)
    assert lines[0]["path"] == "/toy/v1/whoami?a=1&jwt_token=***&%74oken=***"
    shown = {
        key: lines[0][key] for key in ("method", "status", "request_id", "operation", "dialect", "actor", "address")
    }
    assert shown == {
        "method": "GET",
        "status": 200,
        "request_id": "r1",
        "operation": "Whoami",
        "dialect": "toy",
        "actor": "ann",
        "address": "9.9.9.9",
    }
    assert lines[1]["path"] == "/nothing\n{}"
    assert len(lines) == 2


async def test_the_log_is_written_by_itself_after_a_while():
    written = asyncio.Event()

    class Out(io.BytesIO):
        def flush(self) -> None:
            written.set()

    log = AccessLog(Out())

    await toy.Wire(toy.mounted(access_log=log)).send("GET", b"/toy/v1/whoami")

    await written.wait()


async def test_a_closed_pipe_does_not_stop_anything():
    class Gone(io.BytesIO):
        def flush(self) -> None:
            raise BrokenPipeError

    log = AccessLog(Gone())
    await toy.Wire(toy.mounted(access_log=log)).send("GET", b"/toy/v1/whoami")

    log.flush()

    assert log._lines == []


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("a=1&b=2", "a=1&b=2"),
        ("access_token=x", "access_token=***"),
        ("oauth_verifier=x;PIN=1;q=token", "oauth_verifier=***;PIN=***;q=token"),
        ("token", "token"),
        ("&&=x&code=", "&&=x&code=***"),
    ],
)
def test_secret_parameters_are_masked(query: str, shown: str):
    assert masked(query) == shown


async def test_ready_asks_the_database():
    desk = toy.Desk()

    async with toy.client(toy.mounted(desk)) as client:
        up = await client.get("/health/ready")
        desk.down = True
        down = await client.get("/health/ready")
        live = await client.get("/health/live")

    assert (up.status_code, down.status_code, live.status_code) == (200, 503, 200)


async def test_metrics_count_answers_by_operation():
    async with toy.client(toy.mounted()) as client:
        await client.get(f"/toy/v1/toys/{toy.BEAR}")
        await client.get("/toy/v1/toys/7")
        await client.get("/toy/v1/nothing")
        answer = await client.get("/metrics")

    assert 'roster_http_requests_total{dialect="toy",operation="Toy.get",status="200"} 1.0' in answer.text
    assert 'roster_http_requests_total{dialect="toy",operation="Toy.get",status="404"} 1.0' in answer.text
    assert 'roster_http_requests_total{dialect="",operation="",status="404"} 1.0' in answer.text
    assert 'roster_http_request_seconds_count{dialect="toy",operation="Toy.get"} 2.0' in answer.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        (0, None, 403),
        (0, "127.0.0.1", 403),
        (1, "127.0.0.1", 200),
        (1, "::1", 200),
        (1, "::ffff:127.0.0.1", 200),
        (1, "127.0.0.1, 1.1.1.1", 403),
        (1, "1.1.1.1", 403),
        (1, "localhost", 403),
    ],
)
async def test_without_a_token_only_this_machine_reads_the_metrics(proxies: int, forwarded: str | None, status: int):
    app = toy.mounted(site=Site(trusted_proxies=proxies))

    wire = await toy.Wire(app).send("GET", b"/metrics", headers={"x-forwarded-for": forwarded} if forwarded else {})

    assert wire.status == status
    assert (b"roster_http" in wire.body) is (status == 200)


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host"])
async def test_what_an_unnamed_proxy_passes_on_is_not_taken_for_this_machine(name: str):
    async with toy.client(toy.mounted()) as client:
        direct = await client.get("/metrics")
        passed_on = await client.get("/metrics", headers={name: "127.0.0.1"})

    assert (direct.status_code, passed_on.status_code) == (200, 403)


async def test_with_a_token_whoever_has_it_reads_the_metrics_and_nobody_else():
    app = toy.mounted(site=Site(metrics_key=secrets.digest("s3cret")))
    given = [
        "Bearer s3cret",
        "bearer s3cret",
        "Bearer S3cret",
        "Bearer ",
        "Basic s3cret",
        "s3cret",
        "Bearer \xff",
        None,
    ]

    wires = [
        await toy.Wire(app).send("GET", b"/metrics", headers={} if each is None else {"authorization": each})
        for each in given
    ]
    async with toy.client(app, token="") as client:
        here = await client.get("/metrics")

    assert [wire.status for wire in wires] == [200, 200, 401, 401, 401, 401, 401, 401]
    assert wires[2].header("www-authenticate") == ["Bearer"]
    assert (here.status_code, here.json()["code"]) == (401, "unauthenticated")


async def test_our_own_pages_are_only_read():
    async with toy.client(toy.mounted()) as client:
        answer = await client.post("/health/live")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_the_log_is_written_before_the_server_ends():
    written = io.BytesIO()
    app = toy.mounted(access_log=AccessLog(written))
    sent: list[str] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(asked)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await toy.Wire(app).send("GET", b"/toy/v1/whoami")
    assert written.getvalue() == b""
    await app({"type": "lifespan"}, receive, send)

    assert b"/toy/v1/whoami" in written.getvalue()
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
