"""How readers are found: vopub's own, and those that other packages bring."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from km3net_testdata import data_path

from vopub.events.readers import known_layouts
from vopub.events.readers.text import COLUMNS
from vopub.model.catalogue import parameter

PAGE = Path(__file__).parents[3] / "docs" / "readers.md"
OPEN = """
import sys
from pathlib import Path
from vopub.errors import InputError
from vopub.events.readers import open_reader
for name in sys.argv[1:]:
    try:
        with open_reader(Path(name)) as reader:
            print(reader.header.layout, reader.entries)
    except InputError as error:
        print(error)
    print(*sorted({"h5py", "uproot"} & set(sys.modules)))
"""
REDUCE = """
import sys
from pathlib import Path
from vopub.events.convert import Reduction
from vopub.model.description import EventsSection
section = EventsSection(inputs=("a",), detector="ARCA", reconstruction="given",
                        columns=("event_id", "zenith", "energy", "unix_time"))
reduction = Reduction([Path(sys.argv[1])], section, simulated=False, rows=2)
for chunk in reduction:
    print(*zip(*chunk.columns.values()))
account = reduction.account
print(account.read, account.kept, account.not_reconstructed.first, reduction.data_taking.runs)
"""


def block(language: str, beginning: str = "") -> str:
    """Return the only example of the page in a language that begins so."""
    pattern = rf"^```{language}\n({re.escape(beginning)}.*?)^```"
    (text,) = re.findall(pattern, PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(text)


def run(code: str, *arguments: Path, packages: Path) -> list[str]:
    """Run Python with further packages, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(packages)}, check=False, timeout=120,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def declare(directory: Path, name: str, value: str) -> Path:
    """Install a package that declares a reader but has no code."""
    info = directory / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[vopub.readers]\nhill = {value}\n")
    return directory


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package of the page, as the page says."""
    source, target = tmp_path_factory.mktemp("lake"), tmp_path_factory.mktemp("packages")
    (source / "pyproject.toml").write_text(block("toml"))
    (source / "lake_events.py").write_text(block("python"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
         "--no-build-isolation", "--disable-pip-version-check", "--target", target, source],
        check=True, timeout=120,
    )  # fmt: skip
    return target


@pytest.fixture
def lake_file(tmp_path: Path) -> Path:
    path = tmp_path / "some.root"
    path.write_text(block("", "LAKE 1"))
    return path


def test_the_package_of_the_page(lake: Path, lake_file: Path) -> None:
    assert run(OPEN, lake_file, packages=lake) == ["lake observatory 3", ""]


def test_events_of_the_package_become_rows(lake: Path, lake_file: Path) -> None:
    first, second, account = run(REDUCE, lake_file, packages=lake)
    assert "km3.7.12.40.0" in first
    assert "114.59" in first
    assert "300.0" in first
    assert "1600000000000000250" in first
    assert "km3.7.12.44.1" in second
    assert account.startswith("3 2 ('km3.7.12.41.0',) (Run(detector_id=7, run=12")


def test_an_error_of_the_package(lake: Path, lake_file: Path) -> None:
    lake_file.write_text(lake_file.read_text() + "1 2 3\n")
    message, _ = run(OPEN, lake_file, packages=lake)
    assert message == f"{lake_file}, line 5: not 8 numbers"


def test_an_unknown_layout_names_the_known_ones(lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x00\x01\x02")
    message, _ = run(OPEN, path, packages=lake)
    assert message.startswith(f"{path}: no known layout (begins with b'\\x00\\x01\\x02'); known")
    assert "lake (by lake-events)" in message
    for layout in known_layouts():
        assert layout in message


def test_only_what_may_be_needed_is_imported(lake: Path, lake_file: Path) -> None:
    table = Path(data_path("seatray/antares.h5"))
    assert run(OPEN, lake_file, table, packages=lake)[1::2] == ["", "h5py"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_module:Reader", "cannot be imported: No module named 'no_such_module'"),
        ("pathlib:NoSuchReader", "cannot be imported: module 'pathlib' has no attribute"),
        ("pathlib:Path", "is no reader: it is no subclass of Reader"),
        (
            "vopub.events.readers.base:Reader",
            "is no reader: it lacks __init__, chunks, entries, header, recognises",
        ),
    ],
)
def test_a_broken_package_is_named(value: str, why: str, lake_file: Path, tmp_path: Path) -> None:
    packages = declare(tmp_path / "broken", "hill-events", value)
    message, _ = run(OPEN, lake_file, packages=packages)
    assert message.startswith(f"reader 'hill' of hill-events ({value}) {why}")
    assert message.endswith("update or remove the package hill-events")


def test_our_own_files_do_not_need_the_broken_package(tmp_path: Path) -> None:
    packages = declare(tmp_path / "broken", "hill-events", "no_such_module:Reader")
    numucc = Path(data_path("offline/numucc.root"))
    assert run(OPEN, numucc, packages=packages)[0] == "KM3NeT offline 10"


def test_every_reader_of_ours_is_declared() -> None:
    declared = known_layouts()
    assert [name.split()[-1] for name in declared] == ["(ROOT)", *["(HDF5)"] * 3, "TSV)"]
    text = PAGE.read_text()
    for layout in declared:
        assert layout.split(" (")[0] in text


def test_the_table_of_columns_is_that_of_the_reader() -> None:
    text = PAGE.read_text()
    for name, aliases in COLUMNS.items():
        names = ", ".join(f"`{alias}`" for alias in aliases)
        (row,) = [line for line in text.splitlines() if names in line]
        assert row.startswith(f"| `{name}`")
        assert row.endswith(f"| {parameter(name).unit} |")
