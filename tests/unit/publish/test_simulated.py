"""Simulated events cannot be taken for observed ones, whichever file somebody opens."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import pytest

from vopub.formats.products import read_manifest
from vopub.model.resource import FileReference
from vopub.publish.convert import Source, Way, make_table
from vopub.resources import read_folder
from vopub.settings import load_settings
from vopub.vo.datalinks import Addresses, Linking

ROOT = Path(__file__).parents[3]
NAME = "antsim26_01"
SAID = re.compile(
    rb"\(simulated\)|simulated events|simulated data|simulated, not observed"
    rb'|"simulated": ?true|simulated\W+value="true"|<td>simulated',
    re.IGNORECASE,
)
FORMATS = ("csv", "votable", "fits", "parquet", "hdf5")
BARE = {f"{NAME}.csv": f"{NAME}.metadata.json", f"{NAME}.runs.csv": f"{NAME}.runs.metadata.json"}
"""Files of nothing but rows, and those that tell about them."""


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Products in every format, of a resource whose own texts do not say that it is simulated."""
    folder = read_folder(ROOT / "simulated" / NAME)
    silent = folder.description.publication.model_copy(
        update={"description": "Events of a telescope for neutrinos, as an example.", "note": ""}
    )
    formats = folder.description.products.model_copy(update={"formats": FORMATS})
    description = folder.description.model_copy(update={"publication": silent, "products": formats})
    publisher = load_settings(environ={}, directory=ROOT).publisher
    source = Source(description, folder.inputs(), folder.good_runs(), publisher, folder.responses())
    out = tmp_path_factory.mktemp("made") / NAME
    make_table(source, out, Way())
    return out


def files_of(products: Path) -> tuple[FileReference, ...]:
    manifest = read_manifest(products)
    assert manifest is not None
    return manifest.files


def test_every_product_says_it(products: Path) -> None:
    files = [file.name for file in files_of(products)]
    assert {f"{NAME}.skymap.svg", f"{NAME}.moc.fits", f"{NAME}.psf.vot"} <= set(files)
    silent = [name for name in files if not SAID.search((products / name).read_bytes())]
    assert [name for name in silent if name not in BARE] == [f"{NAME}.h5"]
    with h5py.File(products / f"{NAME}.h5") as hdf5:  # says it by an attribute, a number
        assert hdf5.attrs["simulated"] == 1
    assert set(BARE.values()) <= set(files) - set(silent)


def test_every_link_says_it(products: Path) -> None:
    files = files_of(products)
    at = Addresses("https://a/links", "https://a/files", "https://a/page", "https://a/record")
    bundle = Linking(files, at, {}, "", simulated=True).all()
    assert len(bundle) == len(files) + 2
    assert [link.access_url for link in bundle if "imulated" not in link.description] == []
    observed = Linking(files, at, {}, "", simulated=False).all()
    assert [link.description for link in observed if "imulated data" in link.description] == []
