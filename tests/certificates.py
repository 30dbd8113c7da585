"""Certificates for servers of the tests on this machine."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from roster.kit import clock


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server at 127.0.0.1 shows, which no authority has signed; and the file that has others trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begin = clock.now() - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    shown = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem, trusted = folder / "server.pem", folder / "trusted.pem"
    pem.write_bytes(private + shown)
    trusted.write_bytes(shown)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, trusted


class Authority:
    """An authority of the tests, which signs certificates for servers and for those who ask them."""

    def __init__(self, folder: Path, name: str = "Authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        shown = _certificate(self._name, self._key.public_key(), self._name, is_authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(shown.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, password: str | None = None, days: int = 30) -> Path:
        """A file with a new key, perhaps encrypted, and its certificate, which began to be good yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = _certificate(_named(name), key.public_key(), self._name, days=days)
        shown = wanted.sign(self._key, hashes.SHA256())
        closed = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed)
        file = self._folder / f"{name}.pem"
        file.write_bytes(private + shown.public_bytes(serialization.Encoding.PEM))
        return file

    def server(self) -> ssl.SSLContext:
        """What a server at 127.0.0.1 uses that asks everybody for a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue("127.0.0.1"))
        context.load_verify_locations(self.file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def signer(name: str = "Signer", *, days: int = 30) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key that signs statements, and its certificate in PEM form."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    shown = _certificate(_named(name), key.public_key(), _named(name), days=days).sign(key, hashes.SHA256())
    return key, shown.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer: x509.Name,
    *,
    is_authority: bool = False,
    days: int = 30,
) -> x509.CertificateBuilder:
    begin = clock.now() - dt.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
