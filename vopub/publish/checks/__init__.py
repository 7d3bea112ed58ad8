"""Strict checks of resource folders and settings, before anything runs.

``run.check`` gives every finding at once. A rule is a function in a module of its subject, entered
into ``registry`` with its stable code; each code is explained in ``docs/checks.md``.
"""

from vopub.publish.checks import (
    columns,
    cone_search,
    inputs,
    publication,
    publisher,
    texts,
    units,
)
from vopub.publish.checks.finding import Finding, Severity
from vopub.publish.checks.registry import RULES
from vopub.publish.checks.run import check, fails, latest_date

__all__ = [
    "RULES", "Finding", "Severity", "check", "columns", "cone_search", "fails", "inputs",
    "latest_date", "publication", "publisher", "texts", "units",
]  # fmt: skip
