"""Imports and exports."""

import httpx
import msgspec
import pytest

from roster.core.transfer import tasks
from roster.storage.runtime import Runtime
from tests.dialects.conftest import Person, SignIn

PEOPLE = b'{"username": "eva", "email": "eva@example.com"}\n{"username": "a/b"}\n'


async def upload(client: httpx.AsyncClient, caller: Person, content: bytes, **query: str) -> httpx.Response:
    return await client.post(
        "/imports",
        headers={**caller.bearer, "Content-Type": "application/x-ndjson"},
        params={"format": "roster", **query},
        content=content,
    )


async def worked_off(runtime: Runtime, answer: httpx.Response, caller: Person) -> None:
    """Do what the job would do."""
    await tasks.run(runtime, {"realm_id": str(caller.realm.id), "transfer_id": answer.json()["id"]})


async def test_a_file_is_imported_watched_and_its_bad_rows_reported(
    client: httpx.AsyncClient, runtime: Runtime, admin: Person
):
    started = await upload(client, admin, PEOPLE, name="people.ndjson")
    path = started.headers["location"].removeprefix("/api/v1")
    waiting = await client.get(path, headers=admin.bearer)
    await worked_off(runtime, started, admin)
    done = (await client.get(path, headers=admin.bearer)).json()
    report = await client.get(f"{path}/report", headers=admin.bearer)
    table = await client.get(f"{path}/report", headers=admin.bearer, params={"format": "csv"})

    assert (started.status_code, waiting.json()["state"]) == (202, "queued")
    assert (waiting.json()["bytes_total"], waiting.json()["name"]) == (len(PEOPLE), "people.ndjson")
    assert (done["state"], done["rows_created"], done["rows_failed"]) == ("done", 1, 1)
    assert [each["row"] for each in map(msgspec.json.decode, report.content.splitlines())] == [2]
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0] == "row,field,code,text"
    listed = (await client.get("/imports", headers=admin.bearer)).json()["items"]
    assert [each["id"] for each in listed] == [done["id"]]


async def test_a_dry_run_changes_nothing(client: httpx.AsyncClient, runtime: Runtime, admin: Person):
    started = await upload(client, admin, PEOPLE, dry_run="true")
    await worked_off(runtime, started, admin)

    done = (await client.get(f"/imports/{started.json()['id']}", headers=admin.bearer)).json()
    people = await client.get("/users", headers=admin.bearer, params={"q": "eva"})

    assert (done["dry_run"], done["rows_created"]) == (True, 1)
    assert people.json()["items"] == []


async def test_a_form_with_a_file_is_taken_too(client: httpx.AsyncClient, runtime: Runtime, admin: Person):
    started = await client.post(
        "/imports",
        headers=admin.bearer,
        params={"format": "csv"},
        data={"comment": "ignored"},
        files={"file": ("people.csv", b"username,email\neva,eva@example.com\n", "text/csv")},
    )
    await worked_off(runtime, started, admin)

    done = (await client.get(f"/imports/{started.json()['id']}", headers=admin.bearer)).json()

    assert (started.status_code, done["state"], done["rows_created"]) == (202, "done", 1)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; filename="x"\r\n\r\nhalf'),
        ("multipart/form-data; boundary=b", b"nonsense"),
    ],
)
async def test_a_form_that_is_none_is_refused(
    client: httpx.AsyncClient, admin: Person, content_type: str, content: bytes
):
    response = await client.post(
        "/imports",
        headers={**admin.bearer, "Content-Type": content_type},
        params={"format": "roster"},
        content=content,
    )

    assert (response.status_code, response.json()["code"]) == (400, "invalid_input")


async def test_a_file_in_another_form_is_refused(client: httpx.AsyncClient, admin: Person):
    kind = await client.post("/imports", headers={**admin.bearer, "Content-Type": "image/png"}, content=b"x")
    form = await upload(client, admin, PEOPLE, format="excel")

    assert (kind.status_code, kind.json()["code"]) == (415, "unsupported_media_type")
    assert (form.status_code, form.json()["problems"][0]["field"]) == (400, "format")


async def test_an_import_that_waits_can_be_cancelled_once(client: httpx.AsyncClient, runtime: Runtime, admin: Person):
    started = await upload(client, admin, PEOPLE)
    path = f"/imports/{started.json()['id']}"

    cancelled = await client.post(f"{path}/cancel", headers=admin.bearer)
    again = await client.post(f"{path}/cancel", headers=admin.bearer)
    await worked_off(runtime, started, admin)

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.json()["code"]) == (409, "transfer_state")
    assert (await client.get("/users", headers=admin.bearer, params={"q": "eva"})).json()["items"] == []


async def test_what_was_exported_can_be_imported_elsewhere(
    client: httpx.AsyncClient, runtime: Runtime, admin: Person, stranger: Person
):
    await client.post("/users", headers=admin.bearer, json={"username": "eva", "tags": ["vip"]})

    exported = await client.get("/exports", headers=admin.bearer, params={"filter": 'username eq "eva"'})
    started = await upload(client, stranger, exported.content)
    await worked_off(runtime, started, stranger)

    assert exported.headers["content-type"] == "application/x-ndjson"
    assert exported.headers["content-disposition"].startswith("attachment;")
    (eva,) = (await client.get("/users", headers=stranger.bearer, params={"q": "eva"})).json()["items"]
    assert eva["tags"] == ["vip"]


async def test_an_export_as_a_table_has_the_fields_asked_for(client: httpx.AsyncClient, admin: Person):
    response = await client.get("/exports", headers=admin.bearer, params={"format": "csv", "fields": "username"})

    assert response.text.splitlines() == ["username", admin.user.username]


async def test_hashes_are_exported_to_those_who_may_do_everything(
    client: httpx.AsyncClient, sign_in: SignIn, admin: Person
):
    mover = await sign_in("transfers.write", "users.read")

    everything = await client.get("/exports", headers=admin.bearer, params={"secrets": "true"})
    refused = await client.get("/exports", headers=mover.bearer, params={"secrets": "true"})

    assert (everything.status_code, refused.status_code) == (200, 403)
