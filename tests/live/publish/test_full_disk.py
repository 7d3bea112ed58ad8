"""A disk that is full: for the products, and for the database."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import pyvo

from vopub.settings import Settings

from .conftest import CHECKOUT, Desk

pytestmark = pytest.mark.live

SIZE = 400 << 20
ENOUGH_FOR_PRODUCTS = 8 << 20
"""Bytes with which the products can be written, and which are too few for the database."""


@pytest.fixture(scope="module")
def small_disk(reachable_directory: Path) -> Iterator[Path]:
    """Give a file system of some hundred megabytes; making one takes root or sudo."""
    place = reachable_directory / "small disk"
    place.mkdir()
    sudo = [] if os.getuid() == 0 else ["sudo", "-n"]
    options = f"size={SIZE},mode=755,uid={os.getuid()},gid={os.getgid()}"
    mount = [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        yield place
    finally:
        subprocess.run([*sudo, "umount", str(place)], check=True)


@pytest.fixture(scope="module")
def cramped(
    reachable_directory: Path, small_disk: Path, make_settings: Callable[..., Settings]
) -> Iterator[Desk]:
    """Publish one resource on that disk, then ask for fewer of its events."""
    directory = reachable_directory / "cramped"
    directory.mkdir()
    shutil.copy(CHECKOUT / "vopub.toml", directory)
    shutil.copytree(CHECKOUT / "resources" / "evts21_01", directory / "resources" / "evts21_01")
    shutil.copytree(CHECKOUT / "resources" / "samples26_01", directory / "resources/samples26_01")
    settings = make_settings("site", resources=directory / "resources")
    site = settings.site.model_copy(update={"directory": small_disk / "site"})
    desk = Desk(directory, settings.model_copy(update={"site": site}))
    try:
        desk.publish()
        desk.edit("evts21_01", r"zenith > 90 deg", "zenith > 100 deg")
        yield desk
    finally:
        desk.site.down()


@pytest.fixture
def filler(small_disk: Path) -> Iterator[Callable[[int], None]]:
    """Give what fills the disk but for some bytes."""
    path = small_disk / "filler"

    def fill(left: int) -> None:
        with path.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, shutil.disk_usage(small_disk).free - left)

    yield fill
    path.unlink(missing_ok=True)


def events(desk: Desk) -> int:
    url = f"{desk.settings.site.dachs_url}/evts21_01/q/cone/scs.xml"
    return len(pyvo.dal.SCSService(url).search((0, 0), 180.0))


@pytest.mark.parametrize(
    ("left", "says"),
    [(0, "No space left on device"), (ENOUGH_FOR_PRODUCTS, "MB free, ")],
    ids=["products", "database"],
)
def test_a_full_disk_changes_nothing_and_is_told_in_a_line(
    cramped: Desk, filler: Callable[[int], None], left: int, says: str
) -> None:
    filler(left)
    done = cramped.run("publish", "--json")
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("vopub: ")]
    assert says in line
    assert "free some space there and run again; nothing was changed" in line
    assert "Traceback" not in done.stderr
    assert events(cramped) == 230


def test_the_site_can_be_stopped_on_a_full_disk_and_publishes_when_there_is_room(
    cramped: Desk, filler: Callable[[int], None], small_disk: Path
) -> None:
    filler(0)
    assert cramped.run("down").returncode == 0
    (small_disk / "filler").unlink()
    cramped.publish()
    assert 0 < events(cramped) < 230
