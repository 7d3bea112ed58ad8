"""What goes with a table of events: its runs as a table, and charts of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vopub.events.cutflow import draw_cut_flow
from vopub.formats.csv import CsvWriter, metadata_path
from vopub.formats.products import ExtraFile
from vopub.model.dataset import TableMetadata
from vopub.model.description import ResourceDescription
from vopub.model.event_table import EventAccount
from vopub.model.resource import Coverage, FileRole
from vopub.model.run_table import run_table
from vopub.vo.registry import published_title


def run_files(metadata: TableMetadata, directory: Path) -> Iterator[ExtraFile]:
    """Write the table of runs as ``<id>.runs.csv``, with its own metadata file.

    Parameters
    ----------
    metadata
        Of the table of events; the runs' title and columns are put in place of its own.
    directory
        Where to write.
    """
    table = run_table(metadata.data_taking)
    publication = metadata.publication.model_copy(
        update={
            "title": f"Runs of: {published_title(metadata)}",
            "description": f"The data-taking runs that the events of {metadata.identifier} were "
            "taken in: each row is one run with start, stop, livetime and number of events.",
        }
    )
    about = metadata.model_copy(
        update={
            "publication": publication,
            "parameters": table.parameters,
            "rows": len(table),
            "account": EventAccount(),
            "cut_flow": (),
            "coverage": Coverage(),
        }
    )
    path = directory / f"{metadata.identifier}.runs.csv"
    with CsvWriter.open(path, table.parameters) as writer:
        writer.append(table)
        writer.finish(about)
    data, described = CsvWriter.products
    yield ExtraFile(
        path,
        data.media_type,
        FileRole.RUNS,
        "Runs that the events were taken in: start, stop, livetime and number of events.",
    )
    yield ExtraFile(
        metadata_path(path),
        described.media_type,
        FileRole.METADATA,
        "Metadata of the table of runs: what its columns mean.",
    )


def cut_flow_chart(
    metadata: TableMetadata, description: ResourceDescription, directory: Path
) -> ExtraFile:
    """Draw how many events each step left, of all and of each file, as ``<id>.cutflow.svg``.

    Parameters
    ----------
    metadata
        Of the table of events.
    description
        Says what each cut keeps.
    directory
        Where to write.
    """
    path = directory / f"{metadata.identifier}.cutflow.svg"
    path.write_bytes(
        draw_cut_flow(
            metadata.account,
            title=metadata.publication.title,
            simulated=metadata.simulated,
            expressions={cut.name: cut.keep for cut in description.events.selection},
            files=metadata.cut_flow,
        )
    )
    about = "Events that entered each step of the selection, and that were left after it."
    return ExtraFile(path, "image/svg+xml", FileRole.PREVIEW, about)
