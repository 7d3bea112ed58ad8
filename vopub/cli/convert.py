"""``vopub convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vopub.cli.options import say, show_json, show_table
from vopub.cli.progress import make_progress
from vopub.cli.ways import (
    DuplicatesOption,
    MalformedOption,
    SchedulerOption,
    WorkersOption,
    workers_of,
)
from vopub.errors import UsageError
from vopub.files import shipped
from vopub.model.cut_flow import steps_of
from vopub.publish.stages import Stage
from vopub.settings import CONFIG_NAME, Settings, load_settings

if TYPE_CHECKING:
    from vopub.model.dataset import TableMetadata

Files = Annotated[list[Path], typer.Argument(help="Level-2 files.", show_default=False)]
RecipeOption = Annotated[
    Path,
    typer.Option("--recipe", help="A resource.toml, or a file with its [events] part alone."),
]
OutOption = Annotated[
    Path, typer.Option("--out", help="Directory of the table; replaced as a whole.")
]
FormatsOption = Annotated[
    str, typer.Option("--formats", help="Comma-separated, e.g. csv,hdf5,parquet.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def convert(
    files: Files,
    recipe: RecipeOption,
    out: OutOption,
    formats: FormatsOption = "",
    duplicates: DuplicatesOption = None,
    malformed: MalformedOption = "",
    workers: WorkersOption = None,
    scheduler: SchedulerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a table of files, without publishing it; does only what is missing."""
    # Imported here, so that the other commands start without it.
    from vopub.publish.convert import Way, make_table  # noqa: PLC0415
    from vopub.publish.recipe_file import read_recipe  # noqa: PLC0415

    check_place(out, files)
    source = read_recipe(
        recipe,
        files,
        _settings().publisher,
        formats=[name.strip() for name in formats.split(",") if name.strip()],
        malformed=malformed,
    )
    name = source.description.id
    with make_progress() as progress:
        progress.start(name, Stage.CONVERT)
        way = Way(
            parts=parts_of(out),
            duplicates=duplicates,
            workers=workers_of(workers, scheduler),
            watch=lambda tally: progress.tell(name, tally),
        )
        metadata = make_table(source, out, way)
        progress.done(name, Stage.CONVERT, f"{metadata.rows} rows in {out}")
    show(metadata, out, as_json=as_json)


def parts_of(out: Path) -> Path:
    """Return where what each file gave is kept: beside the table, on the same file system."""
    return out.absolute().with_name(f".{out.absolute().name}.parts")


def check_place(out: Path, files: list[Path]) -> None:
    """Check that nothing is lost if the directory of the table is replaced.

    Raises
    ------
    UsageError
        If it holds something else than a table made before, or one of the inputs.
    """
    # Imported here, as above.
    from vopub.formats.products import MANIFEST_NAME  # noqa: PLC0415

    place = out.resolve()
    inside = [path for path in files if place in path.resolve().parents]
    if inside:
        what = f"the input {inside[0]} lies in the directory that would be replaced"
        raise UsageError(what, where=out, hint="choose another one with --out")
    if place.exists() and not place.is_dir():
        raise UsageError("is not a directory", where=out, hint="choose another one with --out")
    if place.is_dir() and any(place.iterdir()) and not (place / MANIFEST_NAME).is_file():
        what = "holds something else than a table, which would be replaced"
        raise UsageError(what, where=out, hint="choose a new directory with --out")


def show(metadata: TableMetadata, out: Path, *, as_json: bool) -> None:
    """Print where every event went."""
    account = metadata.account
    if as_json:
        show_json(
            {
                "directory": str(out),
                "identifier": metadata.identifier,
                "rows": metadata.rows,
                "account": account.model_dump(mode="json"),
                "files": [entry.model_dump(mode="json") for entry in metadata.cut_flow],
            }
        )
        return
    rows = [("read", "", "", str(account.read))]
    rows += [(s.name, str(s.entered), str(s.out), str(s.left)) for s in steps_of(account)]
    show_table(f"{metadata.identifier} in {out}", ("step", "entered", "left out", "left"), rows)


def _settings() -> Settings:
    """Return the settings here, or those shipped: who only wants a table need not write any."""
    if Path(CONFIG_NAME).exists():
        return load_settings()
    say(f"no {CONFIG_NAME} here: the publisher named in the table is that of the sample site")
    return load_settings(directory=shipped(CONFIG_NAME).parent)
