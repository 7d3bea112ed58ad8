"""Tables of functions beside the events, in the text of a descriptor."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from lxml import etree

from vopub.model.parameter import Dtype
from vopub.vo.descriptor import render_descriptor
from vopub.vo.known_events import known_events


def described(samples: ModuleType, **changed: Any) -> str:
    return render_descriptor(
        samples.metadata(), samples.vo(), authority="a.b", data_file="data/x.csv",
        known=known_events(samples.table()), functions=[samples.function_table(**changed)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "effective_areas"),
        ("title", "Another title of the effective area"),
        ("description", "Effective area: something else is said about it."),
        ("lines", ("1.0,10.0,90.0,135.0,7e-9",)),
    ],
)
def test_every_field_is_in_the_descriptor(samples: ModuleType, name: str, value: Any) -> None:
    text = described(samples, **{name: value})
    seen = value[0] if isinstance(value, tuple) else value
    assert seen not in described(samples)
    assert seen in text


def test_every_column_is_as_said(samples: ModuleType) -> None:
    given = samples.function_table()
    tree = etree.fromstring(described(samples).encode())
    (table,) = tree.iterfind("table[@id='aeff']")
    columns = [dict(column.attrib) for column in table.iterfind("column")]
    assert [c["name"] for c in columns] == [p.name for p in given.parameters]
    for column, p in zip(columns, given.parameters, strict=True):
        assert (column["unit"], column["ucd"], column["description"]) == (
            p.unit, p.ucd, p.description,
        )  # fmt: skip
        assert column["type"] == "double precision"
    groups = {group.get("name"): len(group) for group in table.iterfind("group")}
    assert groups == {"axes": 4, "quantities": 1}
    area = given.parameters[-1].model_copy(update={"dtype": Dtype.FLOAT32})
    assert 'type="real"' in described(samples, parameters=(*given.parameters[:-1], area))


def test_example_joins_what_is_in_bins_of_the_same_unit(samples: ModuleType) -> None:
    given = samples.function_table()
    assert given.binned == ("energy", "zenith")
    assert given.bins_of(samples.parameters()) == ("energy", "zenith")
    in_radian = tuple(
        p.model_copy(update={"unit": "rad"}) if p.unit == "deg" else p for p in given.parameters
    )
    assert samples.function_table(parameters=in_radian).bins_of(samples.parameters()) == ("energy",)
    shown = str(etree.fromstring(described(samples).encode()).xpath("string()"))
    assert "AND e.zenith >= f.zenith_min AND e.zenith < f.zenith_max" in " ".join(shown.split())
    points = given.parameters[-1:]
    without = described(samples, parameters=points, lines=("1.0", "2.0"))
    assert "AS f ON" not in without
    assert '<group name="axes"' not in without
