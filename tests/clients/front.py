"""A TLS front with certificates for a product's own host names, by an authority that is made for the test."""

import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_CHUNK = 65536
_HERE = "127.0.0.1"


class Front(msgspec.Struct, frozen=True):
    """Where its proxy is, and the file with the authority that clients have to trust."""

    proxy: str
    authority: Path

    @property
    def environment(self) -> dict[str, str]:
        """What sends Node here, as in a company where nobody gets out but by a proxy that looks into TLS."""
        known = {"HTTPS_PROXY": self.proxy, "NODE_EXTRA_CA_CERTS": str(self.authority)}
        return {**known, "NODE_USE_ENV_PROXY": "1"}


@asynccontextmanager
async def standing(server: str, hosts: Sequence[str], folder: Path) -> AsyncIterator[Front]:
    """A front for these hosts that hands every byte to the server at this address and back.

    Its proxy leads to these hosts and to nothing else.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_certified(hosts, folder))
    address = urlsplit(server)

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await _relay(reader, writer, address.port or 80)

    front = await asyncio.start_server(serve, _HERE, 0, ssl=context)

    async def lead(reader: StreamReader, writer: StreamWriter) -> None:
        if await _wanted(reader) in hosts:
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            await _relay(reader, writer, _port(front))
        else:
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            writer.close()

    proxy = await asyncio.start_server(lead, _HERE, 0)
    async with front, proxy:
        yield Front(f"http://{_HERE}:{_port(proxy)}", folder / "authority.pem")


async def _wanted(reader: StreamReader) -> str:
    """The host that a client of the proxy wants to be connected to."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.decode().split(" ", 2)
    return target.removesuffix(":443") if method == "CONNECT" else ""


async def _relay(reader: StreamReader, writer: StreamWriter, port: int) -> None:
    behind = await asyncio.open_connection(_HERE, port)
    await asyncio.gather(_copy(reader, behind[1]), _copy(behind[0], writer))


async def _copy(source: StreamReader, target: StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass  # one side has left, and the other hears of it here
    finally:
        target.close()


def _port(listening: asyncio.Server) -> int:
    return listening.sockets[0].getsockname()[1]


def _certified(hosts: Sequence[str], folder: Path) -> Path:
    """The file with the front's certificate and key."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("the authority", "the authority", authority, authority, x509.BasicConstraints(True, None))
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    leaf = _certificate("the front", "the authority", key, authority, names)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(root)
    (folder / "front.pem").write_bytes(leaf + private)
    return folder / "front.pem"


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> bytes:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(_name(issuer), _name(subject), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    )
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
