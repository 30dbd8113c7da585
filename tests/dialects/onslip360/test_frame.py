"""What decides whether the real clients work (notes, section 1), and the rest of the frame (sections 2 and 7)."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from roster.core.realms.models import Realm
from roster.dialects.onslip360 import dialect
from roster.storage.runtime import Runtime
from roster.web.mounts import Mount, Mounts
from roster.web.request import Site
from tests.dialects.calling import ADDRESS, client_of
from tests.dialects.conftest import Person
from tests.dialects.onslip360.conftest import ASA, PREFIX, Wire, refusal

ORIGIN = "https://shop.example"


async def test_json_is_exactly_that_and_no_file(wire: Wire):
    """Rules 1 and 8."""
    answers = [
        await wire.get("users/"),
        await wire.get("users/999"),
        await wire.post("users/", ASA),
        await wire.get(""),
        await wire.by_someone(None).get("users/"),
    ]

    for answer in answers:
        assert answer.headers["content-type"] == "application/json"
        assert "content-disposition" not in answer.headers


async def test_parameters_are_separated_by_semicolons_or_ampersands(wire: Wire):
    """Rule 2."""
    for alias in ("ada", "bo", "cy"):
        await wire.add(alias)

    for query in ("?q=;s=-alias;o=1;c=2;d=t;ql=sv", "?q=&s=-alias&o=1&c=2&d=t", "?s=-alias;o=1&c=2"):
        assert await wire.aliases(query) == ["boss", "bo"]
    assert await wire.aliases("?q=alias%3D%22ada%3Bs%3Dx%22") == []


async def test_a_body_may_come_in_pieces_without_a_length(wire: Wire):
    """Rule 5."""

    async def pieces() -> AsyncIterator[bytes]:
        text = msgspec.json.encode(ASA)
        for at in range(0, len(text), 7):
            yield text[at : at + 7]

    made = await wire.call("POST", "users/", headers={"Content-Type": "application/json"}, content=pieces())

    assert made.status_code == 201
    assert "content-length" not in made.request.headers


async def test_lists_count_all_that_match_whatever_the_page(wire: Wire):
    """Rule 6."""
    for alias in ("ada", "bo", "cy"):
        await wire.add(alias)

    held: list[str] = []
    while True:
        page = await wire.get(f"users/?c=3;o={len(held)}")
        held += [each["alias"] for each in page.json()]
        if len(held) >= int(page.headers["x-total-count"]):
            break
    assert held == ["boss", "ada", "bo", "cy"]


async def test_deleting_answers_nothing_at_all(wire: Wire):
    """Rule 7."""
    stored = await wire.add("asa")

    gone = await wire.delete(f"users/{stored['id']}")

    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-type" not in gone.headers


async def test_nothing_is_compressed_for_those_who_do_not_ask(wire: Wire):
    """Rule 9."""
    assert "content-encoding" not in (await wire.get("users/", headers={"Accept-Encoding": "identity"})).headers


@pytest.mark.parametrize("path", ["users", "users/", "users.json", "users/.json"])
async def test_lists_are_served_with_and_without_the_final_slash(wire: Wire, path: str):
    """Rule 11: directly, because clients do not follow redirects."""
    answer = await wire.get(path)

    assert answer.status_code == 200
    assert answer.headers["x-total-count"] == "1"


@pytest.mark.parametrize("form", ["{}", "{}/", "{}.json"])
async def test_entities_are_served_in_every_spelling(wire: Wire, boss: Person, form: str):
    answer = await wire.get("users/" + form.format(boss.user.number))

    assert answer.json()["alias"] == "boss"


async def test_other_formats_are_not_offered(wire: Wire, boss: Person):
    for path in ("users.csv", f"users/{boss.user.number}.xml"):
        assert refusal(await wire.get(path)) == (406, "not-acceptable")
    assert refusal(await wire.get("users/", headers={"Accept": "text/csv"})) == (406, "not-acceptable")
    assert (await wire.get("users/", headers={"Accept": "application/json, */*"})).status_code == 200


async def test_what_is_no_json_is_not_taken(wire: Wire):
    for kind in ("text/csv", "application/xml", ""):
        answer = await wire.call("POST", "users/", ASA, headers={"Content-Type": kind})
        assert refusal(answer) == (415, "unsupported-media-type")
    for content in (b"", b"{", b"[]", b'"x"', b"\xff"):
        answer = await wire.call("POST", "users/", headers={"Content-Type": "application/json"}, content=content)
        assert refusal(answer) == (400, "bad-request")


async def test_browsers_send_other_methods_as_post(wire: Wire):
    stored = await wire.add("asa")
    path = f"users/{stored['id']}"

    changed = await wire.http.post(
        f"{PREFIX}/~{wire.slug}/{path}",
        json={"name": "Asa"},
        headers={**wire.by.bearer, "X-HTTP-Method-Override": "PATCH"},  # type: ignore[union-attr]
    )

    assert (changed.status_code, changed.json()["name"]) == (200, "Asa")
    overridden = await wire.get(path, headers={"X-HTTP-Method-Override": "DELETE"})
    assert overridden.status_code == 200
    assert refusal(await wire.post(path, {})) in ((404, "not-found"), (405, "method-not-allowed"))


async def test_options_says_what_may_be_done(wire: Wire, boss: Person):
    for path, allowed in (
        ("users/", "GET, HEAD, OPTIONS, POST"),
        ("users", "GET, HEAD, OPTIONS, POST"),
        (f"users/{boss.user.number}", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT, REPORT"),
    ):
        answer = await wire.by_someone(None).call("OPTIONS", path)
        assert answer.status_code == 204
        assert set(answer.headers["allow"].split(", ")) <= set(allowed.split(", "))
        assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["allow"].split(", "))
    wrong = await wire.call("DELETE", "users/")
    assert refusal(wrong) == (405, "method-not-allowed")
    assert wrong.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_is_get_without_the_body(wire: Wire):
    head = await wire.call("HEAD", "users/")

    assert (head.status_code, head.content, head.headers["x-total-count"]) == (200, b"", "1")


async def test_pages_of_other_sites_may_read_what_clients_need(runtime: Runtime, realm: Realm, boss: Person):
    site = Site(public_url=ADDRESS, cors_origins=(ORIGIN,))
    app = Mounts(runtime, [Mount(dialect=dialect, prefix=PREFIX)], site=site)
    wanted = "authorization, content-type, accept, content-disposition, if-match, if-none-match, x-http-method-override"
    async with client_of(app) as client:
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": wanted}
        preflight = await client.options(f"{PREFIX}/~{realm.slug}/users/7", headers=asked)
        answer = await client.get(f"{PREFIX}/~{realm.slug}/users/", headers={"Origin": ORIGIN, **boss.bearer})

    assert preflight.headers["access-control-allow-headers"] == wanted
    assert "DELETE" in preflight.headers["access-control-allow-methods"]
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert exposed >= {"ETag", "X-Total-Count", "Location", "WWW-Authenticate", "Server-Authorization"}


async def test_who_is_not_known_is_challenged(wire: Wire):
    nobody = wire.by_someone(None)

    for headers in (
        {},
        {"Authorization": "Basic Ym9zczp4"},
        {"Authorization": "nonsense"},
        {"Authorization": "Bearer x"},
    ):
        answer = await nobody.get("users/", headers=headers)
        assert refusal(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Hawk")


async def test_what_is_not_there_is_not_found(wire: Wire):
    for path in ("nothing/", "users/7/nothing", "users/x", "/nothing"):
        assert refusal(await wire.get(path)) == (404, "not-found")


async def test_health_is_told_to_everybody_whatever_they_send(wire: Wire):
    nobody = wire.by_someone(None)
    empty = {"Authorization": 'Hawk id="", ts="1", nonce="x", mac=""'}

    for headers in ({}, empty):
        assert (await nobody.get("/health/alive", headers=headers)).status_code == 204
        assert (await nobody.get("/health/ready", headers=headers)).status_code == 204
        echo = await nobody.post("/health/echo", {"payload": "å\u2028"}, headers=headers)
        assert echo.json() == {"payload": "å\u2028"}


async def test_the_client_is_told_who_it_is(wire: Wire, boss: Person, realm: Realm):
    """Section 4: the first call of a typical client."""
    for path in ("", "/", ".json"):
        answer = await wire.call("GET", f"/~{realm.slug}{path}")
        assert answer.status_code == 200
    info = answer.json()

    assert info["company"]["alias"] == realm.slug
    assert info["user"] == (await wire.get(f"users/{boss.user.number}")).json()
    assert {"show-users", "edit-users"} <= set(info["permissions"])
    assert "edit-companies" not in info["permissions"]
    assert info["system-params"] == {"backoffice-uri": ADDRESS + "/"}
    assert len(info["merchant-params"]) == 10


async def test_the_account_is_shown(wire: Wire, realm: Realm):
    found = await wire.get("company")

    assert (found.json()["alias"], found.json()["id"]) == (realm.slug, realm.number)
    assert (await wire.get("company", headers={"If-None-Match": found.headers["etag"]})).status_code == 304


async def test_a_moment_is_not_taken_where_there_is_no_history(wire: Wire):
    assert refusal(await wire.get("company@2024-01-02T03:04:05.000Z")) == (404, "not-found")
    assert refusal(await wire.delete("users/7@2024-01-02T03:04:05.000Z")) == (404, "not-found")
