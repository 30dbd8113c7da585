"""Every operation of the contract is served, and in the table of one good call each that `tests/security` walks."""

from roster.dialects.groupalarm import dialect
from tests.dialects import contracts
from tests.dialects.groupalarm import contract
from tests.dialects.groupalarm.cases import CASES

PAGES = {each.id for each in dialect.operations if "x-page" in each.extra}


def test_every_operation_of_the_contract_is_served():
    """Of two spellings of a path, with and without a slash at its end, `operations` names one."""
    paths = contract.document()["paths"]
    documented = [each for item in paths.values() for method, each in item.items() if method in contracts.METHODS]

    assert len(documented) == 91
    assert {each.id for each in contract.operations()} == {each.id for each in dialect.operations} - PAGES


def test_the_table_has_every_operation_and_no_other():
    assert CASES.keys() == {each.id for each in dialect.operations}
