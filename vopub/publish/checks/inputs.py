"""Files and folders that a description names."""

from __future__ import annotations

from collections.abc import Iterator

from vopub.errors import DescriptionError, FileError, InputError
from vopub.publish.checks.finding import Case, Spot
from vopub.publish.checks.registry import ERROR, of_resource
from vopub.resources import COLLECTION_NAME, find_input, read_collection


def _missing(case: Case, place: str, name: str) -> Iterator[Spot]:
    """Yield that a file is not there, or empty."""
    try:
        path = find_input(name, case.folder.description_path)
    except FileError as error:
        yield Spot(place, error.what, hint=error.hint)
        return
    if not path.is_file():
        hint = "paths are relative to the folder of the resource"
        yield Spot(place, "there is no such file", name, hint)
    elif path.stat().st_size == 0:
        yield Spot(place, "the file is empty", name)


@of_resource("VP601", ERROR, "an input is not there")
def inputs(case: Case) -> Iterator[Spot]:
    """Yield input files that are not there, and what is named twice."""
    names = case.folder.description.events.inputs
    for number, name in enumerate(names):
        yield from _missing(case, f"events.inputs.{number}", name)
        if name in names[:number]:
            yield Spot(f"events.inputs.{number}", "is named twice", name)


@of_resource("VP602", ERROR, "the good-run list is not there")
def good_runs(case: Case) -> Iterator[Spot]:
    """Yield that the file with the runs that may be used is not there."""
    if name := case.folder.description.events.good_runs:
        yield from _missing(case, "events.good_runs", name)


@of_resource("VP604", ERROR, "the collection is not there, or wrong")
def collection(case: Case) -> Iterator[Spot]:
    """Yield what is wrong with the collection that the resource is in."""
    name = case.folder.description.collection
    if not name:
        return
    root = case.folder.path.parent
    file = root / name / COLLECTION_NAME
    if not file.is_file():
        hint = f"make {name}/{COLLECTION_NAME} with id, title and description"
        yield Spot("collection", "there is no such collection", name, hint)
        return
    try:
        read_collection(root, name)
    except DescriptionError as error:
        for problem in error.problems:
            yield Spot(problem.place, problem.what, hint=problem.hint, file=file)


@of_resource("VP605", ERROR, "a response function is not there, or not described")
def responses(case: Case) -> Iterator[Spot]:
    """Yield files of response functions that are not there, or do not say what they hold."""
    for number, response in enumerate(case.folder.description.responses):
        place = f"responses.{number}.file"
        missing = list(_missing(case, place, response.file))
        yield from missing
        if not missing:
            # Imported here: it brings all that draws and covers, for what few resources have.
            from vopub.publish.responses import read_response  # noqa: PLC0415

            try:
                read_response(find_input(response.file, case.folder.description_path))
            except InputError as error:
                yield Spot(place, f"{error.where}: {error.what}", hint=error.hint)
