"""The command as a person meets it, run as a process, without any server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from km3net_testdata import data_path

from vopub import __version__

ROOT = Path(__file__).parents[3]
SAMPLE = Path(data_path("dst/orca6_sample.root"))

Vopub = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def desk(reachable_directory: Path) -> Iterator[Path]:
    """A directory with the shipped configuration and one resource whose input lies in it."""
    place = reachable_directory / "command-line"
    place.mkdir()
    shutil.copy(ROOT / "vopub.toml", place)
    for name in ("evts21_01", "samples26_01"):
        shutil.copytree(ROOT / "resources" / name, place / "resources" / name)
    shutil.copy(SAMPLE, place / "resources" / "evts21_01" / "input.root")
    edit(place, '"package:km3net_testdata/data/dst/orca6_sample.root"', '"input.root"')
    yield place
    shutil.rmtree(place)


@pytest.fixture
def vopub(desk: Path) -> Vopub:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vopub", *arguments], cwd=desk, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(desk), "PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip

    return run


def edit(desk: Path, old: str, new: str) -> None:
    file = desk / "resources" / "evts21_01" / "resource.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says what is wrong."""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("vopub: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_the_version(vopub: Vopub) -> None:
    assert vopub("--version").stdout == f"vopub {__version__}\n"


def test_the_help_names_every_command_and_the_exit_codes(vopub: Vopub) -> None:
    done = vopub("--help")
    assert done.returncode == 0
    for command in ("publish", "up", "down", "status", "doctor"):
        assert command in done.stdout
        assert len(vopub(command, "--help").stdout.splitlines()) > 5
    assert "4 finished, but the proof failed" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("publsh",),
        ("publish", "--until", "lod"),
        ("publish", "--no-such-option"),
        ("publish", "evts21_1"),
        ("up", "--dachs-port", "99999"),
    ],
)
def test_wrong_usage_ends_with_2(vopub: Vopub, arguments: tuple[str, ...]) -> None:
    done = vopub(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_products_can_be_made_without_any_server(vopub: Vopub, desk: Path) -> None:
    done = vopub("publish", "--until", "convert", "--json")
    assert done.returncode == 0, done.stderr
    assert "2499 events read, 230 kept" in done.stderr
    (outcome,) = json.loads(done.stdout)
    assert (outcome["change"], outcome["error"]) == ("done until convert", None)
    names = {path.name for path in (desk / "site" / "products" / "evts21_01").iterdir()}
    assert names >= {"evts21_01.csv", "evts21_01.metadata.json", "evts21_01.h5", "manifest.json"}


def test_a_stage_that_is_not_reached_is_not_done(vopub: Vopub, desk: Path) -> None:
    assert vopub("publish", "--until", "check").returncode == 0
    assert not (desk / "site" / "products" / "evts21_01").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "input.root: cannot read: No such file"),
        (b"", "input.root: "),
        (b"not a ROOT file at all", "input.root: "),
        (SAMPLE.read_bytes()[:200_000], "input.root: "),
        (Path(data_path("offline/empty_events.root")).read_bytes(), "input.root"),
        (Path(data_path("acoustics/mechanical_model.root")).read_bytes(), "input.root: "),
    ],
    ids=["missing", "empty", "text", "truncated", "no events", "no event tree"],
)
def test_a_bad_input_is_one_line_and_leaves_no_product(
    vopub: Vopub, desk: Path, content: bytes | None, said: str
) -> None:
    file = desk / "resources" / "evts21_01" / "input.root"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    done = vopub("publish", "--until", "convert")
    assert done.returncode == 1
    assert said in complaint(done)
    assert not list((desk / "site" / "products").iterdir())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('keep = "zenith > 90 deg"', 'keep = "zenit > 90 deg"', "did you mean zenith"),
        ('keep = "zenith > 90 deg"', 'keep = "zenith > 179.99 deg"', "no event is left of 2499"),
        ('"event_id", "ra"', '"event_id", "raa"', "did you mean ra"),
        ('"input.root"', '"input.root", "input.root"', "holds the same bytes as"),
        ('collection = "samples26_01"', 'collection = "samples26_02"', "samples26_02"),
        ("simulated = false", "simulated = true", "simulated"),
    ],
)
def test_a_mistake_in_the_description_is_one_line(
    vopub: Vopub, desk: Path, old: str, new: str, said: str
) -> None:
    edit(desk, old, new)
    done = vopub("publish", "--until", "convert")
    assert done.returncode == 1
    assert said in complaint(done)


def test_several_mistakes_are_reported_at_once(vopub: Vopub, desk: Path) -> None:
    edit(desk, 'ktype = "events"', 'ktype = "event"')
    edit(desk, "created = 2026-11-22", 'created = "soon"')
    done = vopub("publish")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all("evts21_01/resource.toml" in line for line in lines)
    assert not (desk / "site").exists()


def test_nothing_runs_before_anything_was_started(vopub: Vopub, desk: Path) -> None:
    done = vopub("status", "--json")
    assert done.returncode == 0
    assert {service["state"] for service in json.loads(done.stdout)["services"]} == {"down"}
    assert vopub("down").returncode == 0


def test_the_health_check_of_the_container_fails_where_nothing_runs(vopub: Vopub) -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text()
    (words,) = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", text, re.MULTILINE)
    program, *arguments = json.loads(words)
    assert program.endswith("/vopub")
    assert vopub("status").returncode == 0
    done = vopub(*arguments)
    assert done.returncode == 3
    assert "DaCHS is down" in complaint(done)
