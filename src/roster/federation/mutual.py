"""Providers that know us by a certificate: one request, bounded in time and size, over TLS that both sides prove."""

import ssl
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import structlog
from cryptography import x509

from roster.federation.client import body_of
from roster.federation.errors import ProviderSilent

M = TypeVar("M", bound=msgspec.Struct)

_log = structlog.get_logger("roster.federation")

_SECONDS: Final = 10.0
_LONGEST: Final = 262_144


class Certificate(msgspec.Struct, frozen=True):
    """What we show, and whom we believe: files in PEM form."""

    certificate: Path
    key: Path
    password: str | None = None
    authority: Path | None = None


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it was 200, the one status these providers say yes with."""
        return self.status == HTTPStatus.OK


def ends_at(shown: Certificate) -> datetime:
    """Until when the certificate is good. Raises OSError or ValueError when the files cannot be used together."""
    _tls(shown)
    return x509.load_pem_x509_certificate(shown.certificate.read_bytes()).not_valid_after_utc


async def post(shown: Certificate, url: str, content: bytes, *, content_type: str) -> Answer:
    """The provider's answer, whatever its status. Raises ProviderSilent when there is none, or it is too long."""
    import httpx

    headers = {"Content-Type": content_type, "Accept": "application/json"}
    try:
        async with (
            httpx.AsyncClient(timeout=_SECONDS, verify=_tls(shown), trust_env=False, follow_redirects=False) as client,
            client.stream("POST", url, content=content, headers=headers) as answer,
        ):
            return Answer(answer.status_code, await body_of(answer, _LONGEST))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # ssl.SSLError is an OSError
        _log.warning("provider.unreachable", url=url, error=f"{type(error).__name__}: {error}"[:300])
        raise ProviderSilent from error


@lru_cache(8)
def _tls(shown: Certificate) -> ssl.SSLContext:
    """Reading the files takes a while; once is enough."""
    context = ssl.create_default_context(cafile=shown.authority)
    context.load_cert_chain(shown.certificate, shown.key, shown.password or "")  # without any, OpenSSL asks a terminal
    return context
