"""The contract of fulfillmenttools' user management, and of the sign-in of its clients."""

from typing import Any, Final

import httpx

from tests.dialects.contracts import Contract, Documented

ANYWHERE: Final = {"405", "413", "429", "503"}


def _failure(found: Documented) -> str:
    return "IdentityError" if "Sign-in" in found.details["tags"] else "ApiError"


_CONTRACT: Final = Contract("fulfillmenttools", anywhere=ANYWHERE, failure=_failure)

document = _CONTRACT.document
operation = _CONTRACT.operation
operations = _CONTRACT.operations
schema = _CONTRACT.schema
validate = _CONTRACT.validate


def check(answer: httpx.Response, path: str) -> None:
    """Fail unless the contract documents the answer, body included."""
    _CONTRACT.check(answer, path)
    if not answer.content and answer.request.method != "HEAD" and operation(answer.request.method, path):
        assert answer.headers["content-length"] == "0", "clients fail on an empty answer without a length"


def failure(found: Documented) -> dict[str, Any]:
    """The schema of the operation's errors."""
    return schema(_failure(found))


def keys(found: Documented) -> tuple[str, ...]:
    """The permissions that the operation asks for."""
    return tuple(found.details.get("x-required-permissions", {}).get("values", ()))
