"""`mail-service` and the templates of mail."""

from typing import Any

import msgspec
import pytest

from roster.messaging import delivery, mailbox
from roster.settings import Mail
from roster.storage.runtime import Runtime
from tests import factories
from tests.dialects.conftest import Person, SignIn
from tests.dialects.wellbee.conftest import Wire

SEND = "mail-service.send-mail"
TEMPLATES = ("wellbee:mail.template.create", "wellbee:mail.template.get", "wellbee:mail.template.update")


async def mails(runtime: Runtime, person: Person) -> list[tuple[str, str]]:
    """Recipients and subjects of the realm's mails, oldest first."""
    async with runtime.read(factories.roster_in(person.realm)) as tx:
        found = list(reversed(await mailbox.page(tx)))
    texts = [delivery.rendered(runtime, each) for each in found]
    return [(each.recipient, text.subject) for each, text in zip(found, texts, strict=True) if text is not None]


async def test_a_mail_is_sent_with_its_lines_kept(wire: Wire, runtime: Runtime, person: Person):
    data = {"to": ["a@example.org", "b@example.org"], "subject": "Hi {{who}}", "message": "One\nTwo {{who}}"}
    found = await wire.ask(SEND, {**data, "templateArgs": {"who": "<Ada>"}})
    assert found.data == {
        "subject": "Hi <Ada>",
        "body": "One<br/>Two &lt;Ada&gt;",
        "to": ["a@example.org", "b@example.org"],
        "from": runtime.settings.mail.sender,
    }
    assert await mails(runtime, person) == [("a@example.org", "Hi <Ada>"), ("b@example.org", "Hi <Ada>")]


async def test_the_old_name_still_works(wire: Wire):
    found = await wire.ask("mail-service.send", {"to": "a@example.org", "subject": "s", "message": "m"})
    assert (found.status, found.data["to"]) == (200, "a@example.org")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"to": [], "subject": "s", "message": "m"}, "BAD_REQUEST"),
        ({"subject": "s", "message": "m"}, "BAD_REQUEST"),
        ({"to": "a@example.org", "subject": "s"}, "MISSING_FIELDS"),
        ({"to": "a@example.org", "message": "m"}, "MISSING_FIELDS"),
        ({"to": 7, "subject": "s", "message": "m"}, "BAD_REQUEST"),
    ],
)
async def test_what_misses_is_told(wire: Wire, data: dict[str, Any], code: str):
    found = await wire.ask(SEND, data)
    assert (found.status, found.code) == (400, code)


async def test_a_template_is_stored_read_changed_and_used(wire: Wire, runtime: Runtime, sign_in: SignIn):
    writer = await sign_in(*TEMPLATES)
    http = wire.by(writer.access_token)
    made = await http.call("POST", "/mail/template", {"subject": "Hi {{name}}", "html": "<b>{{name}}</b>"})
    assert made.status == 200
    assert made.data.keys() == {"id", "subject", "html", "metadata"}
    changed = await http.call("PUT", f"/mail/template/{made.data['id']}", {"html": "<i>{{name}}</i>"})
    read = await http.call("GET", f"/mail/template/{made.data['id']}")
    asked = await wire.ask("mail-service.get-template-by-id", query={"id": made.data["id"]})
    assert changed.data == read.data == asked.data
    data = {"to": "a@example.org", "templateId": made.data["id"], "templateArgs": {"name": "Ada"}, "from": "x@ours.org"}
    found = await wire.ask(SEND, data)
    assert (found.data["body"], found.data["from"], found.data["templateId"]) == (
        "<i>Ada</i>",
        "x@ours.org",
        made.data["id"],
    )
    assert await mails(runtime, writer) == [("a@example.org", "Hi Ada")]


@pytest.mark.parametrize("id", ["nothing", "01890a5d-ac96-774b-bcce-b302099a8057"])
async def test_an_unknown_template_is_not_found(wire: Wire, admin: Person, id: str):
    http = wire.by(admin.access_token)
    for found in (
        await http.call("GET", f"/mail/template/{id}"),
        await http.call("PUT", f"/mail/template/{id}", {"subject": "x"}),
        await wire.ask("mail-service.get-template-by-id", query={"id": id}),
    ):
        assert (found.status, found.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path"), [("POST", "/mail/template"), ("GET", "/mail/template/x")])
async def test_templates_need_their_scopes(wire: Wire, person: Person, method: str, path: str):
    assert (await wire.call(method, path, {} if method == "POST" else None)).code == "MUST_BE_LOGGED_IN"
    found = await wire.by(person.access_token).call(method, path, {} if method == "POST" else None)
    assert found.code == "PERMISSION_DENIED"


async def test_a_template_of_others_is_theirs(wire: Wire, runtime: Runtime, sign_in: SignIn):
    before = runtime.settings
    wellbee = msgspec.structs.replace(before.dialects.wellbee, template_owner_field="organisation")
    runtime.settings = msgspec.structs.replace(
        before, dialects=msgspec.structs.replace(before.dialects, wellbee=wellbee)
    )
    try:
        ours = await sign_in(*TEMPLATES, attributes={"organisation": "ours"})
        theirs = await sign_in(*TEMPLATES, attributes={"organisation": "theirs"})
        made = await wire.by(ours.access_token).call(
            "POST", "/mail/template", {"subject": "", "html": "", "owner": "ours"}
        )
        path = f"/mail/template/{made.data['id']}"
        assert (await wire.by(ours.access_token).call("GET", path)).status == 200
        assert (await wire.by(theirs.access_token).call("GET", path)).code == "FORBIDDEN"
        assert (await wire.by(theirs.access_token).call("PUT", path, {"html": "x"})).code == "FORBIDDEN"
    finally:
        runtime.settings = before


async def test_mails_of_one_kind_become_few(wire: Wire, runtime: Runtime, person: Person):
    data = {"to": "a@example.org", "subject": "{{n}} messages", "message": "New", "key": "messages"}
    for _ in range(6):
        assert (await wire.ask("mail-service.send-grouped-mail", data)).status == 200
    assert (await wire.ask("mail-service.process-grouped-mail-timeouts")).status == 200
    assert [subject for _, subject in await mails(runtime, person)] == ["1 messages", "5 messages"]


def test_a_system_for_tests_sends_all_mail_to_one_address():
    from roster.messaging.mail import Server

    server = Server(Mail(host="localhost", catch_all="tests@example.org", catch_all_except=("ours.org",)))
    assert server.instead_of("ada@example.com") == "tests@example.org"
    assert server.instead_of("ada@Ours.org") == "ada@Ours.org"
