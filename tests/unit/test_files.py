from __future__ import annotations

from pathlib import Path

import pytest

from vopub.errors import FileError
from vopub.files import replacing, sha256_of, shipped, write_text


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_equal_text_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert write_text(path, "ä")
    inode = path.stat().st_ino
    assert not write_text(path, "ä")
    assert path.stat().st_ino == inode
    path.write_bytes(b"\xff")
    assert write_text(path, "ä")


def test_a_full_disk_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with (
        pytest.raises(FileError, match=r"a\.txt: cannot write: No space left.*free some space"),
        replacing(path),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x")
        full.flush()
    assert path.read_text() == "old"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone: cannot read: No such file.*check the path"):
        sha256_of(tmp_path / "gone")


def test_what_is_shipped_is_found() -> None:
    assert list(shipped("rd_templates").glob("*.xml"))
