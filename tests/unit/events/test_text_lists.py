"""Lists of events as text, such as the public one of ANTARES; all lists here are synthetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from vopub.errors import InputError
from vopub.events.convert import Reduction
from vopub.events.coordinates import SITES
from vopub.events.readers import open_reader
from vopub.events.readers.text import COLUMNS, TextReader
from vopub.events.times import from_modified_julian_date, modified_julian_date
from vopub.model.catalogue import known_parameters
from vopub.model.description import Cut, EventsSection
from vopub.model.event_table import EventTable, concatenate

ROWS = 200
MakeList = Callable[..., Path]


def synthetic(rows: int = ROWS) -> pd.DataFrame:
    """Return a list in the form of the public one of ANTARES, of events that never were."""
    random = np.random.default_rng(2007)
    table = pd.DataFrame(
        {
            "Decl": random.uniform(-89.3, 52.8, rows).round(1),
            "RA": random.uniform(0, 360, rows).round(1),
            "Nhit": random.integers(13, 264, rows),
            "Beta": random.uniform(0.1, 1.0, rows).round(1),
            "MJD": random.uniform(54138, 58118, rows).round(4),
        }
    )
    table.loc[[3, 50], "RA"] = 360.0
    return table


@pytest.fixture
def antares(tmp_path: Path) -> Path:
    """Give the synthetic list in a file: tabs, a title and the columns' names in front."""
    path = tmp_path / "synthetic_0717.dat"
    text = synthetic().to_csv(sep="\t", index=False)
    path.write_text("# Synthetic list, no real events\n" + text)
    return path


@pytest.fixture
def make_list(tmp_path: Path) -> MakeList:
    """Give a function that writes lines to a file."""

    def make(*lines: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return make


def section(*columns: str, keep: str = "", **fields: str) -> EventsSection:
    cuts = (Cut(name="the cut", keep=keep),) if keep else ()
    return EventsSection(
        inputs=("a",), detector="ANTARES", reconstruction="given",
        columns=("event_id", *columns), selection=cuts, **fields,
    )  # fmt: skip


def reduced(reduction: Reduction) -> EventTable:
    chunks = list(reduction)
    return concatenate(chunks[0].parameters, chunks)


def error_of(path: Path) -> str:
    with pytest.raises(InputError) as raised, open_reader(path) as reader:
        list(reader.chunks(10))
    message = str(raised.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def test_the_list_of_antares(antares: Path) -> None:
    columns = ("ra", "dec", "mjd", "angular_error", "n_hits")
    table = reduced(Reduction([antares], section(*columns), simulated=False, rows=17))
    expected = pd.read_csv(antares, sep="\t", comment="#")
    assert list(table["event_id"]) == [f"synthetic_0717.{n}" for n in range(1, ROWS + 1)]
    np.testing.assert_array_equal(table["ra"], expected["RA"] % 360)
    assert table["ra"][3] == table["ra"][50] == 0
    for column, name in (("dec", "Decl"), ("mjd", "MJD"), ("angular_error", "Beta")):
        np.testing.assert_array_equal(table[column], expected[name], err_msg=column)
    np.testing.assert_array_equal(table["n_hits"], expected["Nhit"])


def test_where_the_events_were_at_the_detector(antares: Path) -> None:
    """Compare with astropy, without the project's own transformation."""
    table = reduced(Reduction([antares], section("zenith", "azimuth"), simulated=False))
    rows = pd.read_csv(antares, sep="\t", comment="#")
    site = SITES["ANTARES"]
    sky = SkyCoord(rows["RA"].to_numpy() * u.deg, rows["Decl"].to_numpy() * u.deg, frame="icrs")
    there = sky.transform_to(
        AltAz(
            obstime=Time(rows["MJD"].to_numpy(), format="mjd", scale="utc"),
            location=EarthLocation.from_geodetic(site.longitude, site.latitude, site.height),
        )
    )
    np.testing.assert_allclose(table["zenith"], there.zen.deg, atol=1e-6)
    turned = (90 + site.convergence - there.az.deg - table["azimuth"] + 180) % 360 - 180
    np.testing.assert_allclose(turned * np.sin(there.zen.rad), 0, atol=1e-6)


def test_cuts_and_times(antares: Path) -> None:
    rows = pd.read_csv(antares, sep="\t", comment="#")
    reduction = Reduction([antares], section("mjd", keep="n_hits >= 100"), simulated=False)
    assert len(reduced(reduction)) == (rows["Nhit"] >= 100).sum()
    kept = rows[rows["Nhit"] >= 100]
    first = reduction.data_taking.first_event
    assert first is not None
    assert abs(Time(first).mjd - kept["MJD"].min()) < 1e-10
    assert reduction.data_taking.runs == ()


@pytest.mark.parametrize(
    "lines",
    [
        ("RA,Dec,MJD", "10.5,-20,55000.25"),
        ("dec;ra;mjd", "-20;10.5;55000.25"),
        ("RAJ2000 | DEJ2000 | MJD", "10.5 | -20 | 55000.25"),
        ("# ra   dec    mjd", "  10.5  -20.0  55000.25"),
        ("RA [deg],Dec (deg),MJD [d]", "10.5,-20,55000.25"),
        ("ra\tdec\tmjd", "h\tdeg\td", "0.7\t-20\t55000.25"),
        ("ra\tdec\tmjd", "(deg)\t[arcmin]\t-", "10.5\t-1200\t55000.25"),
        ('"RA","Dec","MJD"', "", "# a comment", '"10.5","-20","55000.25"', ""),
        ("\ufeffRA,Dec,MJD\r", "10.5,-20,55000.25\r"),
        ("A list of events", "from a telescope", "ra dec mjd", "10.5 -20 55000.25"),
    ],
)
def test_forms_of_lists(lines: tuple[str, ...], make_list: MakeList) -> None:
    if lines[1].startswith("h"):
        lines = (lines[0], lines[1].replace("h", "hourangle"), lines[2])
    table = reduced(Reduction([make_list(*lines)], section("ra", "dec", "mjd"), simulated=False))
    assert table["ra"] == pytest.approx([10.5], abs=1e-12)
    assert table["dec"] == pytest.approx([-20], abs=1e-12)
    assert list(table["mjd"]) == [55000.25]
    assert list(table["event_id"]) == ["list.1"]


def test_every_alias_is_known_once() -> None:
    aliases = [alias for names in COLUMNS.values() for alias in names]
    assert len(aliases) == len(set(aliases))
    assert all(alias == alias.lower() for alias in aliases)
    assert set(COLUMNS) <= set(known_parameters())


def test_names_that_the_list_gives_itself(make_list: MakeList) -> None:
    path = make_list("MJD,Beta,Nhit,RA,Decl,ID", "55000,0.3,20,10,20,ANT3412", "55001,1,20,1,2,b")
    table = reduced(Reduction([path], section("ra"), simulated=False))
    assert list(table["event_id"]) == ["ANT3412", "b"]


def test_a_name_twice_in_a_list(make_list: MakeList) -> None:
    path = make_list("ra,dec,id", "1,2,a", "1,2,b", "3,4,a")
    with pytest.raises(InputError, match=r"list\.csv"):
        list(Reduction([path], section("ra"), simulated=False))


def test_two_lists_of_one_name(make_list: MakeList, tmp_path: Path) -> None:
    one = make_list("ra,dec", "1,2", "1,3")
    (tmp_path / "other").mkdir()
    two = tmp_path / "other" / one.name
    two.write_text("ra,dec\n5,6\n")
    with pytest.raises(InputError, match=r"list\.csv"):
        list(Reduction([one, two], section("ra"), simulated=False))


def test_without_times(make_list: MakeList) -> None:
    path = make_list("ra,dec,energy", "10,20,100", "11,21,")
    reduction = Reduction([path], section("ra", "dec", "energy"), simulated=False)
    table = reduced(reduction)
    assert table["energy"][0] == 100
    assert np.isnan(table["energy"][1])
    assert reduction.data_taking.first_event is None
    with pytest.raises(InputError, match="do not give zenith, mjd") as raised:
        list(Reduction([path], section("zenith", "mjd"), simulated=False))
    assert "list.csv" in str(raised.value)


@pytest.mark.parametrize("column", ["run_id", "frame_index", "detector_id", "trigger_mask"])
def test_columns_and_cuts_that_no_list_has(column: str, antares: Path) -> None:
    for wanted in (section(column), section("ra", keep=f"{column} > 0")):
        with pytest.raises(InputError) as raised:
            list(Reduction([antares], wanted, simulated=False))
        message = str(raised.value)
        assert message.startswith(str(antares))
        assert f"'list of events (text)' do not give {column}" in message


def test_values_that_cannot_be(make_list: MakeList) -> None:
    path = make_list(
        "ra,dec,mjd", "10,20,55000", "nan,20,55000", "10,91,55000", "10,20,", "10,20,10000",
        "10,20,999999", "370,20,55000", "inf,20,55000", "10,20,1e300",
    )  # fmt: skip
    reduction = Reduction([path], section("ra", "dec"), simulated=False)
    assert len(reduced(reduction)) == 1
    reasons = {e.reason: e.events for e in reduction.account.malformed}
    assert sum(reasons.values()) == 8
    assert reasons["sky position is not a number"] == 2
    assert reasons["right ascension is outside 0 to 360 deg"] == 1
    assert reasons["time is before 2005 or in the future"] == 1
    assert reasons["time of the track is not a number"] == 3
    assert reduction.account.malformed[0].first[0] == "list.2"


def test_the_wrong_reconstruction(antares: Path) -> None:
    with open_reader(antares) as reader:
        (chunk,) = reader.chunks(ROWS)
    found, _ = chunk.tracks.best("jmuon")
    assert not found.any()


@pytest.mark.parametrize(
    ("lines", "place", "what"),
    [
        (("ra,dec,mjd", "1,2,3", "1,abc,3"), ", line 3, column dec", "'abc' is not a number"),
        (("ra,dec,mjd", "1,2,3", "1,2"), ", line 3", "2 fields, where 3 columns are named"),
        (("ra,dec,mjd", "1,2,3,4"), ", line 2", "4 fields, where 3 columns are named"),
        (("ra,dec,betta", "1,2,3"), ", line 1", "unknown column 'betta'; did you mean beta"),
        (("x", "ra,mjd,energy", "1,2,3"), ", line 2", "no column is dec; it may be called dec, d"),
        (("ra,dec,decl", "1,2,3"), ", line 1", "columns dec and decl are both dec"),
        (("ra [m],dec", "1,2"), ", line 1, column ra", "'m' is not a unit of ra; it is to be deg"),
        (("ra,dec,nhit [deg]", "1,2,3"), ", line 1, column nhit", "it has no unit"),
        (("ra,dec,id", "1,2,"), ", line 2, column id", "is empty"),
        (("ra;dec", "1,5;2"), ", line 2, column ra", "'1,5' is not a number"),
    ],
)
def test_lists_with_mistakes(
    lines: tuple[str, ...], place: str, what: str, make_list: MakeList
) -> None:
    path = make_list(*lines)
    message = error_of(path)
    assert message.startswith(f"{path}{place}: ")
    assert what in message


def test_a_field_that_is_too_long_for_csv(make_list: MakeList) -> None:
    path = make_list("ra,dec,name", "1,2,a", '1,2,"' + "x" * 200_000 + '"')
    message = error_of(path)
    assert message.startswith(f"{path}, line 3: cannot be parted into fields (field larger than")
    path = make_list("ra,dec,name", '"1","2","' + "x" * 200_000 + '"')
    assert error_of(path).startswith(f"{path}, line 2: cannot be parted")


def test_a_long_line_of_prose_before_the_names(make_list: MakeList) -> None:
    path = make_list("# title", "# " + "so, " * 900, "ra,dec", "1,2")
    path.write_text(path.read_text().replace("so, so", '"' + "so" * 100_000 + '", so', 1))
    with TextReader(path) as reader:  # what is asked first sees the beginning only
        assert reader.entries == 1


def test_underscores_are_no_digits(make_list: MakeList) -> None:
    assert "line 3, column dec: '1_0' is not a number" in error_of(
        make_list("ra,dec", "1,2", "1,1_0")
    )


@pytest.mark.parametrize(
    ("names", "line", "units"),
    [
        ("ra,dec,mjd", "nan,nan,nan", "deg,rad,d"),
        ("ra,dec,mjd", "-,-,-", "-,deg,-"),
        ("ra,dec,mjd", ",,", "[deg],,"),
        ("name,ra,dec", "first,-,nan", "-,deg,-"),
    ],
)
def test_a_first_event_without_any_number_is_no_line_of_units(
    names: str, line: str, units: str, make_list: MakeList
) -> None:
    with open_reader(make_list(names, line, "1,2,3")) as reader:
        assert reader.entries == 2
    with open_reader(make_list(names, units, "1,2,3")) as reader:
        assert reader.entries == 1


def test_bytes_that_are_no_text(make_list: MakeList) -> None:
    path = make_list("ra,dec", *["1,2"] * 5000)
    path.write_bytes(path.read_bytes() + b"\xff,1\n")
    assert "0xff is no UTF-8" in error_of(path)


@pytest.mark.parametrize(
    "text", ["", "ra", "one line of prose about ra", "1,2,3\n4,5,6", "\0ra,dec"]
)
def test_other_text_is_no_list(text: str, tmp_path: Path) -> None:
    assert not TextReader.recognises(tmp_path / "x", text.encode())


def test_the_beginning_may_end_within_a_character(tmp_path: Path) -> None:
    beginning = "ra,dec\n1,2\n# ä".encode()[:-1]
    assert TextReader.recognises(tmp_path / "x", beginning)


def test_no_event(make_list: MakeList) -> None:
    with open_reader(make_list("ra,dec,mjd")) as reader:
        assert reader.entries == 0
        assert list(reader.chunks(10)) == []


@given(st.floats(-49_000, 49_000).map(lambda days: 40_587 + days))
def test_dates_and_back(mjd: float) -> None:
    time, known = from_modified_julian_date(np.array([mjd]))
    assert known.all()
    np.testing.assert_allclose(modified_julian_date(time), [mjd], rtol=0, atol=1e-11)
