"""``vopub diff`` on two versions of a resource, as a person meets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vopub.model.description import Cut
from vopub.publish.convert import Source, Way, make_table
from vopub.resources import read_folder
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]
Diff = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Products of two versions of a resource, the newer with a second cut."""
    place = tmp_path_factory.mktemp("versions")
    shutil.copy(ROOT / "vopub.toml", place)
    folder = read_folder(ROOT / "resources" / "evts21_01")
    old = folder.description
    cuts = (*old.events.selection, Cut(name="well fitted", keep="likelihood > 60"))
    events = old.events.model_copy(update={"selection": cuts})
    publication = old.publication.model_copy(update={"version": "2.0"})
    new = old.model_copy(update={"events": events, "publication": publication})
    for name, description in (("old", old), ("new", new)):
        source = Source(description, folder.inputs(), None, load_settings({}).publisher)
        make_table(source, place / name, Way())
    return place


@pytest.fixture
def diff(versions: Path) -> Diff:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vopub", "diff", *arguments],
            cwd=versions, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": str(versions), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    return run


def test_formats_of_one_version_are_equal(diff: Diff) -> None:
    done = diff("old/evts21_01.csv", "old/evts21_01.h5", "--exit-code")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The tables are equal: 230 rows, and everything said about them.\n"


def test_a_new_version_is_told_in_a_screenful(diff: Diff) -> None:
    done = diff("old", "new")
    assert done.returncode == 0, done.stderr
    assert "The tables differ." in done.stdout
    assert "230 -> " in done.stdout
    assert "removed: km3.49.9505." in done.stdout
    assert "publication.version: 1.0 -> 2.0" in done.stdout
    assert len(done.stdout.splitlines()) < 40


def test_the_account_of_a_new_cut_is_told(diff: Diff) -> None:
    told = json.loads(diff("old", "new", "--json").stdout)
    changes = {change["place"]: change for change in told["metadata"]}
    lost = changes["account.cuts.well fitted.events"]["after"]
    assert told["rows"]["removed"] == lost > 0
    assert changes["account.kept"] == {
        "place": "account.kept", "before": 230, "after": 230 - lost,
    }  # fmt: skip
    assert told["equal"] is False
    assert told["columns"] == []


def test_the_exit_code_tells_a_difference_if_asked_to(diff: Diff) -> None:
    assert diff("old", "new").returncode == 0
    assert diff("old", "new", "--exit-code").returncode == 1
    assert diff("old", "new", "--exit-code", "--json").returncode == 1


def test_what_is_not_there_is_one_line(diff: Diff) -> None:
    done = diff("old", "none.h5")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("vopub: none.h5: cannot read")


def test_the_id_of_a_resource_stands_for_its_products(diff: Diff, versions: Path) -> None:
    (versions / "site" / "products").mkdir(parents=True)
    (versions / "site" / "products" / "evts21_01").symlink_to(versions / "new")
    done = diff("new/evts21_01.csv", "evts21_01", "--exit-code", "--site", "site")
    assert done.returncode == 0, done.stderr + done.stdout
