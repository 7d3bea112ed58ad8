"""Making HATS catalogues with the libraries hats and hats-import (extra ``hats``)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from distributed import Client
from hats.io.parquet_metadata import write_voparquet_in_common_metadata
from hats.pixel_math.healpix_shim import radec2pix
from hats_import.catalog import run_import
from hats_import.catalog.arguments import ImportArguments
from hats_import.catalog.file_readers import get_file_reader
from numpy.typing import NDArray

from vopub.model.dataset import TableMetadata

_ROWS_PER_STEP = 1 << 16
"""Rows read at a time."""


def pixels_of(order: int, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nested HEALPix pixels of some order that positions in degrees lie in."""
    return np.asarray(radec2pix(order, ra, dec), np.int64)


def import_rows(
    rows_files: Sequence[Path],
    scratch: Path,
    metadata: TableMetadata,
    *,
    rows: int,
    finest_order: int,
    rows_per_partition: int,
    sort_by: str,
) -> Path:
    """Make a catalogue of the rows in Parquet files; return its directory.

    Parameters
    ----------
    rows_files
        At least one, with the rows, with columns ``ra`` and ``dec`` in degrees.
    scratch
        Directory for the catalogue and for what lies between.
    metadata
        What is said about the table.
    rows
        How many rows there are.
    finest_order
        Order of the smallest pixels that a file can hold.
    rows_per_partition
        Most rows of a file.
    sort_by
        Column that orders rows at one place.
    """
    arguments = ImportArguments(
        output_path=scratch,
        output_artifact_name=metadata.identifier,
        input_file_list=list(rows_files),
        file_reader=get_file_reader("parquet", chunksize=_ROWS_PER_STEP),
        sort_columns=sort_by,
        use_schema_file=rows_files[0],
        expected_total_rows=rows,
        highest_healpix_order=finest_order,
        pixel_threshold=rows_per_partition,
        addl_hats_properties=_properties(metadata),
        write_table_kwargs={"compression": "zstd"},
        tmp_dir=scratch / "work",
        progress_bar=False,
    )
    # what it prints is no result of ours
    with redirect_stdout(io.StringIO()), _client(scratch) as client:
        run_import.run(arguments, client)
    catalogue = scratch / metadata.identifier
    _describe(catalogue, metadata)
    return catalogue


def _client(scratch: Path) -> Client:
    """Return who does the import: this process, on this machine only, wherever a port is free."""
    return Client(
        processes=False,
        n_workers=1,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        local_directory=str(scratch),
    )


def _properties(metadata: TableMetadata) -> dict[str, str]:
    """Return what else the properties of the catalogue say."""
    p = metadata.publication
    known = {
        "obs_title": p.title,
        "obs_description": p.description,
        "obs_copyright": p.licence,
        "obs_copyright_url": p.licence_url,
        "bib_reference": p.source,
        "hats_cols_default": ",".join(each.name for each in metadata.parameters if each.principal),
        "creator": "; ".join(person.name for person in p.creators),
        "version": p.version,
        "kid": str(metadata.kid),
        "simulated": "true" if metadata.simulated else "false",
    }
    # a property is one line
    return {key: " ".join(value.split()) for key, value in known.items() if value.strip()}


def _describe(catalogue: Path, metadata: TableMetadata) -> None:
    """Put units, UCDs and descriptions in the metadata that the files have in common."""
    parameters = metadata.parameters
    write_voparquet_in_common_metadata(
        catalogue,
        field_units={p.name: p.unit for p in parameters if p.unit},
        field_ucds={p.name: p.ucd for p in parameters},
        field_descriptions={p.name: p.description for p in parameters},
    )
