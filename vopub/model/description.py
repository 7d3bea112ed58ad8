"""What a person writes about a resource: the content of ``resources/<id>/resource.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from vopub.errors import DescriptionError, Problem, did_you_mean
from vopub.model.catalogue import known_parameters, parameter
from vopub.model.derived import DerivedParameter, check_new_parameter, of_simulated
from vopub.model.duplicates import Duplicates
from vopub.model.ktype import Ktype
from vopub.model.malformed import MalformedLimit
from vopub.model.observation import HeaSection, Responses
from vopub.model.parameter import Parameter
from vopub.model.problems import problem_of
from vopub.model.publication import Contact, Contributor, Creator, Messenger, Related, Url
from vopub.model.resource import ID_PATTERN
from vopub.model.summaries import DESCRIBED_BY, is_summary, is_true_summary, summaries_in

FIXED = frozenset({"name", "truth"})
"""What a resource cannot say otherwise of a known parameter."""
VERSION_PATTERN = r"^\d+(\.\d+){0,2}$"
DOI_PATTERN = r"^10\.\d{4,9}/\S+$"
REQUIRED_COLUMNS = ("event_id",)
SKY_COLUMNS = ("ra", "dec")


def check_known_column(name: str, info: ValidationInfo) -> str:
    """Return the name if the catalogue or the resource itself describes such a parameter."""
    known = {*known_parameters(), *info.data.get("derived", ())}
    if name not in known and not is_summary(name) and "derived" in info.data:
        raise ValueError(f"unknown parameter {name!r}; {did_you_mean(name, known)}")
    return name


def check_limit(text: str) -> str:
    """Return the limit of malformed events if it can be read."""
    return MalformedLimit.parse(text).text


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PublicationSection(_Section):
    """The ``[publication]`` part; what is left out comes from the site's settings."""

    title: str = Field(min_length=10)
    description: str = Field(min_length=50)
    version: str = Field(pattern=VERSION_PATTERN)
    created: date
    creators: tuple[Creator, ...] = Field(min_length=1)
    contributors: tuple[Contributor, ...] = ()
    publisher: str | None = None
    owner: str | None = None
    contact: Contact | None = None
    licence: str = "CC-BY-4.0"
    licence_url: Url = "https://creativecommons.org/licenses/by/4.0/"
    subjects: tuple[str, ...] = ("neutrino-astronomy",)
    facility: str = ""
    instrument: str = ""
    messenger: Messenger = Messenger.NEUTRINO
    reference_url: Url | None = None
    doi: str | None = Field(default=None, pattern=DOI_PATTERN)
    source: str = ""
    related: tuple[Related, ...] = ()
    note: str = ""


class Cut(_Section):
    """One cut of a selection: events for which ``keep`` does not hold are left out."""

    name: str = Field(min_length=3)
    keep: str = Field(min_length=3)
    """Readable expression over known parameters, e.g. ``zenith > 90 deg``."""
    description: str = ""
    """Why, in a sentence."""


class EventsSection(_Section):
    """The ``[events]`` part: from which files, which reconstruction, which events and columns."""

    inputs: tuple[str, ...] = Field(min_length=1)
    """Files: paths relative to the folder, or ``package:<package>/<path in it>``."""
    detector: Literal["ORCA", "ARCA", "ANTARES"]
    detector_ids: tuple[int, ...] = ()
    """Numbers of the detectors that observed files may be from; empty for any at the site."""
    reconstruction: Literal["jmuon", "jshower", "aashower", "dusj", "aafit", "given"] = "jmuon"
    """``given`` is the only one of a list of events, which does not say how it is called."""
    good_runs: str = ""
    """File with the runs that may be used, named like the inputs; empty for all runs."""
    cuts_file: str = ""
    """File with named cuts, which ``selection`` uses by name; named like the inputs."""
    selection: tuple[Cut, ...] = ()
    max_malformed: Annotated[str, AfterValidator(check_limit)] = "1%"
    """How many events may be malformed, or which part of them, before nothing is published."""
    duplicates: Duplicates = Duplicates.ERROR
    """What is done with an event that comes again."""
    derived: dict[Annotated[str, AfterValidator(check_new_parameter)], DerivedParameter] = {}
    """Parameters of the resource's own, by name."""
    columns: tuple[Annotated[str, AfterValidator(check_known_column)], ...] = Field(min_length=1)
    overrides: dict[str, dict[str, Any]] = {}
    """Per column: the entries of the catalogue that differ here."""

    @model_validator(mode="after")
    def _consistent(self) -> EventsSection:
        missing = [name for name in REQUIRED_COLUMNS if name not in self.columns]
        if missing:
            raise ValueError(f"columns lack {', '.join(missing)}")
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise ValueError(f"columns name {', '.join(twice)} more than once")
        cuts = [cut.name for cut in self.selection]
        twice = sorted({name for name in cuts if cuts.count(name) > 1})
        if twice:
            raise ValueError(f"selection has more than one cut named {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _summaries_described(self) -> EventsSection:
        for name in filter(is_summary, self.columns):
            missing = sorted(DESCRIBED_BY - self.overrides.get(name, {}).keys())
            if missing:
                what = f"no catalogue describes the column {name!r}"
                raise ValueError(f"{what}: say its {' and '.join(missing)} in overrides.{name}")
        return self

    def parameters(self, *, simulated: bool = False) -> tuple[Parameter, ...]:
        """Return the columns' parameters, with this resource's overrides.

        Parameters
        ----------
        simulated
            Whether the events are simulated: then not all need have a position on the sky.
        """
        described = (self.parameter(name) for name in self.columns)
        return tuple(map(of_simulated, described) if simulated else described)

    def parameter(self, name: str) -> Parameter:
        """Return one parameter, be it a column or not, of the catalogue or derived."""
        if name in self.derived:
            return self.derived[name].parameter(name, truth=name in self.truths())
        return parameter(name, self.overrides.get(name))

    @property
    def summaries(self) -> frozenset[str]:
        """The summaries that columns, cuts and formulas name; files give them."""
        formulas = (own.formula for own in self.derived.values())
        texts = (*self.columns, *formulas, *(cut.keep for cut in self.selection))
        return summaries_in(" ".join(texts))

    def truths(self) -> frozenset[str]:
        """Return the names of all parameters that only simulated events have."""
        truths = {name for name, known in known_parameters().items() if known.truth}
        truths |= set(filter(is_true_summary, self.summaries))
        for _ in self.derived:  # each may refer to another
            truths |= {name for name, own in self.derived.items() if own.names & truths}
        return frozenset(truths)


class NamedCut(_Section):
    """What a file of cuts says under the name of a cut."""

    keep: str = Field(min_length=3)
    description: str = ""


class CutsFile(_Section):
    """The content of a file of cuts, which several resources may share."""

    cuts: dict[str, NamedCut] = Field(min_length=1)


FormatName = Literal["csv", "hdf5", "parquet", "votable", "fits", "hats"]
"""Names of the formats that a table can be written in."""
BULK_FORMATS: tuple[FormatName, ...] = ("csv", "votable", "fits", "parquet")
"""Formats that a table of the VO is offered in as a whole."""
LOADED_FORMAT = "csv"
"""What the services of the VO are loaded from."""


class ProductsSection(_Section):
    """The ``[products]`` part: in which formats the table is written."""

    formats: tuple[FormatName, ...] = Field(default=("csv", "hdf5"), min_length=1)


class VoSection(_Section):
    """The ``[vo]`` part: whether and how the table is served in the Virtual Observatory."""

    publish: bool = False
    search_radius: float = Field(default=10.0, gt=0, le=180)
    """Radius in degrees that the form and the examples propose."""
    hea: HeaSection = HeaSection()
    """What the table of observations says beyond what the events tell."""


class ResourceDescription(_Section):
    """One resource, as its publisher describes it."""

    id: str = Field(pattern=rf"^{ID_PATTERN}$")
    ktype: Ktype
    simulated: bool
    collection: str = Field(default="", pattern=rf"^({ID_PATTERN})?$")
    publication: PublicationSection
    events: EventsSection
    products: ProductsSection = ProductsSection()
    vo: VoSection = VoSection()
    responses: Responses = ()

    @property
    def formats(self) -> tuple[FormatName, ...]:
        """Formats the table is written in: those asked for, and for the VO those of bulk use."""
        asked = self.products.formats
        further = BULK_FORMATS if self.vo.publish else ()
        return (*asked, *(name for name in further if name not in asked))

    @model_validator(mode="after")
    def _servable(self) -> ResourceDescription:
        if self.vo.publish:
            missing = [name for name in SKY_COLUMNS if name not in self.events.columns]
            if missing:
                raise ValueError(f"vo.publish needs the columns {', '.join(missing)}")
            if LOADED_FORMAT not in self.products.formats:
                raise ValueError(f"vo.publish needs {LOADED_FORMAT} among products.formats")
        return self

    @model_validator(mode="after")
    def _truths_of_simulated_only(self) -> ResourceDescription:
        truths = self.events.truths()
        asked = [name for name in self.events.columns if name in truths]
        if asked and not self.simulated:
            raise ValueError(f"only simulated events have {', '.join(asked)}")
        return self


class CollectionDescription(_Section):
    """One collection, as its publisher describes it in ``resources/<id>/collection.toml``."""

    id: str = Field(pattern=rf"^{ID_PATTERN}$")
    title: str = Field(min_length=5)
    description: str = Field(min_length=20)
    version: str = Field(default="1.0", pattern=VERSION_PATTERN)
    reference_url: Url | None = None
    """A page about the collection elsewhere."""
    doi: str | None = Field(default=None, pattern=DOI_PATTERN)


def parse_collection(content: Mapping[str, Any], *, where: object) -> CollectionDescription:
    """Check the content of a ``collection.toml``.

    Raises
    ------
    DescriptionError
        With every problem found.
    """
    try:
        return CollectionDescription.model_validate(content)
    except ValidationError as error:
        problems = [problem_of(detail, CollectionDescription) for detail in error.errors()]
        raise DescriptionError(problems, where=where) from error


def parse_cuts_file(content: Mapping[str, Any], *, where: object) -> Mapping[str, NamedCut]:
    """Check the content of a file of cuts; return them by name.

    Raises
    ------
    DescriptionError
        With every problem found.
    """
    try:
        return CutsFile.model_validate(content).cuts
    except ValidationError as error:
        problems = [problem_of(detail, CutsFile) for detail in error.errors()]
        raise DescriptionError(problems, where=where) from error


def use_cuts(
    events: Mapping[str, Any], cuts: Mapping[str, NamedCut]
) -> tuple[dict[str, Any], list[Problem]]:
    """Put named cuts in their places in the selection of an ``[events]`` part.

    Parameters
    ----------
    events
        The part as it was written: entries of its ``selection`` may be ``{ use = <name> }``.
    cuts
        Cuts by name.

    Returns
    -------
    events
        The part with only such cuts as say themselves what they keep.
    problems
        Names that are unknown, and entries that say more than a name.
    """
    selection = events.get("selection")
    if not isinstance(selection, list):
        return dict(events), []
    problems: list[Problem] = []
    effective = []
    for number, entry in enumerate(selection):
        if not isinstance(entry, Mapping) or "use" not in entry:
            effective.append(entry)
            continue
        name = str(entry["use"])
        problems += _use_problems(f"events.selection.{number}", entry, name, cuts)
        named = cuts.get(name) or NamedCut(keep=f"unknown cut {name}")
        effective.append({"name": name, **named.model_dump()})
    return {**events, "selection": effective}, problems


def _use_problems(
    place: str, entry: Mapping[str, Any], name: str, cuts: Mapping[str, NamedCut]
) -> Iterator[Problem]:
    if name not in cuts:
        hint = did_you_mean(name, cuts) if cuts else "name a cuts_file, or write the cut here"
        yield Problem(f"{place}.use", f"unknown cut {name!r}", hint)
    for key in sorted(entry.keys() - {"use"}):
        yield Problem(f"{place}.{key}", "stands beside 'use'", "a named cut is taken as it is")


def parse_description(
    content: Mapping[str, Any], *, where: object, cuts: Mapping[str, NamedCut] | None = None
) -> ResourceDescription:
    """Check the content of a ``resource.toml``.

    Parameters
    ----------
    content
        What it says.
    where
        The file, for errors.
    cuts
        Cuts that its selection may use by name.

    Raises
    ------
    DescriptionError
        With every problem found: unknown keys and names with the nearest valid ones, bad units,
        UCDs, dates, ktypes.
    """
    problems: list[Problem] = []
    if isinstance(content.get("events"), Mapping):
        events, problems = use_cuts(content["events"], cuts or {})
        content = {**content, "events": events}
    try:
        description = ResourceDescription.model_validate(content)
    except ValidationError as error:
        found = (problem_of(detail, ResourceDescription) for detail in error.errors())
        problems = [*found, *problems, *_override_problems(content)]
        raise DescriptionError(problems, where=where) from error
    problems += _override_problems(content)
    if problems:
        raise DescriptionError(problems, where=where)
    return description


def _override_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    events = content.get("events")
    overrides = events.get("overrides") if isinstance(events, Mapping) else None
    if not isinstance(events, Mapping) or not isinstance(overrides, Mapping):
        return
    for name, changes in overrides.items():
        place = f"events.overrides.{name}"
        if name in events.get("derived", ()):
            yield Problem(place, f"{name!r} is derived; change events.derived.{name} instead")
        elif name not in events.get("columns", ()):
            hint = did_you_mean(name, map(str, events.get("columns", ())))
            yield Problem(place, f"{name!r} is not one of the columns", hint)
        elif isinstance(changes, Mapping) and (name in known_parameters() or is_summary(name)):
            for fixed in FIXED.intersection(changes):
                yield Problem(f"{place}.{fixed}", "cannot be changed")
            try:
                parameter(name, changes)
            except ValidationError as error:
                yield from (problem_of(detail, Parameter, place) for detail in error.errors())
