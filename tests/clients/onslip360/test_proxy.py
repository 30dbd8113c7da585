"""An application whose way leads through two proxies: its company's, and one that ends TLS and does not say so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.clients import front
from tests.clients.node import Node
from tests.clients.onslip360.conftest import NEWER, Accounts
from tests.servers import Installation, Server

PUBLIC = "roster.example"


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    """A server that knows its public address."""
    with servers.serving(installation, env={"ROSTER_SERVER_PUBLIC_URL": f"https://{PUBLIC}"}) as server:
        yield server


async def test_a_client_signs_for_the_public_address(
    node: Node, make_account: Accounts, server: Server, tmp_path: Path
):
    account = make_account()
    async with front.standing(server.url, [PUBLIC], tmp_path) as stands:
        known = account.environment | stands.environment | {"SDK": NEWER}
        said = await node.run("arrival.mjs", env=known | {"BASE": f"https://{PUBLIC}/onslip360/v1/"})

    assert said["client info"]["user"]["alias"] == "boss"
    assert said["find"] == [said["add"]["name"]] == ["Åsa"]
