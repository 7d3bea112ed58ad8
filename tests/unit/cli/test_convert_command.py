"""``vopub convert`` as a person meets it, run as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from .converting import EVENTS, OTHER, ROOT, SAMPLE, command, convert, environment

Vopub = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def vopub(tmp_path: Path) -> Vopub:
    (tmp_path / "up going.toml").write_text(EVENTS)
    return partial(convert, tmp_path)


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says what is wrong."""
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("vopub: ")]
    return line


def test_a_table_of_two_files_by_an_events_part_alone(vopub: Vopub, tmp_path: Path) -> None:
    done = vopub(
        SAMPLE, OTHER, "--recipe", "up going.toml", "--out", "table", "--formats", "csv,parquet",
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["account"]["read"] == 4999
    assert [entry["name"] for entry in said["files"]] == [SAMPLE.name, OTHER.name]
    name = said["identifier"]
    csv = pd.read_csv(tmp_path / "table" / f"{name}.csv")
    parquet = pd.read_parquet(tmp_path / "table" / f"{name}.parquet")
    assert len(csv) == len(parquet) == said["rows"] > 230
    assert csv["event_id"].tolist() == parquet["event_id"].tolist()
    assert not (tmp_path / "table" / f"{name}.h5").exists()
    metadata = json.loads((tmp_path / "table" / f"{name}.metadata.json").read_text())
    assert metadata["simulated"] is False
    assert metadata["publication"]["licence"] == "none given"
    assert "not published" in metadata["publication"]["description"]


def test_a_second_time_the_parts_are_taken_again(vopub: Vopub, tmp_path: Path) -> None:
    arguments = (SAMPLE, "--recipe", "up going.toml", "--out", "table")
    assert vopub(*arguments).returncode == 0
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / ".table.parts").glob("*.arrow")}
    table = (tmp_path / "table" / "manifest.json").read_text()
    assert vopub(*arguments).returncode == 0
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / ".table.parts").glob("*.arrow")}
    assert before == after
    assert (
        json.loads(table)["key"]
        == json.loads((tmp_path / "table" / "manifest.json").read_text())["key"]
    )


def test_a_whole_description_and_repeated_events(vopub: Vopub, tmp_path: Path) -> None:
    text = (ROOT / "resources" / "evts20_01" / "resource.toml").read_text()
    recipe = tmp_path / "resource.toml"
    recipe.write_text(text)
    copy = tmp_path / "copy.root"
    copy.write_bytes(SAMPLE.read_bytes() + b"another file")
    arguments = (SAMPLE, copy, "--recipe", recipe, "--out", "table")
    done = vopub(*arguments)
    assert done.returncode == 1
    assert "is also in" in complaint(done)
    assert not (tmp_path / "table").exists()
    recipe.write_text(text.replace("[events]\n", '[events]\nduplicates = "first"\n'))
    done = vopub(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["identifier"] == "evts20_01"
    assert said["account"]["repeated"]["events"] == said["rows"] == 2495
    done = vopub(*arguments, "--duplicates", "error")
    assert done.returncode == 1
    assert "is also in" in complaint(done)


def test_a_truncated_file_in_the_middle_is_named_and_leaves_no_table(
    vopub: Vopub, tmp_path: Path
) -> None:
    (tmp_path / "short.root").write_bytes(SAMPLE.read_bytes()[:300_000])
    done = vopub(SAMPLE, "short.root", OTHER, "--recipe", "up going.toml", "--out", "table")
    assert done.returncode == 1
    assert complaint(done).startswith("vopub: short.root: the file is truncated")
    assert not (tmp_path / "table").exists()
    assert len(list((tmp_path / ".table.parts").glob("*.arrow"))) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--out", "."), 2, "holds something else than a table"),
        (("--out", SAMPLE.parent), 2, "lies in the directory that would be replaced"),
        (("--out", "up going.toml"), 2, "is not a directory"),
        (("--out", "t", "--formats", "csv,parket"), 1, "parket"),
        (("--out", "t", "--scheduler", "localhost:8786"), 2, "is no address"),
        (("--out", "t", "--scheduler", "tcp://h:1", "--workers", "2"), 2, "use one"),
        (("--out", "t", "--recipe", "none.toml"), 1, "there is no such file"),
        (("--out", "t", "--max-malformed", "many"), 1, "many"),
    ],
)
def test_mistakes_are_one_line(
    vopub: Vopub, arguments: tuple[object, ...], code: int, said: str
) -> None:
    done = vopub(SAMPLE, "--recipe", "up going.toml", *arguments)
    assert done.returncode == code, done.stderr
    assert said in complaint(done)


def test_a_recipe_of_neither_kind(vopub: Vopub, tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("simulated = false\n")
    done = vopub(SAMPLE, "--recipe", "empty.toml", "--out", "table")
    assert done.returncode == 1
    assert "events: is missing" in complaint(done)


@pytest.fixture
def running(tmp_path: Path, vopub: Vopub) -> Iterator[subprocess.Popen[str]]:
    """A conversion with two processes of its own that is not finished soon."""
    paths = []
    for number in range(120):
        paths.append(tmp_path / f"{number}.root")
        paths[-1].write_bytes(SAMPLE.read_bytes() + b"%d" % number)
    arguments = (*paths, "--recipe", "up going.toml", "--out", "table", "--workers", "2")
    listening = ["env", "--default-signal=INT"]  # which who works in the background ignores
    running = subprocess.Popen(
        [*listening, *command(*arguments, "--duplicates", "keep")], cwd=tmp_path,
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while not list((tmp_path / ".table.parts").glob("*.json")) and running.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    yield running
    running.kill()
    running.communicate()


def test_interrupted_it_leaves_no_process_and_no_table(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    workers = _workers_of_session(running.pid)
    assert len(workers) == 2
    assert all(_blocks(signal.SIGINT, worker) for worker in workers)  # else each says its own
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    out, err = running.communicate(timeout=60)
    assert running.returncode not in (0, None), (out, err)
    assert "Traceback" not in err
    _check_remains(tmp_path, running.pid)


def test_killed_it_takes_its_processes_along(
    running: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert len(_workers_of_session(running.pid)) == 2
    running.kill()
    out, err = running.communicate(timeout=60)
    assert out == ""
    assert "Traceback" not in err
    _check_remains(tmp_path, running.pid)


def _check_remains(place: Path, session: int) -> None:
    until = time.monotonic() + 20
    while _processes_of_session(session):  # the last ones notice that it has ended
        assert time.monotonic() < until
        time.sleep(0.05)
    assert not (place / "table").exists()


def _workers_of_session(session: int) -> list[str]:
    every = _processes_of_session(session)
    return [each for each in every if b"spawn_main" in Path("/proc", each, "cmdline").read_bytes()]


def _blocks(number: signal.Signals, process: str) -> bool:
    lines = Path("/proc", process, "status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("SigBlk:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def _processes_of_session(session: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(stat.parent.name)
    return found
