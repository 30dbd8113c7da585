"""A provider of our own on this machine: answers as the real ones document it, and remembers what it was asked."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from roster.settings import Provider


class Asked(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]
    body: str = ""
    shown: str = ""
    """Whom the certificate names that the caller has shown."""


class Answer(msgspec.Struct, frozen=True):
    """One answer; a text is sent as it is, everything else as JSON."""

    body: object = msgspec.field(default_factory=dict[str, object])
    status: int = 200
    headers: dict[str, str] = {}

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else msgspec.json.encode(self.body)


class StandIn:
    """Answers by path."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        self.address = ""

    def says(self, path: str, body: object, *, status: int = 200, **headers: str) -> None:
        """Answer everything at this path so."""
        self.answers[path] = lambda _: Answer(body, status, headers)

    def provider(self, kind: str, **known: Any) -> Provider:
        """Settings of a provider of this kind that lives here."""
        urls = {f"{name}_url": f"{self.address}/{name}" for name in ("userinfo", "tokeninfo", "request_token")}
        return Provider(kind=kind, client_id="our-app", **{"client_secret": "our secret", **urls, **known})


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    """The provider on a port of the system's choice."""
    stand_in = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    stand_in.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked = self._asked()
            stand_in.asked.append(asked)
            answer = stand_in.answers.get(asked.path, lambda _: Answer({}, 404))(asked)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def _asked(self) -> Asked:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            headers = dict(self.headers.items())
            return Asked(self.command, url.path, _single(url.query), _single(body), headers, body, self._shown())

        def _shown(self) -> str:
            if not isinstance(self.connection, ssl.SSLSocket):
                return ""
            subject: Any = (self.connection.getpeercert() or {}).get("subject", ())
            return dict(pair for names in subject for pair in names).get("commonName", "")

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 (the names that the base class looks for)

        def log_message(self, format: str, *args: Any) -> None:
            """Be quiet."""

    return Handler


def _single(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
