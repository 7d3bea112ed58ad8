"""The product directory of a resource: its table in every format, and a manifest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from vopub.errors import FileError
from vopub.files import cannot, replacing, sha256_of, write_text
from vopub.formats.base import Product
from vopub.formats.registry import DEFAULT, Format, formats
from vopub.formats.swap import recover, staging_path, swap_in, sync
from vopub.model.dataset import DirectoryReference, InnerFile, Manifest, TableMetadata
from vopub.model.event_table import EventTable
from vopub.model.parameter import Parameter
from vopub.model.resource import FileReference, FileRole

MANIFEST_NAME = "manifest.json"
_PUBLISH_AGAIN = "publish the resource again"


@dataclass(frozen=True, slots=True)
class ExtraFile:
    """A file that goes with the table, such as a preview; it is copied."""

    path: Path
    media_type: str
    role: FileRole
    description: str


def write_products(
    directory: Path,
    stem: str,
    chunks: Iterable[EventTable],
    parameters: Sequence[Parameter],
    metadata: Callable[[int], TableMetadata],
    *,
    version: str,
    key: str,
    extra: Iterable[ExtraFile] = (),
    names: Iterable[str] = DEFAULT,
) -> Manifest:
    """Write a table in some formats, in one pass, and put the files in place all at once.

    If anything fails, or the process is killed, the directory stays as it was. One process at a
    time may write a directory: what it finds half done beside it, it removes.

    Parameters
    ----------
    directory
        Directory of the products; replaced as a whole.
    stem
        Name of the table's files without what follows the first dot.
    chunks
        The table in pieces, read once.
    parameters
        The columns in order.
    metadata
        Gives the metadata; called after the last chunk with the number of rows.
    version
        Version of the resource.
    key
        Digest of everything the files are made from.
    extra
        Files to take in. It is read after the last chunk, so that a generator can make a preview
        of what passed.
    names
        Names of the formats.

    Raises
    ------
    UsageError
        If there is no format of such a name.
    TableError
        If chunks or metadata do not fit the parameters.
    FileError
        If the disk is full or the place cannot be written.
    """
    chosen = formats(names)
    staging = _make_staging(directory)
    try:
        described, digests = _write_tables(staging, stem, chosen, chunks, parameters, metadata)
        files = [
            *_references(staging, stem, chosen, digests),
            *(_take_in(staging, file) for file in extra),
        ]
        directories = _directories(staging, stem, chosen)
        manifest = _manifest(described, version, key, files, directories)
        write_text(staging / MANIFEST_NAME, manifest.model_dump_json(indent=2) + "\n")
        _put_in_place(directory)
    finally:
        # what cannot be removed now is removed by the next call
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _make_staging(directory: Path) -> Path:
    """Make the place where files wait until they are put in place."""
    staging = staging_path(directory)
    try:
        recover(directory)
        staging.mkdir(parents=True)
        staging.chmod(0o755)  # servers under another account read it
    except OSError as error:
        raise cannot("write", directory, error) from error
    return staging


def _manifest(
    described: TableMetadata,
    version: str,
    key: str,
    files: Iterable[FileReference],
    directories: Iterable[DirectoryReference],
) -> Manifest:
    return Manifest(
        identifier=described.identifier,
        version=version,
        kid=described.kid,
        key=key,
        rows=described.rows,
        files=tuple(files),
        directories=tuple(directories),
        account=described.account,
        cut_flow=described.cut_flow,
    )


def _write_tables(
    staging: Path,
    stem: str,
    chosen: Sequence[Format],
    chunks: Iterable[EventTable],
    parameters: Sequence[Parameter],
    metadata: Callable[[int], TableMetadata],
) -> tuple[TableMetadata, Mapping[str, str]]:
    """Return what is said about the table, and the SHA-256 of files that is known already."""
    rows = 0
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                entry.writer.open(staging / f"{stem}{entry.writer.products[0].suffix}", parameters)
            )
            for entry in chosen
        ]
        with ThreadPoolExecutor(len(writers)) as threads:
            writing: list[Future[None]] = []
            for chunk in chunks:
                # The next chunk is made while the one before it is written.
                _finish(writing)
                writing = [threads.submit(writer.append, chunk) for writer in writers]
                rows += len(chunk)
            _finish(writing)
        described = metadata(rows)
        for writer in writers:
            writer.finish(described)
    return described, dict(pair for writer in writers for pair in writer.digests.items())


def _finish(writing: Iterable[Future[None]]) -> None:
    """Wait until a chunk is written in every format."""
    for future in writing:
        future.result()


def _references(
    staging: Path, stem: str, chosen: Sequence[Format], digests: Mapping[str, str]
) -> list[FileReference]:
    products = [p for entry in chosen for p in entry.writer.products if not p.directory]
    paths = [staging / f"{stem}{product.suffix}" for product in products]
    return [
        _reference(path, product, digests.get(path.name))
        for path, product in zip(paths, products, strict=True)
    ]


def _directories(
    staging: Path, stem: str, chosen: Sequence[Format]
) -> Iterator[DirectoryReference]:
    products = (p for entry in chosen for p in entry.writer.products if p.directory)
    for product in products:
        root = staging / f"{stem}{product.suffix}"
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        files = [
            InnerFile(
                path=path.relative_to(root).as_posix(),
                size=path.stat().st_size,
                sha256=sha256_of(path),
            )
            for path in paths
        ]
        yield DirectoryReference(
            name=root.name, description=product.description, files=tuple(files)
        )


def _reference(path: Path, about: Product | ExtraFile, sha256: str | None = None) -> FileReference:
    return FileReference(
        name=path.name,
        media_type=about.media_type,
        size=path.stat().st_size,
        sha256=sha256 or sha256_of(path),
        role=about.role,
        description=about.description,
    )


def _take_in(staging: Path, file: ExtraFile) -> FileReference:
    target = staging / file.path.name
    if target.exists() or target.name == MANIFEST_NAME:
        what = f"an extra file has the name {target.name} of another product"
        raise FileError(what, where=file.path, hint="give it another name")
    if not file.path.is_file():
        raise FileError("is not a file", where=file.path, hint="check the path")
    with replacing(target) as temporary:
        shutil.copyfile(file.path, temporary)
    return _reference(target, file)


def _put_in_place(directory: Path) -> None:
    try:
        sync(staging_path(directory))
        swap_in(directory)
    except OSError as error:
        raise cannot("write", directory, error) from error


def read_manifest(directory: Path) -> Manifest | None:
    """Read the manifest of a product directory; None if there is none.

    Raises
    ------
    FileError
        If it cannot be read or understood.
    """
    path = directory / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot("read", path, error) from error
    except ValidationError as error:
        raise FileError("is not a manifest", where=path, hint=_PUBLISH_AGAIN) from error


def verify(directory: Path) -> None:
    """Check that a product directory holds the files of its manifest, byte for byte.

    Raises
    ------
    FileError
        Naming the first file that is missing or differs.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        where = directory / MANIFEST_NAME
        raise FileError("there is no manifest", where=where, hint=_PUBLISH_AGAIN)
    for file in manifest.files:
        _verify_file(directory / file.name, file)
    for inner in manifest.directories:
        for entry in inner.files:
            _verify_file(directory / inner.name / entry.path, entry)


def _verify_file(path: Path, said: FileReference | InnerFile) -> None:
    if not path.is_file():
        raise FileError("is missing", where=path, hint=_PUBLISH_AGAIN)
    size = path.stat().st_size
    if size != said.size:
        what = f"has {size} bytes, the manifest says {said.size}"
        raise FileError(what, where=path, hint=_PUBLISH_AGAIN)
    if sha256_of(path) != said.sha256:
        what = "is not the file of the manifest: the sha256 differs"
        raise FileError(what, where=path, hint=_PUBLISH_AGAIN)
