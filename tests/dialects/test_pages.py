"""The browsable pages of the real dialects."""

import pytest

from roster.dialects.acceleratxr import dialect as acceleratxr
from roster.dialects.fulfillmenttools import dialect as fulfillmenttools
from roster.dialects.groupalarm import dialect as groupalarm
from roster.dialects.native import dialect as native
from roster.dialects.onslip360 import dialect as onslip360
from roster.dialects.wellbee import dialect as wellbee
from roster.web.dialect import Dialect
from roster.web.docs import Docs

ALL = [native, acceleratxr, fulfillmenttools, onslip360, groupalarm, wellbee]


@pytest.mark.parametrize("dialect", ALL, ids=lambda dialect: dialect.name)
def test_the_page_shows_every_operation(dialect: Dialect):
    reply = Docs({dialect.name: (dialect, "/prefix")}).find(f"/docs/{dialect.name}")

    assert reply is not None
    assert isinstance(reply.body, bytes)
    page = reply.body.decode()
    for operation in dialect.operations:
        assert f"<code>{operation.id}</code>" in page


def test_the_index_says_where_each_dialect_is_served():
    reply = Docs({"native": (native, "/api/v1"), "acceleratxr": (acceleratxr, "/axr")}).find("/docs")

    assert reply is not None
    assert isinstance(reply.body, bytes)
    page = reply.body.decode()
    assert "<code>/api/v1</code>" in page
    assert "<code>/axr</code>" in page
