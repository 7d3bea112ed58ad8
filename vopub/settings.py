"""The settings: option > ``VOPUB_*`` environment > ``vopub.toml`` > the site > default.

The site remembers the ports that its servers were started with. This module is the only reader of
settings from the environment. ``VOPUB_DACHS_PORT`` sets ``site.dachs_port``,
``VOPUB_SITE`` the site directory, ``VOPUB_CONFIG`` the file; all others are ``VOPUB_<KEY>`` of a
key in ``[site]``, ``[client]`` or ``[publisher]``.
"""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    ValidationError,
    model_validator,
)

from vopub.errors import DescriptionError, Problem, did_you_mean
from vopub.model.observation import ProductTypes
from vopub.model.publication import Contact, Url

CONFIG_NAME = "vopub.toml"
LISTS = ("mirrors", "odc_accepts", "odc_proxies")
"""Settings that are several, parted by spaces in the environment."""
PORTS_NAME = "ports.json"
"""File in the site directory with the ports that its servers were last started with."""
ROOT_SITE = Path("/var/lib/vopub/site")
"""Where root keeps the site when services, which run unprivileged, could not reach the checkout."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SiteSettings(_Section):
    """The running site: where it lives and listens."""

    directory: Path
    """Holds the database, DaCHS and the ODC; everything in it can be made again."""
    host: str = "127.0.0.1"
    """Address that the servers listen on."""
    public_host: str = ""
    """Host name in the published addresses; the address listened on if empty."""
    dachs_port: int = Field(default=8080, ge=1, le=65535)
    odc_port: int = Field(default=8000, ge=1, le=65535)
    odc_database: str = ""
    """Address of a PostgreSQL that the Open Data Center keeps its records in, without a password,
    e.g. ``postgresql://odc@/odc?host=/run/postgresql``; SQLite in the directory if empty."""
    odc_accepts: tuple[str, ...] = ()
    """Further types of files that the Open Data Center takes, e.g. ``dat=application/x-dat``."""
    odc_processes: int = Field(default=0, ge=0, le=64)
    """How many processes the Open Data Center has; 0 for one for each core, at most four."""
    odc_most_writes: int | None = Field(default=None, ge=1, le=1_000_000)
    """How often a token may write to the Open Data Center in a minute; None for its own default."""
    odc_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Addresses or networks of proxies before the Open Data Center, which say for whom they ask."""
    query_seconds: int = Field(default=30, ge=1, le=3600)
    """Longest time that a cone search or synchronous TAP query may take in the database."""
    tap_rows: int = Field(default=10_000_000, ge=1, le=100_000_000)
    """Most rows that a TAP query returns, whatever it asks for."""
    cone_rows: int = Field(default=1_000_000, ge=1, le=100_000_000)
    """Most rows that a cone search returns, whatever it asks for; they are held in memory."""

    @property
    def dachs_url(self) -> str:
        """Address of the VO server."""
        return f"http://{self._public}:{self.dachs_port}"

    @property
    def odc_url(self) -> str:
        """Address of the Open Data Center."""
        return f"http://{self._public}:{self.odc_port}"

    @property
    def _public(self) -> str:
        """The host as it stands in addresses, where IPv6 has brackets."""
        host = self.public_host or self.host
        return f"[{host}]" if ":" in host and not host.startswith("[") else host


class PublisherSettings(_Section):
    """Who publishes: rendered into the site's registry record and every resource."""

    authority: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,}$")
    """Authority part of the VO identifiers: ``ivo://<authority>/…``."""
    site_name: str = Field(min_length=3)
    short_name: str = Field(min_length=2, max_length=16)
    description: str = Field(min_length=50)
    publisher: str = Field(min_length=2)
    owner: str = Field(min_length=2)
    contact: Contact
    address: str = Field(min_length=5)
    """Postal address of the contact, asked for by the registry."""
    reference_url: Url
    product_types: ProductTypes = ProductTypes.OBSCORE
    """Which words the table of observations calls lists of events and bundles by."""


class ClientSettings(_Section):
    """What ``KM3Store`` and ``vopub get`` use unless told otherwise."""

    odc_url: Url | None = None
    """Address of the Open Data Center; the site's own if not given."""
    mirrors: tuple[Url, ...] = ()
    """Addresses with the same content, tried in order when the first does not answer."""
    cache: Path
    """Directory that keeps the catalogue, records and files."""
    offline: bool = False
    """Whether to use only what the cache holds."""
    proxy: Url | None = None
    """Address of an HTTP proxy to go through."""


class ExternalSettings(_Section):
    """A DaCHS and its PostgreSQL that vopub does not start, instead of the embedded ones."""

    dachs_url: Url | None = None
    """Its published address; without it the embedded servers are used."""
    dachs_root: Path | None = None
    """Its ``rootDir``."""
    dachs_settings: Path = Path("/etc/gavo.rc")
    """Its settings file, which ``GAVOSETTINGS`` names."""
    database_host: str = "/var/run/postgresql"
    """Host name, or directory of the socket."""
    database_port: int = Field(default=5432, ge=1, le=65535)
    database_name: str = "gavo"
    database_user: str = "gavoadmin"
    """Role that owns the published tables, DaCHS's own."""
    database_passwords: Path | None = None
    """File with the role's password, in the form of ``.pgpass``."""

    @property
    def used(self) -> bool:
        """Whether there is one."""
        return self.dachs_url is not None

    @model_validator(mode="after")
    def _complete(self) -> ExternalSettings:
        needed = {"dachs_url": self.dachs_url, "dachs_root": self.dachs_root}
        missing = [name for name, value in needed.items() if value is None]
        given = any(
            getattr(self, name) != field.default for name, field in type(self).model_fields.items()
        )
        if given and missing:
            raise ValueError(f"{' and '.join(missing)} is needed, too")
        return self


class ArchiveSettings(_Section):
    """Further places that publications are deposited in."""

    dataverse_url: Url | None = None
    """Address of a Dataverse, e.g. ``https://opendata.km3net.de``."""
    dataverse_collection: str = Field(default="root", pattern=r"^[A-Za-z0-9_-]{1,60}$")
    """Alias of the collection there that new datasets are made in."""
    dataverse_token: Path | None = None
    """File with the API token, readable by the publisher only."""
    invenio_url: Url | None = None
    """Address of an InvenioRDM, e.g. ``https://zenodo.org``."""
    invenio_token: Path | None = None
    """File with the token, readable by the publisher only."""


class _ReaderSettings(BaseModel):
    """The part that concerns who only reads; the rest of the file is not looked at."""

    site: SiteSettings
    client: ClientSettings


class Settings(_Section):
    """Everything that can be set."""

    site: SiteSettings
    client: ClientSettings
    publisher: PublisherSettings
    external: ExternalSettings = ExternalSettings()
    archives: ArchiveSettings = ArchiveSettings()
    resources: Path
    """Folder with one sub-folder per resource."""


SECTIONS: Mapping[str, type[BaseModel]] = {
    "site": SiteSettings,
    "client": ClientSettings,
    "publisher": PublisherSettings,
    "external": ExternalSettings,
    "archives": ArchiveSettings,
}
"""The parts of the file; no two have a key of the same name."""


def load_settings(
    options: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] = os.environ,
    directory: Path | None = None,
) -> Settings:  # fmt: skip
    """Read the settings.

    Parameters
    ----------
    options
        What the command line set, by dotted key, e.g. ``{"site.dachs_port": 8081}``; None is
        'not given'.
    environ
        The environment.
    directory
        Where to look for ``vopub.toml`` and where relative paths start; default the current one.

    Raises
    ------
    DescriptionError
        With every problem of the file and of the environment.
    """
    here = (directory or Path.cwd()).resolve()
    path = Path(environ.get("VOPUB_CONFIG") or here / CONFIG_NAME)
    content = _read(path)
    _complete(content, options or {}, environ, here)
    content["resources"] = (here / str(content.get("resources") or "resources")).resolve()
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise _refused(error, path, options or {}, environ) from error


def load_client_settings(
    options: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] = os.environ,
    directory: Path | None = None,
) -> ClientSettings:  # fmt: skip
    """Read the settings of who only reads: works without a ``vopub.toml`` and without a publisher.

    Parameters and errors are those of ``load_settings``; ``odc_url`` of the result is set.
    """
    here = (directory or Path.cwd()).resolve()
    path = Path(environ.get("VOPUB_CONFIG") or here / CONFIG_NAME)
    content = _read(path) if path.exists() or environ.get("VOPUB_CONFIG") else {}
    _complete(content, options or {}, environ, here)
    try:
        given = _ReaderSettings.model_validate(content)
    except ValidationError as error:
        raise _refused(error, path, options or {}, environ) from error
    return given.client.model_copy(update={"odc_url": given.client.odc_url or given.site.odc_url})


def default_cache(environ: Mapping[str, str]) -> Path:
    """Return where the client keeps what it fetched.

    Source: XDG Base Directory Specification 0.8: ``$XDG_CACHE_HOME``, or ``~/.cache``.
    """
    base = Path(environ.get("XDG_CACHE_HOME") or "")
    return (base if base.is_absolute() else Path("~/.cache").expanduser()) / "vopub"


def default_site_directory(here: Path) -> Path:
    """Return ``site`` beside the configuration, or root's own place if that cannot be reached.

    Services of root run as an unprivileged user, who must be able to enter every directory above.
    """
    if os.geteuid() == 0 and not all(
        parent.stat().st_mode & stat.S_IXOTH for parent in (here, *here.parents)
    ):
        return ROOT_SITE
    return here / "site"


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        hint = "run vopub where vopub.toml is, or name it with VOPUB_CONFIG"
        raise DescriptionError([Problem("", "there is no such file", hint)], where=path) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DescriptionError([Problem("", f"cannot be read: {error}")], where=path) from error


def _complete(
    content: dict[str, Any], options: Mapping[str, Any], environ: Mapping[str, str], here: Path
) -> None:
    """Add environment, options and defaults to what the file says."""
    sections = [content.setdefault(name, {}) for name in SECTIONS]
    if not all(isinstance(section, dict) for section in sections):
        return  # whoever checks the content says so
    site, client, _, external, archives = sections
    _from_environment(content, environ)
    for key, value in options.items():
        if value is not None:
            _put(content, key, value)
    given = site.get("directory") or default_site_directory(here)
    site["directory"] = _place(here, given)
    for name, port in _remembered_ports(site["directory"]).items():
        site.setdefault(name, port)
    client["cache"] = _place(here, client.get("cache") or default_cache(environ))
    for name in ("dachs_root", "dachs_settings", "database_passwords"):
        if name in external:
            external[name] = _place(here, external[name])
    for name in ("dataverse_token", "invenio_token"):
        if name in archives:
            archives[name] = _place(here, archives[name])


def _remembered_ports(site: Path) -> dict[str, int]:
    """Return the ports that a site was last started with, by key; none if damaged."""
    try:
        kept = json.loads((site / PORTS_NAME).read_text(encoding="utf-8"))
        return {name: int(kept[name]) for name in ("dachs_port", "odc_port")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _place(here: Path, given: object) -> Path:
    return (here / Path(str(given)).expanduser()).resolve()


def _from_environment(content: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        key = name.removeprefix("VOPUB_").lower()
        if not name.startswith("VOPUB_") or key == "config":
            continue
        section = next((n for n, model in SECTIONS.items() if key in model.model_fields), None)
        if key == "site":
            content["site"]["directory"] = value
        elif key == "resources":
            content["resources"] = value
        elif section is not None:
            content[section][key] = value.split() if key in LISTS else value
        else:
            known = [field for model in SECTIONS.values() for field in model.model_fields]
            hint = did_you_mean(key, ["site", "config", "resources", *known])
            raise DescriptionError([Problem(name, "unknown setting", hint)], where="environment")


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        content = content.setdefault(section, {})
    content[last] = value


def _refused(
    error: ValidationError, path: Path, options: Mapping[str, Any], environ: Mapping[str, str]
) -> DescriptionError:
    """Return the error with every problem of the file, of options and of the environment."""
    problems = []
    for detail in error.errors():
        key = ".".join(map(str, detail["loc"][:2]))
        name = f"VOPUB_{key.rpartition('.')[2].upper()}"
        by_option = options.get(key) is not None
        problems.append(_problem(detail, name if name in environ and not by_option else ""))
    return DescriptionError(problems, where=path)


def _problem(detail: Any, variable: str) -> Problem:
    """Return what is wrong with a setting; ``variable`` of the environment sets it, if any."""
    location = detail["loc"]
    place = ".".join(map(str, location)) + (f", set by {variable}" if variable else "")
    if detail["type"] == "extra_forbidden":
        valid = SECTIONS.get(str(location[0]), Settings).model_fields
        return Problem(place, "unknown key", did_you_mean(str(location[-1]), valid))
    if detail["type"] == "missing":
        return Problem(place, "is missing")
    return Problem(place, f"{detail['msg']} (got {detail['input']!r})")
