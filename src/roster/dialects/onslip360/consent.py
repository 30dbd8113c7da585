"""The page where somebody lets an integration act for them (OAuth 2.0, authorization code with PKCE).

Whoever asks names an integration by its alias, but not the realm: that is typed in with the name and the password. So
nothing is shown of an integration, and nobody is led anywhere, before somebody of its realm has signed in.
"""

from html import escape
from typing import Annotated, Final
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Meta

from roster.core.access import vocabulary
from roster.core.flows import consenting, login
from roster.core.flows.models import StepNeeded
from roster.core.integrations import service as integrations
from roster.core.realms import service as realms
from roster.core.realms.errors import RealmNotFound
from roster.core.tokens import service as tokens
from roster.dialects.onslip360 import auth, pages
from roster.dialects.onslip360.mapping import integrations as mapping
from roster.kit.actor import Actor
from roster.kit.errors import BadCredentials, Forbidden, InvalidInput
from roster.storage.runtime import Runtime
from roster.web import plain_page
from roster.web.bind import FORM
from roster.web.operation import Operations
from roster.web.reply import Reply

ops: Final = Operations(tag="Pages")

_TITLE: Final = "Allow access"
_Parameter = Annotated[str, Meta(max_length=2000)]


class Asked(msgspec.Struct, frozen=True):
    """What the application asks for (RFC 6749, section 4.1.1; RFC 7636, section 4.3)."""

    client_id: _Parameter
    response_type: _Parameter
    redirect_uri: _Parameter
    code_challenge: _Parameter
    code_challenge_method: _Parameter
    scope: _Parameter = ""
    state: _Parameter = ""


class Answer(msgspec.Struct, frozen=True):
    """The page's form. `code` is that of an authenticator, for people who have one."""

    company: _Parameter
    user: _Parameter
    password: Annotated[str, Meta(max_length=1024)]
    code: _Parameter = ""
    deny: _Parameter = ""


@ops.get("/", id="oauthAuthorizationPage", public=True, produces=plain_page.HTML, returns=bytes)
async def show(query: Asked) -> Reply:
    """Asks who lets the application act for them."""
    wrong = _problem(query)
    return plain_page.of(_TITLE, plain_page.line(wrong), 400) if wrong else _form(query)


@ops.post("/", id="oauthAuthorizationForm", public=True, produces=plain_page.HTML, returns=bytes, consumes=(FORM,))
async def answer(runtime: Runtime, actor: Actor, query: Asked, body: Answer) -> Reply:
    """Signs in, consents, and leads back to the application; nobody stays signed in."""
    wrong = _problem(query)
    if wrong:
        return plain_page.of(_TITLE, plain_page.line(wrong), 400)
    try:
        inside = await _signed_in(runtime, actor, body)
    except BadCredentials as error:
        return _form(query, error.message, status=401)
    try:
        return await _consented(runtime, inside, query, denied=bool(body.deny))
    finally:
        async with runtime.write(inside) as tx:
            await login.sign_out(tx)


async def _signed_in(runtime: Runtime, actor: Actor, body: Answer) -> Actor:
    """Whoever has signed in. One answer for whatever is wrong."""
    try:
        async with runtime.lease() as tx:
            realm = await realms.by_slug(tx, body.company.strip())
    except RealmNotFound:
        raise BadCredentials from None
    nobody = msgspec.structs.replace(actor, realm_id=realm.id, realm_slug=realm.slug, realm_version=realm.version)
    done = await login.password(runtime, nobody, body.user, body.password, code=body.code.strip() or None)
    if isinstance(done, StepNeeded):
        raise BadCredentials("Please give the code of your authenticator too.")
    async with runtime.lease() as tx:
        return await tokens.authenticate(tx, realm.slug, done.access_token, actor.origin)


async def _consented(runtime: Runtime, actor: Actor, query: Asked, *, denied: bool) -> Reply:
    """Nobody is led to an address that the application has not registered."""
    async with runtime.read(actor) as tx:
        found = await integrations.meant(tx, alias=query.client_id)
    if not consenting.redirects_to(found, query.redirect_uri):
        raise InvalidInput(text="This application has not registered the address that it wants to be answered at.")
    if denied:
        return _back(query, error="access_denied", error_description="The user has not consented.")
    names = query.scope.split() or None
    try:
        async with runtime.write(actor) as tx:
            auth.require(tx, "use-integrations")
            expand = vocabulary.of(tx.runtime).expand
            grant = mapping.grant(
                found, expand, redirect_uri=query.redirect_uri, challenge=query.code_challenge, names=names
            )
            return _back(query, code=await consenting.authorize(tx, found, grant))
    except Forbidden as error:
        return _back(query, error="access_denied", error_description=error.message)
    except InvalidInput as error:
        return _back(query, error="invalid_scope", error_description=error.message)


def _problem(query: Asked) -> str:
    """What is wrong with a request that nobody can be led back from yet."""
    if query.response_type != "code" or query.code_challenge_method != "S256":
        return "This request cannot be answered: it must ask for a code, with a challenge of the method S256."
    if not _leads_somewhere(query.redirect_uri):
        return "This request cannot be answered: it says no address to lead back to."
    return ""


def _leads_somewhere(address: str) -> bool:
    try:
        return address.isascii() and urlsplit(address).scheme in ("https", "http")
    except ValueError:
        return False


def _back(query: Asked, **parameters: str) -> Reply:
    given = {**parameters, **({"state": query.state} if query.state else {})}
    mark = "&" if "?" in query.redirect_uri else "?"
    location = f"{query.redirect_uri}{mark}{urlencode(given)}"
    return Reply(303, None, (("Location", location), ("Referrer-Policy", "no-referrer")))


def _form(query: Asked, complaint: str = "", *, status: int = 200) -> Reply:
    scopes = "".join(f"<li>{escape(each)}</li>" for each in query.scope.split())
    wants = f"<p>It asks for:</p><ul>{scopes}</ul>" if scopes else "<p>It asks for all that it was registered for.</p>"
    target = urlsplit(query.redirect_uri)
    content = (
        f"<p><strong>{escape(query.client_id)}</strong> wants to act in your name, and leads you back to "
        f"{escape(target.netloc)}.</p>{wants}{plain_page.line(complaint) if complaint else ''}"
        '<form method="post"><label for="company">Company</label>'
        '<input id="company" name="company" autocomplete="organization" required>'
        '<label for="user">User</label><input id="user" name="user" autocomplete="username" required>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        '<label for="code">Code, if you use an authenticator</label>'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code">'
        '<button>Allow</button><button name="deny" value="1">Do not allow</button></form>'
    )
    origin = f"{target.scheme}://{target.netloc}" if _is_plain(target.netloc) else ""
    return plain_page.of(_TITLE, content, status, leads_to=origin)


def _is_plain(place: str) -> bool:
    """Whether a host can stand in a policy without changing it."""
    return bool(place) and all(each.isalnum() or each in ".:-[]" for each in place) and place.isascii()


CONSENT: Final = pages.dialect_of("oauth-authorization", "Onslip 360: letting an application act", ops)
