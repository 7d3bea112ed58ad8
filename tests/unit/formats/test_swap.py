from __future__ import annotations

from pathlib import Path

import pytest

from vopub.formats import swap


def make(directory: Path, content: str) -> Path:
    directory.mkdir(parents=True)
    (directory / "file").write_text(content)
    return directory


def content_of(root: Path) -> dict[str, str]:
    return {str(p.parent.relative_to(root)): p.read_text() for p in root.rglob("file")}


def test_swap_into_an_empty_place(tmp_path: Path) -> None:
    make(swap.staging_path(tmp_path / "a"), "new")
    swap.swap_in(tmp_path / "a")
    assert content_of(tmp_path) == {"a": "new"}


def test_swap_takes_the_place_of_the_old(tmp_path: Path) -> None:
    old = make(tmp_path / "a", "old")
    (old / "only in the old").write_text("x")
    make(swap.staging_path(old), "new")
    swap.swap_in(old)
    assert content_of(tmp_path) == {"a": "new"}
    assert [path.name for path in old.iterdir()] == ["file"]


def test_two_steps_where_names_cannot_be_exchanged(tmp_path: Path) -> None:
    old = make(tmp_path / "a", "old")
    swap._replace(make(swap.staging_path(old), "new"), old)
    assert content_of(tmp_path) == {"a": "new", ".a.old": "old"}
    swap.recover(old)
    assert content_of(tmp_path) == {"a": "new"}


def test_two_steps_that_fail_put_the_old_back(tmp_path: Path) -> None:
    old = make(tmp_path / "a", "old")
    with pytest.raises(FileNotFoundError):
        swap._replace(swap.staging_path(old), old)
    assert content_of(tmp_path) == {"a": "old"}


def test_crash_between_the_two_steps(tmp_path: Path) -> None:
    make(tmp_path / ".a.old", "old")
    make(tmp_path / ".a.new", "new")
    swap.recover(tmp_path / "a")
    assert content_of(tmp_path) == {"a": "old"}


def test_exchange_tells_what_failed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        swap._exchange(tmp_path / "none", tmp_path / "neither")
    one, other = make(tmp_path / "one", "1"), make(tmp_path / "other", "2")
    if swap._exchange(one, other):
        assert content_of(tmp_path) == {"one": "2", "other": "1"}
    else:
        assert content_of(tmp_path) == {"one": "1", "other": "2"}
