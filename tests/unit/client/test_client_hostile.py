"""A server that means harm, or is none: one clear error, and nothing outside the directory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import html

from vopub import KM3Store
from vopub.client.faults import AwayError
from vopub.client.objects import KM3Object
from vopub.errors import ServiceError, VopubError

from ..odc.conftest import make_record  # noqa: TID252
from .conftest import SHORT, Answer, Scripted

RECORD: dict[str, Any] = json.loads(make_record(files=[], services=()).model_dump_json())
KID = RECORD["kid"]
EVIL = "<img src=x onerror=alert(1)>\x1b[2J\u202e[red]"
ENTRY = {
    "kid": KID, "identifier": "evts21_01", "version": "1.0", "ktype": "events", "title": "A title",
    "description": "A description", "collection": "", "rows": 2, "simulated": False,
}  # fmt: skip
CATALOG: dict[str, Any] = {"resources": [ENTRY], "streams": [], "collections": []}
FILE = {"name": "a.csv", "size": 3, "sha256": "0" * 64, "media_type": "text/csv"}


def say_record(scripted: Scripted, **changes: Any) -> None:
    scripted.say("/api/catalog", CATALOG)
    scripted.say(f"/api/resources/{KID}", {**RECORD, **changes})


@pytest.fixture
def store(scripted: Scripted, tmp_path: Path) -> KM3Store:
    return scripted.store(tmp_path / "cache")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"[]", b"{}", b'{"resources": 3}', b"[" * 100_000, b"\xff\xfe",
        b'{"resources": [{}], "streams": [], "collections": []}', b'{"resources": [',
        b'{"resources": [], "streams": [{"identifier": 3}], "collections": []}',
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_catalogue_is_told_and_not_kept(
    scripted: Scripted, store: KM3Store, tmp_path: Path, body: bytes
) -> None:
    scripted.say("/api/catalog", body)
    with pytest.raises(ServiceError, match="catalogue cannot be used") as caught:
        store.list()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../outside.csv", "files.0.name"), ("/etc/passwd", "files.0.name"),
        ("a/../../b", "files.0.name"), (".bashrc", "files.0.name"), ("..", "files.0.name"),
        ("a\\..\\b", "files.0.name"), ("a\0b", "files.0.name"), ("a\n", "files.0.name"),
        ("x" * 129, "files.0.name"), ("", "files.0.name"),
    ],
)  # fmt: skip
def test_a_file_name_never_leads_elsewhere(
    scripted: Scripted, store: KM3Store, tmp_path: Path, name: str, said: str
) -> None:
    say_record(scripted, files=[{**FILE, "name": name}])
    scripted.say(f"/files/{KID}/{name}", b"abc")
    with pytest.raises(ServiceError, match=said):
        store.get("evts21_01")
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "xdg"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kid": str(UUID(int=1))}, "is that of 00000000"),
        ({"identifier": "../x"}, "identifier"),
        ({"files": [{**FILE, "size": -1}]}, "files.0.size"),
        ({"files": [{**FILE, "sha256": "../../x"}]}, "files.0.sha256"),
        ({"services": [{"kind": "tap", "url": "javascript:alert(1)"}]}, "services.0.url"),
        ({"schema_version": "2.0"}, "this vopub reads 1.x: update vopub"),
        ({"publication": None}, "publication"),
    ],
)
def test_a_record_that_is_not_right_is_told(
    scripted: Scripted, store: KM3Store, changes: dict[str, Any], said: str
) -> None:
    say_record(scripted, **changes)
    with pytest.raises(ServiceError, match=said):
        store.get("evts21_01")


def test_a_newer_server_is_understood(scripted: Scripted, store: KM3Store) -> None:
    say_record(scripted, schema_version="1.7", ktype="hologram", future={"x": [1]},
               services=[{"kind": "datalink", "url": "http://h/d", "new": 1}])  # fmt: skip
    found = store.get("evts21_01")
    assert type(found) is KM3Object
    assert found.metadata["future"] == {"x": [1]}
    assert found.services[0].kind == "datalink"


def test_two_files_of_one_name_and_a_false_manifest_are_refused(
    scripted: Scripted, store: KM3Store, tmp_path: Path
) -> None:
    for files in ([FILE, FILE], [{**FILE, "name": "manifest.json"}]):
        say_record(scripted, files=files)
        store = scripted.store(tmp_path / "cache")
        with pytest.raises(ServiceError, match="two files of one name"):
            store.get("evts21_01").download(tmp_path / "to")
        assert not (tmp_path / "to").exists()


def test_names_and_titles_are_shown_as_text(
    scripted: Scripted, store: KM3Store, capsys: pytest.CaptureFixture[str]
) -> None:
    publication = {**RECORD["publication"], "title": EVIL, "description": EVIL, "version": EVIL}
    parameter = {"name": EVIL, "unit": EVIL, "description": EVIL}
    files = [{**FILE, "description": EVIL}]
    say_record(scripted, publication=publication, parameters=[parameter], files=files)
    entry = {**ENTRY, "title": EVIL, "description": EVIL}
    collection = {"identifier": "evts99_01", "title": EVIL, "description": EVIL,
                  "resources": [KID], "streams": []}  # fmt: skip
    scripted.say("/api/catalog", {**CATALOG, "resources": [entry], "collections": [collection]})
    found = store.get("evts21_01")
    group = store.get("evts99_01")
    found.show_metadata()
    found.show_paraminfo()
    group.show_metadata()
    shown = [capsys.readouterr().out, repr(found), repr(group), repr(store.list())]
    for text in shown:
        assert "[red]" in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    for item in (found, group, store.list()):
        page = html.fragment_fromstring(item._repr_html_(), create_parent=True)
        assert page.xpath("//img") == []
        assert "<img src=x onerror=alert(1)>" in "".join(page.itertext())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "location", ["http://evil.example/x", "//evil.example/x", "https://127.0.0.1/x", "file:///x"]
)
def test_another_host_is_not_followed(
    scripted: Scripted, store: KM3Store, status: int, location: str
) -> None:
    scripted.say("/api/catalog", b"", status=status, headers={"Location": location})
    with pytest.raises(ServiceError, match="leads to another server"):
        store.list()


def test_the_same_host_is_followed_but_not_for_ever(scripted: Scripted, store: KM3Store) -> None:
    scripted.say("/api/catalog", b"", status=307, headers={"Location": "/moved"})
    scripted.say("/moved", CATALOG)
    assert store.list().identifiers == ["evts21_01"]
    scripted.say("/api/catalog", b"", status=307, headers={"Location": "/api/catalog"})
    with pytest.raises(ServiceError, match="without end"):
        store.update_catalog()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"<html>", "status 500"),
        (
            503,
            b'{"error": "down \\u001b[2J for repair"}',
            "status 503: down \ufffd\\[2J for repair",
        ),
        (401, b'{"error": "no"}', "status 401: no"),
        (206, b"{}", "status 206"),
        (404, b"<html>", "there is no /api/catalog"),
        (404, b"[]", "there is no /api/catalog"),
        (418, b'{"error": {"x": 1}}', "status 418"),
    ],
)
def test_a_refusal_is_one_line(
    scripted: Scripted, store: KM3Store, status: int, body: bytes, said: str
) -> None:
    scripted.say("/api/catalog", body, status=status)
    with pytest.raises(VopubError, match=said) as caught:
        store.list()
    assert "\x1b" not in str(caught.value)


def test_a_304_that_was_not_asked_for_is_told(scripted: Scripted, store: KM3Store) -> None:
    scripted.say("/api/catalog", b"", status=304)
    with pytest.raises(ServiceError, match="answered with status 304"):
        store.list()


def test_an_answer_that_never_begins_is_given_up(scripted: Scripted, store: KM3Store) -> None:
    def never() -> Iterator[bytes]:
        threading.Event().wait(4)
        yield b""

    scripted.answers["/api/catalog"] = Answer(pieces=never)
    with pytest.raises(AwayError, match="took too long"):
        store.list()


def test_an_answer_that_trickles_is_given_up(scripted: Scripted, store: KM3Store) -> None:
    def trickle() -> Iterator[bytes]:
        while True:
            yield b" "
            threading.Event().wait(0.05)

    scripted.answers["/api/catalog"] = Answer(pieces=trickle)
    with pytest.raises(AwayError, match=rf"longer than {SHORT.document:g} s"):
        store.list()


def test_an_answer_without_end_is_cut_off(
    scripted: Scripted, store: KM3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vopub.client import connection  # noqa: PLC0415

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    monkeypatch.setattr(connection, "MOST_DOCUMENT", 1 << 20)
    scripted.answers["/api/catalog"] = Answer(pieces=endless)
    with pytest.raises(ServiceError, match="more than 1048576 bytes"):
        store.list()


def test_a_table_name_is_not_a_query(scripted: Scripted, store: KM3Store) -> None:
    table = "x; DROP TABLE events"
    say_record(scripted, services=[{"kind": "tap", "url": f"{scripted.url}/tap", "table": table}])
    with pytest.raises(ServiceError, match="is not the name of a table"):
        store.get("evts21_01").get_dataframe()
