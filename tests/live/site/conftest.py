"""What the live tests of the room ``site`` share: a site that they may break."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from vopub.settings import Settings
from vopub.site import Site

DRIVER = """
import json, sys
from pathlib import Path
from vopub.settings import Settings
from vopub.site import Site
site = Site(Settings.model_validate_json(Path(sys.argv[2]).read_text()))
say = lambda line: print(line, flush=True)
if sys.argv[1] == "lock":
    with site.lock():
        say("locked")
        sys.stdin.read()
else:
    getattr(site, sys.argv[1])(*([say] if sys.argv[1] == "up" else []))
    say("done")
"""


@pytest.fixture(scope="module")
def made(make_settings: Callable[..., Settings], request: pytest.FixtureRequest) -> Iterator[Site]:
    """Give a site that the tests of a file may break."""
    running = Site(make_settings(request.path.stem))
    try:
        yield running
    finally:
        running.down()


@pytest.fixture
def own(made: Site) -> Site:
    """Give that site, running whatever the test before did to it."""
    made.up(print)
    return made


@pytest.fixture
def drive(reachable_directory: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give what does something with a site in another process."""
    started: list[subprocess.Popen[str]] = []

    def start(what: str, settings: Settings, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
        path = reachable_directory / "settings.json"
        path.write_text(settings.model_dump_json())
        path.chmod(0o644)
        process = subprocess.Popen(
            [*prefix, sys.executable, "-c", DRIVER, what, str(path)], text=True, cwd="/",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
