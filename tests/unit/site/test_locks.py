"""Locks name their holder and go with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vopub.errors import BusyError, FileError
from vopub.process import service_account
from vopub.site.locks import held

HOLDER = """
import sys
from pathlib import Path
from vopub.process import service_account
from vopub.site.locks import held
with held(Path(sys.argv[1]), "busy", account=service_account()):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path: Path, before: str = "") -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", before + HOLDER, str(path)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_holder_is_named_and_its_death_gives_the_lock_back(tmp_path: Path) -> None:
    path, account = tmp_path / "lock", service_account()
    holder = hold(path)
    with (
        pytest.raises(BusyError, match=rf"is busy \(pid {holder.pid} since 20\d\d-"),
        held(path, "busy", account=account),
    ):
        pass
    holder.kill()
    holder.communicate()
    with held(path, "busy", account=account):
        assert path.read_text().startswith("pid ")
    assert path.read_text() == ""


def test_patience_waits_for_the_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = hold(path)
    assert holder.stdin is not None
    holder.stdin.close()
    with held(path, "busy", account=service_account(), patience=30):
        assert holder.wait() == 0
    assert holder.stdout is not None
    holder.stdout.close()


def test_error_inside_gives_the_lock_back(tmp_path: Path) -> None:
    path, account = tmp_path / "lock", service_account()
    with pytest.raises(KeyError), held(path, "busy", account=account):
        raise KeyError
    with held(path, "busy", account=account):
        pass


def test_place_without_a_directory(tmp_path: Path) -> None:
    with (
        pytest.raises(FileError, match="cannot lock"),
        held(tmp_path / "none/lock", "busy", account=service_account()),
    ):
        pass


def test_lock_is_held_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A limit on the size of files, which any user can set, stands for a full disk."""
    path = tmp_path / "lock"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    holder = hold(path, before=limit)
    with (
        pytest.raises(BusyError, match=r"is busy \(just started\)"),
        held(path, "busy", account=service_account()),
    ):
        pass
    holder.communicate()
    assert holder.returncode == 0
