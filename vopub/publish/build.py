"""What is remembered of products that were made."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vopub.errors import FileError
from vopub.model.dataset import Manifest, TableMetadata
from vopub.model.function_table import FunctionTable
from vopub.publish.state import Key
from vopub.vo.known_events import KnownEvents


class Build(BaseModel):
    """What is known of products that were made: enough to go on without reading them again."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    metadata: TableMetadata
    manifest: Manifest
    known: KnownEvents | None
    """Events to prove a service with; None if the table has no positions."""
    functions: tuple[FunctionTable, ...] | None = None
    """Responses, to be served beside the events; None if they were not yet when it was made."""


def current_build(directory: Path, record: Path, key: Key) -> Build | None:
    """Return what is known of the products if they are intact and made from the same."""
    # Imported here: all formats come with it, and most commands look at no product.
    from vopub.formats.products import read_manifest, verify  # noqa: PLC0415

    try:
        build = Build.model_validate_json(record.read_bytes())
        if build.manifest.key != key.digest or read_manifest(directory) != build.manifest:
            return None
        if build.functions is None:
            return None
        verify(directory)
    except (FileNotFoundError, ValidationError, FileError):
        return None  # whatever is missing or damaged is made again
    return build
