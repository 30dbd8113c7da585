"""Every operation of the dialect is in the table that `tests/security` walks; that it works is seen there."""

from roster.dialects.groupalarm import dialect
from tests.dialects.groupalarm.cases import CASES


def test_the_table_has_every_operation_and_no_other():
    assert CASES.keys() == {each.id for each in dialect.operations}
