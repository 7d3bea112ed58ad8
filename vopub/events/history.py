"""What a level-2 file says was done before, without what must not leave.

Files of the collaboration carry the commands, environments and machines of the people who made
them. What goes on from here is chosen by what is known to be harmless, not by what is known to
harm: programs and modules of `vopub.events.known_programs`, versions, identifiers, times, numbers
of named parameters. A program that is not known counts as a step without its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError

from vopub.errors import InputError
from vopub.events import known_programs as known
from vopub.files import sha256_of
from vopub.model.provenance import VERSION_PATTERN, Configuration, PriorStep

RECORD_SUFFIX = ".prov.json"
"""Added to the name of a file by km3pipe for the record of how it was made."""
MOST_BYTES = 32 << 20
"""Of a record; km3pipe's are below 100 kB."""
UNLISTED = "unlisted"
"""Name of a step whose program is not known here."""
_VERSION = re.compile(VERSION_PATTERN)
_TUNE = re.compile(r"G(HE)?\d{2}_\d{2}[a-z]_\d{2}_\d{3}")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_NUMBERS = re.compile(rf"\s*{_NUMBER}(\s+{_NUMBER}){{0,5}}\s*")
_SETTING = re.compile(rf"\b(\w+)\s*=\s*({_NUMBER})(?=\s*[;\"\\])")


def software(package: str, version: object) -> str:
    """Return package and version as one text, without a version that does not look like one."""
    text = str(version or "").strip()
    return f"{package} {text}" if _VERSION.fullmatch(text) else package


def simulation_steps(head: Mapping[str, str]) -> tuple[PriorStep, ...]:
    """Return the simulation programs that a header of aanet or Jpp names, in their order.

    Parameters
    ----------
    head
        Text by key, e.g. ``simul_1`` to ``JSirene 14.1.0 05/21/21 15:29:20``: program, version,
        date and time (without a zone, so not taken over).
    """
    steps = [_program_step(line) for line in _lines(head, "simul")]
    named = {step.name for step in steps}
    physics = [_physics(line) for line in _lines(head, "physics")]
    generators = [s for s in physics if s.partition(" ")[0] in known.GENERATORS - named]
    models = sorted({s for s in physics if s and s.partition(" ")[0] not in known.GENERATORS})
    steps = [PriorStep(name=s.partition(" ")[0], software=s) for s in generators] + steps
    about = _generation(head, models)
    if steps and about:
        steps[0] = steps[0].model_copy(update={"configuration": about})
    return tuple(steps)


def jpp_steps(texts: Iterable[str]) -> tuple[PriorStep, ...]:
    r"""Return the applications of Jpp that a file was made with.

    Parameters
    ----------
    texts
        Jpp's record of each application, oldest first: lines ``<key>=<value>`` with the keys
        ``GIT`` or ``SVN``, ``application``, ``command``, ``system``, …
    """
    return tuple(map(_jpp_step, texts))


def dst_step(command_line: str) -> PriorStep:
    """Return the step that made a DST file; of its command line only a known program is named."""
    words = command_line.split()
    program = PurePosixPath(words[0]).stem if words else ""
    return PriorStep(name=program if program in known.DST_PROGRAMS else UNLISTED)


def km3pipe_step(attributes: Mapping[str, object]) -> PriorStep | None:
    """Return the step that wrote an HDF5 file, from the attributes of its root."""
    texts = {key: _text(value) for key, value in attributes.items()}
    if "km3pipe" not in texts:
        return None
    names = ("format_version", "jpp", "pytables")
    about: Configuration = {n: texts[n] for n in names if _VERSION.fullmatch(texts.get(n, ""))}
    return PriorStep(
        name="km3pipe", software=software("km3pipe", texts["km3pipe"]), configuration=about
    )


def hdf5_history(
    path: Path, attributes: Mapping[str, object], head: Mapping[str, str], uuid: UUID | None
) -> tuple[PriorStep, ...]:
    """Return what a file of km3pipe and the record beside it say was done before.

    Parameters
    ----------
    path
        The file.
    attributes
        Attributes of its root.
    head
        The simulation's header as in `simulation_steps`: ``field_values`` by ``parameter``.
    uuid
        The identifier the file carries, its ``kid``.

    Raises
    ------
    InputError
        If there is a record beside the file that cannot be read.
    """
    wrote = km3pipe_step(attributes)
    recorded = record_beside(path, uuid)
    if wrote and recorded:  # not every record names the version of km3pipe, the file does
        last = recorded[-1]
        package = last.software if " " in last.software else wrote.software
        about = {**wrote.configuration, **last.configuration}
        wrote = last.model_copy(update={"software": package, "configuration": about})
    done = (*recorded[:-1], wrote) if wrote else recorded
    return simulation_steps(head) + done


def root_history(
    path: Path,
    head: Mapping[str, str],
    jpp: Sequence[str],
    dst_command: str | None,
    uuid: UUID | None,
) -> tuple[PriorStep, ...]:
    """Return what an offline or DST file and the record beside it say was done before.

    Parameters
    ----------
    path
        The file.
    head
        Its header.
    jpp
        Jpp's record of each application, oldest first.
    dst_command
        Command line of the DST production; None if the file is not a DST.
    uuid
        The identifier the file carries.

    Raises
    ------
    InputError
        If there is a record beside the file that cannot be read.
    """
    applications = jpp_steps(jpp)
    again = {step.name for step in applications}
    simulated = tuple(step for step in simulation_steps(head) if step.name not in again)
    dst = () if dst_command is None else (dst_step(dst_command),)
    return simulated + applications + dst + record_beside(path, uuid)


def record_path(path: Path) -> Path:
    """Return where km3pipe lays its record of how a level-2 file was made."""
    return path.with_name(path.name + RECORD_SUFFIX)


def record_digest(path: Path) -> str:
    """Return the SHA-256 of the record beside a level-2 file; empty if there is none.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    record = record_path(path)
    return sha256_of(record) if record.is_file() else ""


def record_beside(path: Path, uuid: UUID | None) -> tuple[PriorStep, ...]:
    """Return the steps of km3pipe's record ``<name>.prov.json`` beside a file; none without one.

    A record that says it is of another file is not taken.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    record = record_path(path)
    if not record.is_file():
        return ()
    hint = "copy it again from where it came, or take it away"
    try:
        if record.stat().st_size > MOST_BYTES:
            raise InputError("is too large for a record of provenance", where=record, hint=hint)
        activities = _ACTIVITIES.validate_json(record.read_bytes())
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise InputError(what, where=record, hint=hint) from error
    except ValidationError as error:
        what = "is not a record of km3pipe"
        raise InputError(what, where=record, hint=hint) from error
    made = {file.uuid for activity in activities for file in activity.output if file.uuid}
    if uuid is not None and made and uuid not in made:
        return ()
    activities.sort(key=lambda activity: activity.start.time_utc)
    return tuple(map(_activity_step, activities))


def _uuid_or_none(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_MaybeUuid = Annotated[Any, AfterValidator(_uuid_or_none)]


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Moment(_Recorded):
    time_utc: Annotated[datetime, AfterValidator(_in_utc)]


class _File(_Recorded):
    uuid: _MaybeUuid = None


class _Package(_Recorded):
    name: str
    version: str


class _Python(_Recorded):
    packages: tuple[_Package, ...] = ()


class _System(_Recorded):
    thepipe_version: str = ""
    python: _Python = _Python()


class _Activity(_Recorded):
    """One activity of the record that thepipe writes for km3pipe."""

    uuid: UUID
    name: str
    start: _Moment
    stop: _Moment | None = None
    system: _System = _System()
    input: tuple[_File, ...] = ()
    output: tuple[_File, ...] = ()
    configuration: dict[str, Any] = {}


_ACTIVITIES = TypeAdapter(list[_Activity])
_ACTIVITY_NAMES = {"main session": "session", "pipeline": "pipeline"}


def _activity_step(activity: _Activity) -> PriorStep:
    kind = _ACTIVITY_NAMES.get(activity.name, "activity")
    packages = {package.name: package.version for package in activity.system.python.packages}
    about: Configuration = {}
    if _VERSION.fullmatch(activity.system.thepipe_version):
        about["thepipe"] = activity.system.thepipe_version
    cycles = activity.configuration.get("cycles")
    if isinstance(cycles, int) and not isinstance(cycles, bool):
        about["cycles"] = cycles
    modules = _modules(activity.configuration.get("modules"))
    if modules:
        about["modules"] = modules
    return PriorStep(
        name=f"km3pipe {kind}",
        software=software("km3pipe", packages.get("km3pipe")),
        identifier=activity.uuid,
        configuration=about,
        used=tuple(file.uuid for file in activity.input if file.uuid),
        started=activity.start.time_utc,
        ended=activity.stop.time_utc if activity.stop else None,
    )


def _modules(listed: object) -> str:
    entries = listed if isinstance(listed, list) else []
    names = [str(entry.get("name")) for entry in entries if isinstance(entry, Mapping)]
    return ", ".join(name if name in known.KM3PIPE_MODULES else UNLISTED for name in names)


def _jpp_step(text: str) -> PriorStep:
    pairs = (line.partition("=") for line in text.splitlines())
    told = {key.strip(): value.strip() for key, _, value in pairs}
    name = told.get("application", "")
    found = _SETTING.findall(told.get("command", ""))
    return PriorStep(
        name=name if name in known.JPP else UNLISTED,
        software=software("Jpp", told.get("GIT") or told.get("SVN")),
        configuration={k: float(v) for k, v in found if k in known.FIT_PARAMETERS},
    )


def _lines(head: Mapping[str, str], key: str) -> list[str]:
    """Return the texts of ``key``, ``key_1``, ``key_2``, … in that order."""
    found = [(re.fullmatch(rf"{key}(?:_(\d{{1,3}}))?", name), text) for name, text in head.items()]
    numbered = [(int(match[1] or 0), text) for match, text in found if match and text.strip()]
    return [text for _, text in sorted(numbered)]


def _program_step(line: str) -> PriorStep:
    program, version, *_ = [*line.split(), ""]
    if program not in known.SIMULATION:
        return PriorStep(name=UNLISTED)
    return PriorStep(name=program, software=software(program, version))


def _physics(line: str) -> str:
    """Return program and version of ``GENIE 3.0.2`` or ``gSeaGen PROPOSAL 6.1.5``, or nothing."""
    words = line.split()
    if words[0] == "GENIE_TUNE":
        tuned = len(words) > 1 and _TUNE.fullmatch(words[1])
        return f"GENIE_TUNE {words[1]}" if tuned else ""
    if len(words) > 1 and words[0] in known.SIMULATION and words[1] in known.SIMULATION:
        words = words[1:]
    if words[0] not in known.SIMULATION:
        return ""
    return software(words[0], words[1] if len(words) > 1 else "")


def _generation(head: Mapping[str, str], models: Sequence[str]) -> Configuration:
    about: Configuration = {"physics": ", ".join(models)} if models else {}
    for name in known.GENERATION_RANGES:
        numbers = _NUMBERS.fullmatch(head.get(name, ""))
        if numbers and any(float(number) for number in head[name].split()):
            about[name] = " ".join(head[name].split())
    return about


def _text(value: object) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
