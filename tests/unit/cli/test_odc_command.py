from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.odc.conftest import products
from tests.unit.odc.filled import fill
from vopub.cli import main
from vopub.odc.store import Store
from vopub.odc.tokens import Grant, Scope

RESOURCES = Path(__file__).parents[3]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["odc", *words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_store_of_a_site_is_cared_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(RESOURCES)
    site = ["--site", str(tmp_path / "site")]
    code, _, said = run(capsys, "token", "create", "crew", "--scope", "admin", *site)
    assert (code, "there is no Open Data Center" in said) == (2, True)
    Store(tmp_path / "site" / "odc").close()
    code, token, _ = run(capsys, "token", "create", "crew", "--scope", "stream:evts21_01", *site)
    assert code == 0
    served = Store(tmp_path / "site" / "odc")  # the commands work beside the service
    assert served.tokens.grant_of(token.strip()) == Grant("crew", Scope.parse("stream:evts21_01"))
    _, listed, _ = run(capsys, "token", "list", "--json", *site)
    assert json.loads(listed)[0]["scope"] == "stream:evts21_01"
    assert token.strip() not in listed
    assert run(capsys, "token", "revoke", "crew", *site)[0] == 0
    assert served.tokens.grant_of(token.strip()) is None
    assert run(capsys, "backup", str(tmp_path / "backup"), *site)[0] == 0
    assert run(capsys, "export", str(tmp_path / "out"), *site)[0] == 0
    assert run(capsys, "import", str(tmp_path / "out"), *site)[0] == 1  # it is served
    served.close()
    other = ["--site", str(tmp_path / "other")]
    code, counts, _ = run(capsys, "restore", str(tmp_path / "backup"), *other)
    assert (code, json.loads(counts)["tokens"]) == (0, 1)
    assert run(capsys, "import", str(tmp_path / "out"), *other)[0] == 0


@pytest.mark.parametrize(("content", "code"), [(b"", 11), (b"x", 10)])
def test_what_is_wrong_with_files_is_told_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    content: bytes, code: int,
) -> None:  # fmt: skip
    monkeypatch.chdir(RESOURCES)
    site = ["--site", str(tmp_path / "site")]
    Store(tmp_path / "site" / "odc").close()
    assert run(capsys, "verify", *site)[0] == 0
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    stray = tmp_path / "site" / "odc" / "files" / "e3" / empty
    stray.parent.mkdir(parents=True)
    stray.write_bytes(content)
    assert run(capsys, "verify", *site)[0] == code
    assert run(capsys, "collect", "--days", "0", *site)[1] == f"{empty}\n"
    assert run(capsys, "verify", "--json", *site)[:2] == (0, "{}\n")


def test_a_file_that_cannot_be_read_is_told_with_all_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(RESOURCES)
    store = Store(tmp_path / "site" / "odc")
    fill(store)
    store.close()
    path = store.blobs.path(products()[0].reference.sha256)
    path.unlink()
    path.symlink_to("/proc/self/mem")  # whose first bytes are an error of input and output
    code, told, said = run(capsys, "verify", "--json", "--site", str(tmp_path / "site"))
    assert code == 10
    assert sorted(json.loads(told).values()) == ["ok"] * 6 + ["unreadable"] * 2
    assert "unreadable: " in said


@pytest.mark.parametrize(("damaged", "code"), [(True, 10), (False, 12)])
def test_a_backup_or_an_export_that_lacks_files_is_told_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    damaged: bool, code: int,
) -> None:  # fmt: skip
    monkeypatch.chdir(RESOURCES)
    store = Store(tmp_path / "site" / "odc")
    fill(store)
    paths = [store.blobs.path(product.reference.sha256) for product in products()[:2]]
    store.close()
    paths[0].unlink()
    if damaged:
        paths[1].write_bytes(b"damaged")
    site = ["--site", str(tmp_path / "site")]
    found = json.loads(run(capsys, "verify", "--json", *site)[1])
    lacking = {name: verdict for name, verdict in found.items() if verdict != "ok"}
    ended, told, said = run(capsys, "export", str(tmp_path / "out"), *site)
    assert (ended, json.loads(told)["lacking"]) == (code, lacking)
    assert all(name in said for name in lacking)
    backup = str(tmp_path / "backup")
    ended, told, said = run(capsys, "backup", backup, *site)
    assert (ended, json.loads(told)["lacking"]) == (code, lacking)
    assert said.count("\n") == 1
    assert all(name in said for name in lacking)
    other = ["--site", str(tmp_path / "other")]
    ended, told, said = run(capsys, "restore", backup, *other)
    assert (ended, json.loads(told)) == (code, {"lacking": lacking})
    assert all(name in said for name in lacking)
    ended, told, said = run(capsys, "restore", backup, "--incomplete", *other)
    assert (ended, json.loads(told)["lacking"], said) == (0, lacking, "")
    assert run(capsys, "verify", *other)[0] == 12
