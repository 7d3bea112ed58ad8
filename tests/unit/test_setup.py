"""The set-up on machines that lack something: what it says, and what it runs.

Programs of a machine that lacks packages stand in a directory of their own, first on the path; all
else is the real script.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vopub.process import service_account

CHECKOUT = Path(__file__).parents[2]
LACKS_EVERYTHING = "#!/bin/sh\nexit 1\n"
KNOWN_TO_APT = "#!/bin/sh\necho 'postgresql-15-q3c - PostgreSQL 15 extension used for astronomy'\n"
NOTES_DOWN = '#!/bin/sh\necho "$@" >>"$NOTED"\ncase "$1" in install) exit 100;; esac\n'


@pytest.fixture
def place(reachable_directory: Path, request: pytest.FixtureRequest) -> Path:
    """Return a copy of what the set-up needs, which a user without rights can read."""
    name: str = request.node.name
    place = reachable_directory / name
    (place / "scripts").mkdir(parents=True)
    (place / "bin").mkdir()
    shutil.copy(CHECKOUT / "scripts" / "setup", place / "scripts" / "setup")
    return place


def give(place: Path, **programs: str) -> None:
    for name, text in programs.items():
        path = place / "bin" / name.replace("_", "-")
        path.write_text(text)
        path.chmod(0o755)


def unprivileged() -> list[str]:
    """Return what puts a command under a user who may not install; nothing if we are such a one."""
    if os.getuid() != 0:
        return []
    account = service_account()
    return ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]


def run(place: Path, *before: str, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{place / 'bin'}:/usr/bin:/bin"
    return subprocess.run(
        [*before, str(place / "scripts" / "setup"), "test"],
        env={"PATH": path, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_who_may_not_install_is_told_what_to_ask_for(place: Path) -> None:
    give(place, dpkg_query=LACKS_EVERYTHING, apt_cache=KNOWN_TO_APT, sudo=LACKS_EVERYTHING)
    done = run(place, *unprivileged())
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("setup: Debian packages are missing, and neither root nor sudo")
    packages = line.partition("--no-install-recommends ")[2].split()
    assert {"python3-venv", "python3-gavo", "stilts", "chromium", "topcat"} <= set(packages)
    assert all(re.fullmatch(r"[a-z0-9.+-]+", package) for package in packages), packages
    assert not (place / ".venv").exists()


def test_packages_are_installed_as_root_and_a_failure_is_said(place: Path, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    give(place, dpkg_query=LACKS_EVERYTHING, apt_cache=KNOWN_TO_APT, apt_get=NOTES_DOWN)
    # A user with sudo and root take the same way but for this word.
    give(place, sudo='#!/bin/sh\n[ "$1" = -v ] || exec "$@"\n')
    done = run(place, NOTED=str(noted))
    assert done.returncode == 3
    assert "setup: apt-get could not install:" in done.stderr
    update, install = noted.read_text().splitlines()
    assert update.split() == ["update", "-q"]
    assert {"python3-gavo", "stilts", "chromium", "curl", "aladin", "xvfb"} <= set(install.split())
    assert not (place / ".venv").exists()


def test_again_with_everything_there_nothing_is_done() -> None:
    before = (CHECKOUT / ".venv" / "stamp").stat().st_mtime_ns
    done = subprocess.run(
        [CHECKOUT / "scripts" / "setup", "test"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (CHECKOUT / ".venv" / "stamp").stat().st_mtime_ns == before
