"""Fetching the viewer that tests show the services in."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch_aladin_lite.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which fetches a small package of our own."""
    spec = importlib.util.spec_from_file_location("fetch_aladin_lite", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    package = tmp_path / "package.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name in module.FILES:
            content = name.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    digest = hashlib.sha512(package.read_bytes()).digest()
    monkeypatch.setattr(module, "URL", package.as_uri())
    monkeypatch.setattr(module, "SHA512", base64.b64encode(digest).decode())
    return module


def test_it_is_fetched_once(script: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "share"
    assert script.main([str(target)]) == ""
    assert (target / "aladin.js").read_text() == "package/dist/aladin.js"
    (target / "aladin.js").write_text("kept")
    assert script.main([str(target)]) == ""
    assert (target / "aladin.js").read_text() == "kept"


def test_other_bytes_are_refused(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "SHA512", "of another file")
    assert "instead of of another file" in script.main([str(tmp_path / "share")])
    assert not (tmp_path / "share").exists()


def test_what_cannot_be_fetched_is_said(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "URL", (tmp_path / "nothing.tgz").as_uri())
    assert script.main([str(tmp_path / "share")]).startswith("cannot fetch file:")
    assert "name the directory" in script.main([])
