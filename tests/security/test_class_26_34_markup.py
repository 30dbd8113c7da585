"""Classes 26 and 34, and lines that break out of headers: what people write is text, on all pages, in all messages.

Also covered: `tests/dialects/native/test_sign_in.py` (pages escape what a link says).
"""

from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import httpx
import pytest

from roster.core.realms.models import Realm
from roster.core.users import service as users
from roster.core.users.models import UserDraft
from roster.messaging import mail, texts
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people
from tests.dialects.calling import ADDRESS
from tests.security import walking
from tests.security.fronts import PREFIXES, Front, House

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)//",
    "<!--<svg onload=alert(1)>-->",
    "]]><x>",
    "\u2028alert(1)",
    "&lt;script&gt;",
    "<a href='https://evil.example'>click</a>",
]
CODE = [
    "{{7777*7777}}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "{{config}}",
    "{{''.__class__.__mro__}}",
    "${7777*7777}",
    "#{7777*7777}",
    "<%= 7777*7777 %>",
    "%(password)s",
    "{0.__class__}",
    "$token",
    "{token}",
    "{user_id}",
]
LINES = [
    "a\r\nBcc: all@evil.example",
    "a\nBcc: all@evil.example",
    "a\rX: y",
    "a\x85b",
    "a\u2028b",
    "a\x0b\x0cb",
    "a\0b",
]
LINK = "https://roster.example/x?token=abc"


def _rendered(name: str) -> texts.Text:
    values = {"link": LINK, "username": name, "display_name": name, "realm": name, "expires_in": 900}
    found = texts.render("recover_password", "en", values)
    assert found is not None
    return found


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_names_stays_text_in_mail(text: str):
    rendered = _rendered(text)

    for tag in ("<script", "<img", "<svg", "<a href='https://evil", "<x>"):
        assert tag not in rendered.html.lower()
    assert "\n" not in rendered.subject


@pytest.mark.parametrize("text", CODE)
def test_templates_in_names_are_not_run(text: str):
    rendered = _rendered(text)

    for part in (rendered.subject, rendered.text, rendered.html):
        assert "60481729" not in part
        assert "<class" not in part
        assert "abc" not in part.replace(LINK, "")


@pytest.mark.parametrize("text", LINES)
def test_no_name_begins_a_new_line_of_the_head(text: str):
    rendered = _rendered(text)
    message = message_from_bytes(
        mail.compose("Roster <roster@example.org>", "eva@example.org", rendered).as_bytes(), policy=SMTP
    )

    assert message.keys().count("Subject") == 1
    assert not {"Bcc", "X"} & set(message.keys())
    assert message["To"] == "eva@example.org"


@pytest.mark.parametrize(
    "address",
    [
        "eva@example.org\r\nBcc: all@evil.example",
        "eva@example.org\nDATA",
        "eva@example.org, all@evil.example",
        "eva@example.org,all@evil.example",
        "<eva@example.org> SIZE=1\r\nRCPT TO:<all@evil.example>",
        "eva",
        "",
        "@example.org",
        "eva@example.org>",
    ],
)
def test_no_address_adds_a_reader(address: str):
    try:
        message = mail.compose("Roster <roster@example.org>", address, _rendered("eva"))
    except mail.Refused:
        return

    assert [each.addr_spec for header in message.get_all("to") or [] for each in header.addresses] == [address]
    assert "evil" not in str(message["To"])


@pytest.mark.parametrize("text", [*LINES, *MARKUP])
async def test_no_front_door_takes_an_address_that_is_more_than_one(front: Front, text: str):
    for email in (f"eva@example.org{text}", f"{text}@example.org", f"eva@{text}.example.org"):
        answer = await front.register("eva", email)
        assert answer.status_code in (400, 409, 201)
        if answer.status_code == 201:
            assert not set(email) & set("\r\n\0<>,\u2028\x85")


@pytest.mark.parametrize("text", [*MARKUP, *CODE])
async def test_mail_to_people_with_hostile_names_is_harmless(runtime: Runtime, realm: Realm, text: str):
    """From the front door to the message as it would be sent."""
    async with runtime.write(factories.roster_in(realm)) as tx:
        await users.create(tx, UserDraft("eva", email="eva@example.org", display_name=text, given_name=text))
    async with House(runtime).client() as client:
        for name in PREFIXES:
            await Front(name, client, realm).recover("eva")
    for _, values in await people.links(runtime, realm, "recover_password"):
        rendered = texts.render("recover_password", "en", values)
        assert rendered is not None
        assert "alert(1)</script>" not in rendered.html
        assert "60481729" not in rendered.html.replace(str(values["link"]), "")


async def test_texts_come_back_as_they_were_and_as_json(front: Front, runtime: Runtime, realm: Realm):
    _, token = await walking.signed_in(runtime, realm, "admin")
    for number, text in enumerate([*MARKUP, *CODE]):
        async with runtime.write(factories.roster_in(realm)) as tx:
            made = await users.create(tx, UserDraft(f"n{number}", given_name=text))
        answer = await front.call("GET", f"/users/{made.id}", token=token)
        assert answer.headers["content-type"] == "application/json"
        assert text in answer.json().values()


PAGES: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "native": [
        ("GET", "/pages/verify", {"params": {"token": "$"}}),
        ("GET", "/pages/recover", {"params": {"token": "$"}}),
        ("POST", "/pages/verify", {"data": {"token": "$"}}),
        ("POST", "/pages/recover", {"data": {"token": "$", "password": "$"}}),
    ],
    "acceleratxr": [
        ("GET", "/users/$/verify", {"params": {"jwt_token": "$"}}),
        ("GET", "/users/$/recover", {"params": {"jwt_token": "$"}}),
        ("POST", "/users/$/verify", {"params": {"jwt_token": "$"}}),
        ("POST", "/users/$/recover", {"params": {"jwt_token": "$"}, "data": {"secret": "$"}}),
    ],
}


@pytest.mark.parametrize("text", MARKUP)
async def test_pages_show_nothing_of_a_request_as_markup_and_run_nothing(front: Front, text: str):
    for method, path, more in PAGES[front.name]:
        filled: dict[str, Any] = {
            key: {name: value.replace("$", text) for name, value in each.items()} for key, each in more.items()
        }
        part = httpx.URL("http://x/").copy_with(path="/" + text.replace("/", "")).raw_path.decode()[1:]
        answer = await front.call(method, path.replace("$", part), headers={"Accept": "text/html"}, **filled)
        assert answer.status_code < 500
        for tag in ("<script", "<img", "<svg", "<a href='", "<x>"):
            assert tag not in answer.text.lower()
        if answer.headers["content-type"].startswith("text/html"):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in policy or answer.headers["x-frame-options"] == "DENY"


async def test_our_own_pages_cannot_be_framed_or_scripted(client: httpx.AsyncClient):
    for path in ("/docs", "/docs/native", "/docs/acceleratxr"):
        answer = await client.get(ADDRESS + path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy or answer.headers.get("x-frame-options") == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/docs/%3Cscript%3E",
        "//evil.example",
        "/\\evil.example",
        "/.//evil.example",
    ],
)
async def test_unknown_addresses_are_not_repeated_as_markup_nor_redirected(client: httpx.AsyncClient, path: str):
    answer = await client.get(ADDRESS + path)

    assert answer.status_code == 404
    assert "<script" not in answer.text
    assert "location" not in answer.headers
