"""The OpenAPI document is valid and true; the pages show all of it and run nothing inline."""

import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from roster.web import openapi
from tests.web import toy

DOCUMENT = openapi.document(toy.dialect, "/toy/v1")


def _walk(value: Any) -> Any:
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(each)


def test_every_reference_leads_somewhere():
    refs = {each["$ref"] for each in _walk(DOCUMENT) if isinstance(each, dict) and "$ref" in each}

    assert refs
    for ref in refs:
        assert ref.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_every_schema_is_a_schema():
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_operation_is_there_once():
    written = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]

    assert sorted(written) == sorted(operation.id for operation in toy.toys)
    assert DOCUMENT["paths"]["/~{realm}/toys/{number}.json"]["x-report"]["operationId"] == "Toy.report"


def test_errors_are_listed_with_examples_of_the_dialects_own_form():
    answers = DOCUMENT["paths"]["/toys"]["post"]["responses"]

    assert sorted(answers) == ["201", "400", "401", "403", "409", "413", "415", "500", "503"]
    assert answers["409"]["content"]["application/json"]["examples"]["conflict"]["value"]["code"] == "conflict"


def test_public_operations_need_no_credential():
    assert DOCUMENT["paths"]["/whoami"]["get"]["security"][0] == {}
    assert "security" not in DOCUMENT["paths"]["/toys"]["get"]


def test_query_structs_become_parameters():
    parameters = {each["name"]: each for each in DOCUMENT["paths"]["/toys"]["get"]["parameters"]}

    assert list(parameters) == ["limit", "tag", "sold", "above"]
    assert parameters["limit"]["schema"]["maximum"] == 100
    assert parameters["sold"]["schema"] == {"type": "boolean"}
    assert "Filter" not in DOCUMENT["components"]["schemas"]


def _operations() -> dict[str, Any]:
    schema: Any = schemathesis.openapi.from_asgi("/docs/toy/openapi.json", toy.mounted())
    return {each.ok().label: each.ok() for each in schema.get_all_operations()}


OPERATIONS = _operations()
UNHURRIED: Any = [*HealthCheck]
STORABLE: Any = [CHECKS.get_one("positive_data_acceptance")]
REFUSED: Any = [CHECKS.get_one("negative_data_rejection")]
STRICT = ("GET /toys", "POST /toys", "GET /toys/{id}", "DELETE /toys/{id}", "POST /tickets")
SOUND = tuple(OPERATIONS.keys() - {"GET /events", "GET /broken"})
MODES = [(label, GenerationMode.NEGATIVE) for label in STRICT] + [(label, GenerationMode.POSITIVE) for label in SOUND]


@pytest.mark.parametrize(("label", "mode"), sorted(MODES))
def test_the_document_is_true(label: str, mode: GenerationMode):
    """What does not fit the document is refused, and every answer is one that it lists."""

    @settings(max_examples=10, deadline=None, suppress_health_check=UNHURRIED, database=None)
    @given(OPERATIONS[label].as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case) -> None:
        answer = case.call(headers={"Authorization": "Bearer good"})
        # A text with NUL fits the document and is refused all the same; one value arrives as a list of one.
        is_one = not isinstance(case.query.get("tag", []), list)
        case.validate_response(answer, excluded_checks=[*STORABLE, *REFUSED] if is_one else STORABLE)

    hold()


async def test_pages_show_every_operation_and_run_nothing_inline():
    async with toy.client(toy.mounted()) as client:
        index = await client.get("/docs")
        page = await client.get("/docs/toy")
        style = await client.get("/docs/-/docs.css")
        script = await client.get("/docs/-/docs.js")
        document = await client.get("/docs/toy/openapi.json")

    assert 'href="/docs/toy"' in index.text
    for operation in toy.toys:
        assert operation.id in page.text
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=|https?://(?!www.w3.org)", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert style.headers["content-type"].startswith("text/css")
    assert script.headers["content-type"].startswith("text/javascript")
    assert document.json()["info"]["title"] == "Toys"


@pytest.mark.parametrize("path", ["/docs/other", "/docs/-/../docs.py", "/docs/-/index.html", "/docs/toy/other"])
async def test_pages_that_do_not_exist_are_not_made_up(path: str):
    wire = await toy.Wire(toy.mounted()).send("GET", path.encode())

    assert wire.status == 404


async def test_the_root_leads_to_the_documents():
    wire = await toy.Wire(toy.mounted()).send("GET", b"/")

    assert (wire.status, wire.header("location")) == (307, ["/docs"])
