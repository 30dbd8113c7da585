"""That a generated client notices an answer that is not what its contract says."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.clients import generator
from tests.clients.conftest import Generate
from tests.clients.generator import Client

CONTRACT = {
    "openapi": "3.1.0",
    "info": {"title": "things", "version": "1"},
    "paths": {
        "/thing": {
            "get": {
                "operationId": "getOneThing",
                "responses": {
                    "200": {
                        "description": "it",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    }
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "size": {"type": "integer"},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "unit": {"type": "string", "const": "mm"},
                    "kind": {"type": "string", "enum": ["BIG", "SMALL"]},
                    "notes": {"type": ["object", "null"], "additionalProperties": True},
                },
            }
        }
    },
}


@pytest.fixture(scope="module")
def things(generate: Generate, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client for things."""
    contract = tmp_path_factory.mktemp("contract") / "things.yaml"
    contract.write_text(yaml.safe_dump(CONTRACT))
    return generate(str(contract))


def answering(things: Client, body: Any) -> Any:
    """What asks somebody who answers this."""
    asking = things.at("http://somebody.test")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    return asking.set_httpx_client(httpx.Client(base_url="http://somebody.test", transport=transport))


def test_an_answer_comes_as_its_model(things: Client):
    body = {
        "name": "a",
        "size": 1,
        "kind": "BIG",
        "parts": [{"name": "b"}],
        "notes": {"any": 1},
        "tags": ["c"],
        "unit": "mm",
    }

    thing = things.call(answering(things, body), "getOneThing")

    assert (thing.name, thing.kind, thing.parts[0].name, thing.to_dict()) == ("a", "BIG", "b", body)
    assert things.unused == set()


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        ({"name": 1}, r"Thing\.name: 1 is not <class 'str'>"),
        ({"name": "a", "size": "1"}, r"Thing\.size: '1' is not <class 'int'>"),
        ({"name": "a", "size": True}, r"Thing\.size: True is not <class 'int'>"),
        ({"name": "a", "parts": [{"name": None}]}, r"Thing\.parts: Thing\.name: None is not"),
        ({"name": "a", "tags": "red"}, r"Thing\.tags: 'red' is not list\[str\]"),
        ({"name": "a", "tags": ["red", 1]}, r"Thing\.tags: 1 is not <class 'str'>"),
        ({"name": "a", "colour": "red"}, "Thing names no colour"),
        ({"name": "a", "parts": [{"name": "b", "colour": "red"}]}, "Thing names no colour"),
    ],
)
def test_a_member_of_another_type_or_without_a_name_is_told(things: Client, body: dict[str, Any], flaw: str):
    with pytest.raises(AssertionError, match=f"getOneThing: .*{flaw}"):
        things.call(answering(things, body), "getOneThing")


@pytest.mark.parametrize(
    ("body", "error"),
    [({}, KeyError), ({"name": "a", "kind": "MIDDLE"}, ValueError), ({"name": "a", "unit": "cm"}, ValueError)],
)
def test_what_is_missing_and_what_is_no_value_of_an_enumeration_is_refused(
    things: Client, body: dict[str, Any], error: type[Exception]
):
    with pytest.raises(error):
        things.call(answering(things, body), "getOneThing")


def test_a_contract_that_the_generator_cannot_read_is_told(tmp_path: Path):
    (tmp_path / "broken.yaml").write_text("openapi: 3.1.0")

    with pytest.raises(AssertionError, match=r"no client comes out of broken\.yaml"):
        generator.generate(tmp_path / "broken.yaml", tmp_path)


def test_a_generator_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wanted = tmp_path / "generator.txt"
    wanted.write_text("openapi-python-client==0.0.0\n")
    monkeypatch.setattr(generator, "WANTED", wanted)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kept"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    with pytest.raises(AssertionError, match="generator of clients cannot be had: pip ended with 1"):
        generator.installed()
