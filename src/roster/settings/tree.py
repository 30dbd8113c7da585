"""The tree: every setting with its meaning, its default and what values it may have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from roster.settings.section import (
    Address,
    Count,
    Dialect,
    Key,
    Origin,
    Port,
    Prefix,
    Seconds,
    Secret,
    Section,
)
from roster.settings.wellbee import WellbeeDialect


class Server(Section, frozen=True, kw_only=True):
    """The HTTP server."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` is every IPv4 address of the machine, `::` every IPv6 address."""
    port: Port = 8080
    """0 lets the system choose."""
    workers: Annotated[int, Meta(ge=1, le=128)] = 1
    """Processes that answer."""
    public_url: Origin = "http://127.0.0.1:8080"
    """What people's browsers see; links in messages are built from it, never from a request's Host header.
    Follows host and port when it is not given."""
    trusted_proxies: Annotated[int, Meta(ge=0, le=10)] = 0
    """How many proxies stand in front; so many addresses at the end of X-Forwarded-For are believed."""
    cors_origins: tuple[Origin, ...] = ()
    """Other sites whose pages may call the APIs from a browser."""
    metrics_token: Secret | None = None
    """What `/metrics` asks for as `Authorization: Bearer …`; without one only the server's own machine may read it."""
    leave_seconds: Annotated[int, Meta(ge=0, le=3600)] = 0
    """How long a server that is told to stop (SIGTERM) serves on, while `/health/ready` says 503, so that a balancer
    takes it out first; Ctrl-C does not wait for that."""
    drain_seconds: Seconds = 10
    """How long requests may still run when the server stops, after that."""


class Database(Section, frozen=True, kw_only=True):
    """Where the directory is stored."""

    url: Secret | None = None
    """postgresql://…; the embedded database in the data folder when absent."""
    pool_size: Annotated[int, Meta(ge=2, le=200)] = 8
    """Connections of each worker."""
    wait_seconds: Seconds = 10
    """How long a request waits for one of them to be free; then it is answered with 503."""
    answer_seconds: Seconds = 60
    """How long any one statement may take; then it is broken off. A database that does not even say so within five
    seconds more is given up, and the request answered with 503."""
    reserve_mb: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 128
    """Room that the embedded database leaves on the disk of the data folder: with less, what is stored can be read but
    not changed until there is room again."""
    replica_urls: tuple[Secret, ...] = ()
    """postgresql://… of replicas that lists, searches and exports are read from, one server each; as many connections
    of each worker as above to each."""
    replica_lag_seconds: Annotated[int, Meta(ge=1, le=600)] = 5
    """How far behind a replica may be; one that is further is not read from until it has caught up."""


class Security(Section, frozen=True, kw_only=True):
    """Keys and password hashing."""

    secret_key: Key = b""
    """32 bytes, base64. Made once in `secret.key` of the data folder; servers of one database must share it."""
    hash_threads: Annotated[int, Meta(ge=0, le=256)] = 0
    """Password hashes computed at once by each worker; 0 divides the cores among the workers."""
    hash_queue: Annotated[int, Meta(ge=0, le=100_000)] = 64
    """How many may wait for that; whoever comes then is turned away for a moment."""
    clock_tolerance_seconds: Annotated[int, Meta(ge=1, le=3600)] = 60
    """How far the clock of a client that signs its requests (Hawk) may be off, either way."""
    require_payload_hash: bool = False
    """Whether a signed request with a body must sign the body too."""


class Admin(Section, frozen=True, kw_only=True):
    """The first administrator, at the first start only."""

    password: Secret | None = None
    """Password of `admin` in the realm `main`; generated and printed once when absent."""


class Mail(Section, frozen=True, kw_only=True):
    """Outgoing mail; without a host it stays in the development mailbox."""

    host: str | None = None
    """The SMTP server."""
    port: Port = 587
    """Its port."""
    user: str | None = None
    """Name to sign in with; without one mail is handed over without signing in."""
    password: Secret | None = None
    """Password of that name."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`implicit` is usual on port 465."""
    sender: str = msgspec.field(default="Roster <roster@localhost>", name="from")
    """Sender of all messages."""
    catch_all: str | None = None
    """One address that gets all mail instead of those whom it is for, on systems for tests."""
    catch_all_except: tuple[str, ...] = ()
    """Domains, in small letters, whose people get their mail even then."""
    grouped: Annotated[str, Meta(pattern=r"^[1-9]\d{0,3},\d{1,4}[smh](;[1-9]\d{0,3},\d{1,4}[smh]){0,9}$")] = (
        "1,0m;5,2m;30,5m"
    )
    """How mails of one kind to one reader become few: so many, or so long, level by level."""


class Sms(Section, frozen=True, kw_only=True):
    """Outgoing text messages; without a gateway they stay in the development mailbox."""

    url: Address | None = None
    """Where the gateway takes a form with `from`, `to` and `message`; without a query."""
    user: str | None = None
    """Name for Basic authentication."""
    password: Secret | None = None
    """Password, or key, of that name."""
    sender: str = msgspec.field(default="Roster", name="from")
    """Sender of all text messages: a number, or up to eleven letters."""


class Bus(Section, frozen=True, kw_only=True):
    """The message bus (NATS); off unless one of the first two is given."""

    enabled: bool = False
    """Whether the bundled NATS server runs, on this machine's loopback address; `bus.json` in the data folder says
    where, and with which credentials services join."""
    url: Secret | None = None
    """Another NATS server instead: `tls://user:password@host:4222`, or several of one cluster separated by commas."""
    port: Port = 0
    """Of the bundled server; 0 takes a free one at first, and the same from then on."""
    allow_plain: bool = False
    """Whether another machine's server may be used without TLS; whoever can read along then knows the credentials."""
    grace_seconds: Annotated[int, Meta(ge=0, le=600)] = 3
    """How long listeners have to come back, too, when the bus was away, before they are told what happened meanwhile:
    NATS keeps nothing for those who are not there."""

    @property
    def is_on(self) -> bool:
        """Whether there is a bus at all."""
        return self.enabled or self.url is not None

    @property
    def is_bundled(self) -> bool:
        """Whether it is the bundled server."""
        return self.enabled and self.url is None


class Limits(Section, frozen=True, kw_only=True):
    """Against guessing and flooding."""

    identity_guesses: Count = 10
    """Wrong secrets for one person within the window; all dialects and workers together."""
    address_guesses: Count = 100
    """Wrong secrets from one network address within the window."""
    guess_window_seconds: Seconds = 900
    """How long a wrong secret counts."""
    event_listeners: Count = 500
    """Connections of each worker that may follow events at once."""
    websockets: Count = 10_000
    """Websockets of each worker that may be open at once; more are turned away."""


class Log(Section, frozen=True, kw_only=True):
    """What the server writes to standard error."""

    format: Literal["json", "console"] = "console"
    """Of the server's own messages and of the access log, which has a line for each request and tells more as JSON."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """`warning` and `error` also turn the access log off."""


class NativeDialect(Dialect, frozen=True, kw_only=True):
    """The platform's own API."""

    prefixes: tuple[Prefix, ...] = ("/api/v1",)


class AcceleratxrDialect(Dialect, frozen=True, kw_only=True):
    """The AcceleratXR API; its options are what the contract leaves to the operator."""

    prefixes: tuple[Prefix, ...] = ("/acceleratxr/v1",)
    truncate_allowed: bool = False
    """Whether trusted roles may delete all users at once."""
    anonymous_count: bool = False
    """Whether anybody may count users."""
    query_token_everywhere: bool = False
    """Whether a token in the query string is taken by every operation; such tokens end up in logs."""


class FulfillmenttoolsDialect(Dialect, frozen=True, kw_only=True):
    """The fulfillmenttools API; `{realm}` in a prefix or a host is the tenant."""

    prefixes: tuple[Prefix, ...] = ("/fulfillmenttools/{realm}",)
    hosts: tuple[str, ...] = ("{realm}.api.fulfillmenttools.com",)
    sign_in_prefixes: tuple[Prefix, ...] = ("/identitytoolkit.googleapis.com", "/securetoken.googleapis.com")
    """Paths below which only sign-in and renewal are served, where the API key says which tenant is meant."""
    sign_in_hosts: tuple[str, ...] = ("identitytoolkit.googleapis.com", "securetoken.googleapis.com")
    """Host names for the same, for clients that have them built in."""


class Onslip360Dialect(Dialect, frozen=True, kw_only=True):
    """The Onslip 360 API; its paths name the realm."""

    prefixes: tuple[Prefix, ...] = ("/onslip360/v1",)
    public_host: str = ""
    """Host, and port if it is not the usual one, of the address that clients sign their requests for. Empty: as asked
    for, or as the trusted proxies say in X-Forwarded-Host and X-Forwarded-Proto."""
    bearer_tokens: bool = False
    """Whether access tokens of the realm are taken too; Onslip's own API takes signed requests only."""


class GroupalarmDialect(Dialect, frozen=True, kw_only=True):
    """The GroupAlarm API; its options are what the contract leaves to the operator."""

    prefixes: tuple[Prefix, ...] = ("/groupalarm/api/v1",)
    account_needs_login: bool = False
    """Whether two-factor login, personal access tokens and deletion of the account take a recent sign-in. GroupAlarm's
    own API lets any login and any personal access token of the person do that."""
    invited_at_once: Annotated[int, Meta(ge=0, le=500)] = 10
    """People whom one request invites while the caller waits; more are invited in the background."""
    mfa_image: Literal["bytes", "base64"] = "bytes"
    """How the QR picture of two-factor login is written: as a list of byte values, as documented, or as text."""


class Dialects(Section, frozen=True, kw_only=True):
    """The APIs, by name."""

    native: NativeDialect = NativeDialect()
    acceleratxr: AcceleratxrDialect = AcceleratxrDialect()
    fulfillmenttools: FulfillmenttoolsDialect = FulfillmenttoolsDialect()
    onslip360: Onslip360Dialect = Onslip360Dialect()
    groupalarm: GroupalarmDialect = GroupalarmDialect()
    wellbee: WellbeeDialect = WellbeeDialect()


class Provider(Section, frozen=True, kw_only=True):
    """An external identity provider that people may sign in with."""

    kind: str
    """`google`, `facebook`, `twitter`, or `oidc` for any OpenID provider."""
    client_id: str
    """The application's id (at Twitter its consumer key)."""
    client_secret: Secret | None = None
    """The application's secret; Facebook and Twitter need it."""
    userinfo_url: Address | None = None
    """Where to ask who somebody is, instead of at the provider's own address; without a query."""
    tokeninfo_url: Address | None = None
    """Where to ask whom a token was given to, in the same way."""
    request_token_url: Address | None = None
    """Where to get request tokens, in the same way."""
    issuer: Address | None = None
    """Of an `oidc` provider: who signs its ID tokens, letter by letter."""
    keys_url: Address | None = None
    """Where its keys are; asked of the issuer when absent."""


class BankId(Section, frozen=True, kw_only=True):
    """Swedish BankID, as a relying party; without certificate and key it is not offered."""

    certificate: Path | None = None
    """File with the relying party's certificate (PEM, with what signed it)."""
    key: Path | None = None
    """File with its private key (PEM); may be the same file."""
    key_password: Secret | None = None
    """What opens that key, if it is encrypted."""
    authority: Path | None = None
    """File with the certificates (PEM) that may have signed the server's own; BankID signs with its own authority, so
    one is needed. Absent: those of the system."""
    environment: Literal["production", "test"] = "production"
    """Which of BankID's two services is asked."""
    url: Address | None = None
    """Where it is asked instead, up to and without `/auth`."""


class Freja(Section, frozen=True, kw_only=True):
    """Freja eID, as a relying party; without certificate, key and the provider's signing certificates it is not
    offered.
    """

    certificate: Path | None = None
    """File with the relying party's certificate (PEM, with what signed it)."""
    key: Path | None = None
    """File with its private key (PEM); may be the same file."""
    key_password: Secret | None = None
    """What opens that key, if it is encrypted."""
    authority: Path | None = None
    """File with the certificates (PEM) that may have signed the server's own. Absent: those of the system."""
    signers: Path | None = None
    """File with the certificates (PEM) with which Freja signs what it says of people; several while they change."""
    environment: Literal["production", "test"] = "production"
    """Which of Freja's two services is asked."""
    url: Address | None = None
    """Where it is asked instead, up to and without `/authentication`."""
    level: Literal["EXTENDED", "PLUS"] = "PLUS"
    """How well a person must be known to Freja: `PLUS` is an approved Swedish electronic identification."""


class Push(Section, frozen=True, kw_only=True):
    """Push messages to telephones, by Firebase Cloud Messaging; without an account they stay in the development
    mailbox.
    """

    service_account: Path | None = None
    """File with the key of a Google service account (JSON) that may send for the project."""
    url: Address = "https://fcm.googleapis.com"
    """Where messages are handed over."""


class Settings(Section, frozen=True, kw_only=True):
    """The whole tree."""

    data: Path
    origins: Mapping[str, str]
    """Where each value that is not a default came from, by its key."""
    server: Server = Server()
    database: Database = Database()
    security: Security = Security()
    admin: Admin = Admin()
    mail: Mail = Mail()
    sms: Sms = Sms()
    bus: Bus = Bus()
    limits: Limits = Limits()
    log: Log = Log()
    dialects: Dialects = Dialects()
    providers: Mapping[str, Provider] = {}
    bankid: BankId = BankId()
    freja: Freja = Freja()
    push: Push = Push()
