"""The contract of the AcceleratXR account services."""

from typing import Final

from tests.dialects.contracts import METHODS, Contract

__all__ = ["METHODS", "check", "document", "operations", "validate"]

_CONTRACT: Final = Contract("acceleratxr", anywhere={"405", "413", "503"})

check = _CONTRACT.check
document = _CONTRACT.document
operations = _CONTRACT.operations
validate = _CONTRACT.validate
