"""What can be wrong between a directory here and the Open Data Center there.

::

    ServiceError
    └── AwayError           no address answers; another may
        └── WrongBytesError exit code 10: what came is not the file of the record
    FileError
    └── MismatchError       exit code 10: a file is not the one that is published
    VopubError
    ├── MissingThereError   exit code 11: the Open Data Center does not have it
    │   └── WithdrawnError  it had it, and says why it has it no longer
    └── MissingHereError    exit code 12: it is not here
"""

from __future__ import annotations

from vopub.errors import FileError, ServiceError, VopubError


class AwayError(ServiceError):
    """An Open Data Center that cannot be reached, or is not well."""


class WrongBytesError(AwayError):
    """A server that has other bytes than the record says; a mirror may have the right ones."""

    exit_code = 10


class MismatchError(FileError):
    """A file that is not the one that is published."""

    exit_code = 10


class MissingThereError(VopubError):
    """Something that the Open Data Center does not have, or has no longer."""

    exit_code = 11


class WithdrawnError(MissingThereError):
    """Something that the Open Data Center has no longer; it says why."""


class MissingHereError(VopubError):
    """Something that should be here and is not."""

    exit_code = 12
