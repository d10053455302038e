"""One network on one batch of clips, exact under flips."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range
from evobin.clips import Clips, starts_of
from evobin.evaluation.base import Solution
from evobin.kernels import flips, forward
from evobin.kernels import gains as kernel_gains
from evobin.network import Architecture, BinaryNetwork, ConvBlock, Layer, pack, pack_filters
from evobin.scores import log_likelihood_table

Signs = NDArray[np.int8]
Starts = NDArray[np.int64]

MAX_FEATURE = 1e6
"""Magnitude up to which features can be held in fixed point: int32 sums then have room."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Clips to search on.

    Attributes:
        clips: n clips.
        labels: [n] int8 of 0 and 1.
    """

    clips: Clips
    labels: NDArray[np.int8]


@dataclass(slots=True, eq=False)
class _BlockState:
    """Sums and signs of one block on the batch."""

    layer: Layer
    block: ConvBlock
    starts: Starts  # first input row of each clip
    positions: Starts  # first sum of each clip
    to: Starts  # first pooled row of each clip
    filters: Signs  # [n_out, kernel, n_in]
    updates: Signs  # [kernel, n_in, n_out], the same weights
    bias: Signs
    sums: NDArray[Any]  # first block [n_out, positions] int32, others [positions, n_out] int16
    signs: Signs  # [rows, n_out], behind pooling
    clip_of_row: NDArray[np.int32]
    toggled: NDArray[np.int64]
    touched: NDArray[np.bool_]

    @property
    def by_position(self) -> NDArray[Any]:
        """[positions, n_out] view of the sums."""
        return self.sums.T if self.sums.dtype == np.int32 else self.sums


class NetworkFlipState:
    """All sums and signs of one network on one batch of clips.

    `flip` updates them exactly; its cost is the flipped channel plus 9 * 128 additions for every
    sign that toggles behind it. The score is the mean log-likelihood of the labels, a logistic
    function of the logit being the probability.

    Features are rounded to multiples of a power of two so small that float32 still holds them
    and so large that int32 holds every sum (2^-17 for log-mel), for real sums in floating point
    would drift. `clips` are the rounded ones: all numbers here are exact for those.

    Args:
        architecture: the network's shape.
        solution: [n_weights] int8; copied.
        batch: clips and labels.

    Raises:
        ValueError: if clips or solution do not fit the architecture, or a feature is beyond
            `MAX_FEATURE` in magnitude.
    """

    def __init__(self, architecture: Architecture, solution: Solution, batch: Batch) -> None:
        self.architecture = architecture
        self.labels = batch.labels
        network = BinaryNetwork(architecture, solution)
        self._solution = network.signs.copy()
        self._starts_of_layers = [layer.start for layer in architecture.layers]
        self._fix_features(batch.clips)
        network.check(self.clips)
        self._table = log_likelihood_table(architecture.n_hidden)
        self._blocks: list[_BlockState] = []
        for number in range(len(architecture.blocks)):
            self._blocks.append(self._new_block(number))
        last = self._blocks[-1]
        self._head: Signs = architecture.layers[-1].weights(self._solution)[0]
        self._active = np.add.reduceat(last.signs > 0, last.to[:-1], axis=0, dtype=np.int32)
        self.logits: NDArray[np.int64] = np.where(self._active > 0, 1, -1) @ self._head.astype(
            np.int64
        ) + int(architecture.layers[-1].bias(self._solution)[0])

    def _fix_features(self, clips: Clips) -> None:
        largest = max(float(np.abs(clips.frames).max()), 1.0)
        check_range("largest feature", largest, 1.0, MAX_FEATURE)
        room = (2**31 - 1) / ((self.architecture.layers[0].fan_in + 1) * largest)
        self._unit = 2.0 ** int(np.floor(np.log2(min(room, 2**23 / largest))))
        self._features = np.rint(clips.frames * self._unit).astype(np.int32)
        self._columns = np.ascontiguousarray(self._features.T)
        self._largest = int(np.abs(self._features).max())
        self.clips = Clips((self._features / self._unit).astype(np.float32), clips.starts)

    def _new_block(self, number: int) -> _BlockState:
        block, layer = self.architecture.blocks[number], self.architecture.layers[number]
        starts = self._blocks[-1].to if number else self.clips.starts
        positions = starts_of(np.diff(starts) - block.kernel + 1)
        to = starts_of(block.frames_out(np.diff(starts)))
        weights, bias = layer.weights(self._solution), layer.bias(self._solution)
        filters = np.ascontiguousarray(weights.transpose(0, 2, 1))
        if number == 0:
            sums: NDArray[Any] = np.empty((block.n_out, positions[-1]), np.int32)
            unit = (bias * self._unit).astype(np.int32)
            flips.fixed_point_sums(self._columns, starts, filters, unit, sums, positions)
        else:
            sums = np.empty((positions[-1], block.n_out), np.int16)
            bits, offset = pack(self._blocks[-1].signs), layer.fan_in + bias.astype(np.int64)
            forward.binary_sums(bits, starts, pack_filters(weights), offset, sums, positions)
        state = _BlockState(
            layer,
            block,
            starts,
            positions,
            to,
            filters,
            np.ascontiguousarray(weights.transpose(2, 1, 0)),
            bias,
            sums,
            signs=np.empty((to[-1], block.n_out), np.int8),
            clip_of_row=np.repeat(np.arange(len(to) - 1, dtype=np.int32), np.diff(to)),
            toggled=np.empty(int(to[-1]) * (block.n_out if number else 1), np.int64),
            touched=np.zeros(int(positions[-1]), np.bool_),
        )
        flips.pool_signs(state.by_position, positions, block.pool, state.signs, to)
        return state

    @property
    def score(self) -> float:
        """Mean log-likelihood of the labels, in nats a clip; at most 0."""
        return float(self._values(self.logits).mean())

    @property
    def solution(self) -> Solution:
        """[n_weights] int8, the present solution; a copy."""
        return self._solution.copy()

    def _values(self, logits: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._table[self.labels, logits + (self.architecture.n_hidden + 1)]

    def flip(self, index: int) -> None:
        """Flips one weight or bias; flipping it again restores every number.

        Args:
            index: 0 to n_weights - 1, in file order.

        Raises:
            IndexError: if there is no such weight.
        """
        if not 0 <= index < len(self._solution):
            raise IndexError(f"`index` must be from 0 to {len(self._solution) - 1}, got {index}.")
        number = bisect_right(self._starts_of_layers, index) - 1
        layer = self.architecture.layers[number]
        offset = index - layer.start
        old = int(self._solution[index])
        self._solution[index] = -old
        if number == len(self._blocks):
            self._flip_head(offset, old)
        elif offset >= layer.n_weights:
            o = offset - layer.n_weights
            self._flip_channel(number, o, 0, -1, -2 * old)
        else:
            o, i, k = (int(j) for j in np.unravel_index(offset, layer.shape))
            state = self._blocks[number]
            state.filters[o, k, i] = state.updates[k, i, o] = -old
            self._flip_channel(number, o, i, k, -2 * old)

    def _flip_head(self, offset: int, old: int) -> None:
        if offset < len(self._head):
            self.logits += np.where(self._active[:, offset] > 0, -2 * old, 2 * old)
        else:
            self.logits -= 2 * old

    def _flip_channel(self, number: int, o: int, i: int, tap: int, factor: int) -> None:
        state = self._blocks[number]
        if number == 0:
            sums, source = state.sums[o], self._columns[i]
            factor *= int(self._unit) if tap < 0 else 1
        else:
            sums, source = state.sums[:, o], self._blocks[number - 1].signs[:, i]
        count = flips.shift_channel(
            sums,
            source,
            tap,
            factor,
            state.starts,
            state.positions,
            state.block.pool,
            state.signs[:, o],
            state.to,
            state.toggled,
        )
        toggled = state.toggled[:count] * state.block.n_out + o
        for before, after in zip(self._blocks[number:], self._blocks[number + 1 :], strict=False):
            flips.shift_sums(
                toggled,
                before.signs,
                before.clip_of_row,
                after.starts,
                after.updates,
                after.sums,
                after.positions,
                after.touched,
            )
            count = flips.toggle_rows(
                after.sums,
                after.positions,
                after.touched,
                after.block.pool,
                after.signs,
                after.to,
                after.toggled,
            )
            toggled = after.toggled[:count]
        last = self._blocks[-1]
        flips.toggle_hidden(
            toggled, last.signs, last.clip_of_row, self._head, self._active, self.logits
        )

    def gains(self) -> NDArray[np.float64]:
        """Predicted change of score for each single flip.

        Exact for the linear layer and, if it is binary, the last convolution; for the blocks
        below, first order: a flip is worth the sum of what each sign it toggles is worth alone
        (the Boolean derivative, propagated from the logits down).

        Returns:
            [n_weights] float64, in file order.
        """
        out = np.zeros(len(self._solution))
        values = self._head_gains(out)
        for number in range(len(self._blocks) - 1, -1, -1):
            values = self._block_gains(number, values, out)
        return out / len(self.labels)

    def _block_gains(
        self, number: int, values: NDArray[np.float64], out: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Fills a block's gains, from the worth of toggling its outputs; returns its inputs'."""
        state = self._blocks[number]
        last = number == len(self._blocks) - 1
        pool, to = state.block.pool, state.to
        if last:  # the max over all of time is one window a clip
            pool, to = int(state.positions[-1]), np.arange(len(to))
        by_sum = np.empty(state.by_position.shape)
        counts = np.empty(values.shape, np.int32)
        kernel_gains.value_of_sums(
            values, counts, state.by_position, state.positions, pool, to, by_sum
        )
        n_out, kernel, n_in = state.filters.shape
        gains = np.zeros((n_out, kernel * n_in))
        sums, positions = state.sums, state.positions
        if number == 0:
            below, inputs = values, self._features
            kernel_gains.real_gains(
                by_sum, sums, positions, inputs, state.starts, state.filters, self._largest, gains
            )
            by_bias = by_sum * self._crossed(number, state.by_position)
        else:
            signs = self._blocks[number - 1].signs
            below = np.zeros(signs.shape)
            kernel_gains.binary_gains(
                by_sum, sums, positions, signs, state.starts, state.filters, gains, below
            )
            by_bias = by_sum * self._crossed(number, sums)
            if last:
                gains[:] = 0.0
                active = self._active
                kernel_gains.last_gains(
                    values, active, sums, positions, signs, state.starts, state.filters, gains
                )
                peaks = np.maximum.reduceat(sums, positions[:-1], axis=0)
                by_bias = values * self._crossed(number, peaks)
        state.layer.bias(out)[:] = by_bias.sum(axis=0)
        state.layer.weights(out)[:] = gains.reshape(n_out, kernel, n_in).transpose(0, 2, 1)
        return below

    def _crossed(self, number: int, sums: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of a block's sums, [m, n_out], change their sign with their bias."""
        reach = 2 * (1 if number else int(self._unit))
        moved = sums - reach * self._blocks[number].bias.astype(np.int64)
        crossed: NDArray[np.bool_] = (moved > 0) != (sums > 0)
        return crossed

    def _head_gains(self, out: NDArray[np.float64]) -> NDArray[np.float64]:
        """Fills the linear layer's gains; returns [n, n_hidden], worth of toggling a channel."""
        linear = self.architecture.layers[-1]
        now = self._values(self.logits)
        signs = np.where(self._active > 0, 1, -1)
        toggled = self.logits[:, None] - 2 * signs * self._head
        table = self._table[self.labels[:, None], toggled + (self.architecture.n_hidden + 1)]
        values: NDArray[np.float64] = table - now[:, None]
        linear.weights(out)[0] = values.sum(axis=0)
        bias = int(linear.bias(self._solution)[0])
        linear.bias(out)[0] = (self._values(self.logits - 2 * bias) - now).sum()
        return values

    def verify(self) -> None:
        """Recomputes all logits by a full forward pass.

        Raises:
            RuntimeError: if a logit differs from the incremental one; names both.
        """
        full = BinaryNetwork(self.architecture, self._solution).logits(self.clips)
        wrong = np.flatnonzero(full != self.logits)
        if len(wrong):
            clip = int(wrong[0])
            raise RuntimeError(
                f"incremental logit {self.logits[clip]} of clip {clip} differs from the full "
                f"pass, {full[clip]}."
            )
