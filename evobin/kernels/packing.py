"""Kernel that packs features of -1 and +1, checking them on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bits = NDArray[np.uint64]


@njit(nogil=True, cache=True)
def pack_signs(frames: Any, bits: Bits) -> int:
    """Packs features, 64 to a word, +1 as a set bit; unused high bits are 0.

    Flags of a byte each let the loop over a frame vectorise; a multiplication moves those of eight
    bytes into one: 0.1 ns a
    feature in int8, 0.3 ns in float32.

    Args:
        frames: [rows, n_in] int8, float32 or float64.
        bits: [rows, words of n_in] uint64, overwritten.

    Returns:
        The first row that holds another number than -1 and +1, or -1; it and those after it are
        not written.
    """
    n_in, n_words = frames.shape[1], bits.shape[1]
    positive, wrong = np.zeros(64 * n_words, np.uint8), np.zeros(64 * n_words, np.uint8)
    eights, wrong_eights = positive.view(np.uint64), wrong.view(np.uint64)
    for row in range(len(frames)):
        source = frames[row]
        for i in range(n_in):
            positive[i] = source[i] > 0
            wrong[i] = (source[i] != 1) & (source[i] != -1)
        found = np.uint64(0)
        for j in range(len(wrong_eights)):
            found |= wrong_eights[j]
        if found != 0:
            return row
        for word in range(n_words):
            packed = np.uint64(0)
            for k in range(8):
                octet = (eights[8 * word + k] * np.uint64(0x0102040810204080)) >> np.uint64(56)
                packed |= octet << np.uint64(8 * k)
            bits[row, word] = packed
    return -1
