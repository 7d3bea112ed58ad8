"""One resource on its way through the stages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from vopub.errors import VopubError
from vopub.events.selection import parse_cuts
from vopub.files import scratch_directory, write_text
from vopub.model.malformed import check_malformed
from vopub.model.resource import ServiceReference
from vopub.publish.archive import Publication
from vopub.publish.build import Build, current_build
from vopub.publish.crosslinks import check_crosslinks, prove_datalinks
from vopub.publish.reading import AS_DESCRIBED, Reading
from vopub.publish.register import connect, register, register_beside, register_former
from vopub.publish.registrations import QUEUED
from vopub.publish.stages import Progress, Stage
from vopub.publish.state import (
    Key,
    PublicationState,
    begin_change,
    key_of,
    read_state,
    write_state,
)
from vopub.publish.succession import (
    archive_of,
    check_version,
    descriptor_of,
    digest,
    goes_beside,
    recover_archive,
    serve_beside,
    succeed,
)
from vopub.resources import ResourceFolder, read_collection
from vopub.settings import Settings
from vopub.site import Site
from vopub.vo.known_events import KnownEvents
from vopub.vo.load import is_settled, load, recover, remove, restore
from vopub.vo.prove import prove, prove_candidate, quick_check


class Passage:
    """Takes one resource through the stages, as far as asked for.

    Parameters
    ----------
    folder
        The resource.
    settings
        Who publishes, and where.
    site
        Where it is published; has to be up for the stages from ``load`` on.
    progress
        Is told what is done.
    until
        Last stage to do.
    reading
        How the inputs are read.
    """

    def __init__(
        self,
        folder: ResourceFolder,
        settings: Settings,
        site: Site,
        progress: Progress,
        until: Stage,
        reading: Reading = AS_DESCRIBED,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.site = site
        self.progress = progress
        self.until = until
        self.reading = reading
        self.previous = read_state(site.state, folder.id)
        """What was published before; still served unless a newer publication succeeds."""
        self.change = ""
        """What happened, in a few words."""
        self._loaded = False
        self._checked: datetime | None = None

    def publish(self) -> PublicationState | None:
        """Publish; returns what is published now, None if nothing is.

        Raises
        ------
        VopubError
            If a stage failed; the previous publication is then still served.
        """
        key = self._check()
        self.change = f"done until {self.until}"
        if not self._reaches(Stage.CONVERT):
            return self.previous
        build = self._convert(key)
        descriptor = self._describe(build)
        if not self._reaches(Stage.LOAD):
            return self.previous
        services = self._serve(key, build, descriptor)
        if not self._reaches(Stage.REGISTER):
            return self.previous
        return self._register(key, build, descriptor, services)

    def preview(self) -> None:
        """Do the same without changing anything; `change` says what would be done.

        Raises
        ------
        VopubError
            If the resource could not be published.
        """
        key = self._check()
        changes = key.changes(self.previous.key if self.previous else None)
        if not self._reaches(Stage.CONVERT):
            self.change = changes
            return
        build = current_build(self._products, self._record, key)
        if build is None:
            with scratch_directory() as place:
                build = self._converted(key, place / self.folder.id, place / "record", None)
        descriptor = self._descriptor(build)
        self.change = (
            "unchanged" if self._is_served(key, descriptor) else f"would {self._would(build)}"
        )
        self._done(Stage.CONVERT, f"{changes}; {_summary(build)}")

    @property
    def _products(self) -> Path:
        return self.site.products / self.folder.id

    @property
    def _record(self) -> Path:
        return self.site.state / f"{self.folder.id}.build"

    @property
    def _parts(self) -> Path:
        """Where what each input gave is kept for the next time."""
        return self.site.parts / self.folder.id

    @property
    def _authority(self) -> str:
        return self.settings.publisher.authority

    def _reaches(self, stage: Stage) -> bool:
        return self.until.reaches(stage)

    def _start(self, stage: Stage) -> None:
        self.progress.start(self.folder.id, stage)

    def _done(self, stage: Stage, what: str) -> None:
        self.progress.done(self.folder.id, stage, what)

    def _check(self) -> Key:
        """Look for every mistake that shows before an input is opened."""
        self._start(Stage.CHECK)
        description = self.folder.description
        check_version(self.site, description)
        parse_cuts(description.events.selection, where=self.folder.description_path)
        if description.collection:
            read_collection(self.settings.resources, description.collection)
        key = key_of(self.folder, self.settings)
        said = description.events.duplicates
        asked = self.reading.duplicates
        if asked not in (None, said):  # another table may come of the same inputs
            inputs = digest(f"{key.inputs} {asked}")
            key = key.model_copy(update={"inputs": inputs})
        count = len(description.events.inputs)
        self._done(
            Stage.CHECK, f"description and {count} input{'s' if count > 1 else ''} are there"
        )
        return key

    def _convert(self, key: Key) -> Build:
        build = current_build(self._products, self._record, key)
        if build is not None:
            if self.reading.malformed is not None:
                where = self.folder.description_path
                check_malformed(build.metadata.account, self.reading.malformed, where=where)
            self._done(Stage.CONVERT, f"unchanged: {_summary(build)}")
            return build
        return self._converted(key, self._products, self._record, self._parts)

    def _converted(self, key: Key, directory: Path, record: Path, parts: Path | None) -> Build:
        # Imported here: reading level-2 files needs a second of imports, most runs do not.
        from vopub.events.scale.workers import Here  # noqa: PLC0415
        from vopub.publish.convert import Way, convert  # noqa: PLC0415

        self._start(Stage.CONVERT)
        way = Way(
            parts=parts,
            duplicates=self.reading.duplicates,
            malformed=self.reading.malformed,
            workers=self.reading.workers or Here(),
            watch=lambda tally: self.progress.tell(self.folder.id, tally),
        )
        build = convert(self.folder, key, self.settings.publisher, directory, record, way)
        self._done(Stage.CONVERT, _summary(build))
        return build

    def _descriptor(self, build: Build) -> str:
        """Return the text of the resource descriptor; empty if the table is not for the VO."""
        return descriptor_of(self.site, self._authority, self.folder.description, build)

    def _describe(self, build: Build) -> str:
        descriptor = self._descriptor(build)
        if descriptor:
            self._start(Stage.DESCRIBE)
            write_text(self.site.state / f"{self.folder.id}.rd.xml", descriptor)
            self._done(Stage.DESCRIBE, f"descriptor of {len(descriptor.splitlines())} lines")
        return descriptor

    @property
    def _csv(self) -> Path:
        return self._products / f"{self.folder.id}.csv"

    def _is_served(self, key: Key, descriptor: str) -> bool:
        """Tell whether exactly this is what was published last."""
        state = self.previous
        return (
            state is not None
            and state.complete
            and state.key == key
            and state.descriptor == digest(descriptor)
        )

    def _would(self, build: Build) -> str:
        rows = build.metadata.rows
        if self.previous is None:
            return f"publish {rows} rows"
        return f"replace {self.previous.rows} rows by {rows}"

    def _serve(self, key: Key, build: Build, descriptor: str) -> tuple[ServiceReference, ...]:
        """Load and prove what is not served yet; take out of the VO what is no longer for it."""
        state, server = self.previous, self.site.dachs
        recover_archive(self.site, self.folder.id)
        if not descriptor or build.known is None:
            if state is not None and state.services:
                begin_change(self.site.state, state)
                remove(server, self.folder.id)
                self._done(Stage.LOAD, "taken out of the VO")
            return ()
        if state is not None and self._is_served(key, descriptor):
            self._start(Stage.PROVE)
            if quick_check(server, build.metadata, build.known):
                self._done(Stage.PROVE, "unchanged: a known event was found")
                self._checked = datetime.now(UTC).replace(microsecond=0)
                return state.services
            self.progress.note(f"{self.folder.id}: a known event is not found; publishing again")
        begin_change(self.site.state, state)
        try:
            self._load(build, descriptor, build.known)
            return self._prove(build, build.known) if self._reaches(Stage.PROVE) else ()
        except VopubError:
            self._remember_previous()
            raise

    def _load(self, build: Build, descriptor: str, known: KnownEvents) -> None:
        self._start(Stage.LOAD)
        server = self.site.dachs
        self._loaded = True
        result = load(
            server,
            self.folder.id,
            descriptor=descriptor,
            csv=self._csv,
            rows=build.metadata.rows,
            check=lambda name: prove_candidate(server, build.metadata, known, name),
        )
        for warning in result.warnings:
            self.progress.note(f"{self.folder.id}: DaCHS warns: {warning}")
        self._done(Stage.LOAD, f"{result.rows} rows imported in {result.seconds:.1f} s")

    def _prove(self, build: Build, known: KnownEvents) -> tuple[ServiceReference, ...]:
        self._start(Stage.PROVE)
        try:
            services = prove(self.site.dachs, build.metadata, known, authority=self._authority)
            services += prove_datalinks(self.site, self.folder.description, build)
        except VopubError:
            restore(self.site.dachs, self.folder.id)
            raise
        self._done(Stage.PROVE, f"{len(known.events)} known events found by cone search")
        return services

    def _register(
        self,
        key: Key,
        build: Build,
        descriptor: str,
        services: tuple[ServiceReference, ...],
    ) -> PublicationState:
        self._start(Stage.REGISTER)
        old = archive_of(self.site, self.folder.id).current
        try:
            beside = self._keep_serving(old) if self._loaded else None
            with connect(self.site.odc) as client:
                record, outcome = register(
                    client, self.site, self.folder.description, build, services
                )
                written = [(record, outcome)]
                if old is not None and beside is not None:
                    written.append(register_beside(client, self.site, old, beside.services))
                for each, became in written:
                    if became != QUEUED:
                        check_crosslinks(self.site, client, each)
        except VopubError:
            self._go_back(old, build.metadata.kid)
            raise
        self._done(Stage.REGISTER, f"record {build.metadata.kid} {outcome}")
        if outcome == QUEUED:
            self.progress.note(f"{self.folder.id}: the next run registers it")
        served = self._is_served(key, descriptor)
        if self.previous is not None and served and not self._loaded and old is not None:
            self.change = "unchanged" if outcome == "unchanged" else "published again"
            state = self.previous.model_copy(update={"checked": self._checked})
            write_state(self.site.state, state)
            return state
        self.change = "published again" if self.previous else "published"
        if served and not self._loaded:
            self.change = "unchanged"
        state = self._state(key, build, descriptor, services)
        new = Publication(state, self.folder.description, build, record, self._products)
        self._loaded = False  # from here on nothing is taken back; the next run would go on
        succeed(self.site, new, old=None if served else old, beside=beside)
        return state

    def _state(
        self, key: Key, build: Build, descriptor: str, services: tuple[ServiceReference, ...]
    ) -> PublicationState:
        return PublicationState(
            id=self.folder.id,
            kid=build.metadata.kid,
            version=build.manifest.version,
            rows=build.metadata.rows,
            key=key,
            descriptor=digest(descriptor),
            services=services,
            page=f"{self.site.odc.url}/resources/{build.metadata.kid}",
            published=datetime.now(UTC),
        )

    def _keep_serving(self, old: Publication | None) -> PublicationState | None:
        """Serve the older version beside the new one, if there is one."""
        if old is None or not goes_beside(old, self.folder.description):
            return None
        beside = serve_beside(self.site, self._authority, old)
        self.progress.note(
            f"{self.folder.id}: version {old.state.version} goes on being served as {beside.id}"
        )
        return beside

    def recover(self) -> None:
        """Serve again what was served before, after a server went away and came back.

        Raises
        ------
        VopubError
            If DaCHS or the database refuses.
        """
        if not self._loaded:
            return
        recover(self.site.dachs, self.folder.id)
        self._remember_previous()

    def _go_back(self, old: Publication | None, kid: UUID) -> None:
        """Serve and register again what was before this publication failed."""
        if self._loaded:
            restore(self.site.dachs, self.folder.id)
            self._remember_previous()
        if old is not None and old.state.kid == kid:
            register_former(self.site, old)

    def _remember_previous(self) -> None:
        """Note that the previous publication is whole, unless something of the next is in place."""
        if self.previous is not None and is_settled(self.site.dachs, self.folder.id):
            write_state(self.site.state, self.previous)


def _summary(build: Build) -> str:
    """Say where the events went."""
    account = build.metadata.account
    parts = [f"{account.read} events read", f"{account.kept} kept"]
    parts += [f"{e.events} not kept ({e.reason})" for e in account.excluded if e.events]
    return ", ".join(parts)
