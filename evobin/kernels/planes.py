"""Kernels that pack the sums and signs of a flip state into bits, over time and over channels.

Layouts are those of `kernels.flips`, whose arguments are not described again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bits = NDArray[np.uint64]
Ints = NDArray[np.int64]
Starts = NDArray[np.int64]

TILE = 64  # rows transposed together: they fit the L1 cache


@njit(nogil=True, cache=True)
def fix_features(frames: Any, unit: float, columns: NDArray[np.int32]) -> None:
    """Turns features into fixed point, by columns.

    Args:
        frames: [rows, n_in] float32 or float64.
        unit: 1 in that fixed point, a power of two.
        columns: [n_in, rows] int32, overwritten with the nearest whole numbers.
    """
    rows, n_in = frames.shape
    for low in range(0, rows, TILE):
        for i in range(n_in):
            for row in range(low, min(low + TILE, rows)):
                columns[i, row] = np.int32(np.rint(frames[row, i] * unit))


@njit(nogil=True, cache=True)
def pack_sums(sums: NDArray[np.int16], high_bits: Bits, edge_bits: Bits) -> None:
    """Packs where sums stand, over channels.

    Args:
        sums: [positions, n_out] int16.
        high_bits: [positions, words of n_out] uint64, overwritten: where a sum is positive.
        edge_bits: [positions, words of n_out] uint64, overwritten: where it is from -1 to 2.
    """
    n_out = sums.shape[1]
    for at in range(len(sums)):
        total = sums[at]
        for word in range(high_bits.shape[1]):
            high, edge = np.uint64(0), np.uint64(0)
            for o in range(64 * word, min(64 * word + 64, n_out)):
                high |= np.uint64(total[o] > 0) << np.uint64(o % 64)
                edge |= np.uint64(-1 <= total[o] <= 2) << np.uint64(o % 64)
            high_bits[at, word] = high
            edge_bits[at, word] = edge


@njit(nogil=True, cache=True)
def pack_channel(sums: Any, positions: Starts, words: Starts, above: Bits, edge: Bits) -> None:
    """Packs where one channel's sums stand, over time.

    Arguments of its own:
        sums: [positions] int16.
        above: [words + 1] uint64, updated: where a sum is positive.
        edge: [words + 1] uint64, updated: where it is from -1 to 2.
    """
    for sample in range(len(positions) - 1):
        first, length = positions[sample], positions[sample + 1] - positions[sample]
        for low in range(0, length, 64):
            highs, edges = np.uint64(0), np.uint64(0)
            for t in range(low, min(low + 64, length)):
                total = sums[first + t]
                highs |= np.uint64(total > 0) << np.uint64(t - low)
                edges |= np.uint64(-1 <= total <= 2) << np.uint64(t - low)
            above[words[sample] + low // 64] = highs
            edge[words[sample] + low // 64] = edges


@njit(nogil=True, cache=True)
def pool_bits(high_bits: Bits, positions: Starts, pool: int, to: Starts, bits: Bits) -> None:
    """Pooled signs of a binary block: an OR over each window.

    Arguments of its own:
        high_bits: [positions, n_words] uint64, where sums are positive.
        bits: [rows out, n_words] uint64, overwritten.
    """
    bits[:] = 0
    for sample in range(len(positions) - 1):
        for t in range(positions[sample + 1] - positions[sample]):
            for word in range(bits.shape[1]):
                bits[to[sample] + t // pool, word] |= high_bits[positions[sample] + t, word]


@njit(nogil=True, cache=True)
def pool_channels(
    sums: NDArray[np.int32], positions: Starts, pool: int, out_words: Starts, planes: Bits
) -> None:
    """Pooled signs of the first block, over time.

    Arguments of its own:
        sums: [n_out, positions] int32.
        planes: [n_out, words + 1] uint64, overwritten.
    """
    planes[:] = 0
    for o in range(len(sums)):
        for sample in range(len(positions) - 1):
            total = sums[o, positions[sample] : positions[sample + 1]]
            for low in range(0, len(total), 64 * pool):
                packed = np.uint64(0)
                for shift in range(pool):
                    for t in range(low + shift, min(low + 64 * pool, len(total)), pool):
                        packed |= np.uint64(total[t] > 0) << np.uint64((t - low) // pool)
                planes[o, out_words[sample] + low // (64 * pool)] = packed


@njit(nogil=True, cache=True)
def bits_of_planes(planes: Bits, to: Starts, out_words: Starts, bits: Bits) -> None:
    """Signs packed over channels, from those packed over time.

    Arguments of its own:
        planes: [n_out, words + 1] uint64.
        bits: [rows, words of n_out] uint64, overwritten.
    """
    n_out = len(planes)
    column = np.empty(n_out, np.uint64)
    one = np.uint64(1)
    for sample in range(len(to) - 1):
        length = to[sample + 1] - to[sample]
        for low in range(0, length, 64):
            for o in range(n_out):
                column[o] = planes[o, out_words[sample] + low // 64]
            for t in range(low, min(low + 64, length)):
                for word in range(bits.shape[1]):
                    packed = np.uint64(0)
                    for o in range(word * 64, min(word * 64 + 64, n_out)):
                        packed |= ((column[o] >> np.uint64(t - low)) & one) << np.uint64(o % 64)
                    bits[to[sample] + t, word] = packed


@njit(nogil=True, cache=True)
def planes_of_bits(bits: Bits, to: Starts, out_words: Starts, planes: Bits) -> None:
    """The inverse of `bits_of_planes`; `planes` [n_out, words + 1] is overwritten."""
    n_out = len(planes)
    column = np.empty(n_out, np.uint64)
    one = np.uint64(1)
    planes[:, planes.shape[1] - 1] = 0
    for sample in range(len(to) - 1):
        length = to[sample + 1] - to[sample]
        for low in range(0, length, 64):
            column[:] = 0
            for t in range(low, min(low + 64, length)):
                for word in range(bits.shape[1]):
                    packed = bits[to[sample] + t, word]
                    for o in range(word * 64, min(word * 64 + 64, n_out)):
                        column[o] |= ((packed >> np.uint64(o % 64)) & one) << np.uint64(t - low)
            for o in range(n_out):
                planes[o, out_words[sample] + low // 64] = column[o]


@njit(nogil=True, cache=True)
def write_toggled(
    toggled: Ints,
    sample_of_row: NDArray[np.int32],
    to: Starts,
    out_words: Starts,
    bits: Bits,
    planes: Bits,
) -> None:
    """Toggles pooled signs.

    Arguments of its own:
        bits: [rows, words of n_out] uint64, updated.
        planes: [n_out, words + 1] uint64, updated.
    """
    one = np.uint64(1)
    for m in range(len(toggled)):
        row, o = toggled[m] >> 16, toggled[m] & 0xFFFF
        bits[row, o // 64] ^= one << np.uint64(o % 64)
        sample = sample_of_row[row]
        t = row - to[sample]
        planes[o, out_words[sample] + t // 64] ^= one << np.uint64(t % 64)


@njit(nogil=True, cache=True)
def count_positive(sums: Any, positions: Starts, active: Any) -> None:
    """Positive sums of one channel in each sample.

    Arguments of its own:
        sums: [positions] integers, any stride.
        active: [n] int16, any stride, overwritten.
    """
    for sample in range(len(positions) - 1):
        total = 0
        for t in range(positions[sample], positions[sample + 1]):
            total += sums[t] > 0
        active[sample] = total
