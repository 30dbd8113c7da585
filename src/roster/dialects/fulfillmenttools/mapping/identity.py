"""Sign-in: addresses in, tokens out."""

from roster.core.flows.models import Granted, StepNeeded
from roster.core.users.models import User
from roster.dialects.fulfillmenttools.wire import identity as wire

KIND = "identitytoolkit#VerifyPasswordResponse"


def login_address(user: User, tenant: str) -> str:
    """The address that a person signs in with: their own, else one made of the username."""
    return user.email or f"{user.username}@{tenant}.com"


def username_in(address: str, tenant: str) -> str | None:
    """The username in an address of the tenant's; None for every other address."""
    name, _, domain = address.rpartition("@")
    return name if domain.lower() == f"{tenant.lower()}.com" else None


def display_name(user: User) -> str:
    """What people are called, as far as it is known."""
    return user.display_name or " ".join(filter(None, (user.given_name, user.family_name)))


def signed_in(granted: Granted, tenant: str) -> wire.SignInResponse:
    """Both tokens and whose they are."""
    return wire.SignInResponse(
        kind=KIND,
        local_id=str(granted.user.id),
        email=login_address(granted.user, tenant),
        display_name=display_name(granted.user),
        id_token=granted.access_token,
        registered=True,
        refresh_token=granted.refresh_token,
        expires_in=str(granted.expires_in),
    )


def pending(step: StepNeeded, address: str) -> wire.PendingSignIn:
    """The way to the second step. Who it is, is told with the tokens."""
    factors = [wire.Enrollment(mfa_enrollment_id=each, display_name=each, totp_info={}) for each in step.factors]
    return wire.PendingSignIn(kind=KIND, email=address, mfa_pending_credential=step.proof, mfa_info=factors)


def renewed(granted: Granted, tenant: str) -> wire.RefreshResponse:
    """The same in the words of renewal."""
    return wire.RefreshResponse(
        id_token=granted.access_token,
        access_token=granted.access_token,
        refresh_token=granted.refresh_token,
        expires_in=str(granted.expires_in),
        token_type="Bearer",  # noqa: S106
        user_id=str(granted.user.id),
        project_id=tenant,
    )
