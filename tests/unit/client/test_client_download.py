"""Files over the wire: whole and right, taken up where they broke, never over another file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from uuid import UUID

import pytest

from vopub.client.connection import Connection
from vopub.client.download import Wanted, copy, download, is_here, pour
from vopub.client.faults import AwayError, MismatchError, MissingThereError, WrongBytesError
from vopub.client.records import FileEntry
from vopub.errors import FileError, ServiceError
from vopub.odc.client import OdcClient

from ..odc.conftest import TOKEN, Server, make_record, product, upload  # noqa: TID252
from .conftest import SHORT, Answer, Scripted, three_at_once

CONTENT = bytes(range(256)) * 2000
SHA = hashlib.sha256(CONTENT).hexdigest()
KID = UUID(int=7)
FILE = FileEntry(name="events.h5", size=len(CONTENT), sha256=SHA)
WANTED = Wanted(KID, FILE)
PATH = WANTED.path


@pytest.fixture
def way(scripted: Scripted) -> Connection:
    scripted.say(PATH, CONTENT)
    return Connection([scripted.url], patience=SHORT)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "place" / FILE.name


def part_of(target: Path) -> Path:
    return target.with_name(f".{SHA}.part")


def test_a_file_comes_whole_and_once(way: Connection, target: Path, scripted: Scripted) -> None:
    assert download(way, WANTED, target)
    assert target.read_bytes() == CONTENT
    assert not download(way, WANTED, target)
    assert len(scripted.asked) == 1
    assert [path.name for path in target.parent.iterdir()] == [FILE.name]


def test_an_empty_file_comes_too(scripted: Scripted, target: Path) -> None:
    empty = FileEntry(name="events.h5", size=0, sha256=hashlib.sha256(b"").hexdigest())
    scripted.say(PATH, b"")
    assert download(Connection([scripted.url]), Wanted(KID, empty), target)
    assert target.read_bytes() == b""


def test_a_broken_download_is_taken_up(odc: Server, target: Path, tmp_path: Path) -> None:
    file = product(FILE.name, CONTENT, "application/x-hdf5")
    record = make_record(version="7", files=[file], services=())
    with OdcClient(odc.url, TOKEN) as client:
        upload(client, record.kid, [file], tmp_path)
        client.put_resource(record)
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:300_000])
    connection = Connection([odc.url])
    received: list[str] = []
    connection._http.event_hooks = {
        "response": [lambda answer: received.append(answer.headers["content-length"])]
    }
    assert download(connection, Wanted(record.kid, FILE), target)
    assert target.read_bytes() == CONTENT
    assert received == [str(len(CONTENT) - 300_000)]


@pytest.mark.parametrize(
    "left", [b"rubbish" * 1000, CONTENT + b"too much", b"x" * len(CONTENT)], ids=len
)
def test_what_was_left_wrong_is_fetched_anew(
    way: Connection, target: Path, scripted: Scripted, left: bytes
) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(left)
    assert download(way, WANTED, target)
    assert target.read_bytes() == CONTENT


def test_what_came_of_a_broken_download_is_kept(scripted: Scripted, target: Path) -> None:
    def half() -> Iterator[bytes]:
        yield CONTENT[:100_000]
        threading.Event().wait(3)

    scripted.answers[PATH] = Answer(pieces=half)
    way = Connection([scripted.url], patience=SHORT)
    with pytest.raises(AwayError, match="took too long"):
        download(way, WANTED, target)
    assert not target.exists()
    assert part_of(target).read_bytes() == CONTENT[:100_000]
    rest = {"Content-Range": f"bytes 100000-{len(CONTENT) - 1}/{len(CONTENT)}"}
    scripted.answers[PATH] = Answer(CONTENT[100_000:], 206, rest)
    assert download(way, WANTED, target)
    assert target.read_bytes() == CONTENT
    asked = scripted.asked[-1][1]
    assert (asked["range"], asked["if-range"]) == ("bytes=100000-", f'"{SHA}"')


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (CONTENT[:-1], "is not the file of the record: 511999 bytes came"),
        (CONTENT[:-1] + b"x", "is not the file of the record: 512000 bytes came"),
        (CONTENT + b"x", "has more than the 512000 bytes"),
        (b"", "is not the file of the record: 0 bytes came"),
    ],
    ids=["short", "changed", "long", "empty"],
)
def test_wrong_bytes_are_never_kept(
    scripted: Scripted, target: Path, body: bytes, said: str
) -> None:
    scripted.say(PATH, body)
    with pytest.raises(WrongBytesError, match=said) as caught:
        download(Connection([scripted.url]), WANTED, target)
    assert caught.value.exit_code == 10
    assert not target.exists()
    assert part_of(target).read_bytes() == b""


def test_an_endless_answer_is_cut_off(scripted: Scripted, target: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(1 << 16)

    scripted.answers[PATH] = Answer(pieces=endless)
    with pytest.raises(WrongBytesError, match="more than"):
        download(Connection([scripted.url]), WANTED, target)


def test_an_answer_that_trickles_is_given_up(scripted: Scripted, target: Path) -> None:
    def trickle() -> Iterator[bytes]:
        while True:
            yield b"."
            threading.Event().wait(0.05)

    small = FileEntry(name="events.h5", size=5000, sha256=SHA)
    scripted.answers[PATH] = Answer(pieces=trickle)
    with pytest.raises(AwayError, match="less than 10000 bytes a second"):
        download(Connection([scripted.url], patience=SHORT), Wanted(KID, small), target)


def test_a_mirror_has_the_right_bytes(scripted: Scripted, way: Connection, target: Path) -> None:
    wrong = Scripted()
    threading.Thread(target=wrong.serve_forever, daemon=True).start()
    wrong.say(PATH, b"wrong")
    assert download(Connection([wrong.url, scripted.url]), WANTED, target)
    assert target.read_bytes() == CONTENT
    with pytest.raises(WrongBytesError, match=r"is not the file.*; .*is not the file"):
        download(Connection([wrong.url, wrong.url]), WANTED, target.with_name("b"))
    wrong.shutdown()
    wrong.server_close()


def test_another_part_than_asked_for_is_refused(scripted: Scripted, target: Path) -> None:
    target.parent.mkdir()
    part_of(target).write_bytes(CONTENT[:1000])
    for status, where in ((206, "bytes 0-10/512000"), (416, "bytes */3")):
        scripted.say(PATH, b"x", status=status, headers={"Content-Range": where})
        with pytest.raises(ServiceError, match="another part of the file"):
            download(Connection([scripted.url]), WANTED, target)
    assert not target.exists()


def test_a_different_file_is_never_overwritten(way: Connection, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(MismatchError, match=r"events\.h5: is not the published file") as caught:
        download(way, WANTED, target)
    assert caught.value.exit_code == 10
    assert target.read_bytes() == b"mine"


def test_links_lead_nowhere(way: Connection, target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    target.parent.mkdir()
    target.symlink_to(outside)
    with pytest.raises(MismatchError):
        download(way, WANTED, target)
    target.unlink()
    part_of(target).symlink_to(outside)
    with pytest.raises(FileError, match="cannot write"):
        download(way, WANTED, target)
    assert not outside.exists()


def test_what_appears_meanwhile_is_not_overwritten(scripted: Scripted, target: Path) -> None:
    def meanwhile() -> Iterator[bytes]:
        target.write_bytes(b"mine")
        yield CONTENT

    scripted.answers[PATH] = Answer(pieces=meanwhile)
    with pytest.raises(MismatchError, match="put there while"):
        download(Connection([scripted.url]), WANTED, target)
    assert target.read_bytes() == b"mine"


def test_two_at_once_fetch_it_once(way: Connection, target: Path, scripted: Scripted) -> None:
    def slowly() -> Iterator[bytes]:
        threading.Event().wait(0.3)
        yield CONTENT

    scripted.answers[PATH] = Answer(pieces=slowly)
    assert sorted(three_at_once(lambda: download(way, WANTED, target))) == [False, False, True]
    assert len(scripted.asked) == 1
    assert [path.name for path in target.parent.iterdir()] == [FILE.name]


def test_what_the_disk_cannot_hold_is_not_begun(scripted: Scripted, target: Path) -> None:
    huge = FileEntry(name="events.h5", size=1 << 60, sha256=SHA)
    with pytest.raises(FileError, match=r"bytes more, .* are free"):
        download(Connection([scripted.url]), Wanted(KID, huge), target)
    assert not scripted.asked


def test_a_place_that_cannot_be_written_is_told(way: Connection) -> None:
    with pytest.raises(FileError, match="cannot write"):
        download(way, WANTED, Path("/proc/nowhere/events.h5"))


def test_a_file_that_is_not_there_is_told(scripted: Scripted, target: Path) -> None:
    with pytest.raises(MissingThereError, match="nothing here"):
        download(Connection([scripted.url]), WANTED, target)
    assert not target.exists()


def test_copying_keeps_the_same_promises(target: Path, tmp_path: Path) -> None:
    source = tmp_path / "kept"
    source.write_bytes(CONTENT)
    assert copy(source, FILE, target)
    assert target.read_bytes() == CONTENT
    assert not copy(source, FILE, target)
    assert target.stat().st_ino != source.stat().st_ino
    target.write_bytes(b"mine")
    with pytest.raises(MismatchError):
        copy(source, FILE, target)
    assert not is_here(FILE, tmp_path)


@pytest.mark.parametrize("start", [0, 300])
def test_of_what_never_ends_no_more_is_written_than_is_wanted(tmp_path: Path, start: int) -> None:
    pieces, said = repeat(b"x" * 100, 1_000_000), list[int]()
    with (tmp_path / "file").open("wb") as stream:
        end = pour(pieces, stream, said.append, start=start, most=1050)
    assert end == 1100
    assert said == list(range(start + 100, 1001, 100))
    assert (tmp_path / "file").stat().st_size == 1000 - start
    assert len(list(pieces)) == 1_000_000 - len(said) - 1
