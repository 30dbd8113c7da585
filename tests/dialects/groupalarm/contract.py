"""The contract of GroupAlarm's User API and what belongs to it."""

from typing import Final

from tests.dialects.contracts import Contract, Documented

__all__ = ["ANYWHERE", "callers", "check", "document", "operations", "schema", "validate"]

ANYWHERE: Final = {"405", "413", "429", "500", "503"}
_CONTRACT: Final = Contract("groupalarm", anywhere=ANYWHERE)

check = _CONTRACT.check
document = _CONTRACT.document
operations = _CONTRACT.operations
schema = _CONTRACT.schema
validate = _CONTRACT.validate


def callers(found: Documented) -> list[str] | None:
    """Whose credentials an operation takes, where the contract says so."""
    return found.details.get("x-allowed-callers")
