from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table

from vopub.errors import InputError
from vopub.model.observation import ResponseKind, ResponseSection, check_names
from vopub.publish.responses import MOST_ROWS, function_tables, read_response


def area(**changed: object) -> QTable:
    table = QTable({"energy_min": [1e2, 1e3] * u.GeV, "effective_area": [0.1, 3.0] * u.m**2})
    table["energy_min"].info.description = "Lower edge of the bin in true energy"
    table["effective_area"].info.description = "Effective area for charged-current interactions"
    table["energy_min"].info.meta = {"ucd": "em.energy;stat.min"}
    table["effective_area"].info.meta = {"ucd": "phys.area"}
    for name, value in changed.items():
        setattr(table["effective_area"].info, name, value)
    return table


def write(table: Table, path: Path) -> Path:
    table.write(path, format="ascii.ecsv")
    return path


def test_unit_ucd_and_description_are_read(tmp_path: Path) -> None:
    table = read_response(write(area(), tmp_path / "aeff.ecsv"))
    assert table["effective_area"].unit == u.m**2
    assert list(table["energy_min"]) == [1e2, 1e3]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"description": "area"}, "no description"),
        ({"meta": {}}, "is not a UCD1"),
        ({"meta": {"ucd": "phys.aera"}}, "is not a UCD1"),
    ],
)
def test_column_that_is_not_described_is_refused(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    path = write(area(**changed), tmp_path / "aeff.ecsv")
    with pytest.raises(InputError, match=said) as raised:
        read_response(path)
    assert "column effective_area" in str(raised.value)


def test_what_is_no_table_of_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "aeff.ecsv"
    with pytest.raises(InputError, match="no such file"):
        read_response(path)
    path.write_text("energy area\n1 2\n")
    with pytest.raises(InputError, match="no table in ECSV"):
        read_response(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no table in ECSV"):
        read_response(path)
    with pytest.raises(InputError, match="no rows"):
        read_response(write(area()[:0], tmp_path / "empty.ecsv"))
    table = area()
    table["effective_area"][1] = float("nan") * u.m**2
    with pytest.raises(InputError, match="not a number"):
        read_response(write(table, tmp_path / "nan.ecsv"))
    masked = Table(area(), masked=True)
    masked["effective_area"].mask[1] = True
    with pytest.raises(InputError, match="not a number"):
        read_response(write(masked, tmp_path / "masked.ecsv"))


def test_response_is_a_table_with_all_that_is_said(tmp_path: Path) -> None:
    table = area()
    table["bin"] = np.array([1, 2], np.uint16)
    table["bin"].info.description = "Number of the bin in true energy"
    table["bin"].info.meta = {"ucd": "meta.number"}
    table["rate"] = np.array([0.1, 1e-30], np.float32) / (u.sr * u.yr)
    table["rate"].info.description = "Rate of what passes the selection"
    table["rate"].info.meta = {"ucd": "arith.rate"}
    section = ResponseSection(
        name="aeff", kind=ResponseKind.AEFF, file="aeff.ecsv", title="Effective area",
        description="By true energy, averaged over a day.",
    )  # fmt: skip
    (made,) = function_tables([section], [write(table, tmp_path / "aeff.ecsv")])
    assert (made.name, made.title) == ("aeff", "Effective area")
    assert made.description == "Effective area: By true energy, averaged over a day."
    assert [(p.name, p.dtype.value, p.unit, p.ucd) for p in made.parameters] == [
        ("energy_min", "float64", "GeV", "em.energy;stat.min"),
        ("effective_area", "float64", "m**2", "phys.area"),
        ("bin", "int32", "", "meta.number"),
        ("rate", "float32", "sr**-1.yr**-1", "arith.rate"),
    ]
    assert made.parameters[0].description == "Lower edge of the bin in true energy"
    rows = [[float(word) for word in line.split(",")] for line in made.lines]
    assert [row[:3] for row in rows] == [[100.0, 0.1, 1.0], [1000.0, 3.0, 2.0]]
    assert [np.float32(row[3]) for row in rows] == [np.float32(0.1), np.float32(1e-30)]


def test_response_that_is_too_long_for_a_descriptor_is_refused(tmp_path: Path) -> None:
    table = area()
    long = Table({name: np.repeat(table[name], MOST_ROWS // 2 + 1) for name in table.colnames})
    for name in table.colnames:
        long[name].info.description = table[name].info.description
        long[name].info.meta = table[name].info.meta
    with pytest.raises(InputError, match=r"has 100002 rows(.|\n)*at most 100000"):
        read_response(write(long, tmp_path / "long.ecsv"))


def test_response_cannot_be_called_like_a_word_of_adql() -> None:
    section = ResponseSection(
        name="value", kind=ResponseKind.AEFF, file="aeff.ecsv", title="Effective area",
        description="By true energy, averaged over a day.",
    )  # fmt: skip
    with pytest.raises(ValueError, match="no response can be called value"):
        check_names((section,))
