"""Whether a directory holds what the Open Data Center says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from vopub.client.download import is_here
from vopub.client.faults import MismatchError, MissingHereError, MissingThereError
from vopub.client.objects import MANIFEST_NAME
from vopub.client.opening import open_object
from vopub.client.records import DirectoryManifest, FileEntry, first_problem
from vopub.client.source import Source
from vopub.errors import FileError, VopubError
from vopub.files import cannot


class Verdict(StrEnum):
    """What is found about a file."""

    OK = "ok"
    MISMATCH = "mismatch"
    """It is another one than the published one."""
    MISSING_THERE = "missing there"
    """The manifest names it, the Open Data Center does not."""
    MISSING_HERE = "missing here"
    """It is published, and not in the directory."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a file."""

    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """What was found about a directory."""

    identifier: str
    version: str
    kid: UUID
    files: tuple[Finding, ...]

    def error(self, directory: Path) -> VopubError | None:
        """Return what is wrong, the gravest first; None if all is well."""
        kinds = {
            Verdict.MISMATCH: MismatchError,
            Verdict.MISSING_THERE: MissingThereError,
            Verdict.MISSING_HERE: MissingHereError,
        }
        for verdict, kind in kinds.items():
            names = [f.name for f in self.files if f.verdict is verdict]
            if names:
                what = f"{verdict.value}: {', '.join(names)}"
                return kind(what, where=directory, hint=_HINTS[verdict])
        return None


_HINTS = {
    Verdict.MISMATCH: "move these away and get the resource again",
    Verdict.MISSING_THERE: "another version may have them: look at its page",
    Verdict.MISSING_HERE: "get the resource again into this directory",
}


def verify(directory: Path, source: Source) -> Report:
    """Compare a directory that ``get`` or ``publish`` made with the record of its resource.

    Other files in the directory are not looked at.

    Raises
    ------
    MissingHereError
        If there is no manifest.
    FileError
        If the manifest or a file cannot be read.
    MissingThereError
        If the Open Data Center has no such resource, or it was withdrawn.
    ServiceError
        If it does not answer, or its answer cannot be used.
    """
    manifest = read_manifest(directory)
    there = {file.name: file for file in open_object(manifest.kid, source).files}
    here = {file.name for file in manifest.files}
    names = list(there) + sorted(here - set(there))
    findings = tuple(Finding(name, _verdict(directory / name, there.get(name))) for name in names)
    return Report(manifest.identifier, manifest.version, manifest.kid, findings)


def read_manifest(directory: Path) -> DirectoryManifest:
    """Read what a directory says that it holds; raises as ``verify``."""
    path = directory / MANIFEST_NAME
    try:
        return DirectoryManifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        hint = "name a directory that 'vopub get' or 'vopub publish' made"
        raise MissingHereError("there is no manifest", where=path, hint=hint) from None
    except OSError as error:
        raise cannot("read", path, error) from error
    except ValidationError as error:
        what = f"is no manifest: {first_problem(error)}"
        raise FileError(what, where=path, hint="get the resource again") from error


def _verdict(path: Path, published: FileEntry | None) -> Verdict:
    if published is None:
        return Verdict.MISSING_THERE
    if not path.exists():
        return Verdict.MISSING_HERE
    return Verdict.OK if is_here(published, path) else Verdict.MISMATCH
