"""The site directory is the services', and its secrets only theirs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from vopub.errors import FileError
from vopub.process import service_account
from vopub.site.layout import DIRECTORIES, Layout


def test_directories_belong_to_the_services(layout: Layout) -> None:
    for name, mode in {".": 0o755, **DIRECTORIES}.items():
        found = (layout / name).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (mode, layout.account.uid), name


def test_secret_is_random_private_and_stays(layout: Layout) -> None:
    secret = layout.secret("a")
    assert len(bytes.fromhex(secret)) == 32
    assert layout.secret("a") == secret != layout.secret("b")
    found = (layout / "secrets/a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, layout.account.uid)


def test_what_a_killed_caller_made_is_given_to_the_services(layout: Layout) -> None:
    layout.secret("a")
    for name in ("log", "secrets/a"):
        os.chown(layout / name, os.geteuid(), -1)
    layout.make()
    layout.secret("a")
    owners = {(layout / name).stat().st_uid for name in ("log", "secrets/a")}
    assert owners == {layout.account.uid}


def test_directory_that_services_cannot_enter(open_directory: Path) -> None:
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    site = closed / "site"
    if os.geteuid() != 0:
        closed.chmod(0o500)
    with pytest.raises(FileError, match="site") as caught:
        Layout(site, service_account()).make()
    assert caught.value.hint


def test_tags_tell_directories_apart() -> None:
    account = service_account()
    tags = {Layout(Path(path), account).tag for path in ("/a", "/b", "/a/b")}
    assert len(tags) == 3
