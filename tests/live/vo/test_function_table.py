"""Tables of functions beside the events: they come, change and go with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pyvo

from vopub.errors import ServiceError
from vopub.model.function_table import FunctionTable
from vopub.model.server import DachsServer
from vopub.vo.dachs import Dachs
from vopub.vo.database import query
from vopub.vo.descriptor import render_descriptor
from vopub.vo.load import bring_back, load, remove, settle
from vopub.vo.places import data_file, descriptor_id
from vopub.vo.prove import tap_url

pytestmark = pytest.mark.live

ID = "evts21_71"
Publish = Callable[..., None]


@pytest.fixture
def publish(
    server: DachsServer, samples: ModuleType, make_loader: Any, tmp_path: Path
) -> Iterator[Publish]:
    """Give what loads the events with the functions named, and keeps what was there."""

    def publish(*functions: FunctionTable, title: str = "Events with functions") -> None:
        said = samples.publication(title=title)
        dataset = samples.dataset(identifier=ID, said=said)
        loader = make_loader(tmp_path)
        given = loader.prepare(dataset)
        text = render_descriptor(
            dataset.metadata, samples.vo(), authority=samples.AUTHORITY,
            data_file=data_file(given["csv"]), known=loader.known(dataset), functions=functions,
        )  # fmt: skip
        load(server, ID, **{**given, "descriptor": text})
        settle(server, ID, keep=True)

    yield publish
    remove(server, ID)


def told(server: DachsServer) -> list[str]:
    """Return the tables that TAP tells of, all of which have rows."""
    tap = pyvo.dal.TAPService(tap_url(server))
    names = [
        str(row["table_name"])
        for row in tap.search(
            f"SELECT table_name FROM tap_schema.tables WHERE schema_name = '{ID}' ORDER BY 1"
        )
    ]
    assert names == [
        name for (name,) in query(
            server.database, "SELECT tablename FROM dc.tablemeta WHERE sourcerd = :'rd' ORDER BY 1",
            {"rd": descriptor_id(ID)},
        )
    ]  # fmt: skip
    assert all(tap.search(f"SELECT COUNT(*) AS n FROM {name}")[0]["n"] for name in names)
    return [name.partition(".")[2] for name in names]


def test_functions_are_replaced_and_brought_back_with_the_events(
    server: DachsServer, samples: ModuleType, publish: Publish
) -> None:
    area, other = samples.function_table(), samples.function_table(name="aeff_nutau", rows=3)
    publish(area)
    assert told(server) == ["aeff", "events", "runs"]
    assert Dachs(server).validate(descriptor_id(ID), compare=True) == ()
    assert Dachs(server).test(descriptor_id(ID)) == 6
    tap = pyvo.dal.TAPService(tap_url(server))
    served = tap.search(f"SELECT * FROM {ID}.aeff ORDER BY energy_min, zenith_min").to_table()
    assert [",".join(str(float(v)) for v in row) for row in served] == list(area.lines)

    publish(other)
    assert told(server) == ["aeff_nutau", "events", "runs"]
    assert tap.search(f"SELECT COUNT(*) AS n FROM {ID}.aeff_nutau")[0]["n"] == 3
    assert bring_back(server, ID)
    settle(server, ID, keep=True)
    assert told(server) == ["aeff", "events", "runs"]
    remove(server, ID)
    assert told(server) == []


def test_rows_that_are_not_all_there_are_not_published(
    server: DachsServer, samples: ModuleType, publish: Publish
) -> None:
    publish(samples.function_table())
    broken = samples.function_table(lines=("1.0,2.0,3.0,4.0,5.0", "1.0,2.0"))
    with pytest.raises(ServiceError, match="could not import"):
        publish(broken)
    assert told(server) == ["aeff", "events", "runs"]
    tap = pyvo.dal.TAPService(tap_url(server))
    assert tap.search(f"SELECT COUNT(*) AS n FROM {ID}.aeff")[0]["n"] == 6


def test_table_of_somebody_else_in_the_schema_is_left_alone(
    server: DachsServer, samples: ModuleType, publish: Publish
) -> None:
    publish(samples.function_table())
    query(server.database, f"CREATE TABLE {ID}.aeff_mine (a int)")
    try:
        with pytest.raises(ServiceError, match="also holds aeff_mine,"):
            publish(samples.function_table())
    finally:
        query(server.database, f"DROP TABLE {ID}.aeff_mine")
