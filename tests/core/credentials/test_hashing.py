"""Verifying our own and foreign hashes, against vectors that others published."""

import base64
import hashlib
import hmac
import os

import bcrypt
import pytest
from argon2 import low_level
from hypothesis import given
from hypothesis import strategies as st

from roster.core.credentials import forms, hashing

FRUSTER_ID = "00000000-0000-4000-8000-000000000001"
FRUSTER = {
    "sha512": "4819329b976f5a990b94ffc32001de77aadca6acd285599f5f46e606494d7bb0"
    "3c17d311bcd77b3af6726960d1a95384d22fb374e898eb50cc1147485adca3b3",
    "old": "e4db959c37f5d5dfff214b91bc1ec53e4a7317e061483f2398ad13977a3cedc7"
    "ff6b677e76402bfb438ea42e1c61e688d59ceea47477aa46c164dde69d67000f",
    "pbkdf2": "M0iFEjfuBoUIXqPilLCv9MsbHF39tp8oIHyHawyDBg7RceB1pFtbGX2QeTdEAxMb"
    "u4/2DNIycuQq/3/QdCu44oZTEG1VPKVD0jhhtVEBu9sHRHVQ/YVOO5O9kZdaH+jZ",
}
"""Of the notes in the contract: the same password in three forms."""
PUBLISHED = {
    "bcrypt, crypt_blowfish": ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    "argon2i, reference implementation": (
        "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
        "password",
    ),
    "argon2id, reference implementation": (
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "password",
    ),
    "PBKDF2-HMAC-SHA-1, RFC 6070": (
        forms.pbkdf2(
            "sha1",
            b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
            bytes.fromhex("3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
            iterations=4096,
        ),
        "passwordPASSWORDpassword",
    ),
    "PBKDF2-HMAC-SHA-256, RFC 7914": (
        forms.pbkdf2(
            "sha256",
            b"NaCl",
            bytes.fromhex(
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
                "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
            ),
            iterations=80000,
        ),
        "Password",
    ),
    "sha512, Fruster": (
        forms.fruster(FRUSTER_ID, "saltsalt", FRUSTER["sha512"], is_old=False) or "",
        "Passw0rd!",
    ),
    "sha512 from before 2017, Fruster": (
        forms.fruster(FRUSTER_ID, "saltsalt", FRUSTER["old"], is_old=True) or "",
        "Passw0rd!",
    ),
    "PBKDF2, Fruster": (forms.fruster(FRUSTER_ID, "saltsalt", FRUSTER["pbkdf2"], is_old=False) or "", "Passw0rd!"),
    "scrypt, RFC 7914": (
        forms.scrypt(
            b"SodiumChloride",
            bytes.fromhex(
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
            ),
            log_n=14,
            r=8,
            p=1,
        ),
        "pleaseletmein",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_hash_verifies_and_asks_to_be_made_anew(name: str):
    encoded, secret = PUBLISHED[name]

    assert hashing.verify(encoded, secret) == hashing.Verdict(ok=True, needs_rehash=True)
    assert hashing.verify(encoded, secret + "x") == hashing.Verdict(ok=False, needs_rehash=False)


def test_an_own_hash_verifies_and_stays():
    encoded = hashing.hash_secret("tröpfchenweise")

    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hashing.verify(encoded, "tröpfchenweise") == hashing.Verdict(ok=True, needs_rehash=False)
    assert not hashing.verify(encoded, "tropfchenweise").ok


def test_an_argon2id_hash_of_other_parameters_is_made_anew():
    encoded = low_level.hash_secret(b"secret", os.urandom(16), 1, 1024, 1, 32, low_level.Type.ID).decode()

    assert hashing.verify(encoded, "secret") == hashing.Verdict(ok=True, needs_rehash=True)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_every_spelling_of_bcrypt_verifies(prefix: str):
    made = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()

    assert hashing.verify(prefix + made[4:], "secret").ok


def test_a_long_secret_verifies_against_bcrypt_as_it_did_where_the_hash_was_made():
    made = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()

    assert hashing.verify(made, "x" * 90).ok
    assert not hashing.verify(made, "x" * 71).ok


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_every_digest_of_pbkdf2_verifies(digest: str):
    made = hashlib.pbkdf2_hmac(digest, b"secret", b"salt and pepper!", 1, 64)
    encoded = forms.pbkdf2(digest, b"salt and pepper!", made, iterations=1)

    assert hashing.verify(encoded, "secret").ok
    assert not hashing.verify(encoded, "Secret").ok


def test_parts_of_an_argon2_hash_make_one_text():
    made = low_level.hash_secret_raw(b"secret", b"0123456789abcdef", 5, 7168, 1, 32, low_level.Type.ID)
    encoded = forms.argon2("id", b"0123456789abcdef", made, version=19, memory=7168, passes=5, lanes=1)

    assert hashing.verify(encoded, "secret").ok


SALT = base64.b64encode(b"0123456789abcdef").rstrip(b"=").decode()
MADE = base64.b64encode(b"0123456789abcdef0123456789abcdef").rstrip(b"=").decode()
OWN = f"$argon2id$v=19$m=19456,t=2,p=1${SALT}${MADE}"
REFUSED = {
    "argon2 with 4 GiB": f"$argon2id$v=19$m=4194304,t=1,p=1${SALT}${MADE}",
    "argon2 with a million passes": f"$argon2id$v=19$m=1024,t=1000000,p=1${SALT}${MADE}",
    "argon2 with many passes over much": f"$argon2id$v=19$m=262144,t=9,p=1${SALT}${MADE}",
    "argon2 with 99 lanes": f"$argon2id$v=19$m=1024,t=1,p=99${SALT}${MADE}",
    "argon2 of an unknown version": f"$argon2id$v=18$m=1024,t=1,p=1${SALT}${MADE}",
    "bcrypt of cost 31": "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "bcrypt of cost 3": "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "the broken bcrypt": "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "PBKDF2 with 99 million rounds": f"$pbkdf2-sha256$i=99000000,l=32${SALT}${MADE}",
    "PBKDF2 with many blocks": f"$pbkdf2-sha1$i=5000000,l=32${SALT}${MADE}",
    "PBKDF2 without rounds": f"$pbkdf2-sha256$i=0,l=32${SALT}${MADE}",
    "PBKDF2 of another length": f"$pbkdf2-sha256$i=1,l=31${SALT}${MADE}",
    "PBKDF2 with MD5": f"$pbkdf2-md5$i=1,l=32${SALT}${MADE}",
    "scrypt with 2 GiB": f"$scrypt$ln=21,r=8,p=1${SALT}${MADE}",
    "scrypt with 256 MiB": f"$scrypt$ln=18,r=8,p=1${SALT}${MADE}",
    "scrypt with many lanes": f"$scrypt$ln=17,r=8,p=16${SALT}${MADE}",
    "scrypt without blocks": f"$scrypt$ln=14,r=0,p=1${SALT}${MADE}",
    "a plain text": "password",
    "nothing": "",
    "a very long text": "$argon2id$" + "A" * 100_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hash_that_asks_for_too_much_or_is_none_fits_no_secret(name: str):
    assert not hashing.is_supported(REFUSED[name])
    assert not hashing.verify(REFUSED[name], "password").ok


@given(st.text(max_size=80), st.text(max_size=20))
def test_no_text_crashes_the_reader(prefix: str, rest: str):
    for known in ("$argon2id$", "$2b$", "$pbkdf2-sha256$", "$scrypt$", ""):
        check = forms.read(known + prefix + rest)
        assert check is None or not check(b"secret")


def test_lone_surrogates_and_nul_are_secrets_like_others():
    encoded = hashing.hash_secret("\0\ud800")

    assert hashing.verify(encoded, "\0\ud800").ok
    assert not hashing.verify(encoded, "\0").ok


def test_the_first_fitting_hash_of_several_is_found():
    first, second = hashing.hash_secret("first"), hashing.hash_secret("second")

    assert hashing.verify_any([first, second], "second")[0] == 1
    assert hashing.verify_any([first, second], "third")[0] == -1
    assert hashing.verify_any([], "third") == (-1, hashing.Verdict(ok=False, needs_rehash=False))


def test_nothing_longer_than_a_secret_may_be_is_hashed():
    encoded = low_level.hash_secret(b"x" * 1025, os.urandom(16), 1, 8, 1, 32, low_level.Type.ID).decode()

    assert not hashing.verify(encoded, "x" * 1025).ok


@pytest.mark.parametrize(
    ("encoded", "secret"),
    [([], "wrong"), ([OWN], "wrong"), ([OWN], "x" * 1025), (["unreadable"], "wrong"), ([""], ""), ([], "x" * 1025)],
    ids=["no hash", "wrong secret", "too long", "unreadable hash", "empty hash", "no hash and too long"],
)
def test_every_failure_computes_one_argon2_hash_of_the_same_cost(
    encoded: list[str], secret: str, monkeypatch: pytest.MonkeyPatch
):
    computed: list[bytes] = []
    genuine = low_level.verify_secret

    def counting(hash: bytes, secret: bytes, type: low_level.Type) -> bool:
        computed.append(hash[:30])
        return genuine(hash, secret, type)

    monkeypatch.setattr(low_level, "verify_secret", counting)

    assert not hashing.verify_any(encoded, secret)[1].ok
    assert computed == [b"$argon2id$v=19$m=19456,t=2,p=1"]


@pytest.mark.parametrize("name", ["sha1", "sha224", "sha256", "sha384", "md5"])
def test_hashes_of_fruster_may_be_made_with_other_digests(name: str):
    def keyed(digest: str, key: bytes) -> bytes:
        return hmac.digest(key, b"", digest).hex().encode()

    secret, salt = "Lösen4ord".encode(), b"salt"
    pepper = keyed("sha512", FRUSTER_ID.encode() + secret)
    made = keyed(name, salt + keyed("sha512", secret + pepper)).decode()
    encoded = forms.fruster(FRUSTER_ID, "salt", made, is_old=False)
    assert encoded is not None
    assert hashing.verify(encoded, "Lösen4ord").ok
    assert not hashing.verify(encoded, "Losen4ord").ok
    old = forms.fruster(FRUSTER_ID, "salt", made, is_old=True)
    assert not hashing.verify(old or "", "Lösen4ord").ok


@pytest.mark.parametrize("made", ["", "abc", "x" * 128, "é" * 128, "$" * 64, "a" * 127])
def test_what_fruster_never_stored_is_no_hash(made: str):
    encoded = forms.fruster(FRUSTER_ID, "salt", made, is_old=False)
    assert encoded is None or not hashing.verify(encoded, "Passw0rd!").ok
