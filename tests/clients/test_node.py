"""Where JavaScript clients come from, and what is said when they cannot be had."""

import asyncio
import json
import re
from pathlib import Path
from threading import Barrier

import pytest

from tests.clients import cache, node
from tests.clients.node import Node

HERE = Path(__file__).parent
CLIENTS = sorted(file.parent for file in HERE.glob("*/package.json"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The clients of these tests are kept nowhere else."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kept"))


def a_client(folder: Path, **dependencies: str) -> Path:
    """A client with these packages, and a lock file that knows none of them."""
    folder.mkdir()
    described = {"private": True, "type": "module", "dependencies": dependencies}
    locked = {"name": folder.name, "lockfileVersion": 3, "requires": True, "packages": {"": described}}
    (folder / "package.json").write_text(json.dumps(described))
    (folder / "package-lock.json").write_text(json.dumps(locked))
    return folder


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_names_exact_versions_with_their_digests_and_no_registry(client: Path):
    wanted = json.loads((client / "package.json").read_text())["dependencies"]
    text = (client / "package-lock.json").read_text()
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}

    assert wanted
    assert all(re.fullmatch(r"(npm:@[\w/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?", version) for version in wanted.values())
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert [name for name, each in packages.items() if "resolved" in each] == []


async def test_a_script_tells_its_steps(tmp_path: Path):
    client = a_client(tmp_path / "client")
    (client / "hello.mjs").write_text(
        "import { step } from './steps.mjs'\n"
        "await step('greet', () => `hello ${process.env.WHO}`)\n"
        "const refusal = Object.assign(new Error('no'), { status: 404, statusText: 'Not Found' })\n"
        "await step('leave', () => { throw refusal })\n"
        "await step('ask', async () => (await fetch('data:application/json,{}')).json())\n"
    )

    said = await Node(client, _folder(tmp_path / "scripts")).run("hello.mjs", env={"WHO": "you"})

    assert said["greet"] == "hello you"
    assert (said.failure("leave").status, said.failure("leave").status_text) == (404, "Not Found")
    assert (said["ask"], said.requests("ask"), said.requests("greet")) == ({}, ["GET nullapplication/json,{} 200"], [])


async def test_a_script_that_breaks_is_no_conversation(tmp_path: Path):
    client = a_client(tmp_path / "client")
    (client / "broken.mjs").write_text("console.log(1); throw new Error('this is why')")

    with pytest.raises(AssertionError, match=r"broken\.mjs ended with 1:[\s\S]*this is why"):
        await Node(client, _folder(tmp_path / "scripts")).run("broken.mjs", env={})


def test_packages_that_cannot_be_had_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    client = a_client(tmp_path / "client", **{"a-product": "1.0.0"})
    monkeypatch.setenv("npm_config_offline", "true")

    with pytest.raises(AssertionError, match=r"npm packages of the client client \(a-product\) cannot be had"):
        node.installed(client)

    assert list(cache.folder().iterdir()) == []


async def test_two_runs_at_once_end_with_one_whole_folder():
    both_at_work = Barrier(2)

    def make(folder: Path):
        (folder / "first").touch()
        both_at_work.wait()
        (folder / "last").touch()

    kept = await asyncio.gather(*(asyncio.to_thread(cache.once, "thing", make) for _ in range(2)))

    assert kept == [cache.folder() / "thing"] * 2
    assert sorted(each.name for each in cache.folder().rglob("*")) == ["first", "last", "thing"]


def test_what_is_kept_is_not_made_again():
    cache.once("thing", lambda folder: (folder / "made").touch())

    kept = cache.once("thing", lambda folder: (folder / "again").touch())

    assert [each.name for each in kept.iterdir()] == ["made"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
