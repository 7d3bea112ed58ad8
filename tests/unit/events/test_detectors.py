"""Files and the site their detector stands at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.detectors import check_detectors, check_site, is_unlisted, site_named
from vopub.events.readers import open_reader
from vopub.events.readers.base import FileHeader
from vopub.model.data_taking import Run
from vopub.model.description import EventsSection


def header(*detectors: int, name: str = "", simulated: bool | None = None) -> FileHeader:
    runs = tuple(Run(detector_id=d, run=1, source="test") for d in detectors)
    return FileHeader(
        name="a.root", layout="test", uuid=None, runs=runs, simulated=simulated, detector=name
    )


@pytest.mark.parametrize(
    ("name", "site"),
    [("D_ORCA006", "ORCA"), ("D1ARCA021", "ARCA"), ("antares", "ANTARES"), ("", None)],
)
def test_names(name: str, site: str | None) -> None:
    assert site_named(name) == site


def test_configurations_of_one_site_go_together() -> None:
    check_site(header(44, 49, 1234), "ORCA", where="f")
    check_site(header(5, name="D_ORCA010"), "ORCA", where="f")
    check_site(header(-1, 0, 20), "ARCA", where="f")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (header(133), "ARCA (detector 133)"),
        (header(44, 133), "ARCA (detector 133)"),
        (header(9, name="D_ARCA030"), "ARCA (detector D_ARCA030)"),
    ],
)
def test_another_site_is_refused(file: FileHeader, told: str) -> None:
    with pytest.raises(InputError) as raised:
        check_site(file, "ORCA", where="f.root")
    assert str(raised.value).startswith(f"f.root: is from {told}, the resource is of ORCA; set")


def test_numbers_of_simulations_say_nothing() -> None:
    check_site(header(49, simulated=True), "ARCA", where="f")
    assert is_unlisted([(49, 1), (-1, 1)])
    assert not is_unlisted([(49, 1), (44, 1)])


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("dst/orca4_sample.root", "ORCA"),
        ("dst/orca6_sample.root", "ORCA"),
        ("seatray/antares.h5", "ANTARES"),
    ],
)
def test_real_files(name: str, site: str) -> None:
    with open_reader(Path(data_path(name))) as reader:
        check_site(reader.header, site, where=name)
        with pytest.raises(InputError, match=f"is from {site}"):
            check_site(reader.header, "ARCA", where=name)


def test_only_the_detectors_that_are_named_are_let_in() -> None:
    check_detectors(header(44, 49), (), where="f")
    check_detectors(header(44, 49), (49, 44, 5), where="f")
    check_detectors(header(7, simulated=True), (49,), where="f")
    check_detectors(header(), (49,), where="f")  # a file without events
    with pytest.raises(InputError, match="f: is from detector 7, 44, the resource is of 5, 49; le"):
        check_detectors(header(44, 49, 7), (49, 5), where="f")
    silent = replace(header(), lacks=frozenset({"detector_id"}))
    with pytest.raises(InputError, match="f: does not tell its detector, the resource is of 49"):
        check_detectors(silent, (49,), where="f")


def test_a_file_from_another_detector_at_the_same_site() -> None:
    orca6, orca4 = (Path(data_path(f"dst/{name}_sample.root")) for name in ("orca6", "orca4"))
    section = EventsSection(
        inputs=("a",), detector="ORCA", detector_ids=(49,), columns=("event_id", "zenith")
    )
    reduction = Reduction([orca6], section, simulated=False)
    assert sum(map(len, reduction)) == 2495
    with pytest.raises(InputError, match="is from detector 44, the resource is"):
        list(Reduction([orca6, orca4], section, simulated=False))
