"""The data sets of a resource, as the VO's table of observations and Datalink see them.

Of a published table there are a list of events, a bundle of everything needed to analyse them, and
each response function. They stand in the resource's descriptor, so that they come and go with it,
and `vopub.vo.observations` fills ``ivoa.obscore``, ``ivoa.obscore_hea`` and the Datalink service
from there.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from vopub.model.dataset import TableMetadata
from vopub.model.description import ResourceDescription
from vopub.model.observation import HeaSection, ProductTypes, ResponseSection
from vopub.model.resource import FileReference, FileRole
from vopub.vo.coverage import good_times
from vopub.vo.dachs import TABLE
from vopub.vo.datalinks import DATALINK, Addresses, Link, Linking
from vopub.vo.descriptor import ivoid, published_title
from vopub.vo.extent import (
    EV_PER_GEV,
    Circle,
    Interval,
    circle_of,
    electronvolts,
    mjd,
    time_intervals,
    wavelengths,
)

RESPONSE = "response-function"
CALIBRATED = 2
"""Calibration level of ObsCore: physical quantities, ready for science."""
ARCSEC_PER_DEGREE = 3600
OBSERVABLES = ("ra", "dec", "mjd", "energy")
"""Columns whose UCDs say what was observed; the draft joins them by ``#``."""
_ELEMENT = "datasets"
_DATASETS = re.compile(
    rf'<STREAM id="{_ELEMENT}">\s*<doc>(?P<content>.*?)</doc>\s*</STREAM>', re.DOTALL
)
_LIST, _BUNDLE = "events", "bundle"
_WORDS = {_LIST: "hea-event-list", _BUNDLE: "hea-event-bundle", RESPONSE: RESPONSE}
"""The draft's words for types of products."""
_TYPES = {
    ProductTypes.OBSCORE: {_LIST: "event", _BUNDLE: "event"},
    ProductTypes.DRAFT: _WORDS,
    ProductTypes.VOCABULARY: {_LIST: "event-list", _BUNDLE: "event-bundle", RESPONSE: RESPONSE},
}


class Dataset(BaseModel):
    """A data set: what the tables hold of it, by column, and its links."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    did: str
    obscore: dict[str, Any]
    hea: dict[str, Any]
    links: tuple[Link, ...]


class Datasets(BaseModel):
    """All data sets of a resource."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    datasets: tuple[Dataset, ...]


def with_datasets(descriptor: str, datasets: Datasets) -> str:
    """Return a descriptor that also holds data sets, in an element that DaCHS does nothing with."""
    content = html.escape(datasets.model_dump_json(), quote=False)
    before, end, after = descriptor.rpartition("</resource>")
    return (
        f'{before}\n  <STREAM id="{_ELEMENT}">\n    <doc>{content}</doc>\n  </STREAM>\n{end}{after}'
    )


def datasets_in(descriptor: str) -> Datasets:
    """Return the data sets that a descriptor holds: none if vopub did not put them there."""
    found = _DATASETS.search(descriptor)
    if found is None:
        return Datasets(datasets=())
    return Datasets.model_validate_json(html.unescape(found["content"]))


def datasets_of(
    description: ResourceDescription,
    metadata: TableMetadata,
    files: Sequence[FileReference],
    addresses: Addresses,
    *,
    authority: str,
    types: ProductTypes = ProductTypes.OBSCORE,
    functions: Collection[str] = (),
) -> Datasets:
    """Return the data sets of a resource.

    Parameters
    ----------
    description
        The resource, with what its publisher says about it as an observation.
    metadata
        What is said about the table of events, whose identifier may be that of a version.
    files
        All files of the resource.
    addresses
        Where things are found.
    authority
        Authority part of the VO identifiers.
    types
        Which words the types of products are taken from, unless the resource says so itself.
    functions
        Names of the responses that are tables of their own beside the events.
    """
    types = description.vo.hea.product_types or types
    kinds = {response_file(description.id, r): r.kind.value for r in description.responses}
    tables = {file.name: _WORDS[_LIST] for file in files if file.role is FileRole.DATA}
    reference = metadata.publication.reference_url or ""
    linking = Linking(tuple(files), addresses, tables | kinds, reference, metadata.simulated)
    making = _Making(description, metadata, linking, authority, types, functions)
    return Datasets(datasets=(making.bundle(), making.events(), *making.responses()))


def response_file(identifier: str, response: ResponseSection) -> str:
    """Return the name of the file of a response."""
    return f"{identifier}.{response.name}.vot"


@dataclass(frozen=True, slots=True)
class _Making:
    description: ResourceDescription
    metadata: TableMetadata
    linking: Linking
    authority: str
    types: ProductTypes
    functions: Collection[str]

    @property
    def section(self) -> HeaSection:
        return self.description.vo.hea

    def bundle(self) -> Dataset:
        did = self._did(_BUNDLE)
        obscore = {
            "access_url": self.linking.addresses.bundle(did),
            "access_format": DATALINK,
            "access_estsize": _kbyte(sum(file.size for file in self.linking.files)),
            "o_ucd": self._observables(),
        }
        hea = {"ev_xel": self.metadata.rows}
        return self._dataset(_BUNDLE, obscore, hea, self.linking.all())

    def events(self) -> Dataset:
        obscore = {**self._file(self.linking.tables[0]), "o_ucd": self._observables()}
        hea = {"ev_xel": self.metadata.rows}
        return self._dataset(_LIST, obscore, hea, self.linking.all())

    def responses(self) -> Iterator[Dataset]:
        by_name = {file.name: file for file in self.linking.files}
        for response in self.description.responses:
            file = by_name[response_file(self.description.id, response)]
            energy = response.energy or self._energy
            obscore = {
                **self._file(file),
                **_em(energy),
                "dataproduct_subtype": response.kind.value,
                "obs_title": f"{response.title}{' (simulated)' * self.metadata.simulated}",
            }
            said = {
                "event_type": response.event_type or self.section.event_type,
                "messenger_pdgid": response.messenger_pdgid or self.section.messenger_pdgid,
                "response_table": self._table(response.name),
            }
            hea = {**_energies(energy), **{name: text or None for name, text in said.items()}}
            links = self.linking.to_response(file, self._to_bundle())
            yield self._dataset(response.name, obscore, hea, links, kind=RESPONSE)

    def _table(self, name: str) -> str:
        return f"{self.metadata.identifier}.{name}" if name in self.functions else ""

    def _dataset(
        self,
        part: str,
        obscore: dict[str, Any],
        hea: dict[str, Any],
        links: Sequence[Link],
        kind: str = "",
    ) -> Dataset:
        word = kind or part
        types = {
            "dataproduct_type": _TYPES[self.types].get(word),
            "dataproduct_subtype": _WORDS[word] if self.types is ProductTypes.OBSCORE else None,
        }
        return Dataset(
            did=self._did(part),
            obscore={**self._observation(), **types, **obscore},
            hea={**self._hea(), **hea},
            links=tuple(links),
        )

    def _did(self, part: str) -> str:
        return f"{ivoid(self.authority, self.metadata.identifier)}?{part}"

    def _observation(self) -> dict[str, Any]:
        """Return what all data sets of the resource have in common in ObsCore."""
        publication, section = self.metadata.publication, self.section
        resolution = section.angular_resolution
        files = self.linking.files
        previews = [file for file in files if file.role is FileRole.PREVIEW]
        return {
            "calib_level": CALIBRATED,
            "obs_collection": section.collection
            or self.description.collection
            or self.metadata.identifier,
            "obs_id": self.metadata.identifier,
            "obs_title": published_title(self.metadata),
            "facility_name": publication.facility or None,
            "instrument_name": publication.instrument or None,
            "s_resolution": None if resolution is None else resolution * ARCSEC_PER_DEGREE,
            "em_ucd": "em.energy",
            "preview": self.linking.addresses.file(previews[0]) if previews else None,
            **_space(circle_of(section.field, self.metadata.coverage)),
            **self._time(),
            **_em(self._energy),
        }

    def _hea(self) -> dict[str, Any]:
        """Return what all data sets of the resource have in common in the extension."""
        section = self.section
        words = ("obs_mode", "tracking_mode", "scan_mode", "pointing_mode", "analysis_mode",
                 "event_type", "messenger_name", "messenger_pdgid")  # fmt: skip
        reference = section.reference_energy
        return {
            "s_ref_energy": None if reference is None else reference * EV_PER_GEV,
            "t_intervals": time_intervals(self._intervals()),
            **_energies(self._energy),
            **{word: getattr(section, word) or None for word in words},
            "simulated": int(self.metadata.simulated),
            "event_table": f"{self.metadata.identifier}.{TABLE}",
        }

    @property
    def _energy(self) -> tuple[float, float] | None:
        return self.section.energy or self.metadata.coverage.energy

    def _intervals(self) -> list[Interval]:
        if self.section.period:
            return [(self.section.period.start, self.section.period.stop)]
        spans = good_times(self.metadata.data_taking, self.metadata.coverage)
        return [(span.start, span.stop) for span in spans]

    def _time(self) -> dict[str, Any]:
        intervals = self._intervals()
        if not intervals:
            return {}
        period = self.section.period
        livetime = period.livetime if period else self.metadata.data_taking.livetime
        return {
            "t_min": mjd(min(start for start, _ in intervals)),
            "t_max": mjd(max(stop for _, stop in intervals)),
            "t_exptime": livetime,
        }

    def _observables(self) -> str:
        by_name = {parameter.name: parameter for parameter in self.metadata.parameters}
        ucds = [by_name[name].ucd for name in OBSERVABLES if name in by_name]
        return "#".join(ucd.removesuffix(";meta.main") for ucd in ucds)

    def _file(self, file: FileReference) -> dict[str, Any]:
        return {
            "access_url": self.linking.addresses.file(file),
            "access_format": file.media_type,
            "access_estsize": _kbyte(file.size),
        }

    def _to_bundle(self) -> Link:
        return Link(
            access_url=self.linking.addresses.bundle(self._did(_BUNDLE)),
            semantics="#auxiliary",
            description=f"The {'simulated ' * self.metadata.simulated}events that this response"
            " belongs to, with all that goes with them",
            content_type=DATALINK,
            content_qualifier=_WORDS[_BUNDLE],
        )


def _kbyte(size: int) -> int:
    return math.ceil(size / 1024)


def _space(circle: Circle | None) -> dict[str, Any]:
    if circle is None:
        return {}
    return {
        "s_ra": circle.ra,
        "s_dec": circle.dec,
        "s_fov": circle.diameter,
        "s_region": circle.polygon(),
    }


def _em(energy: tuple[float, float] | None) -> dict[str, Any]:
    return dict(zip(("em_min", "em_max"), wavelengths(energy), strict=True))


def _energies(energy: tuple[float, float] | None) -> dict[str, Any]:
    return dict(zip(("energy_min", "energy_max"), electronvolts(energy), strict=True))
