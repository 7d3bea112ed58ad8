"""Which files are taken."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from vopub.errors import UsageError
from vopub.model.resource import FileReference
from vopub.odc.client import OdcClient
from vopub.odc.exchange import export, import_into
from vopub.odc.file_types import STANDARD, USUAL, ending_of
from vopub.odc.store import Store

from .conftest import TOKEN, Centre, make_record, product, products, start, upload

REFUSED = (
    "a.jar", "A.EXE", "x.svg.js", "x.html", "x.xhtml", "x.svgz", "x.mjs", "x.dat", "csv", "x.",
    "README", "a.csv.php", "x.SH", "x.wasm",
)  # fmt: skip


def put(centre: Centre, name: str) -> tuple[int, str]:
    headers = {"X-Checksum-SHA256": hashlib.sha256(b"x").hexdigest()}
    answer = centre.http.put(f"/files/{make_record().kid}/{name}", content=b"x", headers=headers)
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.parametrize("name", REFUSED)
def test_files_of_other_types_are_refused(centre: Centre, name: str) -> None:
    status, error = put(centre, name)
    assert status == 422
    assert "not accepted; " in error
    assert "these are: bib, bin, csv" in error
    assert [path for path in (centre.directory / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("ending", [*STANDARD, "CSV", "tar.gz"])
def test_files_of_the_field_are_taken(centre: Centre, ending: str) -> None:
    assert put(centre, f"a.{ending}")[0] == 201


def test_a_misspelt_ending_is_told(centre: Centre) -> None:
    assert "do you mean .parquet?" in put(centre, "a.parqet")[1]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.csv", "text/html"), ("a.svg", "text/html"), ("a.xml", "application/xhtml+xml"),
        ("a.json", "text/javascript"), ("a.txt", "text/html; charset=utf-8"),
        ("a.bin", "image/svg+xml"), ("a.png", "image/svg+xml"),
    ],
)  # fmt: skip
def test_no_file_is_handed_out_as_what_it_is_not(
    centre: Centre, name: str, media_type: str
) -> None:
    file = product(name, b"<script>alert(1)</script>", media_type)
    record = make_record(files=[file], services=())
    address = f"/files/{record.kid}/{name}"
    headers = {"X-Checksum-SHA256": file.reference.sha256}
    assert centre.http.put(address, content=file.content, headers=headers).status_code == 201
    for path, body in (
        (f"/api/resources/{record.kid}", record.model_dump_json()),
        ("/api/resources", f'{{"resources": [{record.model_dump_json()}]}}'),
    ):
        answer = centre.http.put(path, content=body)
        assert answer.status_code == 422
        (detail,) = answer.json()["detail"]
        assert detail["place"] == "files.0.media_type"
        assert media_type.partition(";")[0] in detail["what"]
    assert centre.http.get(address).status_code == 404


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.vot", "application/x-votable+xml;serialization=binary2"), ("a.csv", "text/csv"),
        ("a.metadata.json", "application/csvm+json"), ("a.xml", "application/x-votable+xml"),
        ("a.provn", "text/provenance-notation; charset=utf-8"), ("a.root", "application/x-root"),
        ("a.wav", "audio/vnd.wave"), ("a.svg", "application/octet-stream"),
    ],
)  # fmt: skip
def test_usual_media_types_are_taken(name: str, media_type: str) -> None:
    file = FileReference(name=name, media_type=media_type, size=1, sha256="0" * 64)
    assert USUAL.problem_of(file) == ""


def test_more_types_can_be_set(tmp_path: Path) -> None:
    more = USUAL.with_more(["dat=application/x-dat", "csv=application/x-table"])
    for name, kind in (("a.dat", "application/x-dat"), ("a.csv", "application/x-table")):
        file = FileReference(name=name, media_type=kind, size=1, sha256="0" * 64)
        assert USUAL.problem_of(file)
        assert more.problem_of(file) == ""
    assert more.problem_of_name("a.exe")
    for wrong in ("dat", "dat=", "=text/csv", ".dat=text/csv", "dat=text/csv;charset=utf-8"):
        with pytest.raises(UsageError, match="is not a type of files"):
            USUAL.with_more([wrong])
    assert [ending_of(name) for name in ("a.b.CSV", "a", ".csv", "a.")] == ["csv", "", "", ""]


def test_the_service_is_told_of_more_types(tmp_path: Path) -> None:
    running = start(tmp_path / "odc", "--accept", "dat=application/x-dat")
    file = product("a.dat", b"x", "application/x-dat")
    with_it = make_record(files=[*products(), file])
    with OdcClient(running.url, TOKEN) as client:
        upload(client, with_it.kid, [*products(), file], tmp_path)
        client.put_resource(with_it)
    assert running.stop() == 0


def test_records_from_before_are_kept_and_can_be_moved(tmp_path: Path, centre: Centre) -> None:
    centre.store.accepted = USUAL.with_more(["dat=application/x-dat"])
    file = product("a.dat", b"x", "application/x-dat")
    record = make_record(files=[file], services=())
    centre.put(record, [file])
    centre.store.accepted = USUAL
    assert centre.http.get(f"/files/{record.kid}/a.dat").content == b"x"
    centre.client.put_resource(record)  # equal: nothing is written
    export(centre.directory, "", tmp_path / "out")
    other = Store(tmp_path / "other")
    import_into(other, tmp_path / "out")
    assert other.get_file(record.kid, "a.dat").path.read_bytes() == b"x"
    other.close()
