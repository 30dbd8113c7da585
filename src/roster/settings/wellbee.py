"""What the Wellbee API leaves to the operator: Fruster installations have most of it as environment variables."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta

from roster.settings.section import SECRET, Address, Dialect, Lifetime, Origin, Prefix, Secret


class WellbeeDialect(Dialect, frozen=True, kw_only=True):
    """The Wellbee API, as the gateway of the Fruster platform serves it."""

    prefixes: tuple[Prefix, ...] = ("/wellbee",)
    cookie_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "jwt"
    """Of the cookie that carries the token of a session."""
    interceptors: tuple[
        Annotated[str, Meta(pattern=r"^\s*\d{1,6}\s*;[^;]+;\s*[^;\s]+\s*;\s*(request|response)\s*(;[^;]*)*$")], ...
    ] = ()
    """Services on the bus that see requests over HTTP before they are answered, or the answers before they go out:
    `<order>;<patterns>;<subject>;<request|response>;<options>` each."""
    max_file_mb: Annotated[int, Meta(ge=1, le=512)] = 50
    """Largest file that is stored, in units of 1,048,576 bytes."""
    file_types: tuple[str, ...] = ("image/*", "video/*", "audio/*", "application/pdf")
    """Kinds of files that are stored, by their content."""
    public_files: bool = True
    """Whether whoever has the address of a file gets it; else a login or a signed address is needed."""
    timezone: ZoneInfo = ZoneInfo("Europe/Stockholm")
    """In which the cron expressions of `schedule-service` are meant."""
    organisation_field: str = "organisationId"
    """Field of people that names the organisation their account is tied to: when a service tells that this one was
    removed, they are deleted. Empty: nobody is."""
    bus_timeout: Annotated[float, Meta(gt=0, le=60)] = 1.0
    """Seconds that a service on the bus may take to answer a request over HTTP that Roster itself does not."""
    template_owner_field: str = ""
    """Custom field of people that must be the owner of a mail template which they read or change; empty: none."""
    stripe_key: Secret | None = None
    """Secret key of an account at Stripe; without one nobody answers to `fruster-stripe-service`."""
    stripe_webhook_secret: Secret | None = None
    """What Stripe signs the events with that it sends to `/subscription-updates`."""
    stripe_url: Address = "https://api.stripe.com"
    """Where Stripe is."""
    anonymous_websockets: bool = True
    """Whether websockets are opened without a token; what is meant for everybody is all that they hear."""
    user_fields: tuple[str, ...] = ("ALL",)
    """Fields that belong to users; the others are profiles. `ALL`, or `REQUIRED_ONLY` for those that every user has."""
    profile_fields: tuple[str, ...] = ("ALL",)
    """Fields that belong to profiles, where `user_fields` is `ALL`. Both `ALL`: there are no profiles."""
    private_properties: tuple[str, ...] = ()
    """Fields that can be written, and neither read nor searched by."""
    unique_fields: tuple[str, ...] = ()
    """Further fields whose values no two people have, such as `personalNumber`; for what is written by this API."""
    require_names: bool = True
    """Whether new people need first and last name."""
    require_password: bool = True
    """Whether new people need a password."""
    without_required_fields: bool = False
    """Whether services may make people without an address."""
    require_password_on_email_update: bool = False
    """Whether a new address needs the person's password."""
    email_pattern: str = (
        r"^[-a-z0-9~!$%^&*_=+}{'?]+(\.[-a-z0-9~!$%^&*_=+}{'?]+)*@"
        r"([a-z0-9_][-a-z0-9_]*(\.[-a-z0-9_]+)*\.[a-z]{2,10}|[0-9]{1,3}(\.[0-9]{1,3}){3})(:[0-9]{1,5})?$"
    )
    """What addresses look like, without regard to case; Roster's own rules come on top."""
    password_pattern: str = r"^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{6,100}$"  # noqa: S105
    """What passwords look like; the realm's own rules come on top."""
    lower_case_name: bool = False
    """Whether names of people are kept in lower case, and shown with a capital."""
    allow_get_all: bool = False
    """Whether a query without conditions, which finds everybody, is answered."""
    locale: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "sv"
    """The language whose alphabet lists are sorted by."""
    order_cookies: bool = True
    """Whether an order at BankID or Freja that was begun without signing in is answered to the browser alone that began
    it, which has a cookie for it. If not, its reference is enough, and that stands in addresses."""
    role_scopes: str = "super-admin:*;admin:profile.get,user.*;user:profile.get"
    """Roles and their scopes; those that the realm does not have are made when a server starts."""
    cookie_domain: Annotated[str, Meta(pattern=r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)?$")] = ""
    """Domain of that cookie; empty: the host that set it."""
    cookie_http_only: bool = True
    """Whether scripts of pages cannot read that cookie."""
    cookie_seconds: Lifetime = 10 * 86_400
    """How long a sign-in by cookie lasts; the realm's `session_for` and `session_idle_for` come on top."""
    prolong_cookies: bool = False
    """Whether that time begins anew with use; the cookie is set again then."""
    access_token_seconds: Lifetime = 86_400
    """How long the access token of a sign-in by token lasts."""
    refresh_token_seconds: Lifetime = 365 * 86_400
    """How long a refresh token lasts; the realm's `session_for` and `session_idle_for` come on top."""
    rotate_refresh_tokens: bool = False
    """Whether a refresh token is exchanged for another one with each use. Wellbee's clients do not expect it."""
    username_fields: tuple[Literal["userName", "email"], ...] = ("userName", "email")
    """What people may sign in with."""
    signed_in_fields: tuple[str, ...] = (
        *("id", "firstName", "lastName", "email", "scopes", "roles"),
        *("profile.firstName", "profile.lastName"),
    )
    """Fields of a person in the answer to a sign-in."""
    user_data_key: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")] = "profile"
    """Under which these stand in the answer to a sign-in by token."""
    additional_payload_bytes: Annotated[int, Meta(ge=0, le=4000)] = 3000
    """How much services may add to a token."""
    legacy_jwt_secret: Annotated[str, Meta(min_length=16), SECRET] | None = None
    """The secret (`JWT_SECRET`) of the Fruster installation whose sessions were imported; tokens that it signed are
    good in the realm above while these last."""
    require_email_verification: bool = False
    """Whether new people must verify their address before they can sign in."""
    optional_email_verification: bool = False
    """Whether new people are asked to verify their address, and can sign in before that."""
    email_verification_for_roles: tuple[str, ...] = ("*",)
    """Roles whose people that is about; `*` is everybody."""
    email_verification_subject: str = ""
    """Subject of the message for it."""
    email_verification_message: str = ""
    """Its text as HTML, with `:token:`, `:link:` and `:user-firstName:` and the like in it. Empty: Roster's own."""
    email_verification_from: str = ""
    """Its sender; empty: that of all mail."""
    email_verification_redirect_url: Address | None = None
    """Where the page for verifying leads then, with `?verified=` or `?error=` behind it."""
    send_set_password_email: bool = False
    """Whether people who are made without a password get a message for setting one."""
    set_password_email_subject: str = ""
    """Subject of that message."""
    set_password_email_message: str = ""
    """Its text, written in the same way."""
    set_password_email_from: str = ""
    """Its sender."""
    set_password_seconds: Lifetime = 7 * 86_400
    """How long the token in it works."""
    password_reset_subject: str = ""
    """Subject of the message for a new password that somebody has asked for."""
    password_reset_message: str = ""
    """Its text, written in the same way."""
    password_reset_from: str = ""
    """Its sender."""
    password_reset_seconds: Lifetime = 3600
    """How long the token in it works."""
    set_password_url: Annotated[str, Meta(pattern=r"^(https?://[^\s]+:token:[^\s]*)?$")] = ""
    """The application's own page for a new password, with `:token:` in it. Empty: Roster's."""
    verify_email_url: Annotated[str, Meta(pattern=r"^(https?://[^\s]+:token:[^\s]*)?$")] = ""
    """The same for verifying an address."""
    redirect_origins: tuple[Origin, ...] = ()
    """Other sites to which the page that turns a token into a cookie may lead; its own is allowed."""
