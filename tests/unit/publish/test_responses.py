from __future__ import annotations

from pathlib import Path

import pytest
from astropy import units as u
from astropy.table import QTable, Table

from vopub.errors import InputError
from vopub.publish.responses import read_response


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
