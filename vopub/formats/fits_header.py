"""Headers of FITS files of event tables, and the small tables that follow the events."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.units import Unit

from vopub.formats.header import metadata_json
from vopub.formats.side_tables import side_tables
from vopub.model.dataset import TableMetadata
from vopub.model.parameter import Dtype, Parameter

EVENTS, METADATA = "EVENTS", "METADATA"
ASCII_ENCODING = "unicode_escape"
"""Python's name for ASCII with escapes such as ``\\xe9`` and ``\\u03b1``."""
NO_CHECKSUM = "0" * 16
"""What stands for the checksum while it is computed."""
_FORMATS = {
    Dtype.INT16: "I",
    Dtype.INT32: "J",
    Dtype.INT64: "K",
    Dtype.FLOAT32: "E",
    Dtype.FLOAT64: "D",
}


def primary(metadata: TableMetadata) -> fits.PrimaryHDU:
    """Return the first HDU, which has no data: what is published, by whom, on which terms."""
    p = metadata.publication
    hdu = fits.PrimaryHDU()
    cards = {
        "TITLE": p.title,
        "ORIGIN": p.publisher,
        "AUTHOR": "; ".join(person.name for person in p.creators),
        "DATE-PUB": p.created.isoformat(),
        "VERSION": p.version,
        "TELESCOP": p.facility,
        "INSTRUME": p.instrument,
        "LICENSE": p.licence,
        "LICURL": p.licence_url,
        "CONTACT": p.contact.email,
        "DOI": p.doi or "",
        "REFERENC": p.source or p.reference_url or "",
        "NOTE": p.note,
        "RESOURCE": metadata.identifier,
        "KID": str(metadata.kid),
    }
    hdu.header.update({key: _ascii(value) for key, value in cards.items() if value})
    hdu.header["SIMULATE"] = (metadata.simulated, "Simulated, or measured")
    return hdu


def events_header(metadata: TableMetadata, widths: Mapping[str, int]) -> fits.Header:
    """Return the header of the table of events, with room for its checksums.

    Parameters
    ----------
    metadata
        What is said about the table.
    widths
        Bytes of the text columns.
    """
    columns = [
        fits.Column(name=p.name, format=form, unit=_unit(p) or None)
        for p, form in zip(metadata.parameters, forms(metadata.parameters, widths), strict=True)
    ]
    header: fits.Header = fits.BinTableHDU.from_columns(columns, nrows=0, name=EVENTS).header
    header["NAXIS2"] = metadata.rows
    header["RADESYS"] = ("ICRS", "Of right ascension and declination")
    header["TIMESYS"] = ("UTC", "Time scale")
    header["TREFPOS"] = ("TOPOCENTER", "Times are at the detector")
    for number, p in enumerate(metadata.parameters, start=1):
        header[f"TUCD{number}"] = p.ucd
        header[f"TCOMM{number}"] = _ascii(p.description)
        if p.range is not None:
            header[f"TLMIN{number}"], header[f"TLMAX{number}"] = p.range
    header["CHECKSUM"] = (NO_CHECKSUM, "Of the HDU")
    header["DATASUM"] = ("0" * 10, "Of its data")
    return header


def forms(parameters: Sequence[Parameter], widths: Mapping[str, int]) -> list[str]:
    """Return what TFORMn is for each column."""
    return [_FORMATS.get(p.dtype) or f"{widths[p.name]}A" for p in parameters]


def side_hdus(metadata: TableMetadata) -> Iterator[fits.BinTableHDU]:
    """Yield the tables that follow the events; the last is the metadata as JSON in one field."""
    tables = side_tables(metadata, lambda text: text.encode(ASCII_ENCODING))
    for name, table in tables.items():
        yield fits.BinTableHDU(table, name=name)
    said = metadata_json(metadata).encode("ascii")
    field = np.array([(said,)], [("JSON", f"S{len(said)}")])
    yield fits.BinTableHDU(field, name=METADATA)


def rendered(hdus: Sequence[Any]) -> bytes:
    """Return small HDUs as a file with checksums; the first is a primary HDU."""
    for hdu in hdus:
        hdu.add_checksum(when="Of the HDU")
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()


def _unit(parameter: Parameter) -> str:
    """Return the unit as FITS writes it; as VOUnits does, where FITS knows no such unit."""
    if not parameter.unit:
        return ""
    try:
        return str(Unit(parameter.unit, format="vounit").to_string("fits"))
    except ValueError:
        return parameter.unit


def _ascii(text: str) -> str:
    return text.encode(ASCII_ENCODING).decode("ascii")
