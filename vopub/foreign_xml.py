"""XML from outside, without what leads out of it: document types, entities, data elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from vopub.errors import FileError
from vopub.files import CHUNK, cannot


class _RefusedError(Exception):
    """Something in a document that is not to be followed."""


class _Plain(ET.TreeBuilder):
    """Builds a tree of a document that declares nothing."""

    def doctype(self, *_declared: str | None) -> None:
        raise _RefusedError("declares a document type, which is not read")


class _Self(_Plain):
    """Builds no tree, but sees that a VOTable has its data in itself."""

    def start(self, tag: Any, attributes: Any) -> Any:
        if local(tag) == "STREAM" and any(local(name) == "href" for name in attributes):
            raise _RefusedError("has its data elsewhere, which is not asked for")

    def end(self, tag: Any) -> Any:
        """Leave it: there is no tree."""

    def data(self, _text: Any) -> None:
        """Leave it: there is no tree."""

    def close(self) -> Any:
        return None


def parse(path: Path) -> ET.Element:
    """Return the root of a document.

    Raises
    ------
    FileError
        If it cannot be read, is no XML, or declares a document type, with which entities come.
    """
    root: ET.Element = _fed(path, _Plain())
    return root


def check_votable(path: Path) -> None:
    """Raise ``FileError`` if a VOTable is no XML, declares a document type or leads elsewhere."""
    _fed(path, _Self())


def local(name: str) -> str:
    """Return the name of an element or an attribute without its namespace."""
    return name.rpartition("}")[2]


def _fed(path: Path, target: ET.TreeBuilder) -> Any:
    parser = ET.XMLParser(target=target)  # noqa: S314 - document types are refused
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                parser.feed(piece)
        return parser.close()
    except OSError as error:
        raise cannot("read", path, error) from error
    except ET.ParseError as error:
        raise FileError(f"is no XML: {error}", where=path, hint="tell the publisher") from error
    except _RefusedError as error:
        raise FileError(str(error), where=path, hint="tell the publisher") from error
