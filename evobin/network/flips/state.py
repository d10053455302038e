"""One network on one batch of samples, exact under flips."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import FlipState, Solution
from evobin.core.samples import Samples
from evobin.kernels import flips
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.batch import Batch, check_batch, rounded, unit_of
from evobin.network.flips.blocks import (
    BinaryBlock,
    BlockState,
    Change,
    InputSigns,
    RealBlock,
)
from evobin.network.flips.gains import block_gains, equal_weights
from evobin.network.flips.geometry import Geometry
from evobin.network.flips.heads import Head, logit_width_of

Ints = NDArray[np.int64]

MAX_AT_ONCE = 1024
"""Logits a sample that are held at once, one or a class for each flip that is tried, 8 bytes each;
fewer than 2^15."""
GROUP = 16
"""Samples on which several flips are tried at once: what belongs to them stays in the cache."""
N_FIRST = 512
"""Samples on which gains of the first block are corrected: all of a batch of the usual size."""


_Place = tuple[int, int, Change]
"""Block, output channel, and the rest of where a weight lies; the last layer is a block too."""


@dataclass(slots=True, eq=False)  # frozen ones take twice as long to make
class _Move:
    """A flip, previewed and not yet committed."""

    index: int
    number: int  # block of its filter; the last layer counts as one
    channel: int  # of the filter
    change: Change  # the same flip, in the block's terms
    toggled: Sequence[Ints]  # what toggles after each block from `number` on
    logits: Ints  # [n, n_logits] after the flip
    score: float  # after the flip


class NetworkFlipState(FlipState):
    """All sums and signs of one network on one batch of samples.

    A flip is previewed without writing anything; it is committed when the next one is made, so
    that taking it back costs nothing. The score is the mean log-likelihood of the labels, a
    logistic function of the logit being the probability, or the softmax of several.

    Features are rounded to multiples of a power of two so small that float32 still holds them
    and so large that int32 holds every sum (2^-17 for log-mel), for real sums in floating point
    would drift. `samples` are the rounded ones: all numbers here are exact for those. The features
    given are kept too, not copied. Binary inputs are packed instead, and the first block is then
    as the others are.

    Args:
        architecture: the network's shape.
        solution: [n_weights] int8; copied.
        batch: samples and labels.
        logit_width: probabilities are those of logits / width; by default that of the architecture.

    Raises:
        ValueError: if samples, labels or solution do not fit the architecture, a feature is beyond
            `MAX_FEATURE` in magnitude or no sign where inputs are binary, or a sample is longer
            than `MAX_FRAMES`.
    """

    def __init__(
        self,
        architecture: Architecture,
        solution: Solution,
        batch: Batch,
        logit_width: float | None = None,
    ) -> None:
        self.architecture = architecture
        self.labels = batch.labels.copy()  # writeable: numba compiles again for read-only ones
        network = BinaryNetwork(architecture, solution)
        check_batch(architecture, batch)
        self._samples = batch.samples
        self._solution = network.signs.copy()
        self._starts_of_layers = [layer.start for layer in architecture.layers]
        self._sizes_of_layers = [
            (layer.n_weights, layer.fan_in, layer.shape[2] if len(layer.shape) == 3 else 1)
            for layer in architecture.layers
        ]
        self._change = np.empty((1, 4), np.int64)  # what `preview` takes, of a single flip
        self._blocks, self._later = self._new_blocks(batch.samples)
        self._logit_width = logit_width_of(architecture, logit_width)
        self._head = Head.of(architecture.layers[-1], self._solution, self._logit_width)
        self._logits = self._head.logits(self._blocks[-1].active)
        self._score = self._head.mean(self.labels, self._logits)
        self._move: _Move | None = None  # previewed, not yet committed

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Copies are made anew: blocks share arrays by views, which a copy of each would not."""
        batch = Batch(self._samples, self.labels)
        return type(self), (self.architecture, self.solution, batch, self._logit_width)

    def _new_blocks(self, samples: Samples) -> tuple[list[BlockState], list[BinaryBlock]]:
        """All blocks, and those on other blocks."""
        layers, blocks = self.architecture.layers, self.architecture.blocks
        below = first = self._first_block(samples)
        later: list[BinaryBlock] = []
        for number, block in enumerate(blocks[1:], 1):
            geometry = Geometry.of(block, below.at.to, last=number == len(blocks) - 1)
            below = BinaryBlock(layers[number], geometry, below, self._solution)
            later.append(below)
        return [first, *later], later

    def _first_block(self, samples: Samples) -> BlockState:
        layer, (block, *others) = self.architecture.layers[0], self.architecture.blocks
        if self.architecture.binary_inputs:
            starts = samples.starts.copy()  # writeable, as those of later blocks are
            at = Geometry.of(block, starts, last=not others)
            inputs = InputSigns.of(samples.bits, self.architecture.n_in, at)
            return BinaryBlock(layer, at, inputs, self._solution)
        at = Geometry.of(block, samples.starts, last=not others)
        unit = unit_of(self.architecture, samples)
        return RealBlock(layer, at, samples.frames, unit, self._solution)

    @property
    def samples(self) -> Samples:
        """The samples as they are held: a copy, rounded to fixed point; or the given signs."""
        return rounded(self.architecture, self._samples)

    @property
    def score(self) -> float:
        """Mean log-likelihood of the labels, in nats a sample; at most 0."""
        return self._score if self._move is None else self._move.score

    @property
    def logits(self) -> Ints:
        """[n] int64, or [n, n_classes], the network's output for each sample; a copy."""
        logits = self._logits if self._move is None else self._move.logits
        return (logits[:, 0] if logits.shape[1] == 1 else logits).copy()

    @property
    def solution(self) -> Solution:
        """[n_weights] int8, the present solution; a copy."""
        solution = self._solution.copy()
        if self._move is not None:
            solution[self._move.index] *= -1
        return solution

    def flip(self, index: int) -> None:
        """Flips one weight or bias, in file order; flipping it again restores every number.

        Raises:
            IndexError: if there is no such weight.
        """
        if self._move is not None and self._move.index == index:
            self._move = None
            return
        number, channel, change = self._place_of(index)
        self.commit()
        if number == len(self._blocks):
            toggled: list[Ints] = []
            logits = self._logits.copy()
            logits[:, channel] += self._head.shift(self._blocks[-1].active, change)
        else:
            self._change[0] = channel, *change
            toggled = self._follow(number, self._blocks[number].preview(self._change))
            logits = np.empty_like(self._logits)
            self._shift_logits(toggled[-1], logits[None])
        score = self._head.mean(self.labels, logits)
        self._move = _Move(index, number, channel, change, toggled, logits, score)

    def _place_of(self, index: int) -> _Place:
        """Block, channel, and the rest of where a weight lies."""
        if not 0 <= index < len(self._solution):
            raise IndexError(f"`index` must be from 0 to {len(self._solution) - 1}, got {index}.")
        number = bisect_right(self._starts_of_layers, index) - 1
        n_weights, fan_in, taps = self._sizes_of_layers[number]
        offset, old = index - self._starts_of_layers[number], int(self._solution[index])
        if offset >= n_weights:
            return number, offset - n_weights, Change(0, -1, old)
        channel, inside = divmod(offset, fan_in)
        return number, channel, Change(*divmod(inside, taps), old)

    def _follow(self, number: int, outputs: Ints) -> list[Ints]:
        """What toggles after each block from `number` on if `outputs` do there."""
        toggled = [outputs]
        for block in self._later[number:]:
            toggled.append(block.follow(toggled[-1]))
        return toggled

    def _shift_logits(self, toggled: Ints, out: Ints) -> None:
        """Fills `out`, [owners, n, n_logits], when signs after the max over time toggle."""
        active = self._blocks[-1].active
        flips.shift_logits(toggled, active, self._head.weights, self._logits, out)

    def commit(self) -> None:
        """Writes the last flip, if it is not written yet; taking it back then costs a flip."""
        move, self._move = self._move, None
        if move is None:
            return
        if move.number == len(self._blocks):
            self._head.write(move.channel, (move.change,))
        else:
            block = self._blocks[move.number]
            block.write(move.channel, move.change)
            block.write_toggled(move.toggled[0])
            steps = zip(self._later[move.number :], pairwise(move.toggled), strict=True)
            for above, (inputs, toggled) in steps:
                above.write_inputs(inputs)
                above.write_toggled(toggled)
        self._solution[move.index] *= -1
        self._logits, self._score = move.logits, move.score

    def scores(self, indices: Iterable[int]) -> NDArray[np.float64]:
        """As in `FlipState`: all flips look at a few samples before the next ones.

        Raises:
            IndexError: if there is no such weight.
        """
        self.commit()
        return self._scores(list(indices), len(self.labels))

    def _scores(self, indices: Sequence[int], n_first: int) -> NDArray[np.float64]:
        """As `scores`, of the mean score of the first `n_first` samples."""
        labels = self.labels[:n_first]
        scores = np.empty(len(indices))
        for some, logits in self._logits_by_parts(indices, n_first):
            scores[some] = self._head.means(labels, logits)
        return scores

    def turned(self, indices: Iterable[int]) -> NDArray[np.bool_]:
        """[n] bool, whether any of several flips, alone, changes a sample's prediction.

        None of them is made; arguments, errors and cost as for `scores`.
        """
        self.commit()
        turned, present = np.zeros(len(self.labels), bool), _predictions(self._logits)
        for _, logits in self._logits_by_parts(indices, len(self.labels)):
            turned |= (_predictions(logits) != present).any(axis=0)
        return turned

    def _logits_by_parts(
        self, indices: Iterable[int], n_first: int
    ) -> Iterator[tuple[list[int], Ints]]:
        """Some places in `indices`, and the [m, n_first, n_logits] logits after each of those."""
        places = [self._place_of(int(index)) for index in indices]
        by_layer: dict[int, list[int]] = {}
        for owner, (number, _, _) in enumerate(places):
            by_layer.setdefault(number, []).append(owner)
        at_once = max(1, MAX_AT_ONCE // self.architecture.n_logits)
        for number, owners in by_layer.items():
            for low in range(0, len(owners), at_once):
                some = owners[low : low + at_once]
                chosen = [places[owner] for owner in some]
                yield some, self._logits_after(number, chosen, n_first)

    def _logits_after(self, number: int, places: Sequence[_Place], n_first: int) -> Ints:
        """[m, n_first, n_logits] logits of the first samples after each of several flips."""
        if number == len(self._blocks):
            active = self._blocks[-1].active[:n_first]
            moved = np.repeat(self._logits[None, :n_first], len(places), axis=0)
            for logits, (_, channel, change) in zip(moved, places, strict=True):
                logits[:, channel] += self._head.shift(active, change)
            return moved
        changes = np.array([(channel, *change) for _, channel, change in places])
        found = []
        for low in range(0, n_first, GROUP):
            samples = slice(low, min(low + GROUP, n_first))
            toggled = self._follow(number, self._blocks[number].preview(changes, samples))
            found.append(toggled[-1].copy())
        out = np.empty((len(places), *self._logits.shape), np.int64)
        self._shift_logits(np.concatenate(found), out)
        return np.ascontiguousarray(out[:, :n_first])

    def gains(self) -> NDArray[np.float64]:
        """Predicted change of score for each single flip.

        Exact for the last layer and the block below it; further down, first order: the sum of the
        gains of toggling, alone, each sign that the flip toggles (the Boolean derivative,
        propagated from the logits down), in single precision. The first block's are corrected
        filter by filter where others follow and inputs are real; see `_correct_first`. Those that
        are not exact are for ranking.

        Returns:
            [n_weights] float64, in file order.
        """
        self.commit()
        out = np.zeros(len(self._solution))
        n_first = min(len(self.labels), N_FIRST)
        head = self.architecture.layers[-1]
        gains = self._head.gains(self.labels, self._logits, self._blocks[-1].active)
        head.weights(out)[:], head.bias(out)[:] = gains.weights, gains.biases
        sampled = block_gains(self._blocks, self._solution, gains.toggles, out, n_first)
        out /= len(self.labels)
        if sampled is not None and len(self._blocks) > 1:
            self._correct_first(out, sampled / n_first, n_first)
        return out

    def exact(self) -> NDArray[np.bool_]:
        """[n_weights] bool: the last layer's gains and those of the block below it are exact."""
        return np.arange(len(self._solution)) >= self.architecture.layers[-2].start

    def _correct_first(
        self, gains: NDArray[np.float64], sampled: NDArray[np.float64], n_first: int
    ) -> None:
        """Adds to the first block's gains what first order misses, filter by filter.

        Features are far from zero mean, so that all weights of a filter that are +1 shift its sums
        alike when they flip, and all that are -1 the other way: one flip of each kind, the median
        one, is tried on the first `n_first` samples, and its error there is taken for that of all.
        `gains` [n_weights] is updated; `sampled` [n_out, fan-in] is of those samples alone.
        """
        layer = self.architecture.layers[0]
        groups, medians = equal_weights(layer, self._solution, sampled)
        present = self._head.mean(self.labels[:n_first], self._logits[:n_first])
        effects = self._scores((layer.start + medians).tolist(), n_first) - present
        errors = effects - sampled.ravel()[medians]
        corrected = layer.weights(gains).reshape(-1)
        for members, error in zip(groups, errors, strict=True):
            corrected[members] += error * n_first / len(self.labels)

    def warm_up(self) -> None:
        """Runs every kernel of flips and gains once, so that numba has compiled them all."""
        self.gains()
        for layer in self.architecture.layers:
            for _ in range(2):
                self.flip(layer.start)
                self.commit()
        for block in self._later:
            block.warm_up()


def _predictions(logits: Ints) -> NDArray[np.bool_] | NDArray[np.intp]:
    """[...] labels, from [..., n_logits]."""
    return logits[..., 0] > 0 if logits.shape[-1] == 1 else logits.argmax(axis=-1)
