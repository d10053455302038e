"""Signs as bits, in the layouts that the kernels need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import forward, lanes

Bits = NDArray[np.uint64]


def pack(signs: NDArray[Any]) -> Bits:
    """Packs the last axis, 64 signs to a word, +1 as a set bit; unused high bits are 0.

    Args:
        signs: [..., n] real; above 0 counts as +1. Not modified.

    Returns:
        [..., ceil(n / 64)] uint64, C order.

    Example:
        >>> pack(np.array([[1, -1, 1], [-1, -1, 1]]))
        array([[5],
               [4]], dtype=uint64)
    """
    octets = np.packbits(signs > 0, axis=-1, bitorder="little")
    padded = np.zeros((*octets.shape[:-1], -(-signs.shape[-1] // 64) * 8), np.uint8)
    padded[..., : octets.shape[-1]] = octets
    return padded.view("<u8").astype(np.uint64, copy=False)


def unpack(bits: Bits, n: int) -> NDArray[np.bool_]:
    """The inverse of `pack`: [..., n] bool, whether a sign is +1.

    Args:
        bits: [..., words] uint64, C order; not modified.
        n: signs in the last axis.
    """
    octets = bits.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=n, bitorder="little").astype(bool)


def join_taps(weights: NDArray[Any]) -> NDArray[Any]:
    """A convolution of a single tap that takes a whole window for a frame, as its rows lie.

    Args:
        weights: [n_out, n_in, kernel], any type; not modified.

    Returns:
        [n_out, kernel * n_in, 1], the same type, C order.
    """
    return np.ascontiguousarray(weights.transpose(0, 2, 1)).reshape(len(weights), -1, 1)


def table_entries(weights: NDArray[Any], group: int = forward.GROUP) -> NDArray[np.uint8]:
    """The first layer's signs, `group` inputs to an entry of a table of their signed sums.

    Args:
        weights: [n_out, n_in, kernel] of -1 and +1; not modified.
        group: inputs, at most 8.

    Returns:
        [groups of inputs, n_out, kernel] uint8, bit i set where input i of the group is +1.
    """
    n_out, n_in, kernel = weights.shape
    groups = -(-n_in // group)
    padded = np.zeros((n_out, groups * group, kernel), np.uint8)
    padded[:, :n_in] = weights > 0
    grouped = padded.reshape(n_out, groups, group, kernel)
    places = np.arange(group, dtype=np.uint8)[:, None]
    entries = (grouped << places).sum(axis=2, dtype=np.uint8)
    return np.ascontiguousarray(entries.transpose(1, 0, 2))


def window_entries(weights: NDArray[Any]) -> NDArray[np.uint8]:
    """The same as `first_layer.first_block` reads them: in its order, as places in its tables.

    Args:
        weights: [n_out, n_in, kernel] of -1 and +1; not modified.

    Returns:
        [n_out, kernel, groups of inputs] uint8.
    """
    entries = table_entries(weights, lanes.FOUR) * np.uint8(lanes.LANES // lanes.STEP)
    return np.ascontiguousarray(entries.transpose(1, 2, 0))


def pack_filters(weights: NDArray[Any]) -> Bits:
    """Packs a convolution's weights as the kernels need them.

    Args:
        weights: [n_out, n_in, kernel] of -1 and +1; not modified.

    Returns:
        [kernel * words, n_out] uint64, C order, the words of a window in its own order.
    """
    packed = pack(weights.transpose(0, 2, 1))
    return np.ascontiguousarray(packed.reshape(len(weights), -1).T)
