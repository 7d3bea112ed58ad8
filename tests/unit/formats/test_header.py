from __future__ import annotations

from collections.abc import Callable

from vopub.formats.header import header_rows
from vopub.model.dataset import EventDataset


def test_every_block_says_what_it_knows(make_dataset: Callable[[int], EventDataset]) -> None:
    metadata = make_dataset(7).metadata
    rows = header_rows(metadata)
    assert list(dict.fromkeys(row.block for row in rows)) == [
        "publication",
        "data taking",
        "parameters",
        "provenance",
        "account",
    ]
    told = {(row.block, row.entry): row for row in rows}
    assert told["publication", "licence"].value == "CC-BY-4.0"
    assert told["publication", "simulated"].value == "no"
    assert told["publication", "Cites"].value == "10.1088/0954-3899/43/8/084001"
    assert told["data taking", "run 9505 livetime"][2:4] == ("10799.125", "s")
    assert told["data taking", "run 9505 start"].value == "2021-02-24T00:03:17.250001+00:00"
    assert told["data taking", "largest energy"][2:4] == ("4321.5", "GeV")
    assert told["parameters", "ra"].value == "float64, UCD pos.eq.ra;meta.main"
    assert "Not available: " in told["parameters", "energy"].description
    step = told["provenance", "14cc13b4-560f-51eb-92c3-cdac9e86beef"]
    assert step.value == "reduce"
    assert "detector = ORCA, smallest = 0.5, cuts = 1" in step.description
    assert told["account", "cut"].value == "9"
    assert "first: km3.49.9505.1.3, km3.49.9505.1.4" in told["account", "cut"].description


def test_what_is_not_known_has_no_row(make_dataset: Callable[[int], EventDataset]) -> None:
    entries = {row.entry for row in header_rows(make_dataset(0).metadata)}
    assert "doi" not in entries
    assert "run 9506 start" not in entries
    # one run does not tell its livetime, so there is no sum
    assert "livetime" not in entries
