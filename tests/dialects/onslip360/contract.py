"""The contract of the Onslip 360 API."""

from typing import Final

from tests.dialects.contracts import METHODS, Contract, Documented

__all__ = ["ANYWHERE", "METHODS", "check", "document", "operations", "validate"]

ANYWHERE: Final = {"405", "406", "413", "429", "503"}


def _failure(_found: Documented) -> str:
    return "ServerError"


_CONTRACT: Final = Contract(
    "onslip360", anywhere=ANYWHERE, failure=_failure, beside=r"(?:@[0-9T:.-]+Z)?(?:\.json)?"
)  # moments and formats stand behind a path

check = _CONTRACT.check
document = _CONTRACT.document
operations = _CONTRACT.operations
validate = _CONTRACT.validate
