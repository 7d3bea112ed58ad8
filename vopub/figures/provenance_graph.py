"""Provenance drawn as a graph: boxes for files, steps and products, from left to right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID
from xml.sax.saxutils import escape

from vopub.model.provenance import Entity, ProcessingStep, Provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRAPH_SUFFIX = ".provenance.svg"
MOST_BOXES = 4
"""More files that went the same way share one box."""
MOST_HISTORIES = 5
"""More histories of inputs share one box."""
MOST_STEPS = 20
"""More steps: the first and the last are shown, those between share a box."""
FIRST = LAST = MOST_STEPS // 2
MOST_FILES = 40
"""More boxes of files are left out, and it is said how many."""
MOST_LINES, MOST_TITLE = 14, 3
"""More lines in a box are counted only; more lines of its title are left out."""
LONGEST_LINE = 500
"""More characters of a text are left out."""
FURTHER = "further"
WIDTH, GAP, LINE, SPACE = 2.5, 0.6, 0.17, 0.25
"""Width of a box, gap to the next column, height of a line, space between boxes; in inches."""
CHARACTERS = 36
"""Of a line in a box."""
CHARACTERS_PER_INCH = 11
"""Of the title above the drawing."""
STEPS = ("history", "step")
COLOURS = {"step": "#fdf1d6", "history": "#f0f0f0", "file": "#e3f0f6", "product": "#e2f3e4"}
EDGE_COLOUR = "#33505f"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "vopub",  # the same provenance gives the same bytes
    "svg.fonttype": "none",  # text stays text, to be read, searched and copied
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "text.parse_math": False,
}


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the drawing."""

    kind: str
    """``history``, ``file``, ``step`` or ``product``."""
    title: str
    lines: tuple[str, ...] = ()

    def heading(self) -> list[str]:
        """Return the lines of the title."""
        wrapped = _wrapped(self.title)
        return [*wrapped[: MOST_TITLE - 1], "…"] if len(wrapped) > MOST_TITLE else wrapped

    def text(self) -> list[str]:
        """Return the lines under the title, wrapped, and cut if they are too many."""
        wrapped = [part for line in self.lines for part in _wrapped(line)]
        if len(wrapped) <= MOST_LINES:
            return wrapped
        return [*wrapped[: MOST_LINES - 1], f"… {len(wrapped) - MOST_LINES + 1:,} more lines"]

    @property
    def height(self) -> float:
        """Height in inches."""
        return LINE * (len(self.text()) + len(self.heading()) + 1)


@dataclass(frozen=True)
class Graph:
    """Boxes, and which leads to which."""

    boxes: Mapping[str, Box]
    arrows: frozenset[tuple[str, str]]
    left_out: int = 0
    """Boxes of files that are not there, because they are too many."""

    def columns(self) -> list[list[str]]:
        """Return the boxes in columns: each right of all that lead to it, as near as can be.

        Raises
        ------
        graphlib.CycleError
            If something was made of what was made of it.
        """
        before = {key: {a for a, b in self.arrows if b == key} for key in self.boxes}
        column: dict[str, int] = {}
        for key in TopologicalSorter(before).static_order():
            column[key] = 1 + max((column[b] for b in before[key]), default=-1)
        for key in self.boxes:  # what nothing leads to stands beside what it leads to
            after = [column[b] for a, b in self.arrows if a == key]
            if not before[key] and after:
                column[key] = min(after) - 1
        most = max(column.values(), default=-1)
        return [[key for key in self.boxes if column[key] == n] for n in range(most + 1)]


def graph_of(provenance: Provenance) -> Graph:
    """Return what is drawn of a provenance.

    Histories and many alike files share a box, and so do the steps between the first and the last
    of very many.
    """
    step_boxes = _step_boxes(provenance.steps)
    box_of = {step: key for key, (_, steps) in step_boxes.items() for step in steps}
    entities = {entity.identifier: entity for entity in provenance.entities}
    boxes = {key: box for key, (box, _) in step_boxes.items()}
    arrows = _followed(provenance.steps, box_of, boxes)
    files: list[tuple[_Way, str, Box]] = []
    for (makers, users), names in _alike(provenance.steps, box_of).items():
        if makers and users and not names.keys() & entities.keys():
            # what passes from step to step and is not kept needs no box
            arrows |= {(made, used) for made in makers for used in users if made != used}
            continue
        files += [((makers, users), key, box) for key, box in _file_boxes(names, entities)]
    for (makers, users), key, box in files[:MOST_FILES]:
        boxes[key] = box
        arrows |= {(maker, key) for maker in makers} | {(key, user) for user in users}
    return Graph(boxes, frozenset(arrows), max(0, len(files) - MOST_FILES))


def draw_provenance(provenance: Provenance, *, title: str) -> bytes:
    """Draw how a table was made.

    Parameters
    ----------
    provenance
        The steps and what they used.
    title
        Text above the drawing.

    Returns
    -------
    bytes
        An SVG document; equal input gives equal bytes.
    """
    # Imported here: matplotlib takes longer to load than most commands take to run.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    graph = graph_of(provenance)
    columns = graph.columns()
    tall = max((_height(graph, column) for column in columns), default=1.0)
    wide = max(1, len(columns)) * (WIDTH + GAP)
    heading = _printable(title)
    if graph.left_out:
        heading += f" (without {graph.left_out:,} further boxes of files)"
    lines = textwrap.wrap(heading, int(wide * CHARACTERS_PER_INCH))
    high = tall + 0.3 + 0.2 * max(1, len(lines))
    with rc_context(STYLE):
        figure = Figure(figsize=(wide, high), facecolor="white")
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-GAP / 2, wide - GAP / 2), ylim=(0, high))
        axes.set_axis_off()
        for number, line in enumerate(lines):
            axes.text(0, high - 0.3 - 0.2 * number, line, fontsize=10, va="center")
        _draw(axes, graph, columns, tall)
        stream = BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Title": heading})
    return _told(stream.getvalue(), graph)


def _told(svg: bytes, graph: Graph) -> bytes:
    """Return a drawing that says in words, for who does not see it, what it shows."""
    kinds = [box.kind for box in graph.boxes.values()]
    steps = "; ".join(" ".join(box.heading()) for box in graph.boxes.values() if box.kind in STEPS)
    about = (
        f"Boxes for {sum(kind in STEPS for kind in kinds)} steps or groups of steps and "
        f"{sum(kind not in STEPS for kind in kinds)} files or groups of files; arrows lead from "
        f"what was used to what was made. The steps: {steps or 'none'}."
    )  # fmt: skip
    head, end, rest = svg.partition(b"</title>")
    return b"".join([head, end, f"<desc>{escape(about)}</desc>".encode(), rest])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(_printable(text), CHARACTERS)


def _printable(text: str) -> str:
    """Return a text as XML can hold it and a reader can see it, not longer than is read."""
    short = text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
    return "".join(letter if letter.isprintable() else " " for letter in short)


def _step_boxes(steps: Sequence[ProcessingStep]) -> dict[str, tuple[Box, list[UUID]]]:
    """Return a box for each step, one for each chain of steps that a record of an input names."""
    told, own = _parted(steps)
    chains = _chains(told)
    shown = chains if len(chains) <= MOST_HISTORIES else chains[: MOST_HISTORIES - 1]
    boxes: dict[str, tuple[Box, list[UUID]]] = {}
    for chain in shown:
        lines = [s.name if s.software in ("", s.name) else _named(s) for s in chain]
        box = Box("history", "Recorded by the input", tuple(lines))
        boxes[str(chain[0].identifier)] = (box, [step.identifier for step in chain])
    if others := [step.identifier for chain in chains[len(shown) :] for step in chain]:
        title = f"{len(chains) - len(shown):,} further histories"
        boxes["histories"] = (Box("history", title, ("in the inputs' own records",)), others)
    for step in own[:FIRST]:
        boxes[str(step.identifier)] = (_step_box(step), [step.identifier])
    if between := [step.identifier for step in own[FIRST:-LAST]]:
        title = f"{len(between):,} further steps"
        boxes[FURTHER] = (Box("step", title, ("told in the record",)), between)
    for step in own[max(FIRST, len(own) - LAST) :]:
        boxes[str(step.identifier)] = (_step_box(step), [step.identifier])
    return boxes


def _parted(
    steps: Sequence[ProcessingStep],
) -> tuple[Sequence[ProcessingStep], Sequence[ProcessingStep]]:
    """Return the steps that inputs recorded, and those of whoever wrote the provenance.

    Before vopub's first step stands what its inputs say; a provenance by others has no such part.
    """
    of_vopub = [place for place, step in enumerate(steps) if step.software.startswith("vopub ")]
    begin = of_vopub[0] if of_vopub else 0
    return steps[:begin], steps[begin:]


def _chains(steps: Iterable[ProcessingStep]) -> list[list[ProcessingStep]]:
    """Return steps that follow each other together."""
    chains: list[list[ProcessingStep]] = []
    at: dict[UUID, list[ProcessingStep]] = {}
    for step in steps:
        chain = next((at[before] for before in step.after if before in at), None)
        if chain is None:
            chain = []
            chains.append(chain)
        chain.append(step)
        at[step.identifier] = chain
    return chains


def _followed(
    steps: Iterable[ProcessingStep], box_of: Mapping[UUID, str], boxes: Mapping[str, Box]
) -> set[tuple[str, str]]:
    """Return the arrows to steps of which it is only said after which others they came."""
    return {
        (box_of[before], box_of[step.identifier])
        for step in steps
        for before in step.after
        if before in box_of
        and box_of[before] != box_of[step.identifier]
        and boxes[box_of[step.identifier]].kind == "step"
    }


def _step_box(step: ProcessingStep) -> Box:
    settings = [f"{name}: {value}" for name, value in step.configuration.items()]
    counts = [f"{events:,} {reason}" for reason, events in step.counts.items()]
    return Box("step", step.name, (step.software, *settings, *counts))


def _named(step: ProcessingStep) -> str:
    return step.software if step.software.startswith(step.name) else f"{step.name}, {step.software}"


_Way = tuple[frozenset[str], frozenset[str]]


def _alike(
    steps: Iterable[ProcessingStep], box_of: Mapping[UUID, str]
) -> dict[_Way, dict[str, None]]:
    """Return the names of files by the boxes that made and that used them."""
    makers: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    for step in steps:
        for name in step.inputs:
            users.setdefault(name, set()).add(box_of[step.identifier])
        for name in step.outputs:
            makers.setdefault(name, set()).add(box_of[step.identifier])
    alike: dict[_Way, dict[str, None]] = {}
    for name in {**users, **makers}:
        made_by, used_by = makers.get(name, set()), users.get(name, set())
        if FURTHER in made_by:
            used_by = used_by - {FURTHER}  # what passes between steps that share a box
            if not used_by and name in users:
                continue
        way = (frozenset(made_by), frozenset(used_by))
        alike.setdefault(way, {})[name] = None
    return alike


def _file_boxes(names: Iterable[str], entities: Mapping[str, Entity]) -> Iterable[tuple[str, Box]]:
    made = [name for name in names if name not in entities]
    files = [entities[name] for name in names if name in entities]
    if made:
        yield f"made {made[0]}", Box("product", made[0], tuple(made[1:]))
    if len(files) > MOST_BOXES:
        number = sum(max(1, len(file.members)) for file in files)
        yield (
            f"files {files[0].identifier}",
            Box("file", f"{number:,} files", tuple(file.name for file in files)),
        )
        return
    for file in files:
        members = [entities[m].name for m in file.members if m in entities]
        shown = members[:3] + ([f"… {members[-1]}"] if len(members) > 3 else [])
        yield file.identifier, Box("file", file.name, (file.description, *shown))


def _height(graph: Graph, column: Sequence[str]) -> float:
    return sum(graph.boxes[key].height + SPACE for key in column)


def _draw(axes: Axes, graph: Graph, columns: Sequence[Sequence[str]], tall: float) -> None:
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415

    middles: dict[str, tuple[float, float]] = {}
    for number, column in enumerate(columns):
        left = number * (WIDTH + GAP)
        top = (tall + _height(graph, column)) / 2 - SPACE / 2
        for key in column:
            box = graph.boxes[key]
            low = top - box.height
            axes.add_patch(
                FancyBboxPatch(
                    (left, low), WIDTH, box.height, boxstyle="round,pad=0,rounding_size=0.06",
                    facecolor=COLOURS[box.kind], edgecolor=EDGE_COLOUR, linewidth=0.8,
                )
            )  # fmt: skip
            _write(axes, box, left + 0.08, top - LINE)
            middles[key] = (left, (top + low) / 2)
            top = low - SPACE
    for before, after in sorted(graph.arrows):
        start, end = middles[before], middles[after]
        axes.annotate(
            "", xy=end, xytext=(start[0] + WIDTH, start[1]),
            arrowprops={"arrowstyle": "-|>", "color": EDGE_COLOUR, "linewidth": 0.8},
        )  # fmt: skip


def _write(axes: Axes, box: Box, x: float, y: float) -> None:
    for line in box.heading():
        axes.text(x, y, line, fontweight="bold", va="center")
        y -= LINE
    for line in box.text():
        axes.text(x, y, line, va="center")
        y -= LINE
