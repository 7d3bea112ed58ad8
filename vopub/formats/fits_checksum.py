"""Checksums of FITS: appendix J of the FITS standard, version 4.0."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_ALL_ONES = 0xFFFFFFFF
_PUNCTUATION = {*range(0x3A, 0x41), *range(0x5B, 0x61)}
"""Codes between digits, capitals and small letters, which a checksum does not have."""


def sum32(blocks: Iterable[bytes], start: int = 0) -> int:
    """Return the sum of 32-bit integers in ones' complement.

    Parameters
    ----------
    blocks
        The bytes; the length of each is a multiple of 4.
    start
        The sum of what stands before.
    """
    total = start
    for block in blocks:
        total += int(np.frombuffer(block, ">u4").sum(dtype=np.uint64))
        while total > _ALL_ONES:
            total = (total & _ALL_ONES) + (total >> 32)
    return total


def checksum(total: int) -> str:
    """Return the 16 characters that bring the sum of an HDU to minus zero.

    Parameters
    ----------
    total
        The sum over the HDU with 16 zeros (the digit) for the checksum.
    """
    complement = ~total & _ALL_ONES
    quarters = [_characters(byte) for byte in complement.to_bytes(4, "big")]
    # the first of the four characters for each byte, then the second, ...
    code = "".join(chr(quarter[place]) for place in range(4) for quarter in quarters)
    # the value of the card begins one byte before a multiple of 4
    return code[-1] + code[:-1]


def _characters(byte: int) -> list[int]:
    """Split a byte in four characters whose distances from ``0`` add up to it."""
    quotient, remainder = divmod(byte, 4)
    quotient += ord("0")
    codes = [quotient + remainder, quotient, quotient, quotient]
    for one, other in ((0, 1), (2, 3)):
        while codes[one] in _PUNCTUATION or codes[other] in _PUNCTUATION:
            codes[one] += 1
            codes[other] -= 1
    return codes
