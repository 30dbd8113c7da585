"""The system account PostgreSQL runs under when Roster runs as root, which PostgreSQL itself refuses."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

import msgspec

from roster.kit.errors import RosterError

NAME = "roster-postgres"


class NoAccount(RosterError):
    """The account is missing and cannot be created."""

    code = "no_database_account"


class Account(msgspec.Struct, frozen=True):
    """Whom the database's processes and files belong to."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Hand one file or folder over."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def admit(self, folder: Path) -> None:
        """Let the account pass through the folder and all above it.

        The folder is opened to the account's group, those above to everyone's passage: never to be listed or read.
        """
        folder = folder.resolve()
        for step in (folder, *folder.parents):
            found = step.stat()
            if self._may_pass(found):
                continue
            if step == folder:
                os.chown(step, -1, self.gid)
                step.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXGRP)
            else:
                step.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)

    def _may_pass(self, found: os.stat_result) -> bool:
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def account_for(database: Path) -> Account | None:
    """The account for this database folder; None when the present one will do.

    A folder that an ordinary account has created keeps its owner. Raises NoAccount.
    """
    if os.geteuid() != 0:
        return None
    if database.exists() and (owner := database.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _look_up() or _create()
    return Account(entry.pw_uid, entry.pw_gid)


def open_to_all(tree: Path) -> None:
    """Make programs installed under a strict umask readable, so that the account can run them."""
    for path in (tree, *tree.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _look_up() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    """Without home, shell and password. Two starts at once may both try; what counts is that it exists afterwards."""
    subprocess.run(_command(), check=False, capture_output=True, stdin=subprocess.DEVNULL)
    entry = _look_up()
    if entry is None:
        text = (
            f"PostgreSQL refuses to run as root and the account {NAME} cannot be created; start Roster as another user."
        )
        raise NoAccount(text)
    return entry


def _command() -> list[str]:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        no_login = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        return [useradd, "--system", "--user-group", *no_login, NAME]
    return ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", NAME]
