"""Sums and signs of one block of a network on a batch, and what a changed filter changes in them.

Each method either previews a change (and writes to nothing but buffers) or writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.samples import Frames, cuts_of
from evobin.kernels import flips, forward, planes, sign_products
from evobin.network.architecture import WHOLE, Layer
from evobin.network.flips.geometry import WORD, Geometry
from evobin.network.packing import Bits, join_taps, pack_filters, window_entries

Ints = NDArray[np.int64]
Signs = NDArray[np.int8]


class Change(NamedTuple):
    """One weight of a filter that flips."""

    i: int  # input channel
    tap: int  # offset in the window, -1 for the bias
    old: int  # the weight before


class InputSigns(NamedTuple):
    """Binary inputs of the first block, packed as a block packs its pooled signs.

    Attributes:
        bits: [rows, words of n_in] uint64.
        planes: [n_in, words + 1] uint64, the same over time.
    """

    bits: Bits
    planes: Bits

    @classmethod
    def of(cls, bits: Bits, n_in: int, geometry: Geometry) -> InputSigns:
        """Inputs of a block, from [rows, words of n_in] uint64, which are copied."""
        own = bits.copy()  # writeable, as pooled signs are: numba compiles again for read-only ones
        by_time: Bits = np.empty((n_in, int(geometry.in_words[-1]) + 1), np.uint64)
        planes.planes_of_bits(own, geometry.starts, geometry.in_words, by_time)
        return cls(own, by_time)


class BlockState:
    """What all blocks share: pooled signs, and counts under a max over all of time.

    Attributes:
        layer: where the weights lie in a solution.
        at: where samples lie in the arrays.
        last: whether no block follows.
        whole: whether it pools over all of time, as the last block always does, and one that has
            a single position a sample.
        sums: of all positions, before pooling.
        channels: [n_out, positions] view of the sums.
        bits: [rows out, words of n_out] uint64, pooled signs; empty in the last block.
        planes: [n_out, words out + 1] uint64, the same over time; empty in the last block.
        active: [n, n_out] int16, positive sums of a channel; empty where `whole` is False.
    """

    def __init__(self, layer: Layer, geometry: Geometry) -> None:
        self.layer = layer
        self.at = geometry
        self.last, self.whole = geometry.last, geometry.pool == WHOLE
        n_out = layer.shape[0]
        rows, n = int(geometry.to[-1]), len(geometry.to) - 1
        shape = (0, 0) if self.last else (n_out, int(geometry.out_words[-1]) + 1)
        self.planes: Bits = np.zeros(shape, np.uint64)
        shape = (0, 0) if self.last else (rows, -(-n_out // WORD))
        self.bits: Bits = np.empty(shape, np.uint64)
        self.active = np.zeros((n, n_out) if self.whole else (0, 0), np.int16)
        self.sums: NDArray[Any] = np.empty((0, 0), np.int16)
        self.channels = self.sums
        self._toggled = np.empty(4096, np.int64)

    def preview(self, changes: Ints, samples: slice = slice(None)) -> Ints:
        """Pooled signs that toggle when one weight flips, for each of several.

        Args:
            changes: [m, 4] int64, output channel and `Change` of each, fewer than 2^15.
            samples: consecutive ones to look at.

        Returns:
            Number in `changes` * 2^48 + row * 2^16 + channel of each sign, ascending; overwritten
            by the next call of any method.
        """
        raise NotImplementedError

    def write(self, o: int, change: Change) -> None:
        """Writes the sums and weights after a flip of one weight of a filter."""
        raise NotImplementedError

    def write_toggled(self, toggled: Ints) -> None:
        """Toggles pooled signs, as row * 2^16 + channel; nothing in the last block."""
        if not self.last:
            at = self.at
            planes.write_toggled(
                toggled, at.sample_of_row_out, at.to, at.out_words, self.bits, self.planes
            )

    def _list(self, kernel: Callable[..., int], *args: Any) -> int:
        """Has a kernel list signs in `_toggled`, which grows with the need; returns how many."""
        while True:
            count = kernel(*args, self._toggled)
            if count <= len(self._toggled):
                return count
            self._toggled = np.empty(2 * count, np.int64)

    def _count(self, o: int) -> None:
        if self.whole:
            planes.count_positive(self.channels[o], self.at.positions, self.active[:, o])


class RealBlock(BlockState):
    """The first block: sums of fixed-point features, [n_out, positions] int32.

    Args:
        layer: as in `BlockState`.
        geometry: its `at`.
        frames: [rows, n_in], the features.
        unit: 1 in fixed point, the size of a bias.
        solution: [n_weights] int8.
    """

    def __init__(
        self, layer: Layer, geometry: Geometry, frames: Frames, unit: int, solution: Signs
    ) -> None:
        super().__init__(layer, geometry)
        self.frames, self.unit, at = frames, unit, geometry
        columns = np.empty(frames.shape[::-1], np.int32)
        planes.fix_features(frames, float(unit), columns)
        self.columns: NDArray[np.int32] = columns
        self.largest = max(int(columns.max()), -int(columns.min()))
        self.sums = self.channels = np.empty((layer.shape[0], int(at.positions[-1])), np.int32)
        self._sum(layer.weights(solution), layer.bias(solution).astype(np.int32) * np.int32(unit))
        for o in range(len(self.sums)):
            self._count(o)
        if not self.last:
            planes.pool_channels(self.sums, at.positions, at.window, at.out_words, self.planes)
            planes.bits_of_planes(self.planes, at.to, at.out_words, self.bits)

    def _sum(self, weights: Signs, bias: NDArray[np.int32]) -> None:
        """Fills the sums of all channels."""
        columns, starts, positions = self.columns, self.at.starts, self.at.positions
        if self.layer.is_linear:  # a sample is one frame, and many samples are those of one
            by_sample = columns.reshape(len(columns), len(starts) - 1, -1)
            columns = by_sample.transpose(2, 0, 1).reshape(self.layer.fan_in, -1)
            weights = join_taps(weights)
            positions = cuts_of(columns.shape[1], forward.BLOCK)
            starts = positions.copy()
            starts.setflags(write=False)  # as those of samples: numba compiles anew for others
        entries = window_entries(weights)
        sign_products.fixed_point_sums(columns, starts, entries, bias, self.sums, positions)

    def preview(self, changes: Ints, samples: slice = slice(None)) -> Ints:
        """As in `BlockState`."""
        at = self.at.of_samples(samples)
        arrays, where = (self.sums, self.columns), (at.starts, at.positions, at.pool, at.to)
        count = self._list(flips.rows_of_real_flips, *arrays, self.unit, changes, *where)
        return self._toggled[:count]

    def write(self, o: int, change: Change) -> None:
        """As in `BlockState`."""
        i, tap, old = change
        factor = -2 * old * (self.unit if tap < 0 else 1)
        sums, at = self.sums[o], self.at
        flips.shift_channel(sums, self.columns[i], tap, factor, at.starts, at.positions, sums)
        self._count(o)


class BinaryBlock(BlockState):
    """A block on signs: sums [positions, n_out] int16, and bit planes of where they stand.

    Args:
        layer: as in `BlockState`.
        geometry: its `at`.
        below: the block that it takes its inputs from, or inputs that are signs themselves.
        solution: [n_weights] int8.

    Attributes:
        above: [n_out, words + 1] uint64, where a sum is positive.
        edge: [n_out, words + 1] uint64, where it is from -1 to 2.
    """

    def __init__(
        self, layer: Layer, geometry: Geometry, below: BlockState | InputSigns, solution: Signs
    ) -> None:
        super().__init__(layer, geometry)
        at, n_out = geometry, layer.shape[0]
        self.below = below
        weights, bias = layer.weights(solution), layer.bias(solution)
        self._updates = weights.transpose(1, 2, 0)[:, ::-1].copy()  # the last tap first
        self.sums = np.empty((int(at.positions[-1]), n_out), np.int16)
        self.channels = self.sums.T
        offset = layer.fan_in + bias.astype(np.int64)
        forward.binary_sums(
            below.bits, at.starts, pack_filters(weights), offset, self.sums, at.positions
        )
        self._halves = np.empty(self.sums.shape, np.int8)
        flips.halve_sums(self.sums.reshape(-1), self._halves.reshape(-1))
        high_bits: Bits = np.empty((len(self.sums), -(-n_out // WORD)), np.uint64)
        edge_bits: Bits = np.empty_like(high_bits)
        planes.pack_sums(self.sums, high_bits, edge_bits)
        self.above: Bits = np.empty((n_out, int(at.words[-1]) + 1), np.uint64)
        self.edge: Bits = np.empty_like(self.above)
        planes.planes_of_bits(high_bits, at.positions, at.words, self.above)
        planes.planes_of_bits(edge_bits, at.positions, at.words, self.edge)
        if self.whole:
            planes.count_all_positive(self.sums, at.positions, self.active)
        if not self.last:
            planes.pool_bits(high_bits, at.positions, at.window, at.to, self.bits)
            planes.planes_of_bits(self.bits, at.to, at.out_words, self.planes)
        longest = int(np.diff(at.positions).max())
        self._sums_buffer = np.empty((longest, n_out), np.int16)
        self._halves_buffer = np.empty((longest, n_out), np.int8)

    def preview(self, changes: Ints, samples: slice = slice(None)) -> Ints:
        """As in `BlockState`; from the bit planes alone."""
        at = self.at.of_samples(samples)
        arrays, where = (self.above, self.edge), (at.words, at.sources, at.pool, at.to)
        count = self._list(flips.rows_of_flips, *arrays, self.below.planes, changes, *where)
        return self._toggled[:count]

    def write(self, o: int, change: Change) -> None:
        """As in `BlockState`."""
        i, tap, old = change
        if tap >= 0:
            self._updates[i, -1 - tap, o] = -old
        at, after = self.at, np.empty(len(self.sums), np.int16)
        before, plane, where = self.channels[o], self.below.planes[i], (at.in_words, at.positions)
        flips.shift_signs(before, plane, tap, -2 * old, *where, after)
        self.channels[o] = after
        self._count(o)
        flips.halve_sums(after, self._halves[:, o])
        planes.pack_channel(after, at.positions, at.words, self.above[o], self.edge[o])

    def follow(self, inputs: Ints) -> Ints:
        """Pooled signs that toggle when some inputs do, for each owner alone.

        Args:
            inputs: owner * 2^48 + row * 2^16 + channel of each, in ascending order of owners and
                rows.

        Returns:
            The same of each sign that toggles, in the same order; overwritten by the next call of
            any method.
        """
        count = self._follow(inputs, 1, flips.HALF - 1, self._halves, self._halves_buffer)
        if count < 0:
            count = self._follow(inputs, 2, self.layer.fan_in, self.sums, self._sums_buffer)
        return self._toggled[:count]

    def warm_up(self) -> None:
        """Compiles what only many toggled inputs need."""
        none = np.empty(0, np.int64)
        self._follow(none, 2, self.layer.fan_in, self.sums, self._sums_buffer)

    def _follow(
        self, inputs: Ints, step: int, most: int, sums: NDArray[Any], buffer: NDArray[Any]
    ) -> int:
        at = self.at
        rows = inputs, self.below.bits, at.sample_of_row, at.starts
        out = at.positions, at.pool, at.to, self.active
        return self._list(flips.follow, *rows, self._updates, step, most, sums, *out, buffer)

    def write_inputs(self, inputs: Ints) -> None:
        """Writes what inputs do that have toggled; they are toggled in `below` already."""
        at = self.at
        rows = inputs, self.below.bits, at.sample_of_row, at.starts
        sums, where = (self.sums, self._halves), (at.positions, at.words)
        flips.write_inputs(*rows, self._updates, *sums, *where, self.above, self.edge, self.active)
