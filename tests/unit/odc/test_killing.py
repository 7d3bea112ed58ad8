from __future__ import annotations

import random
from itertools import count
from pathlib import Path

from .killing import Written, kill_while_writing, look_for


def test_what_was_acknowledged_survives_being_killed(tmp_path: Path, database: str) -> None:
    written = Written()
    dice, names = random.Random(5), count()  # noqa: S311 - the same at each run
    options = ["--database", database] if database else []
    for _ in range(2):
        written.add(kill_while_writing(tmp_path / "odc", dice, names, *options))
    assert written.kept
    found = look_for(tmp_path / "odc", written, *options, database=database)
    assert found.wrong == []
    assert found.total >= len(written.kept)
