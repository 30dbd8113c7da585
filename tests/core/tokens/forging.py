"""Bad tokens of every known kind, made from a genuine one. Each must be refused."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from hashlib import sha256, sha384, sha512
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from roster.core.tokens.jose import Key
from roster.kit import secrets

Object = dict[str, Any]
_HASHES: Mapping[str, Callable[..., Any]] = {"HS256": sha256, "HS384": sha384, "HS512": sha512}


class Genuine(msgspec.Struct, frozen=True):
    """A good token in its parts, with the key that signed it."""

    text: str
    header: Object
    claims: Object
    key: Key

    @classmethod
    def of(cls, text: str, key: Key) -> "Genuine":
        header, claims, _ = text.split(".")
        return cls(text, json.loads(_bytes(header)), json.loads(_bytes(claims)), key)

    def signed(self, header: Object | None = None, claims: Object | None = None) -> str:
        """Really signed by the realm's key, with these members changed; None takes a member away."""
        return _signed(_merged(self.header, header), _merged(self.claims, claims), self.key.material)

    @property
    def parts(self) -> list[str]:
        return self.text.split(".")


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _part(value: object) -> str:
    return secrets.encode(json.dumps(value).encode())


def _merged(before: Object, change: Object | None) -> Object:
    return {name: value for name, value in {**before, **(change or {})}.items() if value is not None}


def _signed(header: Object, claims: object, key: ECKey) -> str:
    """By hand, so that any header can be signed."""
    body = f"{_part(header)}.{_part(claims)}"
    registry = jws.JWSRegistry(algorithms=["ES256"])
    signature = registry.get_alg("ES256").sign(body.encode(), key)
    return f"{body}.{secrets.encode(signature)}"


def _mac(good: Genuine, algorithm: str, key: bytes, **header: object) -> str:
    body = f"{_part({**good.header, 'alg': algorithm, **header})}.{good.parts[1]}"
    return f"{body}.{secrets.encode(hmac.new(key, body.encode(), _HASHES[algorithm]).digest())}"


def corpus(good: Genuine) -> dict[str, str]:
    """Name and text of each bad token."""
    return {
        **_without_signature(good),
        **_confused(good),
        **_smuggled_keys(good),
        **_other_forms(good),
        **_spellings(good),
        **_wrong_headers(good),
        **_wrong_claims(good),
    }


def _without_signature(good: Genuine) -> dict[str, str]:
    header, claims, signature = good.parts
    none = _part({**good.header, "alg": "none"})
    raw = _bytes(signature)
    half = len(raw) // 2
    return {
        "no signature": f"{header}.{claims}.",
        "alg none": f"{none}.{claims}.",
        "alg none, old signature": f"{none}.{claims}.{signature}",
        "alg None": f"{_part({**good.header, 'alg': 'None'})}.{claims}.",
        "alg nOnE, old signature": f"{_part({**good.header, 'alg': 'nOnE'})}.{claims}.{signature}",
        "two parts": f"{header}.{claims}",
        "one part": header,
        "signature of zeroes (CVE-2022-21449)": f"{header}.{claims}.{secrets.encode(bytes(64))}",
        "signature cut short": f"{header}.{claims}.{secrets.encode(raw[:-1])}",
        "half a signature": f"{header}.{claims}.{secrets.encode(raw[:half])}",
        "signature too long": f"{header}.{claims}.{secrets.encode(raw + bytes(1))}",
        "signature in DER": f"{header}.{claims}.{_der(raw)}",
        "signature of other claims": f"{header}.{_part({**good.claims, 'jti': 'other'})}.{signature}",
        "signature of another header": f"{_part({**good.header, 'x': 1})}.{claims}.{signature}",
        "one bit of the signature": f"{header}.{claims}.{secrets.encode(raw[:10] + bytes([raw[10] ^ 1]) + raw[11:])}",
    }


def _der(raw: bytes) -> str:
    numbers = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    encoded = encode_dss_signature(*numbers)
    assert decode_dss_signature(encoded) == numbers
    return secrets.encode(encoded)


def _confused(good: Genuine) -> dict[str, str]:
    """The public key, which everybody knows, taken for a shared secret; and no secret at all."""
    public = ECKey.import_key(good.key.material.as_dict(private=False))
    pem, der = public.as_bytes(encoding="PEM", private=False), public.as_bytes(encoding="DER", private=False)
    as_json = json.dumps(good.key.public()).encode()
    return {
        "empty HMAC key": _mac(good, "HS256", b""),
        "empty HMAC key, HS384": _mac(good, "HS384", b""),
        "empty HMAC key, HS512": _mac(good, "HS512", b""),
        "public PEM as HMAC key": _mac(good, "HS256", pem),
        "public PEM without its end as HMAC key": _mac(good, "HS256", pem.strip()),
        "public DER as HMAC key": _mac(good, "HS256", der),
        "public JWK as HMAC key": _mac(good, "HS256", as_json),
        "key id as HMAC key": _mac(good, "HS512", good.key.kid.encode()),
        "HMAC without key id": _mac(good, "HS256", pem, kid=""),
    }


def _smuggled_keys(good: Genuine) -> dict[str, str]:
    mine = ECKey.generate_key("P-256")
    jwk = mine.as_dict(private=False)
    url = "https://attacker.example/keys.json"
    return {
        "signed by another key": _signed(good.header, good.claims, mine),
        "key in the header": _signed({**good.header, "jwk": jwk}, good.claims, mine),
        "key in the header, its own id": _signed(
            {**good.header, "jwk": jwk, "kid": mine.thumbprint()}, good.claims, mine
        ),
        "empty key in the header": _mac(good, "HS256", b"", jwk={"kty": "oct", "k": ""}),
        "address of keys in the header": _signed({**good.header, "jku": url}, good.claims, mine),
        "certificate in the header": _signed({**good.header, "x5c": ["MIIB"]}, good.claims, mine),
        "address of a certificate": _signed({**good.header, "x5u": url}, good.claims, mine),
        "unknown key id": _signed({**good.header, "kid": mine.thumbprint()}, good.claims, mine),
        "a path as key id": _signed({**good.header, "kid": "../../../dev/null"}, good.claims, mine),
        "SQL as key id": _signed({**good.header, "kid": "' OR 1=1 --"}, good.claims, mine),
        "EdDSA": _by(OKPKey.generate_key("Ed25519"), good, "Ed25519"),
        "RS256": _by(RSAKey.generate_key(2048), good, "RS256"),
        "ES384": _by(ECKey.generate_key("P-384"), good, "ES384"),
    }


def _by(key: OKPKey | RSAKey | ECKey, good: Genuine, algorithm: str) -> str:
    header = {**good.header, "alg": algorithm}
    return jws.serialize_compact(header, json.dumps(good.claims), key, algorithms=[algorithm])


def _other_forms(good: Genuine) -> dict[str, str]:
    header, claims, signature = good.parts
    flat = {"protected": header, "payload": claims, "signature": signature}
    return {
        "flattened JSON": json.dumps(flat),
        "general JSON": json.dumps({"payload": claims, "signatures": [{"protected": header, "signature": signature}]}),
        "empty list of signatures": json.dumps({"payload": claims, "signatures": []}),
        "JSON without signature": json.dumps({"protected": header, "payload": claims}),
        "four parts": f"{good.text}.{signature}",
        "five parts, as if encrypted": f"{header}.{claims}.{signature}.{claims}.{signature}",
        "detached payload": f"{header}..{signature}",
        "payload not encoded (RFC 7797)": good.signed({"b64": False, "crit": ["b64"]}),
        "claims are a list": _signed(good.header, [good.claims], good.key.material),
        "claims are a text": _signed(good.header, "claims", good.key.material),
        "claims are null": _signed(good.header, None, good.key.material),
        "header is a list": f"{_part([good.header])}.{claims}.{signature}",
        "header is no JSON": f"{secrets.encode(b'x')}.{claims}.{signature}",
        "header is no text": f"{secrets.encode(bytes([255, 254]))}.{claims}.{signature}",
    }


def _spellings(good: Genuine) -> dict[str, str]:
    header, claims, signature = good.parts
    return {
        "nothing": "",
        "dots": "..",
        "blank in front": " " + good.text,
        "line end behind": good.text + "\n",
        "padding": f"{header}.{claims}.{signature}==",
        "standard alphabet": f"{header}.{claims}.+/{signature[2:]}",
        "another spelling of the last bits": f"{header}.{claims}.{signature[:-1]}{_neighbour(signature[-1])}",
        "line end inside": f"{header}.{claims[:9]}\n{claims[9:]}.{signature}",
        "NUL inside": f"{header}.{claims[:9]}\0{claims[9:]}.{signature}",
        "other letters": f"{header}.{claims}.{signature[:-1]}é",
        "a lone surrogate": f"{header}.{claims}.{signature[:-1]}\ud800",
        "very long": f"{header}.{claims}.{signature}{'A' * 100_000}",
        "very long claims": good.signed(claims={"padding": "x" * 20_000}),
        "very many dots": "." * 100_000,
        "deep claims": f"{header}.{secrets.encode(b'[' * 3000)}.{signature}",
        "header twice": f"{header}{header}.{claims}.{signature}",
    }


def _neighbour(sign: str) -> str:
    """Decodes to the same bytes for lenient readers: 64 bytes leave four bits of the last sign unused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(sign) ^ 1]


def _wrong_headers(good: Genuine) -> dict[str, str]:
    return {
        "typ JWT": good.signed({"typ": "JWT"}),
        "typ of a proof": good.signed({"typ": "proof+jwt"}),
        "no typ": good.signed({"typ": None}),
        "no key id": good.signed({"kid": None}),
        "no alg": good.signed({"alg": None}),
        "typ is a number": good.signed({"typ": 1}),
        "critical extension": good.signed({"crit": ["exp"], "exp": 1}),
        "compressed": good.signed({"zip": "DEF"}),
        "content type": good.signed({"cty": "JWT"}),
        "alg of another curve": good.signed({"alg": "ES512"}),
    }


def _wrong_claims(good: Genuine) -> dict[str, str]:
    now = good.claims["iat"]
    return {
        "expired": good.signed(claims={"exp": now - 1}),
        "expires now": good.signed(claims={"exp": now}),
        "no expiry": good.signed(claims={"exp": None}),
        "expiry is a text": good.signed(claims={"exp": str(now + 100)}),
        "expiry is true": good.signed(claims={"exp": True}),
        "expiry is a fraction": good.signed(claims={"exp": now + 100.5}),
        "not yet": good.signed(claims={"nbf": now + 1000}),
        "no audience": good.signed(claims={"aud": None}),
        "another audience": good.signed(claims={"aud": "https://elsewhere.example"}),
        "several audiences": good.signed(claims={"aud": [good.claims["aud"], "https://elsewhere.example"]}),
        "no issuer": good.signed(claims={"iss": None}),
        "another issuer": good.signed(claims={"iss": good.claims["iss"] + "/"}),
        "another realm": good.signed(claims={"realm": "main"}),
        "no realm": good.signed(claims={"realm": None}),
        "no session": good.signed(claims={"sid": None}),
        "an unknown session": good.signed(claims={"sid": good.claims["sub"]}),
        "another person": good.signed(claims={"sub": good.claims["sid"]}),
        "nobody": good.signed(claims={"sub": None}),
        "the person is a number": good.signed(claims={"sub": 1}),
        "the session is empty": good.signed(claims={"sid": ""}),
    }
