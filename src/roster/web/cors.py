"""Cross-origin requests (WHATWG Fetch, section 3.2): which browsers' pages may call, and what they may read."""

import re
from collections.abc import Iterable

from roster.web import answer as answers
from roster.web.answer import Answer
from roster.web.reply import Reply
from roster.web.request import Request

_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{0,1000}")
_ALWAYS = ("X-Request-Id", "Retry-After", "ETag", "Location")
_REMEMBER = "600"
"""Seconds a browser may keep the answer to a preflight."""


class Policy:
    """Listed origins may call with cookies; `*` lets every other origin call without them."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._listed = frozenset(origins) - {"*"}
        self._any = "*" in origins

    def apply(self, answer: Answer, request: Request, exposed: tuple[str, ...]) -> None:
        """Let the calling page read the answer, when it may."""
        allowed = self._origin(request)
        if self._listed:
            answer.headers = [*answer.headers, (b"vary", b"Origin")]
        if allowed:
            answers.with_header(answer, b"access-control-allow-origin", allowed)
            answers.with_header(answer, b"access-control-expose-headers", ", ".join(dict.fromkeys(_ALWAYS + exposed)))
            if allowed != "*":
                answers.with_header(answer, b"access-control-allow-credentials", "true")

    def preflight(self, request: Request, methods: Iterable[str]) -> Answer | None:
        """The answer to a browser that asks first; None when this is an ordinary OPTIONS."""
        if request.header("access-control-request-method") is None or not self._origin(request):
            return None
        headers = [("Access-Control-Allow-Methods", answers.allow(methods)), ("Access-Control-Max-Age", _REMEMBER)]
        wanted = request.header("access-control-request-headers")
        if wanted and _HEADER_NAMES.fullmatch(wanted):
            headers.append(("Access-Control-Allow-Headers", wanted))
        return answers.pack(Reply(204, headers=tuple(headers)), 204)

    def _origin(self, request: Request) -> str | None:
        origin = request.header("origin")
        if origin is None:
            return None
        if origin in self._listed:
            return origin
        return "*" if self._any else None
