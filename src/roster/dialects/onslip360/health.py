"""Whether the service is there (contract, tag Health). Open to everybody."""

from roster.dialects.onslip360 import wire
from roster.kit.errors import InvalidInput, Unavailable
from roster.storage.runtime import Runtime
from roster.web.operation import Operations

ops = Operations(tag="Health")


@ops.get("/health/alive", id="checkServerLiveness", status=204, public=True)
async def alive() -> None:
    """Liveness."""


@ops.get("/health/ready", id="checkServerReadiness", status=204, public=True, errors=(Unavailable,))
async def ready(runtime: Runtime) -> None:
    """Readiness: the database answers."""
    await runtime.ping()


@ops.post("/health/echo", id="checkServerEcho", public=True, writes=False, errors=(InvalidInput,))
async def echo(body: wire.Echo) -> wire.Echo:
    """The payload, unchanged."""
    return body
