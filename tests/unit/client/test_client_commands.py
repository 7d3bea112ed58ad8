"""``vopub get``, ``list``, ``search`` and ``verify`` as processes, against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vopub.model.resource import KM3OpenResource
from vopub.odc.client import OdcClient

from ..odc.conftest import (  # noqa: TID252
    TOKEN,
    Server,
    make_collection,
    make_record,
    products,
    upload,
)

ROOT = Path(__file__).parents[3]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def record(writer: OdcClient, tmp_path: Path) -> KM3OpenResource:
    record = make_record(version="6", files=products(), services=())
    place = tmp_path / "work"
    place.mkdir()
    upload(writer, record.kid, products(), place)
    writer.put_resource(record)
    writer.put_collection(make_collection())
    return record


@pytest.fixture
def vopub(odc: Server, tmp_path: Path) -> Run:
    def run(*arguments: str, url: str = odc.url) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "vopub", *arguments], cwd=tmp_path, capture_output=True,
            text=True, env={**environ, "VOPUB_ODC_URL": url}, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_resource_is_got_and_verified(
    vopub: Run, record: KM3OpenResource, tmp_path: Path
) -> None:
    got = vopub("get", "evts21_01@6", "--to", "data", "--json")
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout) == [f"data/{file.name}" for file in record.files]
    for file in products():
        assert (tmp_path / "data" / file.reference.name).read_bytes() == file.content
    assert vopub("get", str(record.kid), "--to", "data").returncode == 0
    done = vopub("verify", "data", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "identifier": "evts21_01", "version": "6", "kid": str(record.kid),
        "files": {file.name: "ok" for file in record.files},
    }  # fmt: skip
    (tmp_path / "data" / "notes.txt").write_text("mine")
    assert vopub("verify", "data").returncode == 0


def test_each_thing_wrong_has_its_exit_code(
    vopub: Run, record: KM3OpenResource, tmp_path: Path, writer: OdcClient
) -> None:
    assert vopub("get", str(record.kid)).returncode == 0
    place = tmp_path / "evts21_01"
    csv, manifest = place / "evts21_01.csv", place / "manifest.json"
    csv.unlink()
    done = vopub("verify", "evts21_01")
    assert (done.returncode, "missing here: evts21_01.csv" in done.stderr) == (12, True)
    csv.write_bytes(b"mine")
    done = vopub("verify", "evts21_01")
    assert (done.returncode, "mismatch: evts21_01.csv" in done.stderr) == (10, True)
    assert vopub("get", str(record.kid)).returncode == 10
    assert csv.read_bytes() == b"mine"
    csv.unlink()
    assert vopub("get", str(record.kid)).returncode == 0
    known = json.loads(manifest.read_text())
    extra = {**known, "files": [*known["files"], {**known["files"][0], "name": "more.csv"}]}
    manifest.write_text(json.dumps(extra))
    done = vopub("verify", "evts21_01")
    assert (done.returncode, "missing there: more.csv" in done.stderr) == (11, True)
    manifest.unlink()
    assert vopub("verify", "evts21_01").returncode == 12
    manifest.write_text("{}")
    assert vopub("verify", "evts21_01").returncode == 1
    manifest.write_text(json.dumps(known))
    assert vopub("verify", "evts21_01", url="http://127.0.0.1:9").returncode == 3
    writer.delete_resource(record.kid, reason="wrong")
    done = vopub("verify", "evts21_01")
    assert (done.returncode, "was withdrawn: wrong" in done.stderr) == (11, True)
    assert vopub("get", str(record.kid)).returncode == 11


def test_listing_and_searching(vopub: Run, record: KM3OpenResource) -> None:
    assert "samples26_01" in vopub("list").stdout
    (entry,) = json.loads(vopub("list", "samples26_01", "--json").stdout)
    assert (entry["identifier"], entry["kind"]) == ("evts21_01", "resource")
    assert "evts21_01" in vopub("search", "ORCA", "up-going").stdout
    assert json.loads(vopub("search", "nothing-like-it", "--json").stdout) == []
    offline = vopub("list", "--offline", "--json")
    assert "samples26_01" in offline.stdout
    assert vopub("list", "evts99_01").returncode == 11
    assert vopub("list", "--offline", "--cache", "other").returncode == 12


def test_a_collection_has_no_files(vopub: Run, record: KM3OpenResource) -> None:
    done = vopub("get", "samples26_01")
    assert (done.returncode, "vopub list samples26_01" in done.stderr) == (2, True)


def test_without_a_server_it_is_said(vopub: Run) -> None:
    done = vopub("list", url="http://127.0.0.1:9")
    assert done.returncode == 3
    assert done.stderr == (
        "vopub: the Open Data Center at http://127.0.0.1:9 does not answer; check the address and "
        "your network\n"
    )


def test_the_token_is_not_needed(vopub: Run) -> None:
    assert TOKEN not in vopub("list", "--json").stdout


def test_what_the_small_installation_lacks_is_said(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('jinja2', 'sqlalchemy', 'uproot')));"
        "from vopub.cli import main; main(sys.argv[1:])"
    )
    for arguments, status in ((["up"], 2), (["--help"], 0)):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        if status:
            assert "pip install 'vopub[publish]'" in done.stderr
