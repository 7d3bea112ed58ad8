"""``vopub odc``: the care for the Open Data Center of a site."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import sessionmaker

from vopub.cli.options import JsonOption, SiteOption, settings_of, show_json, show_table
from vopub.client.faults import MismatchError, MissingHereError, MissingThereError
from vopub.errors import UsageError
from vopub.odc.backup import Contents, IncompleteError, back_up
from vopub.odc.backup import restore as restore_backup
from vopub.odc.database import database_of, writing
from vopub.odc.exchange import export as export_files
from vopub.odc.exchange import import_into
from vopub.odc.keeping import Finding, Verdict, examine
from vopub.odc.keeping import collect as collect_files
from vopub.odc.looking import Looks
from vopub.odc.store import Store
from vopub.odc.tokens import Scope, Tokens
from vopub.process import service_account
from vopub.public_web import PublicWeb, is_loopback

app = typer.Typer(
    name="odc", help="Care for the Open Data Center: tokens, files, backups.",
    no_args_is_help=True, add_completion=False, rich_markup_mode=None,
)  # fmt: skip
token = typer.Typer(help="Tokens for writing.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(token, name="token")

Target = Annotated[Path, typer.Argument(help="Directory that is made.", show_default=False)]
Source = Annotated[Path, typer.Argument(help="Directory to read.", show_default=False)]
Name = Annotated[str, typer.Argument(help="Name of the token.", show_default=False)]
ScopeOption = Annotated[
    str, typer.Option("--scope", help="admin, resource:<beginning> or stream:<identifier>.")
]
LinksOption = Annotated[
    bool, typer.Option("--links", help="Ask other servers whether the files are there.")
]
IncompleteOption = Annotated[
    bool, typer.Option("--incomplete", help="Go on without files that the backup lacks.")
]
Days = Annotated[
    float, typer.Option("--days", min=0, help="Leave files that are younger than so many days.")
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the store of the site is."""

    directory: Path
    database: str
    private: bool
    """Whether only this machine sees it."""


@token.command("create")
def create_token(name: Name, scope: ScopeOption, site: SiteOption = None) -> None:
    """Make a token and print it; it is not shown again."""
    with _tokens(site) as tokens:
        sys.stdout.write(f"{tokens.create(name, Scope.parse(scope))}\n")


@token.command("list")
def list_tokens(site: SiteOption = None, as_json: JsonOption = False) -> None:
    """List the tokens, without what is secret of them."""
    with _tokens(site) as tokens:
        known = tokens.all()
    if as_json:
        show_json([{"name": t.name, "scope": t.scope, "created": t.created, "revoked": t.revoked}
                   for t in known])  # fmt: skip
        return
    rows = [
        (t.name, t.scope, f"{t.created:%Y-%m-%d}", f"{t.revoked:%Y-%m-%d}" if t.revoked else "")
        for t in known
    ]
    show_table("Tokens", ("name", "scope", "created", "revoked"), rows)


@token.command("revoke")
def revoke_token(name: Name, site: SiteOption = None) -> None:
    """Make a token useless at once."""
    with _tokens(site) as tokens:
        tokens.revoke(name)


@app.command()
def verify(
    site: SiteOption = None, links: LinksOption = False, as_json: JsonOption = False
) -> None:
    """Read every file that is kept and compare it with its checksum.

    Files on other servers are counted, and with --links asked for, but never read.

    Ends with 0 if all files are right, else with 10 if one is another or cannot be read, 11 if one
    lies there that no record knows or is not on the other server, 12 if one is not there; with the
    first of these that holds.
    """
    place = _place(site)
    web = PublicWeb(loopback=place.private) if links else None
    findings = examine(place.directory, place.database, web)
    if as_json:
        show_json({finding.name: finding.verdict for finding in findings})
    else:
        show_table("Files", ("file", ""), [(f.name, f.verdict.value) for f in findings])
        remote = sum(finding.verdict in (Verdict.ELSEWHERE, Verdict.SILENT) for finding in findings)
        sys.stdout.write(f"{len(findings) - remote} kept here, {remote} elsewhere\n")
    _judge(findings, place.directory)


@app.command()
def collect(site: SiteOption = None, days: Days = 1.0) -> None:
    """Remove files that no record names any more, or never did; print their checksums."""
    place = _place(site)
    for digest in collect_files(place.directory, place.database, days=days):
        sys.stdout.write(f"{digest}\n")


@app.command()
def backup(target: Target, site: SiteOption = None) -> None:
    """Write all there is into a directory, as it is now; the service may run.

    If files that records name are missing or damaged, it names them under "lacking", writes all
    else and ends with 10 if one is damaged, else with 12.
    """
    place = _place(site)
    try:
        contents = back_up(place.directory, place.database, target)
    except IncompleteError as error:
        _show_contents(error.contents)
        raise
    _show_contents(contents)


@app.command()
def restore(source: Source, site: SiteOption = None, incomplete: IncompleteOption = False) -> None:
    """Make the store of a backup, on SQLite or PostgreSQL, whichever is set; there must be none.

    If files that records name are missing or damaged in the backup, it names them under "lacking"
    and ends with 10 if one is damaged, else with 12, unless it is to go on.
    """
    place = _place(site)
    try:
        contents = restore_backup(source, place.directory, place.database, incomplete=incomplete)
    except IncompleteError as error:
        show_json({"lacking": error.contents.lacking})
        raise
    Store(place.directory, place.database).close()
    _give(place.directory)
    _show_contents(contents)


@app.command("export")
def export_all(target: Target, site: SiteOption = None) -> None:
    """Write all records and files into a directory that people can read; the service may run.

    If files that records name are missing or damaged, it names them under "lacking", writes all
    else and ends with 10 if one is damaged or cannot be read, else with 12.
    """
    place = _place(site)
    try:
        counts = export_files(place.directory, place.database, target)
    except IncompleteError as error:
        _show_contents(error.contents)
        raise
    show_json(counts)


@app.command("import")
def import_all(source: Source, site: SiteOption = None) -> None:
    """Write what was exported into the store, which nobody may serve meanwhile."""
    place = _place(site)
    store = Store(place.directory, place.database)
    try:
        show_json(import_into(store, source))
    finally:
        store.close()
        _give(place.directory)


def _show_contents(contents: Contents) -> None:
    show_json({**contents.counts, **({"lacking": contents.lacking} if contents.lacking else {})})


def _give(directory: Path) -> None:
    """Give a store that root wrote to the user whom the service runs as."""
    account = service_account()
    for path in (directory, *directory.rglob("*")):
        account.own(path)


def _place(site: Path | None) -> Place:
    settings = settings_of(site, None, None).site
    private = is_loopback(settings.public_host or settings.host)
    return Place(settings.directory / "odc", settings.odc_database, private)


@contextmanager
def _tokens(site: Path | None) -> Iterator[Tokens]:
    place = _place(site)
    if not place.directory.is_dir():
        raise UsageError("there is no Open Data Center", where=place.directory, hint="vopub up")
    engine = database_of(place.directory, place.database)
    try:
        yield Tokens(Looks(engine), sessionmaker(writing(engine)))
    finally:
        engine.dispose()


def _judge(findings: list[Finding], directory: Path) -> None:
    kinds = {
        Verdict.MISMATCH: (MismatchError, "send these files again"),
        Verdict.UNREADABLE: (
            MismatchError,
            "look at the disk and who may read them, or send these files again",
        ),
        Verdict.UNKNOWN: (MissingThereError, "'vopub odc collect' removes them"),
        Verdict.SILENT: (MissingThereError, "tell who keeps them, or correct the records"),
        Verdict.MISSING: (MissingHereError, "send these files again, or restore a backup"),
    }
    for verdict, (kind, hint) in kinds.items():
        names = [finding.name for finding in findings if finding.verdict is verdict]
        if names:
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            what = f"{verdict.value}: {', '.join(names[:10])}{more}"
            raise kind(what, where=directory, hint=hint)
