"""Running other programs, as the unprivileged user when vopub itself runs as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import MissingProgramError, ServiceError

SERVICE_USER = "vopub"
"""System user that services run as when vopub is run by root; ``make setup`` creates it."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that services run as and that owns what they keep."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def is_current(self) -> bool:
        """Whether this is the user that vopub runs as."""
        return self.uid == os.geteuid()

    @property
    def switch_uid(self) -> int | None:
        """The user to become in a new process; None to stay."""
        return None if self.is_current else self.uid

    @property
    def switch_gid(self) -> int | None:
        """The group to become in a new process; None to stay."""
        return None if self.is_current else self.gid

    @property
    def switch_groups(self) -> list[int] | None:
        """The further groups to have in a new process: none of the caller's, if it is root."""
        return None if self.is_current else []

    def own(self, path: Path) -> None:
        """Give a file or directory to this user; does nothing unless vopub runs as root."""
        if not self.is_current:
            os.chown(path, self.uid, self.gid)


def service_account(name: str = SERVICE_USER) -> Account:
    """Return the user to run services as: the caller, or an unprivileged one if that is root.

    Raises
    ------
    MissingProgramError
        If the caller is root and the unprivileged user does not exist.
    """
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
    else:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise MissingProgramError(
                f"root may not run PostgreSQL, and there is no user {name!r} to run it as",
                hint=f"run 'make setup', or 'useradd --system --create-home {name}'",
            ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def find_program(name: str, *, package: str, also_in: Sequence[Path] = ()) -> str:
    """Return the path of a program.

    Raises
    ------
    MissingProgramError
        If it is not installed; names the Debian package that has it.
    """
    path = os.pathsep.join([*map(str, also_in), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=path)
    if found is None:
        raise MissingProgramError(
            f"program {name!r} is not installed",
            hint=f"run 'make setup', or 'apt-get install {package}'",
        )
    return found


def interpreter() -> str:
    """Return the Python that runs vopub, by a path that the service user can follow.

    Links of its directories are resolved, as root's environment may lie elsewhere than in a
    checkout that only root can enter; not the last link, by which Python knows its environment.
    """
    path = Path(sys.executable)
    return str(path.parent.resolve() / path.name)


def environment(account: Account, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a small, fixed environment for a program, free of the caller's variables."""
    kept = {name: os.environ[name] for name in ("TZ", "TMPDIR") if name in os.environ}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": account.home,
        "USER": account.name,
        "LANG": "C.UTF-8",
        **kept,
        **(extra or {}),
    }


def run(
    command: Sequence[str],
    *,
    account: Account | None = None,
    extra: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it printed; its exit code is the caller's to judge.

    Raises
    ------
    ServiceError
        If it cannot be started or does not end within ``timeout`` seconds.
    """
    account = account or service_account()
    try:
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, errors="replace",
            timeout=timeout, cwd=cwd or "/", env=environment(account, extra), check=False,
            user=account.switch_uid, group=account.switch_gid, extra_groups=account.switch_groups,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ServiceError(f"{command[0]} did not end within {timeout:.0f} s") from error
    except OSError as error:
        raise ServiceError(f"cannot run {command[0]}: {error.strerror or error}") from error


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    account: Account | None = None,
    extra: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a service that outlives this process; what it prints goes to ``log``."""
    account = account or service_account()
    with log.open("ab") as stream:
        account.own(log)
        try:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=cwd or "/",
                env=environment(account, extra), start_new_session=True,
                user=account.switch_uid, group=account.switch_gid,
                extra_groups=account.switch_groups,
            )  # fmt: skip
        except OSError as error:
            raise ServiceError(f"cannot start {command[0]}: {error.strerror or error}") from error
