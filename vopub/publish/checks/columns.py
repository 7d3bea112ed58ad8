"""Names and UCDs of columns."""

from __future__ import annotations

from collections.abc import Iterator

from vopub.publish.checks.finding import Case, Spot
from vopub.publish.checks.registry import ERROR, WARNING, of_resource
from vopub.publish.checks.ucd_lists import missing_in_1_5

ERROR_NAMES = ("_error", "_err", "_sigma", "_uncertainty")
ERROR_WORDS = ("stat.error", "stat.stdev", "stat.rms", "stat.variance")
_POSTGRESQL = """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user table
    tablesample then to trailing true union unique user using variadic verbose when where window
    with cmax cmin ctid tableoid xmax xmin
"""
POSTGRESQL_WORDS = frozenset(_POSTGRESQL.split())
"""Names that a column in PostgreSQL cannot have without quotes.

Source: PostgreSQL 15, Appendix C (reserved) and section 5.5 (system columns).
"""


@of_resource("VP203", ERROR, "PostgreSQL cannot have a column of this name")
def names(case: Case) -> Iterator[Spot]:
    """Yield columns that the database would refuse."""
    for number, name in enumerate(case.folder.description.events.columns):
        if name in POSTGRESQL_WORDS:
            what = "PostgreSQL keeps this name for itself"
            yield Spot(f"events.columns.{number}", what, name, "choose another name")


@of_resource("VP206", WARNING, "a UCD is not in both lists of words, 1.5 and 1.6")
def ucds(case: Case) -> Iterator[Spot]:
    """Yield UCDs that servers and programs with the list 1.5 do not know."""
    for column in case.columns:
        if words := missing_in_1_5(column.ucd):
            what = f"the UCD list 1.5 does not have {', '.join(words)} here"
            hint = "servers and programs with that list refuse it; use words of both lists"
            yield Spot(case.place(column.name, "ucd"), what, column.ucd, hint)


@of_resource("VP207", WARNING, "an error is not marked as one")
def errors(case: Case) -> Iterator[Spot]:
    """Yield columns that are called errors, and whose UCD does not say so."""
    for column in case.columns:
        if column.name.endswith(ERROR_NAMES) and not column.ucd.startswith(ERROR_WORDS):
            what = f"{column.name} is called an error, but its UCD does not begin with stat.error"
            hint = f"write stat.error;{column.ucd.partition(';')[0]}"
            yield Spot(case.place(column.name, "ucd"), what, column.ucd, hint)
