"""Entity tags (RFC 9110, section 8.8.3): a thing's version in quotes."""

import re
from typing import Final

from roster.kit.errors import InvalidInput
from roster.web.operation import Parameter
from roster.web.reply import Reply
from roster.web.request import Request

_TAG: Final = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)

IF_MATCH: Final = Parameter(
    name="If-Match",
    where="header",
    schema={"type": "string", "pattern": r'^((W/)?"[0-9]{1,9}"|\*)$'},
    description='Carry the change out only if the stored version is still this one: `"3"`. Else 412.',
)


def with_tag(body: object, version: int, status: int = 200, location: str = "") -> Reply:
    """An answer with the version as its tag, and the address of what was made."""
    tag = ("ETag", f'"{version}"')
    return Reply(status, body, (tag, ("Location", location)) if location else (tag,))


def version_of(request: Request) -> int | None:
    """The version that the caller's copy has; None when any will do. Raises InvalidInput for what is no tag of ours."""
    text = request.header("if-match")
    if text is None or text.strip() == "*":
        return None
    found = _TAG.fullmatch(text.strip())
    if found is None:
        raise InvalidInput.of("If-Match", "malformed", 'The header If-Match holds one version in quotes, such as "3".')
    return int(found[1])
