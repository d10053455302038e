"""Solutions as bytes that travel."""

from __future__ import annotations

import numpy as np

from evobin.core.problem import Solution


def to_bits(solution: Solution) -> bytes:
    """A solution in a bit a sign: 46 KB for the speaker-sex network."""
    return np.packbits(solution > 0).tobytes()


def from_bits(bits: bytes, n: int) -> Solution:
    """The inverse of `to_bits`, for n signs.

    Example:
        >>> from_bits(to_bits(np.array([1, -1, -1], np.int8)), 3)
        array([ 1, -1, -1], dtype=int8)
    """
    signs = np.unpackbits(np.frombuffer(bits, np.uint8), count=n)
    solution: Solution = (2 * signs.astype(np.int8) - 1).astype(np.int8)
    return solution
