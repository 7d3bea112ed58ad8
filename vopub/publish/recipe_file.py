"""What ``vopub convert`` is told to make: a ``resource.toml``, or its ``[events]`` part alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from vopub.errors import DescriptionError, InputError, Problem
from vopub.events.readers import open_reader
from vopub.events.scale.processes import apart
from vopub.model.description import parse_description
from vopub.model.resource import ID_PATTERN
from vopub.publish.convert import Source
from vopub.resources import find_input, read_cuts, read_toml
from vopub.settings import PublisherSettings


def read_recipe(
    file: Path,
    inputs: Sequence[Path],
    publisher: PublisherSettings,
    *,
    formats: Sequence[str] = (),
    malformed: str = "",
) -> Source:
    """Read a recipe for some files.

    A recipe without ``[publication]`` gets the least that every table needs: a title and a
    description that say how it was made, and the publisher of the settings. Whether its events are
    simulated is then what the files say, unless it says so itself.

    Parameters
    ----------
    file
        The recipe.
    inputs
        The files to reduce, whatever inputs the recipe names.
    publisher
        Completes the publication metadata.
    formats
        The formats to write, instead of those that the recipe names.
    malformed
        The most malformed events, instead of what the recipe says.

    Raises
    ------
    DescriptionError
        With every problem of the recipe.
    InputError
        If nothing says whether the events are simulated.
    """
    content = read_toml(file)
    events = content.get("events")
    if isinstance(events, Mapping):
        limit = {"max_malformed": malformed} if malformed else {}
        names = [path.name for path in inputs]
        content["events"] = {**events, **limit, "inputs": names}
    if formats:
        content["products"] = {"formats": list(formats)}
    if "publication" not in content:
        content = _completed(content, file, inputs, publisher)
    description = parse_description(content, where=file, cuts=read_cuts(events, file))
    good_runs = description.events.good_runs
    return Source(
        description,
        tuple(inputs),
        find_input(good_runs, file) if good_runs else None,
        publisher,
    )


def _completed(
    content: Mapping[str, Any], file: Path, inputs: Sequence[Path], publisher: PublisherSettings
) -> dict[str, Any]:
    """Add what a table needs to a recipe that says only which events it holds."""
    if "events" not in content:
        hint = "write it like the [events] part of a resource.toml"
        raise DescriptionError([Problem("events", "is missing", hint)], where=file)
    count = f"{len(inputs)} file{'s' if len(inputs) > 1 else ''}"
    publication = {
        "title": f"Events by the recipe {file.stem}",
        "description": f"Table that 'vopub convert' made of {count} by the recipe {file.name}. It "
        "is not published: nobody gave it a title, creators or a licence.",
        "version": "0",
        "created": date.today(),  # noqa: DTZ011
        "creators": [{"name": publisher.owner}],
        "licence": "none given",
        "licence_url": publisher.reference_url,
    }
    simulated = content.get("simulated")
    return {
        "id": _identifier(file),
        "ktype": "events",
        **content,
        "simulated": _is_simulated(inputs, file) if simulated is None else simulated,
        "publication": publication,
    }


def _identifier(file: Path) -> str:
    """Return the name of the recipe, or one that holds it in the form of identifiers."""
    if re.fullmatch(ID_PATTERN, file.stem):
        return file.stem
    word = re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_")[:40] or "recipe"
    return f"events{date.today():%y}_01_{word}"  # noqa: DTZ011


def _is_simulated(inputs: Sequence[Path], file: Path) -> bool:
    """Return what the first file that tells says."""
    for path in inputs:
        simulated = apart(_says_simulated, path)
        if simulated is not None:
            return simulated
    raise InputError(
        "no file tells whether its events are simulated",
        where=file,
        hint="write 'simulated = true' or 'simulated = false' above [events]",
    )


def _says_simulated(path: Path) -> bool | None:
    with open_reader(path) as reader:
        return reader.header.simulated
