"""Kernels that pack the sums and signs of a flip state into bits, over time and over channels.

Layouts are those of `kernels.flips`, whose arguments are not described again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import machine, sign_products

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
        columns: [n_in, rows] int32, overwritten with the nearest whole numbers, which are at most
            2^24: float32 holds them on the way.
    """
    machine.widen()
    frames, columns = machine.lend((frames, columns))
    rows, n_in = frames.shape
    whole, turned = np.empty(TILE * n_in, np.float32), np.empty(n_in * TILE, np.float32)
    for low in range(0, rows, TILE):
        some = min(TILE, rows - low)
        for row in range(some):
            source, target = frames[low + row], whole[row * n_in : (row + 1) * n_in]
            for i in range(n_in):
                target[i] = np.float32(np.rint(source[i] * unit))
        sign_products.turn(whole, 0, n_in, (some, n_in), turned, 0, TILE)
        for i in range(n_in):
            column, numbers = columns[i, low : low + some], turned[i * TILE : i * TILE + some]
            for row in range(some):
                column[row] = np.int32(numbers[row])


@njit(nogil=True, cache=True)
def pack_sums(sums: NDArray[np.int16], high_bits: Bits, edge_bits: Bits) -> None:
    """Packs where sums stand, over channels.

    Args:
        sums: [positions, n_out] int16.
        high_bits: [positions, words of n_out] uint64, overwritten: where a sum is positive.
        edge_bits: [positions, words of n_out] uint64, overwritten: where it is from -1 to 2.
    """
    (sums,) = machine.lend((sums,))
    n_out = sums.shape[1]
    highs = np.zeros(64 * high_bits.shape[1], np.int8)
    edges = np.zeros(64 * high_bits.shape[1], np.int8)
    for at in range(len(sums)):
        total = sums[at]
        for o in range(n_out):
            highs[o] = total[o] > 0
            edges[o] = (total[o] >= -1) & (total[o] <= 2)
        for word in range(high_bits.shape[1]):
            high_bits[at, word] = machine.positives(highs, 64 * word)
            edge_bits[at, word] = machine.positives(edges, 64 * word)


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
    (sums,) = machine.lend((sums,))
    planes[:] = 0
    longest = 0
    for sample in range(len(positions) - 1):
        longest = max(longest, positions[sample + 1] - positions[sample])
    flags = np.empty(-(-longest // (64 * pool)) * 64, np.int8)
    for o in range(len(sums)):
        for sample in range(len(positions) - 1):
            total = sums[o, positions[sample] : positions[sample + 1]]
            flags[:] = 0
            for shift in range(pool):
                for t in range((len(total) - shift + pool - 1) // pool):
                    flags[t] |= total[t * pool + shift] > 0
            for word in range(-(-len(total) // (64 * pool))):
                planes[o, out_words[sample] + word] = machine.positives(flags, 64 * word)


@njit(nogil=True, cache=True)
def turn(tile: Bits) -> None:
    """Bit j of word k goes to bit k of word j: halves are swapped, then quarters, down to bits.

    Args:
        tile: [64] uint64, updated.
    """
    size, mask = 32, np.uint64(0x00000000FFFFFFFF)
    while size > 0:
        shift = np.uint64(size)
        for low in range(0, 64, 2 * size):
            for k in range(low, low + size):
                swapped = ((tile[k] >> shift) ^ tile[k + size]) & mask
                tile[k + size] ^= swapped
                tile[k] ^= swapped << shift
        size //= 2
        mask ^= mask << np.uint64(size)


@njit(nogil=True, cache=True)
def bits_of_planes(planes: Bits, to: Starts, out_words: Starts, bits: Bits) -> None:
    """Signs packed over channels, from those packed over time.

    Arguments of its own:
        planes: [n_out, words + 1] uint64.
        bits: [rows, words of n_out] uint64, overwritten.
    """
    n_out = len(planes)
    tile = np.empty(64, np.uint64)
    for sample in range(len(to) - 1):
        length = to[sample + 1] - to[sample]
        for low in range(0, length, 64):
            at = out_words[sample] + low // 64
            for word in range(bits.shape[1]):
                tile[:] = 0
                for o in range(word * 64, min(word * 64 + 64, n_out)):
                    tile[o - word * 64] = planes[o, at]
                turn(tile)
                for t in range(low, min(low + 64, length)):
                    bits[to[sample] + t, word] = tile[t - low]


@njit(nogil=True, cache=True)
def planes_of_bits(bits: Bits, to: Starts, out_words: Starts, planes: Bits) -> None:
    """The inverse of `bits_of_planes`; `planes` [n_out, words + 1] is overwritten."""
    n_out = len(planes)
    tile = np.empty(64, np.uint64)
    planes[:, planes.shape[1] - 1] = 0
    for sample in range(len(to) - 1):
        length = to[sample + 1] - to[sample]
        for low in range(0, length, 64):
            at = out_words[sample] + low // 64
            for word in range(bits.shape[1]):
                tile[:] = 0
                for t in range(low, min(low + 64, length)):
                    tile[t - low] = bits[to[sample] + t, word]
                turn(tile)
                for o in range(word * 64, min(word * 64 + 64, n_out)):
                    planes[o, at] = tile[o - word * 64]


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


@njit(nogil=True, cache=True)
def count_all_positive(sums: NDArray[np.int16], positions: Starts, active: Any) -> None:
    """As `count_positive`, of all channels, which lie side by side: a 50th of the time.

    Arguments of its own:
        sums: [positions, n_out] int16.
        active: [n, n_out] int16, overwritten.
    """
    active[:] = 0
    for sample in range(len(positions) - 1):
        counts = active[sample]
        for t in range(positions[sample], positions[sample + 1]):
            total = sums[t]
            for o in range(len(counts)):
                counts[o] += total[o] > 0
