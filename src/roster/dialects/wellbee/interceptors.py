"""Services that see requests before they are answered, or answers before they go out (notes, section 11).

An interceptor is `<order>;<patterns>;<subject>;<request|response>;<options>`. Patterns, with commas between them, are
globs on the subject of a request, whose `*` spans dots; one with `!` keeps a subject out. A request goes on as the
service has returned it, or ends there with an error, or with an answer of the service; an answer is replaced by what
the service returns. Answers that are errors are shown with the option `allow-exceptions` only.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from fnmatch import translate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlencode

import msgspec

from roster.bus import link as links
from roster.bus.link import Link
from roster.dialects.wellbee import auth, cookies, forwarding, gateway, subjects
from roster.dialects.wellbee.bus import client, envelopes
from roster.dialects.wellbee.signing_in import TwoTokens
from roster.kit.actor import Actor
from roster.kit.errors import InvalidToken
from roster.storage.runtime import Runtime
from roster.web import answer as answers
from roster.web import body as bodies
from roster.web.answer import Answer
from roster.web.operation import Operation
from roster.web.request import Request

_WITHIN: Final = 60.0
"""Seconds that an interceptor may take."""
_LARGEST: Final = 1_048_576
_SHOWS_ERRORS: Final = "allow-exceptions"
_ANSWERS: Final = ("respond", "next")

Envelope = dict[str, Any]
Inner = Callable[[Request, bodies.Receive | None], Awaitable[Answer]]
Meant = Callable[[Request], Operation | None]


class Interceptor(msgspec.Struct, frozen=True):
    """A service, and what it wants to see."""

    order: int
    wanted: tuple[re.Pattern[str], ...]
    unwanted: tuple[re.Pattern[str], ...]
    subject: str
    is_for_answers: bool
    shows_errors: bool

    def sees(self, subject: str) -> bool:
        """Whether requests of this subject are among it."""
        return any(each.match(subject) for each in self.wanted) and not any(
            each.match(subject) for each in self.unwanted
        )


@lru_cache(8)
def of(texts: Sequence[str]) -> tuple[Interceptor, ...]:
    """The interceptors that the settings name, in their order."""
    return tuple(sorted(map(_read, texts), key=lambda each: each.order))


async def around(
    runtime: Runtime, inner: Inner, request: Request, receive: bodies.Receive | None, meant: Meant
) -> Answer:
    """Answer a request, with whoever wants to see it in between; uploads go by unseen."""
    settings = runtime.settings.dialects.wellbee
    subject = subjects.of_request(request)
    if request.method == "HEAD":  # what answers is the operation of GET
        subject = subject.replace("http.head", "http.get", 1)
    seeing = [each for each in of(settings.interceptors) if each.sees(subject)]
    link = links.of(runtime)
    if not seeing or link is None or request.realm_slug != settings.realm:
        return await inner(request, receive)
    operation = meant(request)
    if operation is not None and operation.streams_body:
        return await inner(request, receive)
    if receive is not None:
        request.body = await bodies.read(request, receive, _LARGEST)
        request.become_json(gateway.as_json(request))
    actor = await _actor(runtime, request, operation)
    envelope = await forwarding.asked(runtime, request, actor)
    ended = await _before(link, request, envelope, [each for each in seeing if not each.is_for_answers])
    if ended is not None:
        return ended
    answer = await inner(request, None)
    return await _after(link, request, answer, [each for each in seeing if each.is_for_answers])


async def _before(link: Link, request: Request, envelope: Envelope, seeing: Sequence[Interceptor]) -> Answer | None:
    """Show the request; an answer when it ends here, else it has become what was returned."""
    for each in seeing:
        returned = await client.ask(link, each.subject, envelope, within=_WITHIN)
        action = returned.pop("interceptAction", None)
        if client.refused(returned) or action == _ANSWERS[0]:
            return _answer_of(returned)
        envelope = returned
    if seeing:
        request.become_json(msgspec.json.encode(envelope.get("data") or {}))
        query = envelope.get("query")
        shown = cast("dict[str, Any]", query) if isinstance(query, dict) else {}
        request.ask_for(urlencode(envelopes.flat(shown), doseq=True).encode())
    return None


async def _after(link: Link, request: Request, answer: Answer, seeing: Sequence[Interceptor]) -> Answer:
    """Show the answer; what was returned last is the answer."""
    shown = _envelope_of(answer)
    if shown is None:
        return answer
    for each in seeing:
        if client.refused(shown) and not each.shows_errors:
            continue
        about = {"query": dict(request.query.items()), "params": request.params, "path": request.path}
        data = {"data": msgspec.Raw(request.body or b"{}")} if client.refused(shown) else {}
        shown = await client.ask(link, each.subject, {**shown, **about, **data}, within=_WITHIN)
        answer = _answer_of({name: value for name, value in shown.items() if name not in about})
    return answer


async def _actor(runtime: Runtime, request: Request, operation: Operation | None) -> Actor:
    """Who asks. Raises InvalidToken and TwoTokens, but not for what takes no notice of tokens."""
    async with runtime.lease() as tx:
        try:
            found = auth.presented(tx, request)
            if found is not None:
                return (await auth.decoded(tx, request, found)).actor
        except (InvalidToken, TwoTokens):
            if operation is None or auth.READS_BY_ITSELF not in operation.extra:
                raise
            request.extra.pop(cookies.HEADER, None)
        return await auth.nobody(tx, request)


def _answer_of(envelope: Envelope) -> Answer:
    return answers.pack(forwarding.reply_of(envelope), HTTPStatus.OK)


def _envelope_of(answer: Answer) -> Envelope | None:
    """The envelope that an answer is, headers included; None for pages and streams."""
    if not isinstance(answer.body, bytes):
        return None
    try:
        found = msgspec.json.decode(answer.body, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    headers: dict[str, str | list[str]] = {}
    for name, value in answer.headers:
        known = headers.setdefault(name.decode("latin-1"), [])
        cast("list[str]", known).append(value.decode("latin-1"))
    return {**found, "headers": {name: values[0] if len(values) == 1 else values for name, values in headers.items()}}


def _read(text: str) -> Interceptor:
    order, patterns, subject, kind, *options = [part.strip() for part in text.split(";")]
    globs = [glob.strip().lower() for glob in patterns.split(",") if glob.strip()]
    return Interceptor(
        int(order),
        tuple(_compiled(glob) for glob in globs if not glob.startswith("!")),
        tuple(_compiled(glob[1:]) for glob in globs if glob.startswith("!")),
        subject,
        kind == "response",
        _SHOWS_ERRORS in options,
    )


def _compiled(glob: str) -> re.Pattern[str]:
    """Only `*` is a wildcard; brackets and question marks are what they are."""
    return re.compile(translate(glob.replace("[", "[[]").replace("?", "[?]")))
