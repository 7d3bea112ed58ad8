"""The site directory: what lies where, who owns it, and its secrets."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from vopub.errors import FileError
from vopub.files import cannot, write_text
from vopub.process import Account, run

PRIVATE = 0o700
PUBLIC = 0o755
DIRECTORIES = {
    "run": PRIVATE,
    "secrets": PRIVATE,
    "dachs": PRIVATE,
    "odc": PRIVATE,
    "log": PRIVATE,
    "state": PUBLIC,
    "products": PUBLIC,
    "parts": PUBLIC,
    "archive": PUBLIC,
}
"""Directories of a site and their permissions; ``pg`` is made by PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Places in the site directory."""

    directory: Path
    account: Account

    def __truediv__(self, name: str) -> Path:
        return self.directory / name

    @property
    def tag(self) -> str:
        """A short name for this directory, where its path would be too long."""
        return hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]

    def make(self) -> None:
        """Make what is missing and give it to the account that services run as.

        Raises
        ------
        FileError
            If a directory cannot be made, or services could not enter it.
        """
        try:
            self._make(self.directory, PUBLIC)
            self._check_reachable()
            for name, mode in DIRECTORIES.items():
                self._make(self / name, mode)
        except OSError as error:
            raise cannot("make the site directory", self.directory, error) from error

    def write(self, path: Path, text: str, *, mode: int = 0o644) -> bool:
        """Write a text file that services own; tell whether anything changed."""
        changed = write_text(path, text, mode=mode)
        self.account.own(path)
        return changed

    def secret(self, name: str) -> str:
        """Return a secret, made of 32 random bytes when first asked for."""
        path = self / "secrets" / name
        if not path.exists():
            self.write(path, secrets.token_hex(32) + "\n", mode=0o600)
        self._give(path)
        return path.read_text().strip()

    def remove(self, name: str) -> None:
        """Remove a directory and all that is in it."""
        try:
            shutil.rmtree(self / name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot("remove", self / name, error) from error

    def _make(self, path: Path, mode: int) -> None:
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(mode)
        self._give(path)

    def _give(self, path: Path) -> None:
        # Only what the caller made, now or before it was killed: never what is another user's.
        if path.lstat().st_uid == os.geteuid():
            self.account.own(path)

    def _check_reachable(self) -> None:
        if run(["test", "-w", str(self.directory)], account=self.account).returncode != 0:
            raise FileError(
                f"user {self.account.name!r}, as whom services run, cannot write here",
                where=self.directory,
                hint="choose another directory with --site, or let that user enter those above it",
            )
