from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from astropy import units as u

from vopub.client.cache import Cache
from vopub.client.functions import Function, LookUpTable, RangeWarning
from vopub.client.objects import KM3Object
from vopub.client.records import (
    FileEntry,
    ParameterEntry,
    PublicationEntry,
    Record,
    RemoteEntry,
)
from vopub.client.source import Source
from vopub.errors import FileError, UsageError

from .conftest import Scripted

BACKGROUND = (6720.96, 70.914, -0.613972, -0.000920235, 5.27896e-05, -4.42398e-07, -3.97395e-09)
"""Coefficients of ANTARES's background, and below its value, as KM3NeT published them."""
AT_20 = 7893.0656496
DECLINATION = ParameterEntry(name="xvalue", unit="deg", range=(-90, 90))
COUNT = ParameterEntry(name="returnvalue", unit="")
ACCEPTANCE = (
    ParameterEntry(name="xaxis", unit="deg", range=(-90, 90)),
    ParameterEntry(name="yaxis", range=(1.5, 3.0)),
    ParameterEntry(name="returnvalue", unit="cm2.s/GeV"),
)
GRID = {"xaxis": [-90, -30, 30, 90], "yaxis": [1.5, 2.0, 3.0], "values": [[1, 2, 3], [4, 5, 6],
        [7, 8, 9]]}  # fmt: skip


Kind = TypeVar("Kind", bound=KM3Object)


def make(kind: type[Kind], place: Path, content: Any, *parameters: ParameterEntry) -> Kind:
    """Make an object whose file lies in the cache."""
    body = json.dumps(content).encode()
    digest = hashlib.sha256(body).hexdigest()
    source = Source(["http://odc.test"], Cache(place), offline=True)
    source.cache.file(digest).parent.mkdir(parents=True, exist_ok=True)
    source.cache.file(digest).write_bytes(body)
    file = FileEntry(name="x.json", size=len(body), sha256=digest, media_type="application/json")
    record = Record(
        schema_version="1.0", kid=UUID(int=1), identifier="ana20_01_x", ktype="function",
        publication=PublicationEntry(title="x", version="1"), parameters=parameters, files=(file,),
    )  # fmt: skip
    return kind(b"{}", record, source)


def function(place: Path) -> Function:
    content = {"functiontype": "polynomial", "coefficients": BACKGROUND}
    return make(Function, place, content, DECLINATION, COUNT)


def test_a_polynomial_has_the_published_value(tmp_path: Path) -> None:
    background = function(tmp_path)
    assert background.functiontype == "polynomial"
    assert background.data == list(BACKGROUND)
    assert background.evaluate(20) == pytest.approx(AT_20, rel=1e-10)
    assert isinstance(background.evaluate(20), float)
    assert background.evaluate((20 * u.deg).to(u.rad)) == pytest.approx(AT_20, rel=1e-10)
    several = background.evaluate(np.array([[20.0, 20.0]]))
    assert several.shape == (1, 2)
    assert background.evaluate(20, quantities=True).unit == u.dimensionless_unscaled


def test_out_of_range_is_told_and_not_a_number(tmp_path: Path) -> None:
    with pytest.warns(RangeWarning, match=r"x value 100 out of range\. Range is \[-90, 90\]"):
        values = function(tmp_path).evaluate([20, 100])
    assert np.isnan(values).tolist() == [False, True]


def test_a_table_by_bins_and_points(tmp_path: Path) -> None:
    table = make(LookUpTable, tmp_path, GRID, *ACCEPTANCE)
    assert table.lookup(xvalue=-90, yvalue=1.5) == 1
    assert table.lookup(xvalue=-30, yvalue=1.5) == 4
    assert table.lookup(xvalue=90, yvalue=3.0) == 9
    assert table.lookup(xvalue=0 * u.rad, yvalue=2.4) == 5
    assert table.lookup(xvalue=0, yvalue=2.6) == 6
    assert table.lookup([-60, 0, 60], 1.5).tolist() == [1, 4, 7]
    found = table.lookup(0, 2, quantities=True)
    assert found.to(u.m**2 * u.s / u.GeV).value == pytest.approx(5e-4)
    with pytest.warns(RangeWarning) as told:
        assert np.isnan(table.lookup(xvalue=100, yvalue=10))
    said = [str(warning.message) for warning in told]
    assert said == ["x value 100 out of range. Range is [-90, 90]",
                    "y value 10 out of range. Range is [1.5, 3]"]  # fmt: skip
    frame = table.get_dataframe()
    assert frame.index.tolist() == [-60, 0, 60]
    assert list(map(float, frame.columns)) == [1.5, 2.0, 3.0]
    assert frame.to_numpy().tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert table.axes == ((-90, -30, 30, 90), (1.5, 2.0, 3.0))


def test_the_values_of_a_table_make_a_data_frame(tmp_path: Path) -> None:
    """As in KM3NeT's public notebooks, with a table as large as the published acceptance."""
    dice = np.random.default_rng(4)
    values = dice.uniform(0, 1e8, (20, 16))
    spectral = np.round(np.linspace(1.5, 3.0, 16), 1)
    grid = {"xaxis": np.linspace(-90, 90, 21).tolist(), "yaxis": spectral.tolist(),
            "values": values.tolist()}  # fmt: skip
    table = make(LookUpTable, tmp_path, grid, *ACCEPTANCE)
    frame = pd.DataFrame.from_dict(table.data)
    assert frame.shape == (20, 16)
    pd.testing.assert_frame_equal(frame, table.get_dataframe(), check_names=False)
    assert frame.iloc[0, 0] == table.lookup(xvalue=-85.5, yvalue=1.5) == values[0, 0]


def test_the_values_along_one_axis_make_a_data_frame(tmp_path: Path) -> None:
    table = make(LookUpTable, tmp_path, {"xaxis": [1, 2], "values": [10, 20]})
    frame = pd.DataFrame.from_dict(table.data)
    pd.testing.assert_frame_equal(frame, table.get_dataframe(), check_names=False)
    assert table.axes == ((1, 2),)


def test_a_table_of_one_axis(tmp_path: Path) -> None:
    table = make(LookUpTable, tmp_path, {"xaxis": [1, 2], "values": [10, 20]})
    assert table.lookup(1.2) == 10
    with pytest.warns(RangeWarning):
        assert np.isnan(table.lookup(2.5))
    pd.testing.assert_series_equal(
        table.get_dataframe()["returnvalue"],
        pd.Series([10.0, 20.0], index=pd.Index([1.0, 2.0], name="xaxis"), name="returnvalue"),
    )
    with pytest.raises(UsageError, match="has one axis"):
        table.lookup(1, 2)
    with pytest.raises(UsageError, match="has two axes"):
        make(LookUpTable, tmp_path, GRID).lookup(1)


@pytest.mark.parametrize(
    "change",
    [
        {"xaxis": [1, 2, 3, 4, 5]}, {"xaxis": [1, 1, 2]}, {"xaxis": []}, {"yaxis": None},
        {"values": [[1, 2, 3], [4, 5], [6, 7, 8]]}, {"values": [1, 2, 3]}, {"values": []},
        {"yaxis": [1]}, {"more": 1}, {"xaxis": [1, 2, float("inf")]},
    ],
    ids=str,
)  # fmt: skip
def test_a_grid_that_does_not_fit_is_told(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(FileError, match=r"x\.json is no LookUpData"):
        make(LookUpTable, tmp_path, {**GRID, **change}).lookup(1, 1)


def test_a_function_of_an_unknown_kind_is_told(tmp_path: Path) -> None:
    content = {"functiontype": "spline", "coefficients": [1]}
    with pytest.raises(FileError, match="functiontype"):
        make(Function, tmp_path, content).evaluate(1)


def test_a_function_without_a_file_is_told(tmp_path: Path) -> None:
    empty = function(tmp_path)
    empty.record = empty.record.model_copy(update={"files": ()})
    with pytest.raises(UsageError, match="no file of data"):
        empty.evaluate(1)


def test_a_function_and_a_table_that_another_server_keeps(
    tmp_path: Path, scripted: Scripted
) -> None:
    scripted.say("/function", {"functiontype": "polynomial", "coefficients": BACKGROUND})
    scripted.say("/table", GRID)
    background, table = function(tmp_path), make(LookUpTable, tmp_path, GRID, *ACCEPTANCE)
    for found, path in ((background, "/function"), (table, "/table")):
        far = RemoteEntry(name="far.json", url=scripted.url + path, media_type="application/json")
        found.record = found.record.model_copy(update={"files": (), "elsewhere": (far,)})
        found._source = Source([scripted.url], Cache(tmp_path / path[1:]))
    assert background.evaluate(20) == pytest.approx(AT_20, rel=1e-10)
    assert table.lookup(xvalue=-30, yvalue=1.5) == 4
