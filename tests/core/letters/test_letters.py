"""Letters that programs write: what is filled in, and how many of one kind become few."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from roster.core.flows import upkeep
from roster.core.letters import grouping
from roster.core.letters import service as letters
from roster.core.letters.errors import TemplateNotFound
from roster.core.letters.models import Letter, TemplateChange, TemplateDraft
from roster.core.realms.models import Realm
from roster.kit import ids
from roster.kit.errors import Forbidden, InvalidInput
from roster.messaging import delivery, mailbox
from roster.storage.runtime import Runtime
from tests import factories
from tests.core import people

WELCOME = Letter("Welcome {{ name }}", "<p>Hi {{name}}, {{ n }} new: {{a.b}}{{missing}}</p>", {"name": "<Ada>"})


async def mails(runtime: Runtime, realm: Realm) -> list[tuple[str, str]]:
    """Recipient and subject of all mails of the realm, oldest first."""
    async with runtime.read(factories.roster_in(realm)) as tx:
        found = await mailbox.page(tx)
    texts = [(each.recipient, delivery.rendered(runtime, each)) for each in reversed(found)]
    return [(recipient, text.subject) for recipient, text in texts if text is not None]


def test_values_are_text_in_subjects_and_escaped_in_html():
    said = letters.filled(Letter(WELCOME.subject, WELCOME.html, {"name": "<Ada>", "n": 3, "a": {"b": True}}))
    assert said.subject == "Welcome <Ada>"
    assert said.html == "<p>Hi &lt;Ada&gt;, 3 new: true</p>"


@pytest.mark.parametrize("text", ["{% for x in range(9) %}x{% endfor %}", "{{ 7 * 7 }}", "{{ ''.__class__ }}", "{{{{"])
def test_templates_are_no_programs(text: str):
    assert letters.filled(Letter(text, text)).html == text


async def test_a_letter_goes_to_each_recipient(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await letters.send(tx, WELCOME, ["a@example.org", "b@example.org"])
    assert sorted(await mails(runtime, realm)) == [
        ("a@example.org", "Welcome <Ada>"),
        ("b@example.org", "Welcome <Ada>"),
    ]


async def test_a_letter_is_read_as_text_too(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await letters.send(tx, Letter("A\r\nBcc: x@example.org", "<p>One</p>Two<br/>&amp; three"), ["a@example.org"])
    async with runtime.read(factories.roster_in(realm)) as tx:
        text = delivery.rendered(runtime, (await mailbox.page(tx))[0])
    assert text is not None
    assert text.text == "One\n\nTwo\n& three\n"
    assert "\n" not in text.subject
    assert "\r" not in text.subject


@pytest.mark.parametrize("count", [0, 501])
async def test_a_letter_has_some_but_not_too_many_recipients(runtime: Runtime, realm: Realm, count: int):
    with pytest.raises(InvalidInput):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await letters.send(tx, WELCOME, [f"p{each}@example.org" for each in range(count)])


async def test_a_template_stands_in_its_layout(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        layout = await letters.create_template(tx, TemplateDraft("", "<html>{{ content }}</html>"))
        made = await letters.create_template(tx, TemplateDraft("Hi {{name}}", "<b>{{name}}</b>", layout.id))
        await letters.change_template(tx, made.id, TemplateChange(html="<i>{{name}}</i>"))
        letter = await letters.by_template(tx, made.id, {"name": "Ada"})
    assert letters.filled(letter) == Letter("Hi Ada", "<html><i>Ada</i></html>")


async def test_a_layout_has_room_for_content(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        plain = await letters.create_template(tx, TemplateDraft("", "<html></html>"))
        with pytest.raises(InvalidInput):
            await letters.create_template(tx, TemplateDraft("", "", plain.id))
        with pytest.raises(TemplateNotFound):
            await letters.create_template(tx, TemplateDraft("", "", ids.uuid7()))


async def test_templates_of_another_realm_are_not_there(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        made = await letters.create_template(tx, TemplateDraft("", ""))
    other = await factories.a_realm(runtime)
    async with runtime.read(factories.roster_in(other)) as tx:
        with pytest.raises(TemplateNotFound):
            await letters.get_template(tx, made.id)


async def test_letters_need_a_permission(runtime: Runtime, realm: Realm):
    user = await factories.a_person(runtime, realm)
    actor = await factories.acting_as(runtime, realm, user)
    calls: list[Callable[[Any], Any]] = [
        lambda tx: letters.send(tx, WELCOME, ["a@example.org"]),
        lambda tx: letters.create_template(tx, TemplateDraft("", "")),
        lambda tx: letters.get_template(tx, ids.uuid7()),
        lambda tx: letters.change_template(tx, ids.uuid7(), TemplateChange()),
        lambda tx: grouping.send(tx, "news", WELCOME, ["a@example.org"]),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            async with runtime.write(actor) as tx:
                await call(tx)


async def send_news(runtime: Runtime, realm: Realm, times: int) -> None:
    """So many mails of one kind, one after another."""
    for _ in range(times):
        async with runtime.write(factories.roster_in(realm)) as tx:
            await grouping.send(tx, "news", Letter("{{n}} new", ""), ["a@example.org"])


async def flush_after(runtime: Runtime, realm: Realm, seconds: int) -> None:
    """What is done every minute, so many seconds later."""
    statement = "UPDATE letter_groups SET due_at = due_at - make_interval(secs => $2) WHERE realm_id = $1"
    await people.execute(runtime, statement, realm.id, seconds)
    await upkeep.flush_letters(runtime)


async def subjects(runtime: Runtime, realm: Realm) -> list[str]:
    return [subject for _, subject in await mails(runtime, realm)]


async def test_the_first_goes_at_once_and_then_five_become_one(runtime: Runtime, realm: Realm):
    await send_news(runtime, realm, 1)
    assert await subjects(runtime, realm) == ["1 new"]
    await send_news(runtime, realm, 4)
    assert await subjects(runtime, realm) == ["1 new"]
    await send_news(runtime, realm, 1)
    assert await subjects(runtime, realm) == ["1 new", "5 new"]
    await send_news(runtime, realm, 29)
    assert await subjects(runtime, realm) == ["1 new", "5 new"]
    await send_news(runtime, realm, 1)
    assert await subjects(runtime, realm) == ["1 new", "5 new", "30 new"]


async def test_what_is_held_goes_out_when_its_time_is_over(runtime: Runtime, realm: Realm):
    await send_news(runtime, realm, 3)
    await flush_after(runtime, realm, 100)
    assert await subjects(runtime, realm) == ["1 new"]
    await flush_after(runtime, realm, 30)
    assert await subjects(runtime, realm) == ["1 new", "2 new"]


async def test_what_was_held_while_a_clock_was_ahead_goes_out_when_it_is_right_again(runtime: Runtime, realm: Realm):
    await send_news(runtime, realm, 3)
    await flush_after(runtime, realm, -200)
    assert await subjects(runtime, realm) == ["1 new"]
    await flush_after(runtime, realm, -3600)
    assert await subjects(runtime, realm) == ["1 new", "2 new"]


async def test_a_kind_begins_anew_after_a_time_without_any(runtime: Runtime, realm: Realm):
    await send_news(runtime, realm, 1)
    await flush_after(runtime, realm, 130)
    await send_news(runtime, realm, 1)
    assert await subjects(runtime, realm) == ["1 new", "1 new"]


async def test_readers_and_kinds_do_not_share_a_group(runtime: Runtime, realm: Realm):
    async with runtime.write(factories.roster_in(realm)) as tx:
        await grouping.send(tx, "news", Letter("news", ""), ["a@example.org", "b@example.org"])
        await grouping.send(tx, "alarm", Letter("alarm", ""), ["a@example.org"])
    assert sorted(await subjects(runtime, realm)) == ["alarm", "news", "news"]


async def test_the_levels_are_those_of_the_setting_for_all_who_look_at_groups(runtime: Runtime, realm: Realm):
    before = runtime.settings
    mail = msgspec.structs.replace(before.mail, grouped="1,0s;9,1m")
    runtime.settings = msgspec.structs.replace(before, mail=mail)
    try:
        await send_news(runtime, realm, 2)
        await flush_after(runtime, realm, 61)
        await flush_after(runtime, realm, 61)
        await send_news(runtime, realm, 1)
    finally:
        runtime.settings = before
    assert await subjects(runtime, realm) == ["1 new", "1 new", "1 new"]
