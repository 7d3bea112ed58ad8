"""Titles, descriptions and notes: whether they say enough, and what has to be said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vopub.publish.checks.columns import ERROR_WORDS
from vopub.publish.checks.finding import Case, Spot
from vopub.publish.checks.registry import ERROR, WARNING, of_resource

TITLE_LENGTHS = (20, 120)
SHORTEST_DESCRIPTION = 150
SHORTEST_COLUMN_DESCRIPTION = 25
PLACEHOLDER = re.compile(
    r"\b(lorem ipsum|todo|tbd|tba|fixme|xxx+|placeholder|change[ -]?me|fill (this |me )?in)\b"
    r"|\?\?\?",
    re.IGNORECASE,
)
CONTAINMENT = re.compile(
    r"\d\s*%|containment|sigma|standard deviation|confidence|quantile|percentile|median"
    r"|root mean square|probability",
    re.IGNORECASE,
)
TIME_SCALE = re.compile(r"\b(UTC|TAI|TT|TDB|TCB|TCG|UT1|GPS)\b")
SIMULATED = re.compile(r"simulat|monte[ -]carlo", re.IGNORECASE)
SAMPLE = re.compile(r"\bsamples?\b", re.IGNORECASE)
SAMPLE_PACKAGE = "package:km3net_testdata/"


_Text = tuple[str, str, Path | None]
"""Place, text, and the file if it is not that of the resource."""


def _texts(case: Case) -> Iterator[tuple[str, str]]:
    """Yield every other text that people read, with its place."""
    description = case.folder.description
    for key in ("note", "facility", "instrument", "source"):
        yield f"publication.{key}", getattr(description.publication, key)
    for number, creator in enumerate(description.publication.creators):
        yield f"publication.creators.{number}.name", creator.name
    for number, cut in enumerate(description.events.selection):
        yield f"events.selection.{number}.description", cut.description
    for number, response in enumerate(description.responses):
        yield f"responses.{number}.title", response.title
        yield f"responses.{number}.description", response.description
    for column in case.columns:
        yield case.place(column.name, "description"), case.text(column)


def _with_collection(case: Case, key: str) -> Iterator[_Text]:
    """Yield a text of the resource, and that of its collection."""
    yield f"publication.{key}", getattr(case.publication, key).strip(), None
    if case.collection:
        yield key, getattr(case.collection, key).strip(), case.collection_path


@of_resource("VP401", WARNING, "the title is too short or too long")
def title_length(case: Case) -> Iterator[Spot]:
    """Yield a title that says too little for a list of thousands, or too much for a line."""
    least, most = TITLE_LENGTHS
    for place, title, file in _with_collection(case, "title"):
        if not least <= len(title) <= most:
            what = f"the title has {len(title)} characters, not {least} to {most}"
            yield Spot(place, what, title, file=file)


@of_resource("VP402", WARNING, "the description is too short")
def description_length(case: Case) -> Iterator[Spot]:
    """Yield a description that cannot say what the data are, and what they are good for."""
    for place, text, file in _with_collection(case, "description"):
        if len(text) < SHORTEST_DESCRIPTION:
            what = f"the description has {len(text)} characters, fewer than {SHORTEST_DESCRIPTION}"
            hint = "say what each row is, how it was chosen, and what the data are good for"
            yield Spot(place, what, text, hint, file)


@of_resource("VP403", WARNING, "the description of a column is too short")
def column_description_length(case: Case) -> Iterator[Spot]:
    """Yield columns whose description cannot say what was measured, and relative to what."""
    for column in case.columns:
        text = case.text(column).strip()
        if len(text) < SHORTEST_COLUMN_DESCRIPTION:
            least = SHORTEST_COLUMN_DESCRIPTION
            what = f"{column.name} is described in {len(text)} characters, fewer than {least}"
            hint = "say what it is, how measured, relative to what"
            yield Spot(case.place(column.name, "description"), what, text, hint)


@of_resource("VP404", ERROR, "a text is a placeholder")
def placeholders(case: Case) -> Iterator[Spot]:
    """Yield texts that were meant to be written later."""
    texts = [*_with_collection(case, "title"), *_with_collection(case, "description")]
    texts += [(place, text, None) for place, text in _texts(case)]
    for place, text, file in texts:
        if found := PLACEHOLDER.search(text):
            yield Spot(place, f"{found.group()!r} stands for a text", text, "write the text", file)


@of_resource("VP405", WARNING, "two columns have the same description")
def column_descriptions_differ(case: Case) -> Iterator[Spot]:
    """Yield columns that are described like one before them."""
    seen: dict[str, str] = {}
    for column in case.columns:
        words = _words(case.text(column))
        if words in seen:
            what = f"{column.name} is described as {seen[words]} is"
            yield Spot(case.place(column.name, "description"), what, hint="say what differs")
        seen.setdefault(words, column.name)


@of_resource("VP406", WARNING, "a description only repeats the title or the name")
def says_more(case: Case) -> Iterator[Spot]:
    """Yield descriptions that say the same again."""
    title, text = _words(case.publication.title), _words(case.publication.description)
    if text and not _words(text.replace(title, "")):
        yield Spot("publication.description", "the description only repeats the title")
    for number, response in enumerate(case.folder.description.responses):
        if not _words(_words(response.description).replace(_words(response.title), "")):
            place = f"responses.{number}.description"
            yield Spot(place, "the description only repeats the title", response.description)
    for column in case.columns:
        name = column.name.replace("_", " ")
        filling = rf"\b({re.escape(name)}|the|a|an|of|event|events|value|column)\b"
        if not _words(re.sub(filling, "", _words(case.text(column)))):
            what = f"the description of {column.name} only repeats the name"
            yield Spot(case.place(column.name, "description"), what, case.text(column))


@of_resource("VP407", WARNING, "the containment of an error is not stated")
def containment(case: Case) -> Iterator[Spot]:
    """Yield errors of which nobody knows how probable smaller ones are."""
    for column in case.columns:
        if column.ucd.startswith(ERROR_WORDS) and not CONTAINMENT.search(case.text(column)):
            what = f"{column.name} does not say which containment it has"
            hint = "e.g. 'standard deviation', '90 % containment', or that it is not known"
            yield Spot(case.place(column.name, "description"), what, case.text(column), hint)


@of_resource("VP408", WARNING, "the time scale is not stated")
def time_scale(case: Case) -> Iterator[Spot]:
    """Yield times of which nobody knows whether leap seconds are in them."""
    for column in case.columns:
        if "time.epoch" in column.ucd.split(";") and not TIME_SCALE.search(case.text(column)):
            what = f"{column.name} does not say which time scale it is in"
            place = case.place(column.name, "description")
            yield Spot(place, what, case.text(column), "name it: UTC, TAI, TT, TDB")


@of_resource("VP409", ERROR, "simulated data do not say so")
def simulated_note(case: Case) -> Iterator[Spot]:
    """Yield that simulated events could be taken for observed ones."""
    if case.folder.description.simulated and not SIMULATED.search(case.publication.note):
        hint = "write in publication.note that the events are simulated"
        yield Spot("publication.note", "the note does not say that they are simulated", hint=hint)


@of_resource("VP410", WARNING, "a sample does not say so")
def sample_note(case: Case) -> Iterator[Spot]:
    """Yield that a sample could be taken for a release."""
    publication, inputs = case.publication, case.folder.description.events.inputs
    is_sample = SAMPLE.search(publication.title) or any(
        name.startswith(SAMPLE_PACKAGE) for name in inputs
    )
    if is_sample and not SAMPLE.search(publication.note):
        hint = "write in publication.note that it is a sample, and of what"
        yield Spot("publication.note", "the note does not say that it is a sample", hint=hint)


def _words(text: str) -> str:
    """Return the words of a text in lower case, without punctuation."""
    return " ".join(re.findall(r"\w+", text.lower().replace("_", " ")))
