"""Nothing that was acknowledged is lost when the service is killed."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path

import httpx

from .conftest import TOKEN, make_record, start
from .killing import Writer, Written, kill_while_writing, look_for


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


def test_what_is_lost_or_half_there_is_seen(tmp_path: Path, database: str) -> None:
    options = ["--database", database] if database else []
    server = start(tmp_path / "odc", *options)
    writer = Writer(server.url, random.Random(6), count())  # noqa: S311 - the same at each run
    with httpx.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
    ) as http:
        writer.write(http)
        writer.write(http)
        writer.write_many(http)
    server.stop()
    written = writer.written
    first, second, third = [record for record, _ in written.kept.values()][:3]
    lost = make_record(version="3.0", files=[], services=())
    written.kept[str(lost.kid)] = (lost, b"")
    written.kept[str(first.kid)] = (first, b"other bytes")
    changed = third.model_copy(update={"simulated": not third.simulated})
    written.kept[str(third.kid)] = (changed, b"")
    written.together.append([str(second.kid), str(lost.kid)])
    part = next((tmp_path / "odc" / "files").iterdir()) / "left.part"
    part.touch()
    found = look_for(tmp_path / "odc", written, *options, database=database)
    wrong = [f"{record.kid} is not as it was acknowledged" for record in (first, third, lost)]
    wrong += [f"a part of {second.kid} …", f"{part} was left"]
    examined = [each for each in found.wrong if each.startswith("mismatch")]
    assert len(examined) == 1  # the same file, as the store's own look at its files sees it
    assert sorted(found.wrong) == sorted([*wrong, *examined])
