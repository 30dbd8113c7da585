"""What people read."""

import html
import string
from email import message_from_bytes, policy

import pytest

from roster.messaging import mail, texts

VALUES: dict[str, object] = {
    "link": "https://id.example/pages/verify?token=a.b-c_d&x=1",
    "username": "eva",
    "display_name": "Eva Berg",
    "realm": "Example",
    "expires_in": 900,
    "organisation": "Example",
}


@pytest.mark.parametrize("template", texts.TEMPLATES)
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_template_is_there_in_every_language(template: str, language: str):
    found = texts.render(template, language, VALUES)

    assert found is not None
    assert "Example" in found.subject
    assert "Eva Berg" in found.text
    assert "https://id.example/pages/verify?token=a.b-c_d&x=1" in found.text
    assert 'href="https://id.example/pages/verify?token=a.b-c_d&amp;x=1"' in found.html
    assert f'<html lang="{language}">' in found.html
    assert "{{" not in found.text + found.html + found.subject


@pytest.mark.parametrize("template", texts.NOTICES)
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_notice_has_no_link_to_follow(template: str, language: str):
    found = texts.render(template, language, {**VALUES, "display_name": None})

    assert found is not None
    assert "Example" in found.subject
    assert "eva" in found.text
    assert "http" not in found.text
    assert "<a " not in found.html
    assert "\n\n\n" not in found.text
    assert "{{" not in found.text + found.html + found.subject


@pytest.mark.parametrize(
    ("locale", "language"),
    [("sv-SE", "sv"), ("DE_at", "de"), ("en", "en"), ("fr", "en"), ("", "en"), (None, "en"), ("svenska", "en")],
)
def test_the_nearest_language_is_taken(locale: str | None, language: str):
    assert texts.language_of(locale) == language


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (900, "15 minutes"),
        (3600, "one hour"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (172800, "2 days"),
        (5, "1 minutes"),
    ],
)
def test_how_long_a_link_lasts_is_said_in_words(seconds: int, shown: str):
    found = texts.render("verify_email", "en", {**VALUES, "expires_in": seconds})

    assert found is not None
    assert f"for {shown}." in found.text


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{ 7 * 7 }}", "{% raw %}", "${x}", "{{ ''.__class__ }}"],
)
def test_names_are_shown_as_they_are_and_run_nowhere(name: str):
    found = texts.render("recover_password", "en", {**VALUES, "username": name, "display_name": None, "realm": name})

    assert found is not None
    assert "<script>" not in found.html
    assert "<img" not in found.html
    assert "49" not in found.text
    assert name in found.text


@pytest.mark.parametrize(
    "name", ["Your account is locked, see https://evil.example", "www.evil.example", "evil.example", "a" * 61]
)
def test_nobody_mails_advertisements_as_their_name(name: str):
    found = texts.render("verify_email", "en", {**VALUES, "display_name": name})

    assert found is not None
    assert name not in found.text
    assert "Hello eva," in found.text


@pytest.mark.parametrize(
    ("template", "change"),
    [
        ("unknown", {}),
        ("../mail", {}),
        ("verify_email", {"link": "javascript:alert(1)"}),
        ("verify_email", {"link": None}),
    ],
)
def test_what_cannot_be_rendered_is_not(template: str, change: dict[str, object]):
    assert texts.render(template, "en", {**VALUES, **change}) is None


def test_a_mail_says_the_same_as_text_and_as_html():
    found = texts.render("verify_email", "sv", {**VALUES, "display_name": "Åsa Öberg"})
    assert found is not None

    message = message_from_bytes(
        mail.compose("Röster <id@example.com>", "asa@example.com", found).as_bytes(), policy=policy.default
    )

    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()  # type: ignore[attr-defined]
    assert "Åsa Öberg" in plain.get_content()
    assert "Åsa Öberg" in html.get_content()
    assert (message["From"], message["To"]) == ("Röster <id@example.com>", "asa@example.com")
    assert message["Subject"] == "Bekräfta din e-postadress för Example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.com>")


@pytest.mark.parametrize("subject", ["one\r\nBcc: all@example.com", "one\nX: y", "one\r\n\r\nbody"])
def test_no_value_ends_a_header(subject: str):
    text = texts.Text(subject, "text", "<p>html</p>")

    lines = mail.compose("id@example.com", "eva@example.com", text).as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")

    names = {line.split(b":")[0] for line in lines if not line.startswith((b" ", b"\t"))}
    assert names <= {
        *(b"To", b"From", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type")
    }


@pytest.mark.parametrize(
    "recipient", ["", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b>", "a b@c", "Eva <eva@example.com>", "@", "a@"]
)
def test_a_recipient_that_is_no_address_is_refused(recipient: str):
    with pytest.raises(mail.Refused):
        mail.compose("id@example.com", recipient, texts.Text("s", "t", "h"))


def test_printable_names_stay_whole():
    found = texts.render("verify_email", "en", {**VALUES, "display_name": "Eva\r\n\tBerg\x00" + string.ascii_lowercase})

    assert found is not None
    assert "Hello Eva   Berg " + string.ascii_lowercase + "," in found.text


ATTACKS = [
    "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "<script>alert(1)</script><img src=x onerror=y>",
    "</blockquote></body><a href='https://evil.example'>Answer the invitation</a>",
    "{% raw %}{# ${7*7} %(name)s \\u0000",
]


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("note", ATTACKS)
def test_what_an_organisation_writes_into_invitations_is_shown_and_never_run(note: str, language: str):
    found = texts.render("invitation", language, {**VALUES, "note": note})
    plain = texts.render("invitation", language, {**VALUES, "note": "x"})

    assert found is not None
    assert plain is not None
    assert f"> {note}" in found.text
    assert html.escape(note, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in found.html
    assert found.html.count("<") == plain.html.count("<")
    assert found.subject == plain.subject


def test_a_note_keeps_its_paragraphs_and_nothing_else():
    note = "Dear all,\r\n\r\nwe meet\u2028on\x1b[31m Monday.\n\n\n\n \nYours\nAnna\x00"
    found = texts.render("invitation", "en", {**VALUES, "note": note})

    assert found is not None
    assert "> Dear all,\n\n> we meet on [31m Monday.\n\n> Yours\n> Anna\n\nAnswer the invitation:" in found.text
    assert "<p>Yours<br>Anna</p>" in found.html


@pytest.mark.parametrize("note", [None, "", " \n \n", 7, ["x"]])
def test_an_invitation_needs_no_note(note: object):
    found = texts.render("invitation", "sv", {**VALUES, "note": note})

    assert found is not None
    assert "blockquote" not in found.html
    assert "\n\n\n" not in found.text
    assert ">" not in found.text


def test_a_note_is_for_invitations_only():
    found = texts.render("verify_email", "en", {**VALUES, "note": "Buy something"})

    assert found is not None
    assert "Buy" not in found.text + found.html


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_whoever_invited_many_is_told_how_many(language: str):
    counts = {"invited": 9_998, "skipped": 1, "failed": "{{ 7 }}"}
    found = texts.render("invitations_sent", language, {**VALUES, **counts})

    assert found is not None
    assert ": 9998." in found.text
    assert ": 0." in found.text


@pytest.mark.parametrize("template", [*texts.TEMPLATES, *texts.NOTICES])
@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_text_has_a_short_form_on_one_line(template: str, language: str):
    found = texts.render(template, language, {**VALUES, "realm": "Ex\nample"})

    assert found is not None
    assert found.short.startswith(found.subject)
    assert (VALUES["link"] in found.short.split(" ")) == (template in texts.TEMPLATES)
    assert "\n" not in found.short
