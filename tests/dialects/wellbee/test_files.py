"""`file-service`: uploads, addresses, signed addresses, copies of pictures."""

from typing import Any

import httpx
import msgspec
import pytest

from roster.storage.runtime import Runtime
from tests.core.files.test_files import a_picture
from tests.dialects.conftest import Person
from tests.dialects.wellbee.conftest import PREFIX, Wire


async def upload(
    wire: Wire, person: Person | None, data: bytes, name: str = "C:\\me.png", **more: Any
) -> httpx.Response:
    """An upload as browsers make it."""
    headers = {} if person is None else {"Authorization": f"Bearer {person.access_token}"}
    path = f"/realms/{wire.slug}{PREFIX}/file-service/upload"
    return await wire.http.post(path, files={"file": (name, data, "image/jpeg")}, headers=headers, **more)


async def stored(wire: Wire, person: Person) -> dict[str, Any]:
    """What is said of a stored picture."""
    answer = await upload(wire, person, a_picture())
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def own_path(url: str) -> str:
    """The path of an address that people are given."""
    return "/" + url.split("/", 3)[3]


async def test_a_file_is_stored_and_read_by_its_address(wire: Wire, person: Person):
    answer = await upload(wire, person, a_picture(), params={"path": "pictures/me"})
    data = answer.json()["data"]
    assert (answer.status_code, data["originalName"], data["mimeType"]) == (201, "me.png", "image/png")
    assert data["key"].startswith("pictures/me/")
    found = await wire.http.get(own_path(data["url"]))
    assert (found.content, found.headers["content-type"]) == (a_picture(), "image/png")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in found.headers["content-security-policy"]


async def test_uploads_are_for_people(wire: Wire):
    answer = await upload(wire, None, a_picture())
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "MUST_BE_LOGGED_IN")


@pytest.mark.parametrize(("data", "code"), [(b"", "FILE_NOT_PROVIDED"), (b"<html>", "INVALID_FILE_TYPE")])
async def test_what_is_no_file_of_a_known_kind_is_refused(wire: Wire, person: Person, data: bytes, code: str):
    answer = await upload(wire, person, data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_file_that_is_too_large_is_refused(wire: Wire, runtime: Runtime, person: Person):
    with wellbee(runtime, max_file_mb=1):
        answer = await upload(wire, person, b"%PDF-" + b"x" * 1_048_576)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "FILE_TOO_LARGE")


async def test_a_picture_has_smaller_copies(wire: Wire, person: Person):
    data = await stored(wire, person)
    name = data["key"].rpartition("/")[2]
    copy = await wire.by(person.access_token).call("PUT", f"/file-service/image/{name}", {"width": 10, "angle": 90})
    assert copy.status == 200
    assert copy.data["key"] != data["key"]
    refused = await wire.by(person.access_token).call("PUT", f"/file-service/image/{name}", {"angle": 361})
    assert refused.error["detail"] == "data.angle should be <= 360"
    assert (await wire.call("PUT", f"/file-service/image/{name}", {"width": 10})).code == "MUST_BE_LOGGED_IN"


async def test_a_signed_address_is_good_for_a_while(wire: Wire, runtime: Runtime, person: Person):
    data = await stored(wire, person)
    signed = (await wire.ask("wb-file-service.get-signed-url", {"file": data["url"], "expires": "2m"})).data["url"]
    with wellbee(runtime, public_files=False):
        assert (await wire.http.get(own_path(data["url"]))).status_code == 403
        assert (await wire.http.get(own_path(signed))).status_code == 200
        assert (await wire.http.get(own_path(signed).replace("expires=", "expires=9"))).status_code == 403
        assert (await wire.http.get(own_path(signed)[:-1] + "x")).status_code == 403
        login = {"Authorization": f"Bearer {person.access_token}"}
        assert (await wire.http.get(own_path(data["url"]), headers=login)).status_code == 200


@pytest.mark.parametrize("expires", ["soon", "8d", -1, 0, "0s"])
async def test_a_signed_address_is_not_good_for_ever(wire: Wire, person: Person, expires: Any):
    data = await stored(wire, person)
    found = await wire.ask("wb-file-service.get-signed-url", {"file": data["key"], "expires": expires})
    assert (found.status, found.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("service", ["wb-file-service", "file-service"])
async def test_services_list_and_remove_files(wire: Wire, person: Person, service: str):
    first, second, third = [await stored(wire, person) for _ in range(3)]
    listed = (await wire.ask(f"{service}.get-files")).data["files"]
    assert {each["key"] for each in listed} == {first["key"], second["key"], third["key"]}
    done = await wire.ask(f"{service}.is-processing-completed", {"url": first["url"]})
    assert done.data == {"finished": True}
    gone = {"url": first["url"], "files": [{"key": second["key"]}]}
    assert (await wire.ask(f"{service}.delete-file", gone)).status == 200
    assert [each["key"] for each in (await wire.ask(f"{service}.get-files")).data["files"]] == [third["key"]]
    done = await wire.ask(f"{service}.is-processing-completed", {"url": first["url"]})
    assert done.data == {"finished": False}
    assert (await wire.ask(f"{service}.delete-file", {})).code == "BAD_REQUEST"


class wellbee:  # noqa: N801 (used like a function)
    """The installation with these settings of the dialect."""

    def __init__(self, runtime: Runtime, **known: Any) -> None:
        self.runtime, self.known, self.before = runtime, known, runtime.settings

    def __enter__(self) -> None:
        changed = msgspec.structs.replace(self.before.dialects.wellbee, **self.known)
        dialects = msgspec.structs.replace(self.before.dialects, wellbee=changed)
        self.runtime.settings = msgspec.structs.replace(self.before, dialects=dialects)

    def __exit__(self, *_: object) -> None:
        self.runtime.settings = self.before
