"""What a benchmark found, and on which machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and the bound it has to keep."""

    name: str
    value: float
    unit: str
    bound: float
    at_least: bool = False
    """Whether the bound is a lower one; otherwise it is an upper one."""
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the bound is kept."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def row(self) -> str:
        """Return a line of a Markdown table."""
        sign = "≥" if self.at_least else "≤"
        verdict = "reached" if self.reached else "**missed**"
        measured = f"{self.value:.4g} {self.unit}"
        return f"| {self.name} | {measured} | {sign} {self.bound:g} | {verdict} | {self.detail} |"


def machine() -> str:
    """Describe the machine."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = Path("/etc/debian_version").read_text(encoding="utf-8").strip()
    return (
        f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Debian {system}, "
        f"Python {platform.python_version()}"
    )


def page(figures: Sequence[Figure]) -> str:
    """Return the results as a Markdown page."""
    head = [
        "# Results",
        "",
        f"`make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine()}.",
        "",
        "| what | measured | bound | | detail |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(figure.row() for figure in figures)]) + "\n"
