"""Gains of all single flips of a network's blocks, handed down from the last layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.kernels import gains as kernels
from evobin.network.architecture import Layer
from evobin.network.flips.blocks import BinaryBlock, BlockState, InputSigns, RealBlock
from evobin.network.packing import pack_filters

Floats = NDArray[np.float32]
Gains = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUP = 8  # samples worked on together: their inputs and the gains of those stay in the cache
SOFTNESS = 3.0  # of the last block's sums, seen from two blocks below: ranks those flips best


def block_gains(
    blocks: Sequence[BlockState], solution: Solution, toggle_gains: Gains, out: Gains, n_first: int
) -> Gains | None:
    """Fills the gains of all blocks, summed over the samples.

    Args:
        blocks: the network's blocks, everything written.
        solution: [n_weights] int8.
        toggle_gains: [n, n_hidden] float64, of toggling each input of the last layer.
        out: [n_weights] float64, updated.
        n_first: how many samples to sum separately too, from the first; at most n.

    Returns:
        [n_out, fan-in] float64, the first block's gains on the first `n_first` samples alone; None
        where its inputs are binary.
    """
    first, *others = blocks
    above = [_BinaryGains(block, solution, out) for block in others]
    below: _RealGains | _BinaryGains
    if isinstance(first, RealBlock):
        below = _RealGains(first, solution, out)
    else:
        below = _BinaryGains(first, solution, out)
    cuts = sorted({*range(0, len(toggle_gains), GROUP), n_first, len(toggle_gains)})
    sampled: Gains | None = None
    for low, high in pairwise(cuts):
        samples = slice(low, high)
        outputs: _Inputs | Gains = toggle_gains[samples]
        for block in reversed(above):
            outputs = block.add(samples, outputs)
        below.add(samples, outputs)
        if high == n_first and isinstance(below, _RealGains):
            sampled = below.in_file_order()
    for block in above:
        block.finish()
    below.finish()
    return sampled


def equal_weights(layer: Layer, solution: Solution, sampled: Gains) -> tuple[list[Ints], Ints]:
    """The weights of each filter that are equal, and the one of them with the median gain.

    Args:
        layer: the first one.
        solution: [n_weights] int8.
        sampled: [n_out, fan-in] float64, gains of the weights.

    Returns:
        Places among the layer's weights: those of one filter and sign a group, and one a group.
    """
    weights, gains = layer.weights(solution).ravel(), sampled.ravel()
    groups = [
        members
        for low in range(0, layer.n_weights, layer.fan_in)
        for sign in (-1, 1)
        if len(members := low + np.flatnonzero(weights[low : low + layer.fan_in] == sign))
    ]
    medians = [
        members[np.argsort(gains[members], kind="stable")[len(members) // 2]] for members in groups
    ]
    return groups, np.array(medians)


class _Inputs(NamedTuple):
    """Gains of toggling each input of a block: constants + signs * factors.

    The soft ones are for what is handed further down, where several inputs toggle at once.
    """

    signs: Floats  # [rows, n]
    factors: Floats  # [rows, n]
    constants: Floats  # [rows]
    soft_factors: Floats  # [rows, n]
    soft_constants: Floats  # [rows]


def _toggle_gains(outputs: _Inputs | Gains) -> tuple[Gains, Gains]:
    """[n, n_out] float64: of toggling each channel after a global max, and the soft ones."""
    if not isinstance(outputs, _Inputs):
        return outputs, outputs
    signs, factors, constants, soft_factors, soft_constants = outputs
    hard = constants[:, None] + signs * factors
    soft = soft_constants[:, None] + signs * soft_factors
    return hard.astype(np.float64), soft.astype(np.float64)


class _BinaryGains:
    """Gains of a binary block, summed over groups of samples."""

    def __init__(self, block: BlockState, solution: Solution, out: Gains) -> None:
        assert isinstance(block, BinaryBlock)
        layer = block.layer
        n_out, n_in, kernel = layer.shape
        weights = layer.weights(solution)
        self.block, self.is_first = block, isinstance(block.below, InputSigns)
        self.filters = weights.transpose(0, 2, 1).reshape(n_out, -1).astype(np.float32)
        self.packed, self.bias = pack_filters(weights), layer.bias(solution).copy()
        # a gain is a constant, one for each channel, plus the weight times a factor
        self.factors, self.constants = np.zeros_like(self.filters), np.zeros(n_out, np.float32)
        # the gains themselves, of a block that pools over all of time
        self.whole = np.zeros((n_out, kernel, n_in) if block.whole else (0, 0, 0))
        self.out, self.bias_out = layer.weights(out), layer.bias(out)

    def add(self, samples: slice, outputs: _Inputs | Gains) -> _Inputs:
        """Adds a group's gains, from those of its outputs; returns those of its inputs."""
        starts = self.block.at.of_samples(samples).starts
        rows = slice(int(starts[0]), int(starts[-1]))
        signs = np.empty((rows.stop - rows.start, self.block.layer.shape[1]), np.float32)
        kernels.unpack_signs(self.block.below.bits[rows], signs)
        if isinstance(outputs, _Inputs) and not self.block.whole:
            if self.is_first:  # nothing is handed down
                outputs = outputs._replace(
                    soft_factors=np.zeros_like(outputs.factors),
                    soft_constants=np.zeros_like(outputs.constants),
                )
            return self._add_windows(samples, signs, outputs)
        return self._add_whole(samples, signs, *_toggle_gains(outputs))

    def _add_whole(self, samples: slice, signs: Floats, hard: Gains, soft: Gains) -> _Inputs:
        """As `add`, of a block that pools over all of time, from gains of toggling its outputs."""
        block, at = self.block, self.block.at.of_samples(samples)
        active, single = block.active[samples], block.at.single
        factors, constants = np.zeros_like(signs), np.zeros(len(signs), np.float32)
        if self.is_first:  # nothing is handed down
            soft = np.zeros_like(hard)
        elif not single:  # after a max few toggle at once: 0.80 against 0.39 in rank
            soft = hard
        held = active, block.above, block.edge, at.words, block.below.bits, at.starts
        weights, out = (self.packed, self.filters, self.bias), (self.whole, self.bias_out)
        kernels.whole_gains(hard, soft, *held, *weights, *out, factors, constants)
        if self.is_first:
            return _Inputs(signs, factors, constants, factors, constants)
        soft_factors, none = np.zeros_like(signs), np.zeros_like(constants)
        where = at.positions, at.starts
        kernels.soften(soft, active, block.sums, *where, self.filters, SOFTNESS, soft_factors)
        over_frames = single and block.layer.shape[2] > 1 and not block.last
        if over_frames and isinstance(block.below, RealBlock):
            # a flip shifts many sums of its channel alike: 0.42 against 0.25 in rank
            factors, constants = soft_factors, none
        return _Inputs(signs, factors, constants, soft_factors, none)

    def _add_windows(self, samples: slice, signs: Floats, outputs: _Inputs) -> _Inputs:
        """As `add`, of a block that is pooled in windows."""
        block, at = self.block, self.block.at.of_samples(samples)
        factors, constants = np.zeros_like(signs), np.zeros(len(signs), np.float32)
        held = block.above, block.edge, at.words, at.pool, at.to
        inputs, weights = (signs, at.starts), (self.filters, self.factors, self.constants)
        biases = self.bias, self.bias_out
        kernels.middle_gains(*outputs, *held, *inputs, *weights, *biases, factors, constants)
        return _Inputs(signs, factors, constants, factors, constants)

    def finish(self) -> None:
        """Writes the sums."""
        if self.block.whole:
            self.out[:] = self.whole.transpose(0, 2, 1)
            return
        gains = self.constants[:, None] + self.filters * self.factors
        n_out, n_in, kernel = self.out.shape
        self.out[:] = gains.reshape(n_out, kernel, n_in).transpose(0, 2, 1)


class _RealGains:
    """Gains of the first block, summed over groups of samples."""

    def __init__(self, block: RealBlock, solution: Solution, out: Gains) -> None:
        layer = block.layer
        weights = layer.weights(solution).transpose(0, 2, 1).reshape(layer.shape[0], -1)
        self.block = block
        self.twice = 2 * weights.astype(np.float32)
        self.biases = layer.bias(solution).astype(np.int32) * np.int32(2 * block.unit)
        self.reach = 2 * max(block.largest, block.unit)
        # [n_out, kernel * n_in]
        self.gains = np.zeros(self.twice.shape, np.float64 if block.whole else np.float32)
        self.out, self.bias_out = layer.weights(out), layer.bias(out)

    def add(self, samples: slice, outputs: _Inputs | Gains) -> None:
        """Adds a group's gains, from those of the block's outputs."""
        block, at = self.block, self.block.at.of_samples(samples)
        frames = block.frames[int(at.starts[0]) : int(at.starts[-1])]
        features = np.empty(frames.shape, np.float32)
        kernels.fix_rows(frames, float(block.unit), features)
        inputs_and_weights = features, at.starts, self.twice, self.biases, self.reach
        out = self.gains, self.bias_out
        if isinstance(outputs, _Inputs) and not block.whole:
            kernels.real_gains(
                outputs.factors,
                outputs.constants,
                block.sums,
                at.positions,
                at.pool,
                at.to,
                *inputs_and_weights,
                *out,
            )
        else:
            hard, _ = _toggle_gains(outputs)
            kernels.real_whole_gains(hard, block.sums, at.positions, *inputs_and_weights, *out)

    def in_file_order(self) -> Gains:
        """[n_out, fan-in] float64, the sums so far."""
        n_out, n_in, kernel = self.out.shape
        turned = self.gains.reshape(n_out, kernel, n_in).transpose(0, 2, 1)
        return turned.reshape(n_out, -1).astype(np.float64)

    def finish(self) -> None:
        """Writes the sums."""
        self.out[:] = self.in_file_order().reshape(self.out.shape)
