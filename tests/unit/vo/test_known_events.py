from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from vopub.vo.known_events import KnownEvents, known_events


def test_known_events_are_the_first_the_last_and_the_outermost(samples: ModuleType) -> None:
    table = samples.table()
    known = known_events(table)
    ids = [event.event_id for event in known.events]
    expected = [0, len(table) - 1]
    expected += [int(f(table[name])) for name in ("ra", "dec") for f in (np.argmin, np.argmax)]
    assert ids == [table["event_id"][row] for row in sorted(set(expected))]
    assert known.first.ra == table["ra"][0]
    assert known.first.dec == table["dec"][0]


def test_chunks_give_the_same_events_as_the_whole(samples: ModuleType) -> None:
    table = samples.table()
    assert known_events(table.chunks(17)) == known_events(table)
    assert known_events([*table.chunks(100), table.select(slice(0, 0))]) == known_events(table)


def test_one_row_is_one_event(samples: ModuleType) -> None:
    assert len(known_events(samples.table(1)).events) == 1


def test_no_row_is_an_error(samples: ModuleType) -> None:
    with pytest.raises(ValueError, match="empty table"):
        known_events(samples.table(0))


def test_known_events_survive_being_written_as_json(samples: ModuleType) -> None:
    energy = np.full(samples.ROWS, np.inf)
    energy[0] = np.nan
    known = known_events(samples.table(energy=energy))
    assert known.first.values["energy"] is None
    assert known.events[-1].values["energy"] == np.inf
    assert KnownEvents.model_validate_json(known.model_dump_json()) == known
    assert [type(v) for v in known.first.values.values()] == [
        type(v)
        for v in KnownEvents.model_validate_json(known.model_dump_json()).first.values.values()
    ]
