from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vopub.errors import DescriptionError, FileError, UsageError
from vopub.resources import find_folders, read_folder

SHIPPED = Path(__file__).parents[2] / "resources"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(SHIPPED, tmp_path / "resources")
    return tmp_path / "resources"


def edit(root: Path, identifier: str, old: str, new: str) -> None:
    file = root / identifier / "resource.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_shipped_resources_are_valid_and_their_inputs_are_there() -> None:
    folders = find_folders(SHIPPED)
    assert {f.id for f in folders} >= {"evts20_01", "evts21_01"}
    for folder in folders:
        assert all(path.is_file() for path in folder.inputs())
        assert "km3net-testdata" in folder.description.publication.note
        assert "not an official release" in folder.description.publication.note


def test_problems_of_all_folders_are_reported_together(root: Path) -> None:
    edit(root, "evts20_01", 'ktype = "events"', 'ktype = "event"')
    edit(root, "evts21_01", "version =", "versoin =")
    with pytest.raises(DescriptionError) as caught:
        find_folders(root)
    said = str(caught.value)
    assert "evts20_01/resource.toml: ktype" in said
    assert "evts21_01/resource.toml: publication.versoin: unknown key" in said


def test_an_unknown_resource_gets_the_nearest_names(root: Path) -> None:
    with pytest.raises(UsageError, match="no such resource: evts21_1; did you mean evts21_01"):
        find_folders(root, ("evts21_1",))


def test_an_empty_folder_of_resources_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no resource here yet"):
        find_folders(tmp_path)


def test_a_folder_with_another_name_than_its_resource_is_refused(root: Path) -> None:
    (root / "evts21_01").rename(root / "evts21_02")
    with pytest.raises(DescriptionError, match="rename one of them"):
        read_folder(root / "evts21_02")


def test_broken_toml_names_the_line(root: Path) -> None:
    (root / "evts21_01" / "resource.toml").write_text("id = \n")
    with pytest.raises(DescriptionError, match="line 1"):
        read_folder(root / "evts21_01")


def test_an_input_in_a_package_that_is_not_installed_says_how_to_get_it(root: Path) -> None:
    edit(root, "evts21_01", "package:km3net_testdata", "package:no_such_package")
    with pytest.raises(FileError, match="pip install no-such-package"):
        read_folder(root / "evts21_01").inputs()


def test_cuts_and_good_runs_are_found_beside_the_description(root: Path) -> None:
    edit(
        root,
        "evts20_01",
        'detector = "ORCA"',
        'detector = "ORCA"\ngood_runs = "runs.csv"\ncuts_file = "../cuts.toml"\n'
        'selection = [{ use = "up-going" }]',
    )
    with pytest.raises(DescriptionError, match=r"cuts\.toml: there is no such file"):
        read_folder(root / "evts20_01")
    (root / "cuts.toml").write_text('[cuts.up-going]\nkeep = "zenith > 90 deg"\n')
    folder = read_folder(root / "evts20_01")
    assert [cut.keep for cut in folder.description.events.selection] == ["zenith > 90 deg"]
    assert folder.good_runs() == (root / "evts20_01" / "runs.csv").resolve()
