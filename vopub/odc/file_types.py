"""Which types of files are taken: what data centres of the field hand out, and nothing that runs.

A file is known by the ending of its name; its media type must be one that such files have. What may
hold a script (SVG, XML) is served so that a browser runs nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vopub.errors import UsageError, nearest
from vopub.model.resource import FileReference

PLAIN = "application/octet-stream"
"""The media type that any file may have."""
_HDF5 = ("application/x-hdf5", "application/x-hdf", "application/vnd.hdfgroup.hdf5")
_FITS = ("application/fits", "image/fits")
_XML = ("application/xml", "text/xml", "application/x-*+xml", "application/vnd.*+xml")
_VOTABLE = ("application/x-votable+xml", "application/xml", "text/xml")
_TEXT = ("text/plain",)
_GZIP = ("application/gzip", "application/x-gzip")
STANDARD: Mapping[str, tuple[str, ...]] = {
    # Tables
    "csv": ("text/csv", *_TEXT), "tsv": ("text/tab-separated-values", *_TEXT),
    "ecsv": ("application/x-ecsv", "text/csv", *_TEXT), "vot": _VOTABLE, "votable": _VOTABLE,
    "xml": _XML, "fits": _FITS, "fit": _FITS, "parquet": ("application/vnd.apache.parquet",),
    "h5": _HDF5, "hdf5": _HDF5, "root": ("application/x-root",),
    # What is told about them
    "json": ("application/json", "application/*+json"), "jsonld": ("application/ld+json",),
    "toml": ("application/toml", *_TEXT), "yaml": ("application/yaml", *_TEXT),
    "provn": ("text/provenance-notation", *_TEXT), "txt": _TEXT, "md": ("text/markdown", *_TEXT),
    "bib": ("application/x-bibtex", *_TEXT), "pdf": ("application/pdf",),
    # Pictures and sounds
    "svg": ("image/svg+xml",), "png": ("image/png",), "jpg": ("image/jpeg",),
    "jpeg": ("image/jpeg",), "mp3": ("audio/mpeg",),
    "wav": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"), "bin": (),
    # Programs and what belongs together, packed
    "zip": ("application/zip",), "tar": ("application/x-tar",), "gz": _GZIP, "tgz": _GZIP,
}  # fmt: skip
"""Media types by the ending of names. Raw frames of KM3NeT's hydrophones end in ``bin``."""


@dataclass(frozen=True, slots=True)
class FileTypes:
    """The types of files that are taken."""

    by_ending: Mapping[str, tuple[str, ...]]
    """Patterns of media types, as the shell has them, by the ending of names in small letters."""

    def problem_of_name(self, name: str) -> str:
        """Say why a file of this name is not taken; empty if it is."""
        ending = ending_of(name)
        if ending in self.by_ending:
            return ""
        told = f"files that end in .{ending}" if ending else "files whose names have no ending"
        return f"{told} are not accepted"

    def problem_of(self, file: FileReference) -> str:
        """Say why a file that a record names cannot be one of it; empty if it can."""
        kind = file.media_type.partition(";")[0].lower()
        usual = (*self.by_ending.get(ending_of(file.name), ()), PLAIN)
        if what := self.problem_of_name(file.name):
            return what
        if any(fnmatchcase(kind, each) for each in usual):
            return ""
        return f"{file.name!r} cannot be {kind}: its ending stands for {', '.join(usual)}"

    def hint(self, name: str) -> str:
        """Return what to do about a name that is not taken."""
        close = nearest(ending_of(name), list(self.by_ending))
        meant = f"do you mean .{close[0]}? " if close else ""
        return (
            f"{meant}these are: {', '.join(sorted(self.by_ending))}; pack others into one of them"
        )

    def with_more(self, texts: Iterable[str]) -> FileTypes:
        """Return these and others, each as ``ending=media/type``.

        Raises
        ------
        UsageError
            If one is not written so.
        """
        found = dict(self.by_ending)
        for text in texts:
            ending, _, kind = text.partition("=")
            if not re.fullmatch(r"[a-z0-9]{1,16}=[a-z]+/[a-z0-9.+-]+", text):
                hint = "write the ending of the names and the media type: dat=application/x-dat"
                raise UsageError(f"{text!r} is not a type of files", hint=hint)
            found[ending] = (*found.get(ending, ()), kind)
        return FileTypes(found)


USUAL = FileTypes(STANDARD)
"""What is taken unless more is set."""


def ending_of(name: str) -> str:
    """Return what stands behind the last dot, in small letters; empty if there is none."""
    stem, _, ending = name.rpartition(".")
    return ending.lower() if stem else ""
