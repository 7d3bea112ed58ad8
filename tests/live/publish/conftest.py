"""A publisher's desk: configuration, resource folders and a site of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vopub.events.scale.tally import Tally
from vopub.model.description import ResourceDescription
from vopub.process import service_account
from vopub.publish.composer import Publisher
from vopub.publish.stages import Stage
from vopub.resources import find_folders, read_folder
from vopub.settings import Settings
from vopub.site import Site, State

CHECKOUT = Path(__file__).resolve().parents[3]
TIME_LIMIT = 300
SHIPPED = ("evts20_01", "evts21_01")
SELECTIONS = {"zenith > 90 deg": 230, "zenith > 120 deg": 127}
"""What can be kept of ``evts21_01``, that which is shipped first, and how many events that are."""


@dataclass
class Desk:
    """A directory in which a person runs ``vopub``."""

    directory: Path
    settings: Settings

    @property
    def site(self) -> Site:
        return Site(self.settings)

    @property
    def products(self) -> Path:
        return self.settings.site.directory / "products"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vopub", *arguments]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.directory, env=self.environ() | variables,
            capture_output=True, text=True, timeout=TIME_LIMIT, check=False,
        )  # fmt: skip

    def publish(self, *arguments: str) -> list[dict[str, Any]]:
        """Publish with success; return the outcomes."""
        done = self.run("publish", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        outcomes: list[dict[str, Any]] = json.loads(done.stdout)
        return outcomes

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments), cwd=self.directory, env=self.environ(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def environ(self) -> dict[str, str]:
        site = self.settings.site
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.directory),
            "PYTHONPATH": str(CHECKOUT),
            "VOPUB_SITE": str(site.directory),
            "VOPUB_DACHS_PORT": str(site.dachs_port),
            "VOPUB_ODC_PORT": str(site.odc_port),
        }

    def edit(self, identifier: str, pattern: str, new: str) -> None:
        """Change the description of a resource; the pattern has to be there once."""
        file = self.directory / "resources" / identifier / "resource.toml"
        text, times = re.subn(pattern, lambda _: new, file.read_text(), flags=re.DOTALL)
        assert times == 1
        file.write_text(text)

    def selection(self) -> str:
        """Return which of the selections the description has; the shipped one if it has none."""
        text = (self.directory / "resources" / "evts21_01" / "resource.toml").read_text()
        return next(
            (each for each in SELECTIONS if f'keep = "{each}"' in text), next(iter(SELECTIONS))
        )

    @property
    def rows(self) -> int:
        """How many events the selection leaves."""
        return SELECTIONS[self.selection()]

    def select_other(self) -> tuple[int, int]:
        """Change the selection, so that a publication has something to do.

        Returns how many events are published, and how many will be.
        """
        now = self.selection()
        (other,) = SELECTIONS.keys() - {now}
        self.edit("evts21_01", f'keep = "{now}"', f'keep = "{other}"')
        return SELECTIONS[now], SELECTIONS[other]

    def restore(self, identifier: str) -> None:
        """Put the shipped description back."""
        shutil.copytree(
            CHECKOUT / "resources" / identifier,
            self.directory / "resources" / identifier,
            dirs_exist_ok=True,
        )


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def reader(desk: Desk) -> Iterator[Callable[[str], list[str]]]:
    """Give one who has begun to read the table, and what lets them read a number of rows more."""
    database, account = desk.site.dachs.database, service_account()
    psql = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
            f"--host={database.host}", f"--port={database.port}", database.name]  # fmt: skip
    with subprocess.Popen(
        psql, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        user=account.switch_uid, group=account.switch_gid, extra_groups=account.switch_groups,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def fetch(many: str) -> list[str]:
            stdin.write(f"FETCH {many} FROM events;\n\\echo end\n")
            stdin.flush()
            return [line.strip() for line in iter(stdout.readline, "end\n")]

        stdin.write("BEGIN; DECLARE events CURSOR FOR SELECT event_id FROM evts21_01.events;\n")
        yield fetch


@pytest.fixture(scope="session")
def desk(reachable_directory: Path, make_settings: Callable[..., Settings]) -> Iterator[Desk]:
    directory = reachable_directory / "desk"
    directory.mkdir()
    shutil.copy(CHECKOUT / "vopub.toml", directory)
    shutil.copytree(CHECKOUT / "resources", directory / "resources")
    settings = make_settings("desk/site", resources=directory / "resources")
    made = Desk(directory, settings)
    try:
        yield made
    finally:
        made.site.down()


class Quiet:
    """Is told how a publication goes on, and tells nobody."""

    def start(self, resource: str, stage: Stage) -> None: ...

    def done(self, resource: str, stage: Stage, what: str) -> None: ...

    def tell(self, resource: str, tally: Tally) -> None: ...

    def note(self, text: str) -> None: ...


def with_what_is_shipped(desk: Desk) -> Desk:
    """Publish the shipped resources as they are."""
    for identifier in SHIPPED:
        desk.restore(identifier)
    publish_what_changed(desk)
    return desk


def publish_what_changed(desk: Desk) -> None:
    """Publish all resources; what is served as it is described stays, which is seen each time.

    Without a program of its own, which would take longer than to see that nothing was changed;
    servers that have to be started get one, as they outlive it.
    """
    if any(service.state is not State.UP for service in desk.site.status()):
        desk.publish()
        return
    folders = find_folders(desk.settings.resources, ())
    outcomes = Publisher(desk.settings, Quiet()).publish(folders)
    assert [outcome.error for outcome in outcomes] == [None] * len(SHIPPED), outcomes


@pytest.fixture
def published(desk: Desk) -> Desk:
    """The desk, with the shipped resources published as they are."""
    return with_what_is_shipped(desk)


@pytest.fixture
def served(desk: Desk) -> Desk:
    """The desk, with one of the selections published: that which the test before left."""
    selection = desk.selection()
    for identifier in SHIPPED:
        desk.restore(identifier)
    if desk.selection() != selection:
        desk.select_other()
    publish_what_changed(desk)
    return desk


@pytest.fixture(scope="module")
def shop(desk: Desk) -> Desk:
    """The same, for all tests of a file that change nothing."""
    return with_what_is_shipped(desk)


@pytest.fixture(scope="module")
def said(shop: Desk) -> ResourceDescription:
    """What the description of one of them says."""
    return read_folder(shop.directory / "resources" / "evts21_01").description
