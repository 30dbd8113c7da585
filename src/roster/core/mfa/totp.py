"""Time-based one-time passwords (RFC 6238): SHA-1, six digits, steps of 30 seconds, as all authenticators know them."""

from datetime import datetime
from typing import Final

import pyotp
from pyotp.totp import TOTP

from roster.kit import secrets

_STEP: Final = 30
_DRIFT: Final = 1
"""Steps that the person's clock may be off in either direction (RFC 6238, 5.2)."""


def new_seed() -> str:
    """160 random bits in Base32."""
    return pyotp.random_base32(32)


def url(seed: str, *, account: str, issuer: str) -> str:
    """What the QR code for authenticators says."""
    return TOTP(seed).provisioning_uri(name=account, issuer_name=issuer)


def step_of(seed: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, within the drift; None when it is none of them."""
    typed = code.replace(" ", "")
    if len(typed) != 6 or not typed.isascii() or not typed.isdigit():
        return None
    here = int(now.timestamp()) // _STEP
    generator = TOTP(seed)
    fitting = [
        step
        for step in range(here - _DRIFT, here + _DRIFT + 1)
        if secrets.same(generator.generate_otp(step).encode(), typed.encode())
    ]
    return max(fitting, default=None)
