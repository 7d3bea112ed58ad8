from __future__ import annotations

import random
from itertools import count
from pathlib import Path

from vopub.model.resource import KM3OpenResource

from .killing import check_whole, kill_while_writing


def test_what_was_acknowledged_survives_being_killed(tmp_path: Path, database: str) -> None:
    kept: dict[str, tuple[KM3OpenResource, bytes]] = {}
    dice, names = random.Random(5), count()  # noqa: S311 - the same at each run
    options = ["--database", database] if database else []
    for _ in range(2):
        kept |= kill_while_writing(tmp_path / "odc", dice, names, *options)
    assert kept
    check_whole(tmp_path / "odc", kept, *options, database=database)
