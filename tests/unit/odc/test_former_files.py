"""How long files are kept that records named once: for a day after the last one did."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from vopub.odc import backup as backup_module
from vopub.odc import keeping
from vopub.odc.backup import back_up, restore
from vopub.odc.blobs import aside
from vopub.odc.database import writing
from vopub.odc.exchange import export, import_into
from vopub.odc.keeping import Verdict, collect
from vopub.odc.store import Store

from .conftest import ROOT, make_record, product, products
from .filled import MOST, age, fill, verdicts


@pytest.fixture
def store(store: Store) -> Store:
    fill(store)
    return store


def test_files_are_kept_for_a_day_after_the_last_record_ceased_to_name_them(
    store: Store, tmp_path: Path, database: str
) -> None:
    directory = tmp_path / "odc"
    age(store, 30)
    store.withdraw(make_record(version="1.0").kid, "wrong calibration")
    store.put_resource(make_record(version="1.1", files=products()[:1]))
    assert collect(directory, database, days=0) == []  # what is withdrawn can come back
    store.life.restore(make_record(version="1.0").kid, "it was right")
    age(store, 30)
    store.put_resource(make_record(version="1.0", files=products()[:1]))
    assert collect(directory, database) == []
    age(store, 0.9)
    assert collect(directory, database) == []
    age(store, 1.1)
    left = sorted(file.reference.sha256 for file in products()[1:])
    assert sorted(collect(directory, database)) == left
    assert set(verdicts(directory, database).values()) == {Verdict.OK}


def test_files_that_an_import_replaces_are_kept_for_a_day(
    store: Store, tmp_path: Path, database: str
) -> None:
    export(tmp_path / "odc", database, tmp_path / "before")
    other = Store(tmp_path / "other")
    import_into(other, tmp_path / "before")
    for version in ("1.0", "1.1"):
        store.put_resource(make_record(version=version, files=[]))
    export(tmp_path / "odc", database, tmp_path / "after")
    age(other, 30)
    import_into(other, tmp_path / "after")
    other.close()
    assert collect(tmp_path / "other", "") == []
    assert len(collect(tmp_path / "other", "", days=0)) == 4


def test_a_backup_that_began_before_a_replacement_gets_every_file(
    store: Store, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    age(store, 30)
    copy = backup_module._copy

    def replace_and_tidy_first(*given: Any) -> Any:
        for version in ("1.0", "1.1"):
            store.put_resource(make_record(version=version, files=[]))
        assert collect(tmp_path / "odc", database) == []
        return copy(*given)

    monkeypatch.setattr(backup_module, "_copy", replace_and_tidy_first)
    back_up(tmp_path / "odc", database, tmp_path / "backup")
    monkeypatch.undo()
    restore(tmp_path / "backup", tmp_path / "restored", "")
    assert list(verdicts(tmp_path / "restored", "").values()) == [Verdict.OK] * 8


def test_what_a_record_named_while_files_are_collected_stays(
    store: Store, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = product("late.csv", b"late", "text/csv")
    record, name = make_record(version="9.0", files=[late]), late.reference.name
    store.put_file(record.kid, name, late.reference.sha256, [late.content], most=MOST)
    age(store, 30)

    def be_named_first(engine: Engine) -> Engine:
        store.put_resource(record)
        store.put_resource(make_record(version="9.0", files=[]))
        return writing(engine)

    monkeypatch.setattr(keeping, "writing", be_named_first)
    assert collect(tmp_path / "odc", database) == []
    store.put_resource(record)  # nothing has to be uploaded again
    assert set(verdicts(tmp_path / "odc", database).values()) == {Verdict.OK}


KILLED = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.unit.odc.conftest import make_record
from vopub.odc.store import Store

store = Store(Path(sys.argv[1]), sys.argv[2])
event.listen(Session, sys.argv[3], lambda session: os.kill(os.getpid(), signal.SIGKILL))
store.put_resources([make_record(version=version, files=[]) for version in ("1.0", "1.1")])
"""


@pytest.mark.parametrize(("moment", "verdict"), [("before_commit", 8), ("after_commit", 0)])
def test_who_is_killed_while_replacing_loses_no_file(
    store: Store, tmp_path: Path, database: str, moment: str, verdict: int
) -> None:
    age(store, 30)
    store.close()
    command = [sys.executable, "-c", KILLED, str(tmp_path / "odc"), database, moment]
    assert subprocess.run(command, check=False, cwd=ROOT).returncode == -signal.SIGKILL
    assert list(verdicts(tmp_path / "odc", database).values()) == [Verdict.OK] * verdict
    assert collect(tmp_path / "odc", database) == []
    assert len(collect(tmp_path / "odc", database, days=0)) == (0 if verdict else 4)


def test_a_record_whose_file_was_lost_can_be_replaced(store: Store) -> None:
    store.blobs.path(products()[0].reference.sha256).unlink()
    changed = make_record(files=products()[1:])
    store.put_resource(changed)
    assert store.get_resource(changed.kid) == changed


def test_a_file_sent_again_outlives_a_crash_of_who_was_about_to_remove_it(
    store: Store, tmp_path: Path, database: str
) -> None:
    """It is looked at again once it is aside, and a crash can come before it is back."""
    content, digest = b"once more", hashlib.sha256(b"once more").hexdigest()
    kid = make_record(version="1.1").kid
    store.put_file(kid, "more.csv", digest, [content], most=MOST)
    path = store.blobs.path(digest)
    path.rename(aside(path))
    store.close()
    again = Store(tmp_path / "odc", database)
    assert again.get_file(kid, "more.csv", digest).path.read_bytes() == content
    assert not aside(path).exists()
    again.close()
