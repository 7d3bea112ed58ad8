"""Files kept by their content: ``files/<aa>/<sha256>``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from vopub.files import cannot, replacing
from vopub.odc.faults import RefusedError, TooLargeError

ASIDE = ".gone.part"
"""End of the name of a file that is about to be removed."""


class Blobs:
    """A directory of files named by the SHA-256 of their bytes.

    Parameters
    ----------
    directory
        Made if missing. Only processes of one service may write there at a time.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the bytes with this digest (64 hex digits) lie, if they are here."""
        return self._directory / sha256[:2] / sha256

    def holds(self, sha256: str, size: int) -> bool:
        """Tell whether the bytes are here, whole."""
        path = self.path(sha256)
        return path.is_file() and path.stat().st_size == size

    def receive(self, sha256: str, chunks: Iterable[bytes], *, most: int) -> int:
        """Store bytes as they arrive; they appear when all are on disk and the digest is right.

        Parameters
        ----------
        sha256
            The digest that the sender computed, 64 hex digits.
        chunks
            The bytes in pieces of any size.
        most
            Largest number of bytes allowed.

        Returns
        -------
        int
            The number of bytes.

        Raises
        ------
        RefusedError
            If the bytes have another digest.
        TooLargeError
            If there are more than ``most``.
        FileError
            If they cannot be written, e.g. because the disk is full.
        """
        target = self.path(sha256)
        digest, size = hashlib.sha256(), 0
        with replacing(target) as temporary, temporary.open("wb") as stream:
            for chunk in chunks:
                size += len(chunk)
                if size > most:
                    raise too_large(most)
                digest.update(chunk)
                stream.write(chunk)
            if digest.hexdigest() != sha256:
                what = f"the {size} bytes that arrived have SHA-256 {digest.hexdigest()}"
                raise RefusedError(f"{what}, announced was {sha256}", hint="send the file again")
        for directory in (target.parent, self._directory):
            _sync(directory)
        return size

    def touch(self, sha256: str) -> None:
        """Let bytes be as old as if they had arrived now; does nothing if they are not here.

        Raises
        ------
        FileError
            If that cannot be noted of them.
        """
        path = self.path(sha256)
        if not path.is_file():
            return  # it was lost before, and whoever replaces it is not to be held up
        try:
            os.utime(path)
        except OSError as error:
            raise cannot("touch", path, error) from error

    def sweep(self) -> None:
        """Remove what uploads that were cut short by a crash left behind; while none is under way.

        What was about to be removed is back: it may have been sent again in that moment.
        """
        for part in self._directory.glob("??/.*.part"):
            whole = part.with_name(part.name[1:].removesuffix(ASIDE))
            if part.name.endswith(ASIDE) and not whole.exists():
                part.rename(whole)
            else:
                part.unlink()


def aside(path: Path) -> Path:
    """Return where a file lies while it is removed."""
    return path.with_name(f".{path.name}{ASIDE}")


def too_large(most: int) -> TooLargeError:
    """Return the error for a body of more than ``most`` bytes."""
    return TooLargeError(
        f"more than {most} bytes", hint="send less, or start the service with a larger limit"
    )


def _sync(directory: Path) -> None:
    """Make the names in a directory survive a loss of power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
