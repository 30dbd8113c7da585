"""Signing in and up."""

import msgspec

from roster.core.flows.models import Granted, StepNeeded
from roster.core.users.models import UserDraft
from roster.dialects.native.wire import sign_in


def own_draft(body: sign_in.SignUp) -> UserDraft:
    """An account that a person makes for themselves."""
    names = "username email phone display_name given_name family_name locale picture attributes"
    return UserDraft(**{name: getattr(body, name) for name in names.split()})


def tokens_out(granted: Granted, realm: str) -> sign_in.SignedIn:
    """Tokens for a program."""
    return sign_in.SignedIn(
        token_type="Bearer",  # noqa: S106
        expires_in=granted.expires_in,
        user_id=granted.user.id,
        realm=realm,
        access_token=granted.access_token,
        refresh_token=granted.refresh_token,
    )


def cookie_out(granted: Granted, realm: str) -> sign_in.SignedIn:
    """What a browser's script may know while the tokens are in cookies."""
    return sign_in.SignedIn(
        token_type="Cookie",  # noqa: S106
        expires_in=granted.expires_in,
        user_id=granted.user.id,
        realm=realm,
    )


def answer_out(signed_in: sign_in.SignedIn) -> sign_in.SignInAnswer:
    """The same as the answer of the first step."""
    return sign_in.SignInAnswer(mfa_required=False, **msgspec.structs.asdict(signed_in))


def step_out(step: StepNeeded) -> sign_in.SignInAnswer:
    """The second step."""
    return sign_in.SignInAnswer(
        mfa_required=True,
        expires_in=step.expires_in,
        mfa_token=step.proof,
        factors=list(step.factors),
    )
