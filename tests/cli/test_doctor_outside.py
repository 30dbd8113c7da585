"""What the doctor says of those whom an installation asks."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from roster.cli import doctor
from roster.settings import BankId, Freja, Push, Settings
from tests import certificates, factories
from tests.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def found(folder: Path, **known: Any) -> list[tuple[str, str, str]]:
    settings: Settings = msgspec.structs.replace(factories.settings(folder / "data"), **known)
    return [(each.verdict, each.subject, each.text) for each in doctor._outside(settings)]


def bankid(file: Path, **known: Any) -> BankId:
    return BankId(certificate=file, key=known.pop("key", file), **known)


def test_where_nobody_is_asked_there_is_nothing_to_say(tmp_path: Path):
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("days", "verdict", "text"),
    [
        (200, "ok", "certificates are good for 198 days"),
        (20, "warning", "a certificate ends in 18 days"),
        (0, "wrong", "a certificate has ended"),
    ],
)
def test_the_end_of_a_certificate_is_told_in_time(
    tmp_path: Path, authority: Authority, days: int, verdict: str, text: str
):
    file = authority.issue("Our Company", days=days)

    assert found(tmp_path, bankid=bankid(file, authority=authority.file)) == [(verdict, "BankID", text)]


def test_files_that_do_not_belong_together_are_found(tmp_path: Path, authority: Authority):
    file, other, nothing = authority.issue("One"), authority.issue("Other"), tmp_path / "nothing"
    locked = authority.issue("Locked", password="open sesame")

    for wrong in (
        bankid(nothing),
        bankid(file, key=other),
        bankid(file, authority=nothing),
        bankid(locked, key_password="wrong"),
        bankid(locked),
        BankId(certificate=file),
    ):
        ((verdict, subject, text),) = found(tmp_path, bankid=wrong)
        assert (verdict, subject) == ("wrong", "BankID")
        assert text.startswith("the files of its settings cannot be used")


def test_frejas_signers_count_too(tmp_path: Path, authority: Authority):
    file, signers = authority.issue("Our Company", days=200), tmp_path / "signers.pem"
    settings = Freja(certificate=file, key=file, signers=signers)
    for days, verdict in ((300, "ok"), (5, "warning")):
        signers.write_bytes(certificates.signer(days=days)[1])
        assert found(tmp_path, freja=settings)[0][:2] == (verdict, "Freja")
    signers.write_text("nothing")

    assert found(tmp_path, freja=settings)[0][0] == "wrong"


def test_an_account_for_push_messages_is_tried(tmp_path: Path):
    key, _ = certificates.signer()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "account.json"
    known = {"project_id": "p", "client_email": "sender@p.example", "private_key": private.decode()}
    file.write_bytes(msgspec.json.encode(known))
    settings = Push(service_account=file)

    assert found(tmp_path, push=settings) == [("ok", "push messages", "go out as sender@p.example")]
    file.write_bytes(msgspec.json.encode({**known, "private_key": "none"}))
    assert found(tmp_path, push=settings)[0][0] == "wrong"
