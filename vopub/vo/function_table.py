"""Tables of functions and of response data: values at points, or in bins, of some axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from vopub.model.adql import RESERVED_WORDS
from vopub.model.data_taking import DataTaking
from vopub.model.parameter import Parameter
from vopub.model.publication import Publication, Related
from vopub.model.resource import Coverage
from vopub.vo.columns import Group, columns_block
from vopub.vo.coverage import coverage_block
from vopub.vo.registry import origin_items, publication_block
from vopub.vo.rendering import render

TEMPLATE = "functions.rd.xml"
KIND = "Other"
DEFAULT_TABLE = "response"


@dataclass(frozen=True, slots=True)
class FunctionTable:
    """What is said about a table of functions or of response data."""

    identifier: str
    kid: UUID
    publication: Publication
    parameters: tuple[Parameter, ...]
    """The columns."""
    axes: tuple[str, ...]
    """Names of the columns that the others are functions of; no two rows agree in all of them."""
    rows: int
    table: str = DEFAULT_TABLE
    """Name of the table in its schema."""
    simulated: bool = False
    """Whether it was computed from simulations, as responses mostly are."""
    coverage: Coverage = field(default_factory=Coverage)
    taken: DataTaking | None = None
    """The data that it is the response for."""

    def __post_init__(self) -> None:
        unknown = [axis for axis in self.axes if axis not in {p.name for p in self.parameters}]
        if unknown:
            raise ValueError(f"{self.identifier} has no columns {', '.join(unknown)}")
        if self.table in RESERVED_WORDS:
            raise ValueError(f"{self.table!r} is a reserved word of ADQL")


def render_function_table(
    described: FunctionTable,
    *,
    authority: str,
    data_file: str,
    related: Sequence[Related] = (),
    templates: Path | None = None,
) -> str:
    """Write the resource descriptor of a table of functions or of response data.

    Parameters
    ----------
    described
        Everything said about the table.
    authority
        Authority part of the VO identifiers.
    data_file
        Path of the CSV, relative to the resource directory.
    related
        Relations beyond those of the publication, e.g. to the events that it is the response for.
    templates
        Folder of the templates; default those that come with vopub.

    Raises
    ------
    VopubError
        As `vopub.vo.rendering.render`.
    """
    name, publication = described.identifier, described.publication
    values = columns_block(described.parameters)
    variables = {
        "id": name,
        "table": described.table,
        "rows": described.rows,
        "axes": described.axes,
        "data_file": data_file,
        "publication": publication_block(
            publication, name, authority=authority, kind=KIND,
            simulated=described.simulated, related=related,
        ),
        "origin": origin_items(
            publication, f"ivo://{authority}/{name}/q/{described.table}",
            authority=authority, kid=described.kid, simulated=described.simulated,
        ),
        "coverage": coverage_block(described.coverage, described.taken),
        "values": {**values, "groups": list(_groups(described))},
    }  # fmt: skip
    return render(TEMPLATE, variables, about=name, templates=templates)


def _groups(described: FunctionTable) -> list[Group]:
    values = tuple(p.name for p in described.parameters if p.name not in described.axes)
    groups = [
        Group("axes", "What the values are functions of.", described.axes),
        Group("quantities", "The values.", values),
    ]
    return [group for group in groups if group.columns]
