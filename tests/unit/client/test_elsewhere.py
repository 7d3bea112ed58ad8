"""Files that a record points at on other servers: from there, and compared as far as can be."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vopub.client import KM3Store
from vopub.client.elsewhere import Way, fetch
from vopub.client.faults import (
    AwayError,
    MismatchError,
    MissingHereError,
    MissingThereError,
    WrongBytesError,
)
from vopub.client.records import RemoteEntry
from vopub.client.verify import verify
from vopub.errors import ServiceError
from vopub.model.resource import RemoteFile
from vopub.odc.client import OdcClient

from ..odc.conftest import CSV, TOKEN, Server, make_record, products, upload  # noqa: TID252
from .conftest import SHORT, Answer, Scripted, three_at_once

SHA = hashlib.sha256(CSV).hexdigest()
HERE = Way(patience=SHORT, loopback=True)


@pytest.fixture
def other(scripted: Scripted) -> Scripted:
    """Give a server that is not the Open Data Center."""
    scripted.say("/events.csv", CSV)
    return scripted


def entry(other: Scripted, path: str = "/events.csv", **said: Any) -> RemoteEntry:
    known = {"name": "events.csv", "url": other.url + path, "media_type": "text/csv"}
    return RemoteEntry.model_validate({**known, "size": len(CSV), "sha256": SHA, **said})


def leftover(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()] if directory.is_dir() else []


def test_a_file_comes_from_the_server_that_keeps_it(other: Scripted, tmp_path: Path) -> None:
    target = tmp_path / "place" / "events.csv"
    assert fetch(entry(other), target, HERE)
    assert not fetch(entry(other), target, HERE)
    assert target.read_bytes() == CSV
    assert leftover(target.parent) == ["events.csv"]
    assert len(other.asked) == 1


@pytest.mark.parametrize(
    "said", [{"sha256": "ab" * 32}, {"size": len(CSV) - 1}, {"size": len(CSV) + 1}], ids=str
)
def test_another_file_is_not_taken(other: Scripted, tmp_path: Path, said: dict[str, Any]) -> None:
    target = tmp_path / "place" / "events.csv"
    with pytest.raises(WrongBytesError, match="not the file of the record"):
        fetch(entry(other, **said), target, HERE)
    assert leftover(target.parent) == []


def test_without_a_checksum_it_is_said_that_nothing_was_compared(
    other: Scripted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "vopub.client"):
        assert fetch(entry(other, sha256=None, size=None), tmp_path / "events.csv", HERE)
    assert "events.csv came from 127.0.0.1; its record says no checksum" in caplog.text
    with caplog.at_level(logging.WARNING, "vopub.client"):
        caplog.clear()
        fetch(entry(other), tmp_path / "compared.csv", HERE)
    assert caplog.text == ""


REST = Answer(CSV[30:], 206, {"Content-Range": f"bytes 30-{len(CSV) - 1}/{len(CSV)}"})


def broken() -> Answer:
    """Return a connection that breaks off after thirty bytes."""
    return Answer(headers={"Content-Length": str(len(CSV))}, pieces=lambda: iter([CSV[:30]]))


@pytest.mark.parametrize("size", [len(CSV), None])
def test_what_broke_off_is_taken_up_if_its_checksum_is_known(
    other: Scripted, tmp_path: Path, size: int | None
) -> None:
    target = tmp_path / "place" / "events.csv"
    other.answers["/events.csv"] = broken()
    with pytest.raises(AwayError, match="cannot be had"):
        fetch(entry(other, size=size), target, HERE)
    assert leftover(target.parent) == [f".{SHA}.part"]
    other.answers["/moved"] = Answer(b"whole", part=REST)
    other.say("/events.csv", b"", status=302, headers={"Location": "/moved"})
    assert fetch(entry(other, size=size), target, HERE)
    assert target.read_bytes() == CSV
    assert leftover(target.parent) == ["events.csv"]
    assert [asked.get("range") for _, asked in other.asked] == [None, "bytes=30-", "bytes=30-"]


def test_without_a_checksum_it_begins_anew(other: Scripted, tmp_path: Path) -> None:
    target = tmp_path / "place" / "events.csv"
    other.answers["/events.csv"] = broken()
    with pytest.raises(AwayError, match="cannot be had"):
        fetch(entry(other, sha256=None), target, HERE)
    assert leftover(target.parent) == []
    other.answers["/events.csv"] = Answer(CSV, part=REST)
    assert fetch(entry(other, sha256=None), target, HERE)
    assert target.read_bytes() == CSV


@pytest.mark.parametrize(
    "part",
    [
        Answer(CSV),
        Answer(CSV[40:], 206, {"Content-Range": f"bytes 40-{len(CSV) - 1}/{len(CSV)}"}),
        Answer(CSV[30:], 206),
        Answer(b"", 416, {"Content-Range": f"bytes */{len(CSV)}"}),
        Answer(b"x" * len(CSV[30:]), 206, REST.headers),
        Answer(CSV, 206, REST.headers),
        Answer(CSV[30:-1], 206, REST.headers),
    ],
    ids=["whole", "other range", "no range", "no part", "other bytes", "too much", "too little"],
)
def test_if_the_rest_is_not_what_was_asked_for_it_begins_anew(
    other: Scripted, tmp_path: Path, part: Answer
) -> None:
    (tmp_path / f".{SHA}.part").write_bytes(CSV[:30])
    other.answers["/events.csv"] = Answer(CSV, part=part)
    assert fetch(entry(other), tmp_path / "events.csv", HERE)
    assert (tmp_path / "events.csv").read_bytes() == CSV
    assert other.asked[0][1]["range"] == "bytes=30-"
    assert leftover(tmp_path) == ["events.csv"]


@pytest.mark.parametrize("left", [b"rubbish" * 4, b"x" * len(CSV), CSV + b"more"], ids=len)
def test_what_does_not_belong_to_the_file_is_not_kept(
    other: Scripted, tmp_path: Path, left: bytes
) -> None:
    (tmp_path / f".{SHA}.part").write_bytes(left)
    beyond = Answer(b"", 416)
    other.answers["/events.csv"] = Answer(CSV, part=beyond if len(left) >= len(CSV) else REST)
    assert fetch(entry(other), tmp_path / "events.csv", HERE)
    assert (tmp_path / "events.csv").read_bytes() == CSV


def test_what_came_whole_is_not_asked_for_again(other: Scripted, tmp_path: Path) -> None:
    (tmp_path / f".{SHA}.part").write_bytes(CSV)
    assert fetch(entry(other), tmp_path / "events.csv", HERE)
    assert (tmp_path / "events.csv").read_bytes() == CSV
    assert other.asked == []


def test_two_at_once_fetch_it_once(other: Scripted, tmp_path: Path) -> None:
    def slowly() -> Iterator[bytes]:
        threading.Event().wait(0.3)
        yield CSV

    other.answers["/events.csv"] = Answer(pieces=slowly)
    done = three_at_once(lambda: fetch(entry(other), tmp_path / "events.csv", HERE))
    assert sorted(done) == [False, False, True]
    assert len(other.asked) == 1
    assert leftover(tmp_path) == ["events.csv"]


def test_nothing_is_overwritten(other: Scripted, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("mine")
    with pytest.raises(MismatchError, match="left as it is"):
        fetch(entry(other), tmp_path / "events.csv", HERE)
    assert not fetch(entry(other, sha256=None, size=None), tmp_path / "events.csv", HERE)
    assert (tmp_path / "events.csv").read_text() == "mine"


def test_private_servers_are_not_asked_for_a_public_record(other: Scripted, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="not public"):
        fetch(entry(other), tmp_path / "events.csv", Way(patience=SHORT))
    assert other.asked == []


def test_what_is_not_there_is_told_apart(other: Scripted, tmp_path: Path) -> None:
    target = tmp_path / "events.csv"
    other.say("/gone", b"", status=410)
    other.say("/broken", b"", status=503)
    other.say("/round", b"", status=302, headers={"Location": "/round"})
    with pytest.raises(MissingThereError, match=r"no events\.csv any more"):
        fetch(entry(other, "/gone"), target, HERE)
    for path in ("/broken", "/round"):
        with pytest.raises(AwayError):
            fetch(entry(other, path), target, HERE)
    nowhere = {"url": "http://nobody.samples.km3net.invalid/x"}
    with pytest.raises(AwayError, match="cannot be had"):
        fetch(entry(other, **nowhere), target, HERE)
    assert leftover(tmp_path) == []


def register(odc: Server, other: Scripted, work: Path, version: str) -> None:
    kept = products("evts20_01")[2:3]
    there = RemoteFile(
        name="far.csv", media_type="text/csv", url=f"{other.url}/on", size=len(CSV), sha256=SHA
    )
    open_ = RemoteFile(name="open.csv", media_type="text/csv", url=f"{other.url}/events.csv")
    record = make_record(
        "evts20_01", version=version, files=kept, elsewhere=[there, open_], parameters=(),
        rows=2, services=(), ktype="publication",
    )  # fmt: skip
    with OdcClient(odc.url, TOKEN) as client:
        upload(client, record.kid, kept, work)
        client.put_resource(record)


def test_a_store_gets_them_with_all_others(
    odc: Server, other: Scripted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other.say("/on", b"", status=302, headers={"Location": "/events.csv"})
    register(odc, other, tmp_path, "71")
    store = KM3Store(odc.url, cache=tmp_path / "cache", patience=SHORT)
    resource = store.get("evts20_01")
    with caplog.at_level(logging.WARNING, "vopub.client"):
        paths = resource.download(tmp_path / "all")
    assert [path.name for path in paths] == ["evts20_01.json", "far.csv", "open.csv"]
    assert paths[1].read_bytes() == paths[2].read_bytes() == CSV
    (said,) = [line for line in caplog.text.splitlines() if "no checksum" in line]
    assert "open.csv" in said
    assert verify(tmp_path / "all", store._source).error(tmp_path / "all") is None
    kept = resource.path("far.csv")
    kept.write_bytes(b"damaged")
    assert resource.path("far.csv").read_bytes() == CSV
    away = KM3Store(odc.url, cache=tmp_path / "cache", offline=True).get("evts20_01")
    assert away.path("far.csv") == kept
    with pytest.raises(MissingHereError, match=r"open\.csv is not in"):
        away.path("open.csv")
