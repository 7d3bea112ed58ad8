"""Run the benchmarks: ``python -m bench [names] [--record]``; ends with 1 if a bound is missed."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from bench.report import Figure, page

NAMES = (
    "coordinates",
    "wheel",
    "publication",
    "load",
    "large",
    "client",
    "convert",
    "hdf5",
    "workers",
    "serve",
    "soak",
    "odc",
    "kill",
    "requests",
    "hostile",
)
RESULTS = Path(__file__).parent / "RESULTS.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--record", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    figures: list[Figure] = []
    for name in arguments.names or NAMES:
        print(f"running {name} …", file=sys.stderr, flush=True)
        figures += import_module(f"bench.{name}").measure()
    text = page(figures)
    print(text)
    if arguments.record:
        RESULTS.write_text(text, encoding="utf-8")
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
