"""Finding and reading resource folders, and the files they name."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vopub.errors import DescriptionError, FileError, Problem, UsageError, did_you_mean
from vopub.model.description import (
    CollectionDescription,
    NamedCut,
    ResourceDescription,
    parse_collection,
    parse_cuts_file,
    parse_description,
)

DESCRIPTION_NAME = "resource.toml"
COLLECTION_NAME = "collection.toml"
PACKAGE_PREFIX = "package:"


@dataclass(frozen=True, slots=True)
class ResourceFolder:
    """A folder that a person owns, with a checked description."""

    path: Path
    description: ResourceDescription

    @property
    def id(self) -> str:
        """Identifier of the resource, the name of the folder."""
        return self.description.id

    @property
    def description_path(self) -> Path:
        """Path of the ``resource.toml``."""
        return self.path / DESCRIPTION_NAME

    def inputs(self) -> tuple[Path, ...]:
        """Return the paths of the input files, in the order they are named."""
        return tuple(self._input(name) for name in self.description.events.inputs)

    def good_runs(self) -> Path | None:
        """Return the path of the good-run list; None if the resource takes all runs."""
        name = self.description.events.good_runs
        return self._input(name) if name else None

    def lists(self) -> tuple[Path, ...]:
        """Return what else the table is made from, besides the inputs and the description."""
        good_runs = self.good_runs()
        return (*(() if good_runs is None else (good_runs,)), *self.responses())

    def responses(self) -> tuple[Path, ...]:
        """Return the paths of the response functions, in the order they are described."""
        return tuple(self._input(response.file) for response in self.description.responses)

    def _input(self, name: str) -> Path:
        return find_input(name, self.description_path)


def read_folder(path: Path) -> ResourceFolder:
    """Read one resource folder.

    Raises
    ------
    DescriptionError
        With every problem of its ``resource.toml``.
    """
    file = path / DESCRIPTION_NAME
    content = read_toml(file)
    cuts = read_cuts(content.get("events"), file)
    description = parse_description(content, where=file, cuts=cuts)
    _check_name(description.id, file)
    return ResourceFolder(path, description)


def read_cuts(events: object, file: Path) -> Mapping[str, NamedCut]:
    """Read the named cuts that an ``[events]`` part may use.

    Parameters
    ----------
    events
        The part as it was written in ``file``; anything else than a table has no cuts.
    file
        The file, relative to which its ``cuts_file`` is.

    Raises
    ------
    DescriptionError
        With every problem of the file of cuts.
    """
    name = events.get("cuts_file") if isinstance(events, Mapping) else None
    if not isinstance(name, str) or not name:
        return {}
    path = find_input(name, file)
    return parse_cuts_file(read_toml(path), where=path)


def find_input(name: str, file: Path) -> Path:
    """Return the path of a file that a description names.

    Parameters
    ----------
    name
        Relative to the folder of the description, or ``package:<package>/<path in it>``.
    file
        The description.

    Raises
    ------
    FileError
        If the package is not installed.
    """
    if name.startswith(PACKAGE_PREFIX):
        return _in_package(name.removeprefix(PACKAGE_PREFIX), where=file)
    return (file.parent / name).resolve()


def read_collection(root: Path, identifier: str) -> CollectionDescription:
    """Read the description of a collection in a folder under ``root``.

    Raises
    ------
    DescriptionError
        With every problem of its ``collection.toml``, also that there is none.
    """
    file = root / identifier / COLLECTION_NAME
    description = parse_collection(read_toml(file), where=file)
    _check_name(description.id, file)
    return description


def folder_names(root: Path, ids: tuple[str, ...] = ()) -> list[str]:
    """Return the names of the named resource folders under ``root``, or of all of them.

    Raises
    ------
    UsageError
        If a name is unknown, or there is no resource at all.
    """
    there = sorted(p.parent.name for p in root.glob(f"*/{DESCRIPTION_NAME}"))
    if not there:
        hint = f"make a folder with a {DESCRIPTION_NAME} in it"
        raise UsageError("there is no resource here yet", where=root, hint=hint)
    unknown = [name for name in ids if name not in there]
    if unknown:
        hint = did_you_mean(unknown[0], there)
        raise UsageError(f"no such resource: {', '.join(unknown)}", where=root, hint=hint)
    return list(ids) or there


def find_folders(root: Path, ids: tuple[str, ...] = ()) -> list[ResourceFolder]:
    """Read the named resource folders under ``root``, or all of them.

    Raises
    ------
    UsageError
        If a name is unknown, or there is no resource at all.
    DescriptionError
        With every problem of every folder.
    """
    folders, problems = [], []
    for name in folder_names(root, ids):
        try:
            folders.append(read_folder(root / name))
        except DescriptionError as error:
            problems += [
                Problem(f"{error.where}: {p.place}", p.what, p.hint) for p in error.problems
            ]
    if problems:
        raise DescriptionError(problems)
    return folders


def read_toml(file: Path) -> dict[str, Any]:
    """Read a file as it was written.

    Raises
    ------
    DescriptionError
        If it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DescriptionError([Problem("", "there is no such file")], where=file) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DescriptionError([Problem("", f"cannot be read: {error}")], where=file) from error


def _check_name(identifier: str, file: Path) -> None:
    if identifier != file.parent.name:
        what = f"{identifier!r} is not the name of its folder, {file.parent.name!r}"
        raise DescriptionError([Problem("id", what, "rename one of them")], where=file)


def _in_package(name: str, *, where: Path) -> Path:
    package, _, inner = name.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileError(
            f"input {PACKAGE_PREFIX}{name}: the Python package {package!r} is not installed",
            where=where,
            hint=f"pip install {package.replace('_', '-')}",
        )
    return Path(spec.origin).parent / inner
