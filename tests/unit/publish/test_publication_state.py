from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from vopub.publish.stages import Stage
from vopub.publish.state import (
    Key,
    PublicationState,
    begin_change,
    key_of,
    read_state,
    states,
    write_state,
)
from vopub.resources import read_folder
from vopub.settings import load_settings

ROOT = Path(__file__).parents[3]
KEY = Key(inputs="a", description="b", publisher="c", software="d")
STATE = PublicationState(
    id="evts21_01",
    kid=UUID(int=1),
    version="1.0",
    rows=230,
    key=KEY,
    page="http://127.0.0.1:8000/resources/1",
    published=datetime(2026, 11, 22, tzinfo=UTC),
)


def test_what_is_remembered_is_read_back(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    assert read_state(tmp_path, "evts21_01") == STATE
    assert states(tmp_path) == [STATE]
    assert read_state(tmp_path, "evts21_02") is None


def test_a_change_that_began_is_remembered_as_incomplete(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    begin_change(tmp_path, STATE)
    found = read_state(tmp_path, "evts21_01")
    assert found is not None
    assert not found.complete


def test_a_damaged_memory_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "evts21_01.json").write_text('{"id": "evts21_01"')
    assert read_state(tmp_path, "evts21_01") is None
    assert states(tmp_path) == []


def test_the_key_says_what_changed() -> None:
    other = KEY.model_copy(update={"inputs": "x", "software": "y"})
    assert other.changes(KEY) == "changed: inputs, software"
    assert KEY.changes(KEY) == "unchanged"
    assert KEY.changes(None) == "not published yet"
    assert KEY.digest != other.digest


def test_the_key_follows_inputs_and_description_and_nothing_else(tmp_path: Path) -> None:
    settings = load_settings(environ={}, directory=ROOT)
    folder = read_folder(ROOT / "resources" / "evts21_01")
    moved = settings.model_copy(
        update={"site": settings.site.model_copy(update={"directory": tmp_path, "odc_port": 1})}
    )
    assert key_of(folder, settings) == key_of(folder, moved)
    other = read_folder(ROOT / "resources" / "evts20_01")
    changed = key_of(other, settings)
    assert changed.changes(key_of(folder, settings)) == "changed: inputs, description"


def test_stages_come_in_order() -> None:
    assert Stage.REGISTER.reaches(Stage.CHECK)
    assert Stage.LOAD.reaches(Stage.LOAD)
    assert not Stage.CONVERT.reaches(Stage.LOAD)
