"""Response functions that go with events: checked, written as VOTables, and served as tables.

A response is a table in astropy's ECSV, which a person or a script wrote: text with the unit,
description and UCD of every column. All of that goes into the VOTable, and into the VO.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import Column, Table

from vopub.errors import InputError
from vopub.formats.products import ExtraFile
from vopub.model.dataset import TableMetadata
from vopub.model.function_table import FunctionTable
from vopub.model.observation import ResponseSection
from vopub.model.parameter import Dtype, Parameter, check_name, check_ucd, check_unit
from vopub.model.resource import FileRole
from vopub.vo.datasets import response_file

VOTABLE = "application/x-votable+xml"
SHORTEST_DESCRIPTION = 10
MOST_ROWS = 100_000
"""Of a response; its rows stand in the descriptor of the table, which has to be read as a whole."""
INTEGERS = (Dtype.INT16, Dtype.INT32, Dtype.INT64)


def response_files(
    metadata: TableMetadata,
    responses: Sequence[ResponseSection],
    sources: Sequence[Path],
    directory: Path,
) -> Iterator[ExtraFile]:
    """Write each response as ``<id>.<name>.vot``.

    Parameters
    ----------
    metadata
        Of the table of events.
    responses
        What is said about the responses.
    sources
        Their files, in the same order.
    directory
        Where to write.

    Raises
    ------
    InputError
        If a file is no ECSV, has no rows, or a column lacks a unit, a UCD or a description.
    """
    for response, source in zip(responses, sources, strict=True):
        table = read_response(source)
        path = directory / response_file(metadata.identifier, response)
        _write(table, response, metadata, path)
        about = f"{response.kind.label}: {response.title}. {' '.join(response.description.split())}"
        yield ExtraFile(path, VOTABLE, FileRole.RESPONSE, about)


def function_tables(
    responses: Sequence[ResponseSection], sources: Sequence[Path]
) -> tuple[FunctionTable, ...]:
    """Return responses as tables to be served beside the events.

    Parameters
    ----------
    responses
        What is said about them.
    sources
        Their files, in the same order.

    Raises
    ------
    InputError
        As `read_response`.
    """
    return tuple(
        _function_table(response, read_response(source))
        for response, source in zip(responses, sources, strict=True)
    )


def _function_table(response: ResponseSection, table: Table) -> FunctionTable:
    return FunctionTable(
        name=response.name,
        title=response.title,
        description=f"{response.kind.label}: {response.description}",
        parameters=tuple(_parameter(column) for column in table.columns.values()),
        lines=tuple(",".join(str(value.item()) for value in row) for row in table.as_array()),
    )


def _parameter(column: Column) -> Parameter:
    return Parameter(
        name=column.name,
        dtype=_dtype(column.dtype),
        unit=_unit(column),
        ucd=str(column.meta["ucd"]),
        description=str(column.description),
    )


def _dtype(dtype: np.dtype[Any]) -> Dtype:
    """Return the type that holds all values of another."""
    if dtype.kind == "f":
        return Dtype.FLOAT32 if dtype.itemsize <= Dtype.FLOAT32.numpy.itemsize else Dtype.FLOAT64
    return next((kind for kind in INTEGERS if np.can_cast(dtype, kind.numpy)), Dtype.INT64)


def _unit(column: Column) -> str:
    return "" if column.unit is None else str(column.unit.to_string("vounit"))


def read_response(path: Path) -> Table:
    """Read the table of a response.

    Raises
    ------
    InputError
        If it is no ECSV, has no rows or too many, or a column is not described.
    """
    try:
        table = Table.read(path, format="ascii.ecsv")
    except FileNotFoundError as error:
        raise InputError("there is no such file", where=path) from error
    except (OSError, ValueError, KeyError, UnicodeDecodeError) as error:
        what = f"is no table in ECSV: {' '.join(str(error).split())}"
        raise InputError(what, where=path) from error
    if len(table) == 0:
        raise InputError("has no rows", where=path)
    if len(table) > MOST_ROWS:
        hint = f"join bins, or split it by an axis; at most {MOST_ROWS} rows are served"
        raise InputError(f"has {len(table)} rows", where=path, hint=hint)
    for column in table.columns.values():
        _check(column, path)
    return table


def _check(column: Column, path: Path) -> None:
    where = f"{path}, column {column.name}"
    try:
        check_name(column.name)
        check_unit(_unit(column))
        check_ucd(str(column.meta.get("ucd", "")))
    except ValueError as error:
        raise InputError(str(error), where=where, hint="see docs/observations.md") from error
    if len(column.description or "") < SHORTEST_DESCRIPTION:
        raise InputError("has no description that says what it is", where=where)
    if column.dtype.kind not in "iuf" or column.ndim > 1 or not np.all(np.isfinite(_plain(column))):
        raise InputError("holds something that is not a number", where=where)


def _plain(column: Column) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the numbers, and NaN where there are none."""
    return np.where(np.ma.getmaskarray(column), np.nan, np.ma.getdata(column))


def _write(table: Table, response: ResponseSection, metadata: TableMetadata, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        votable = from_table(table, table_id=response.name)
    resource = votable.resources[0]
    simulated = "These are simulated data, not observed ones. " * metadata.simulated
    resource.description = f"{simulated}{' '.join(response.description.split())}"
    infos = {
        "title": response.title,
        "response_type": response.kind.value,
        "event_type": response.event_type,
        "messenger_pdgid": response.messenger_pdgid,
        "creator": "; ".join(creator.name for creator in metadata.publication.creators),
        "rights_uri": metadata.publication.licence_url,
        "resource_version": metadata.publication.version,
        "km3_kid": str(metadata.kid),
        "km3_simulated": str(metadata.simulated).lower(),
    }
    resource.infos.extend(Info(name=name, value=text) for name, text in infos.items() if text)
    for field, column in zip(resource.tables[0].fields, table.columns.values(), strict=True):
        field.ucd = str(column.meta["ucd"])
    votable.to_xml(str(path))
