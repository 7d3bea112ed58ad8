"""Files and the site their detector stands at."""

from __future__ import annotations

from pathlib import Path

import pytest
from km3net_testdata import data_path

from vopub.errors import InputError
from vopub.events.detectors import check_site, is_unlisted, site_named
from vopub.events.readers import open_reader
from vopub.events.readers.base import FileHeader
from vopub.model.data_taking import Run


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
