"""Somebody who is invited, joins, secures the account, gets another address, and leaves; mails are read by hand."""

from urllib.parse import parse_qs, urlsplit

from pyotp.totp import TOTP

from roster.kit import clock
from tests.clients.groupalarm.conftest import Service

CHOSEN = "a password of my own"
STEP = 30


def code(seed: str, later: int = 0) -> str:
    """What the authenticator shows, so many steps from now."""
    return TOTP(seed).generate_otp(int(clock.now().timestamp()) // STEP + later)


def test_a_person_comes_and_goes(service: Service, org: int):
    by_ada = service.token("ada@example.org")
    text = {"organization_id": org, "text": "We meet on Mondays."}
    service.done("PUT", f"/invite/config/text/{org}", token=by_ada, json=text)
    invite(service, by_ada, org)

    by_cy = joined(service, org)
    seed, codes = secured(service, by_cy)
    by_cy = service.token("cy@example.org", CHOSEN, mfa=code(seed, 1))
    readdressed(service, by_cy, codes)
    gone(service, by_ada, org, codes)


def invite(service: Service, by_ada: str, org: int) -> None:
    """Nobody has heard of them before; from then on they are a member who has not answered."""
    guests = {"organization": {"id": org}, "users": [{"email": "cy@example.org", "language": "de"}]}

    (found,) = service.done("POST", "/user/invite", token=by_ada, json=guests)

    assert (found["user"]["email"], found["importResult"]) == ("cy@example.org", "invited")
    assert pending(service, by_ada, org)["cy@example.org"] is True
    assert service.log_in("cy@example.org", CHOSEN).status_code == 401
    (mail,) = service.mailed("cy@example.org")
    assert "Fire brigade" in mail["text"]
    assert "We meet on Mondays." in mail["text"]
    assert "<" in mail["html"]
    assert (mail["locale"], mail["subject"]) == ("de", "Fire brigade lädt Sie ein")


def joined(service: Service, org: int) -> str:
    """The link is a page in a browser, and the operation in a program; it is good once."""
    link = service.link("cy@example.org")
    page = service.call("GET", link, headers={"Accept": "text/html", "Accept-Language": "de"})
    assert (page.status_code, "Fire brigade" in page.text) == (200, True)
    assert page.headers["content-type"].startswith("text/html")

    sent = {"name": "Cy", "surname": "Berg", "password": CHOSEN}
    assert service.done("POST", link, json=sent)["i18nKey"] == "MSG_INVITATION_ACCEPTED"

    assert service.refused("POST", link, json=sent) == (404, "invitation not found")
    answer = service.log_in("cy@example.org", CHOSEN)
    user = answer.json()
    assert (user["name"], user["active"], user["pending"]) == ("Cy", True, False)
    assert [each["id"] for each in service.get("/organizations", user["token"])] == [org]
    return user["token"]


def secured(service: Service, by_cy: str) -> tuple[str, list[str]]:
    """An authenticator and ten codes for the day when it is lost; the dialogue at log-in."""
    prepared = service.done("PUT", "/mfa", token=by_cy)
    assert bytes(prepared["image"]).startswith(b"\x89PNG")
    assert _secret_of(prepared["url"]) == prepared["secret"]
    assert service.log_in("cy@example.org", CHOSEN).status_code == 200
    used = code(prepared["secret"])
    service.done("POST", f"/mfa?code={used}", token=by_cy)
    codes: list[str] = service.get("/mfa/backup", by_cy)["backupCodes"]
    assert len(set(codes)) == 10

    asked = service.log_in("cy@example.org", CHOSEN)
    assert (asked.status_code, asked.json()["message"], asked.json()["error"]) == (401, "MFA required", "MFA required")
    refusals = [
        service.log_in("cy@example.org", CHOSEN, mfa="000000"),
        service.log_in("cy@example.org", CHOSEN, mfa=used),
        service.log_in("cy@example.org", "another password"),
        service.log_in("cy@example.org", "another password", mfa=codes[9]),
    ]
    assert {(each.status_code, each.text) for each in refusals} == {(401, refusals[0].text)}
    assert "MFA" not in refusals[0].text
    return prepared["secret"], codes


def _secret_of(url: str) -> str:
    """As an authenticator reads the picture."""
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    return parse_qs(parts.query)["secret"][0]


def readdressed(service: Service, by_cy: str, codes: list[str]) -> None:
    """The old address is good until the new one has answered."""
    sent = {"newEmail": "cy@new.example.org", "mfaCode": ""}
    assert service.refused("POST", "/auth/change-email", token=by_cy, json=sent)[0] == 400
    service.done("POST", "/auth/change-email", token=by_cy, json={**sent, "mfaCode": codes[0]})
    assert service.get("/auth/change-email", by_cy)["newEmail"] == "cy@new.example.org"
    assert service.get("/user/", by_cy)["email"] == "cy@example.org"
    assert service.log_in("cy@new.example.org", CHOSEN, mfa=codes[1]).status_code == 401
    assert service.log_in("cy@example.org", CHOSEN, mfa=codes[1]).status_code == 200

    link = service.link("cy@new.example.org")
    assert service.done("POST", link)["i18nKey"] == "MSG_EMAIL_CHANGED"

    assert service.refused("POST", link)[0] == 404
    assert service.refused("GET", "/auth/change-email", token=by_cy)[0] == 404
    assert service.get("/user/", by_cy)["email"] == "cy@new.example.org"
    assert service.log_in("cy@example.org", CHOSEN, mfa=codes[2]).status_code == 401
    assert "cy@new.example.org" not in service.mailed("cy@example.org")[-1]["text"]
    assert len(service.mailed("cy@example.org")) == 2


def gone(service: Service, by_ada: str, org: int, codes: list[str]) -> None:
    """First out of the organisation, then for good; whatever was signed in with is worth nothing."""
    by_cy = service.token("cy@new.example.org", CHOSEN, mfa=codes[3])
    personal = service.done("POST", "/rbac/personal-access-token", token=by_cy, json={"name": "script", "userID": 0})
    number = service.get("/user", by_cy)["id"]
    assert service.refused("DELETE", "/user", token=by_cy)[0] == 403

    service.done("DELETE", f"/user/{number}/{org}", token=by_cy)

    assert service.get("/organizations", by_cy) == []
    assert "cy@new.example.org" not in pending(service, by_ada, org)
    assert service.done("DELETE", "/user", token=by_cy)["i18nKey"] == "MSG_USER_DELETED"
    assert service.refused("GET", "/user/", token=by_cy)[0] == 401
    by_program = {"Personal-Access-Token": personal["token"]}
    assert service.refused("GET", "/user/", headers=by_program)[0] == 401
    assert service.log_in("cy@new.example.org", CHOSEN, mfa=codes[4]).json()["error"] == "bad credentials"
    assert service.refused("GET", f"/user/{number}?organization={org}", token=by_ada)[0] == 404


def pending(service: Service, by_ada: str, org: int) -> dict[str, bool]:
    """Addresses of members, and whether they have not answered yet."""
    return {each["email"]: each["pending"] for each in service.get(f"/users?organization={org}", by_ada)}


def test_who_guesses_is_told_when_to_come_back(service: Service):
    """As clients read it that wait: seconds, in a header."""
    guessed = [service.log_in("guessed@example.org", f"guess {number}") for number in range(12)]

    last = guessed[-1]
    assert (guessed[0].status_code, last.status_code) == (401, 429)
    assert int(last.headers["retry-after"]) > 0
    assert last.json()["success"] is False
