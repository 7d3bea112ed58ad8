"""Mirrors: asked in order for whatever the first does not have, but not for what was withdrawn."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from vopub.client.connection import Connection
from vopub.client.download import Wanted, download
from vopub.client.faults import AwayError, MissingThereError, WithdrawnError, WrongBytesError
from vopub.client.records import FileEntry
from vopub.errors import ServiceError

from ..odc.conftest import make_record  # noqa: TID252
from .conftest import SHORT, Answer, Scripted

RECORD: dict[str, Any] = json.loads(make_record(files=[], services=()).model_dump_json())
KID = RECORD["kid"]
CATALOG = {
    "resources": [
        {
            "kid": KID, "identifier": "evts21_01", "version": "1.0", "ktype": "events",
            "title": "A title", "description": "A description", "collection": "", "rows": 2,
            "simulated": False,
        },
    ],
    "streams": [], "collections": [],
}  # fmt: skip
CONTENT = bytes(range(256)) * 50
SHA = hashlib.sha256(CONTENT).hexdigest()
WANTED = Wanted(UUID(KID), FileEntry(name="events.h5", size=len(CONTENT), sha256=SHA))

LEADS_AWAY = {"Location": "http://evil.example/x"}
USELESS = {
    "does not have it": Answer(b'{"error": "no such thing"}', 404),
    "is another server": Answer(b"<html>", 404),
    "has it no longer, without a tombstone": Answer(b"<html>", 410),
    "leads to another server": Answer(b"", 302, LEADS_AWAY),
    "wants to know who asks": Answer(b'{"error": "no"}', 401),
    "is not well": Answer(b"", 503),
    "sends a part": Answer(b"{}", 206, {"Content-Range": "bytes 7-8/9"}),
    "sends no part": Answer(b"", 416, {"Content-Range": "bytes */3"}),
    "says that nothing changed": Answer(b"", 304),
    "sends something else": Answer(b"<html>"),
    "sends nothing": Answer(b""),
}


@pytest.fixture
def first(scripted: Scripted) -> Scripted:
    return scripted


@pytest.fixture
def mirror() -> Iterator[Scripted]:
    server = Scripted()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    server.say("/api/catalog", CATALOG)
    server.say(f"/api/resources/{KID}", RECORD)
    server.say(WANTED.path, CONTENT)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_a_mirror_has_the_documents_that_the_first_has_not(
    first: Scripted, mirror: Scripted, tmp_path: Path, useless: Answer
) -> None:
    first.answers = {"/api/catalog": useless, f"/api/resources/{KID}": useless}
    store = first.store(tmp_path / "cache", mirror.url)
    assert store.list().identifiers == ["evts21_01"]
    assert store.get("evts21_01").metadata == RECORD


@pytest.mark.parametrize("left", [0, 100], ids=["anew", "taken up"])
@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS)
def test_a_mirror_has_the_file_that_the_first_has_not(
    first: Scripted, mirror: Scripted, tmp_path: Path, useless: Answer, left: int
) -> None:
    first.answers[WANTED.path] = useless
    (tmp_path / f".{SHA}.part").write_bytes(CONTENT[:left])
    target = tmp_path / "events.h5"
    assert download(Connection([first.url, mirror.url], patience=SHORT), WANTED, target)
    assert target.read_bytes() == CONTENT


def test_a_record_of_something_else_is_not_taken(
    first: Scripted, mirror: Scripted, tmp_path: Path
) -> None:
    first.say("/api/catalog", CATALOG)
    first.say(f"/api/resources/{KID}", {**RECORD, "kid": str(UUID(int=1))})
    assert first.store(tmp_path / "cache", mirror.url).get("evts21_01").kid == UUID(KID)


def test_what_was_withdrawn_is_asked_for_nowhere_else(
    first: Scripted, mirror: Scripted, tmp_path: Path
) -> None:
    first.say("/api/catalog", CATALOG)
    first.say(f"/api/resources/{KID}", {"error": "withdrawn: wrong calibration"}, status=410)
    first.say(WANTED.path, {"error": "withdrawn: wrong calibration"}, status=410)
    with pytest.raises(WithdrawnError, match="wrong calibration"):
        first.store(tmp_path / "cache", mirror.url).get("evts21_01")
    with pytest.raises(WithdrawnError, match="wrong calibration"):
        download(Connection([first.url, mirror.url]), WANTED, tmp_path / "events.h5")
    assert mirror.asked == []


def test_if_none_has_it_each_is_named_with_its_reason(
    first: Scripted, mirror: Scripted, tmp_path: Path
) -> None:
    mirror.say("/api/catalog", b"<html>")
    addresses = (mirror.url, "http://127.0.0.1:9")
    with pytest.raises(MissingThereError) as missing:
        first.store(tmp_path / "cache", *addresses).list()
    said = str(missing.value)
    assert said.startswith(f"{first.url}: nothing here; {mirror.url}: the catalogue cannot be used")
    assert said.count("; ") == 2
    assert said.endswith("the Open Data Center at http://127.0.0.1:9 does not answer")
    first.say("/api/catalog", b"", status=302, headers=LEADS_AWAY)
    with pytest.raises(ServiceError, match=r"leads to another server, .*; .*; .*not answer; if "):
        first.store(tmp_path / "cache", *addresses).list()
    first.say("/api/catalog", b"", status=503)
    with pytest.raises(AwayError, match=r"status 503; .*cannot be used.*; .*not answer; try"):
        first.store(tmp_path / "cache", *addresses).list()


def test_wrong_bytes_are_told_before_all_else(
    first: Scripted, mirror: Scripted, tmp_path: Path
) -> None:
    mirror.say(WANTED.path, b"wrong")
    connection = Connection([first.url, mirror.url])
    with pytest.raises(WrongBytesError, match=r": nothing here; .* is not the file of the record"):
        download(connection, WANTED, tmp_path / "events.h5")
    assert not (tmp_path / "events.h5").exists()
