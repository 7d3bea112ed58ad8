"""The steps that the inputs themselves record, as the beginning of a table's provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic_core import to_json

from vopub.events.history import UNLISTED
from vopub.model.provenance import MOST_NAMED, Entity, PriorStep, ProcessingStep


@dataclass(frozen=True, slots=True)
class Beginning:
    """How the provenance of a table begins."""

    steps: tuple[ProcessingStep, ...]
    entities: tuple[Entity, ...]
    inputs: tuple[str, ...]
    """Identifiers of the files, or of the collections, that the first step of ours uses."""


def beginning(inputs: Sequence[Entity]) -> Beginning:
    """Tell what was done before, once for all inputs of a kind that went the same way.

    Up to `MOST_NAMED` inputs are named one by one. More are put together, those of one history in
    one collection, so that steps stay readable for thousands of inputs.
    """
    files = list({entity.identifier: entity for entity in inputs}.values())
    groups: dict[tuple[bytes, str], list[Entity]] = {}
    for file in files:
        groups.setdefault((_way(file.history), file.description), []).append(file)
    steps: list[ProcessingStep] = []
    entities = [file.model_copy(update={"history": ()}) for file in files]
    used: list[str] = []
    for group in groups.values():
        names = named(group, entities, alone=len(files) <= MOST_NAMED)
        steps += _steps(group, names, entities)
        used += names
    return Beginning(tuple(steps), tuple(entities), tuple(used))


def named(group: Sequence[Entity], entities: list[Entity], *, alone: bool) -> tuple[str, ...]:
    """Return the identifiers of files, or of a collection of them that is added to the entities."""
    members = tuple(file.identifier for file in group)
    if alone or len(members) == 1:
        return members
    identifier = f"collection:{uuid5(NAMESPACE_URL, ' '.join(members))}"
    collection = Entity(
        identifier=identifier,
        name=f"{len(members)} files",
        description=group[0].description or "Files",
        members=members,
    )
    entities.append(collection)
    return (identifier,)


def _way(history: Sequence[PriorStep]) -> bytes:
    """Return what is the same for all files that went the same way: no times, no identifiers."""
    return to_json([(step.name, step.software, step.configuration) for step in history])


def _steps(
    group: Sequence[Entity], outputs: tuple[str, ...], entities: list[Entity]
) -> list[ProcessingStep]:
    steps: list[ProcessingStep] = []
    for place, same in enumerate(zip(*(file.history for file in group), strict=True)):
        prior: PriorStep = same[0]
        recorded = tuple(step.identifier for step in same if step.identifier)
        alone = len(same) == 1
        own = recorded[0] if alone and recorded else None
        final = place == len(group[0].history) - 1
        steps.append(
            ProcessingStep(
                identifier=own or uuid5(NAMESPACE_URL, f"step {place} {prior.name} {outputs}"),
                name=prior.name,
                description=_description(prior, len(same)),
                software=prior.software,
                configuration=prior.configuration,
                inputs=_used(same, entities),
                outputs=outputs if final else (),
                after=tuple(step.identifier for step in steps[-1:]),
                recorded_as=() if alone else recorded,
                started=prior.started if alone else _earliest(same),
                ended=prior.ended if alone else _latest(same),
            )
        )
    return steps


def _description(prior: PriorStep, times: int) -> str:
    if prior.name == UNLISTED:
        return "A step of the input's own record, by a program that is not on the list here."
    for_each = "" if times == 1 else f" (done for each of {times} files)"
    return f"{prior.name}, as the input's own record tells{for_each}."


def _used(same: Iterable[PriorStep], entities: list[Entity]) -> tuple[str, ...]:
    """Return the files that the record says were read, known by their own identifiers only."""
    uuids = list(dict.fromkeys(uuid for step in same for uuid in step.used))
    known = {entity.uuid: entity for entity in entities if entity.uuid}
    files = [known.get(uuid) or _recorded_file(uuid) for uuid in uuids]
    there = {entity.identifier for entity in entities}
    entities += [file for file in files if file.identifier not in there]
    return named(files, entities, alone=len(files) <= MOST_NAMED)


def _recorded_file(uuid: UUID) -> Entity:
    return Entity(
        identifier=f"uuid:{uuid}",
        name=str(uuid),
        uuid=uuid,
        description="A file that an input's own record names; known by its identifier only",
    )


def _earliest(same: Iterable[PriorStep]) -> datetime | None:
    return min((step.started for step in same if step.started), default=None)


def _latest(same: Iterable[PriorStep]) -> datetime | None:
    return max((step.ended for step in same if step.ended), default=None)
