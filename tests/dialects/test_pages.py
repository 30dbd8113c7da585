"""The browsable pages of the real dialects."""

import pytest

from roster.dialects.acceleratxr import dialect as acceleratxr
from roster.dialects.native import dialect as native
from roster.web.dialect import Dialect
from roster.web.docs import Docs


@pytest.mark.parametrize("dialect", [native, acceleratxr], ids=lambda dialect: dialect.name)
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
