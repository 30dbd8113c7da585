"""Each rule of the house finds what it is for and leaves its neighbours alone."""

import pytest

from checks import rules

SERVICE = "src/roster/core/users/service.py"


def sentences(path: str, text: str) -> list[str]:
    return [sentence for _, sentence in rules.breaches(path, text)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (SERVICE, 'tx.all("SELECT id FROM users")', "SQL outside"),
        (SERVICE, 'tx.run("""\n    UPDATE users SET a = 1""")', "SQL outside"),
        (SERVICE, 'tx.run(f"DELETE FROM {table}")', "SQL outside"),
        (SERVICE, 'Q = "WITH a AS (SELECT 1) SELECT 2"', "SQL outside"),
        (SERVICE, "at = datetime.now(UTC)", "kit.clock"),
        (SERVICE, "at = datetime.datetime.utcnow()", "kit.clock"),
        (SERVICE, "from uuid import UUID, uuid4", "kit.ids"),
        (SERVICE, "key = uuid.uuid7()", "kit.ids"),
        (SERVICE, "def get(id, tx): ...", "`tx` is not the first"),
        (SERVICE, "async def get(id, *, runtime): ...", "`runtime` is not the first"),
        (SERVICE, "class A:\n    def get(self, id, tx): ...", "`tx` is not the first"),
        ("tests/test_a.py", 'mock.patch("roster.core.users.service.get")', "patches our own"),
        ("tests/test_a.py", 'monkeypatch.setattr("roster.kit.clock.now", None)', "patches our own"),
        ("docs/a.md", "see " + "/" + "root/notes.txt", "path of one machine"),
    ],
)
def test_a_breach_is_found(path: str, text: str, expected: str) -> None:
    found = sentences(path, text)

    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/roster/core/users/store.py", 'tx.all("SELECT id FROM users")'),
        ("src/roster/storage/tx.py", 'tx.all("SELECT id FROM users")'),
        (SERVICE, '"""Select those from the list that fit."""'),
        (SERVICE, 'text = "Update failed; set another name."'),
        ("src/roster/kit/clock.py", "datetime.now(UTC)"),
        (SERVICE, "at = clock.now()\nkey = ids.uuid7()"),
        (SERVICE, "from uuid import UUID\nfrom roster.kit.ids import uuid7\nkey = uuid7()"),
        (SERVICE, "def get(tx, id): ...\nclass A:\n    def get(self, tx, id): ..."),
        ("tests/test_a.py", 'monkeypatch.setattr("os.environ", {})\nmock.patch("smtplib.SMTP")'),
        ("docs/a.md", "https://example.org/work/x and ~/root/x, GET /root"),
    ],
)
def test_what_is_right_is_left_alone(path: str, text: str) -> None:
    assert sentences(path, text) == []
