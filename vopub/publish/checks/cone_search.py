"""What Simple Cone Search asks of a table.

Source: Simple Cone Search 1.03, section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from vopub.model.parameter import Dtype, Parameter
from vopub.publish.checks.finding import Case, Spot
from vopub.publish.checks.registry import ERROR, of_resource

IDENTIFIER = "meta.id;meta.main"
RIGHT_ASCENSION = "pos.eq.ra;meta.main"
DECLINATION = "pos.eq.dec;meta.main"


def _main(case: Case) -> Iterator[Parameter]:
    """Yield the columns that a cone search answers by."""
    main = (IDENTIFIER, RIGHT_ASCENSION, DECLINATION)
    return (column for column in case.columns if case.served and column.ucd in main)


def _exactly_one(case: Case, ucd: str) -> Iterator[Spot]:
    having = [column.name for column in case.columns if column.ucd == ucd]
    if not case.served or len(having) == 1:
        return
    hint = "a cone search needs exactly one"
    if not having:
        yield Spot("events.columns", f"no column has the UCD {ucd}", hint=hint)
    else:
        what = f"{len(having)} columns have the UCD {ucd}: {', '.join(having)}"
        yield Spot(case.place(having[-1], "ucd"), what, hint=hint)


@of_resource("VP101", ERROR, "not exactly one main identifier")
def one_identifier(case: Case) -> Iterator[Spot]:
    """Yield that there is not exactly one column for the identifier."""
    return _exactly_one(case, IDENTIFIER)


@of_resource("VP102", ERROR, "not exactly one main right ascension")
def one_right_ascension(case: Case) -> Iterator[Spot]:
    """Yield that there is not exactly one column for the right ascension."""
    return _exactly_one(case, RIGHT_ASCENSION)


@of_resource("VP103", ERROR, "not exactly one main declination")
def one_declination(case: Case) -> Iterator[Spot]:
    """Yield that there is not exactly one column for the declination."""
    return _exactly_one(case, DECLINATION)


@of_resource("VP104", ERROR, "the main position or identifier has the wrong type or unit")
def types(case: Case) -> Iterator[Spot]:
    """Yield main columns that are not a text, or not a double in degrees."""
    for column in _main(case):
        wanted = Dtype.TEXT if column.ucd == IDENTIFIER else Dtype.FLOAT64
        if column.dtype is not wanted:
            what = f"{column.name} must be of type {wanted.value}"
            yield Spot(case.place(column.name, "dtype"), what, column.dtype.value)
        if column.ucd != IDENTIFIER and column.unit != "deg":
            what = f"{column.name} must be in deg"
            yield Spot(case.place(column.name, "unit"), what, column.unit)


@of_resource("VP105", ERROR, "the main position or identifier is not in every answer")
def shown(case: Case) -> Iterator[Spot]:
    """Yield main columns that a cone search with VERB=1 would leave out."""
    for column in _main(case):
        if not column.principal:
            what = f"{column.name} must be in every answer"
            yield Spot(case.place(column.name, "principal"), what, False, "set it to true")
