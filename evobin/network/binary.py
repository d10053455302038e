"""Exact inference of one binary network."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_shape, check_signs
from evobin.core.samples import Samples, cuts_of, starts_of
from evobin.core.scores import predictions
from evobin.kernels import first_layer, forward
from evobin.network import result_file as result
from evobin.network.architecture import WHOLE, Architecture
from evobin.network.packing import (
    Bits,
    join_taps,
    pack,
    pack_filters,
    table_entries,
    window_entries,
)
from evobin.network.presets import SPEAKER_SEX

Signs = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Activations:
    """All hidden signs of a batch, packed, for inspection.

    Attributes:
        bits: a [rows, words] uint64 array a block, after its pooling.
        starts: a [n + 1] int64 array a block, the first row of each sample.
        hidden: [n, words] uint64, after the max over the frames that are left.
    """

    bits: tuple[Bits, ...]
    starts: tuple[NDArray[np.int64], ...]
    hidden: Bits


class BinaryNetwork:
    """An architecture and its weights, ready to predict.

    Weights are packed once. Predictions are exact: every sign is that of the true sum, and a sum of
    0 counts as not positive.

    Args:
        architecture: the network's shape.
        signs: [architecture.n_weights] of -1 and +1, in the order of the result file; copied.

    Raises:
        ValueError: if `signs` has another length or holds anything but -1 and +1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> signs = rng.choice(np.array([-1, 1], np.int8), SPEAKER_SEX.n_weights)
        >>> network = BinaryNetwork(SPEAKER_SEX, signs)
        >>> network.predict([rng.normal(size=(57, 64)), rng.normal(size=(200, 64))])
        array([1, 0], dtype=int8)
    """

    def __init__(self, architecture: Architecture, signs: NDArray[Any]) -> None:
        check_signs("signs", signs, (architecture.n_weights,))
        self.architecture = architecture
        self.signs: Signs = signs.astype(np.int8)
        self.signs.setflags(write=False)

    @classmethod
    def load(cls, path: str | Path, architecture: Architecture = SPEAKER_SEX) -> BinaryNetwork:
        """Reads a result file.

        Raises:
            EvobinError: if the file cannot be read or does not fit the architecture.
        """
        return cls(architecture, result.read_signs(Path(path), architecture.n_weights))

    def save(self, path: str | Path) -> None:
        """Writes the result file, atomically.

        Raises:
            EvobinError: if it cannot be written.
        """
        result.write_signs(Path(path), self.signs)

    def predict(self, samples: Samples | list[NDArray[Any]]) -> NDArray[np.int8]:
        """Labels: of two, 1 where the logit is positive; of more, that of the largest logit.

        Args:
            samples: feature matrices [t, n_in] of finite real numbers, t at least
                `architecture.min_frames`, or exactly `architecture.frames`; not modified. Of
                `Samples`, a network with binary inputs keeps the packed features in them.

        Returns:
            [n] int8; the lower of labels with equal logits.

        Raises:
            ValueError: if a sample has another width, is too short, or has not the fixed length;
                or if a feature is neither -1 nor +1 where inputs are binary.
        """
        return predictions(self.logits(samples))

    def logits(
        self, samples: Samples | list[NDArray[Any]], n_threads: int = 1
    ) -> NDArray[np.int64]:
        """The network's integer outputs, the same for any number of threads.

        Args:
            samples: as for `predict`.
            n_threads: threads to share the samples.

        Returns:
            [n] int64 for two classes, else [n, n_classes].

        Raises:
            ValueError: as for `predict`.
        """
        samples, n_threads = self.check(samples), min(n_threads, len(samples))
        logits = np.empty((len(samples), self.architecture.n_logits), np.int64)
        if n_threads == 1:
            self._fill(logits, samples)
        else:
            cuts = np.linspace(0, len(samples), n_threads + 1).astype(int).tolist()
            parts = map(samples.stretch, cuts[:-1], cuts[1:])
            with ThreadPoolExecutor(n_threads) as threads:
                list(threads.map(self._fill, np.split(logits, cuts[1:-1]), parts))
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def activations(self, samples: Samples | list[NDArray[Any]]) -> Activations:
        """All hidden signs; arguments and errors as for `predict`."""
        samples = self.check(samples)
        bits, starts = zip(*self._blocks(samples), strict=True)
        return Activations(bits, starts, _any_over_time(bits[-1], starts[-1]))

    def check(self, samples: Samples | list[NDArray[Any]]) -> Samples:
        """Samples, joined, that fit the network; arguments and errors as for `predict`."""
        if not isinstance(samples, Samples):
            samples = Samples.join(samples)
        check_samples(self.architecture, samples)
        return samples

    def _fill(self, logits: NDArray[np.int64], samples: Samples) -> None:
        """Fills [n, n_logits] a piece at a time; packed signs are small, and looked at at once."""
        linear, low = self.architecture.layers[-1], 0
        offset = linear.fan_in + linear.bias(self.signs).astype(np.int64)
        for piece in [samples] if self.architecture.binary_inputs else samples.pieces():
            for bits, rows in self._blocks(piece):
                last = bits, rows
            hidden = _any_over_time(*last)
            each, high = np.arange(len(hidden) + 1), low + len(hidden)
            forward.binary_sums(hidden, each, self._head, offset, logits[low:high], each)
            low = high

    def _blocks(self, samples: Samples) -> Iterator[tuple[Bits, NDArray[np.int64]]]:
        """Packed signs after each block, and where each sample starts in them."""
        real, starts = not self.architecture.binary_inputs, samples.starts
        bits = np.empty((0, 0), np.uint64) if real else samples.bits
        for number, (block, layer) in enumerate(
            zip(self.architecture.blocks, self.architecture.layers, strict=False)
        ):
            to = starts_of(block.frames_out(np.diff(starts)))
            out = np.empty((int(to[-1]), -(-block.n_out // 64)), np.uint64)
            pool = int(np.diff(starts).max()) if block.pool == WHOLE else block.pool
            if number == 0 and real:
                self._real_block(samples, pool, out, to)
            else:
                bias = layer.bias(self.signs).astype(np.int64)
                limit = ((layer.fan_in + bias + 1) // 2).astype(np.uint64)
                forward.binary_block(bits, starts, self._packed[number], limit, pool, out, to)
            bits, starts = out, to
            yield bits, starts

    def _real_block(self, samples: Samples, pool: int, out: Bits, to: NDArray[np.int64]) -> None:
        """The first block on real numbers, a piece at a time: there is no second copy of all."""
        layer, low = self.architecture.layers[0], 0
        bias = layer.bias(self.signs)
        for piece in samples.pieces():
            high, frames, starts = low + len(piece), piece.frames, piece.starts
            where = out, to[low : high + 1]
            if layer.is_linear:
                cuts = cuts_of(len(piece), forward.BLOCK)
                frames, starts = frames.reshape(len(piece), -1), cuts.copy()
                starts.setflags(write=False)
                pool, where = 1, (out[low:high], cuts)
            if layer.is_linear or self.architecture.blocks[0].kernel > first_layer.LARGEST_KERNEL:
                forward.real_block(frames, starts, self._entries, self._first, bias, pool, *where)
            else:
                first_layer.first_block(frames, starts, *self._windows, bias, pool, *where)
            low = high

    @cached_property
    def _packed(self) -> dict[int, Bits]:
        """[kernel * words, n_out] a binary block: a window's words, outputs side by side."""
        return {
            number: pack_filters(layer.weights(self.signs))
            for number, layer in enumerate(self.architecture.layers[:-1])
            if number > 0 or self.architecture.binary_inputs
        }

    @cached_property
    def _head(self) -> Bits:
        """[words, n_logits], the last layer's weights."""
        return np.ascontiguousarray(pack(self.architecture.layers[-1].weights(self.signs)).T)

    @cached_property
    def _first(self) -> Signs:
        """[n_out, n_in, kernel], the first layer's weights, read-only.

        A linear layer takes a sample for a frame, as the features lie; many samples are then the
        frames of one, and share its tables of sums.
        """
        layer = self.architecture.layers[0]
        weights = layer.weights(self.signs)
        if layer.is_linear:
            weights = join_taps(weights)
            weights.setflags(write=False)
        return weights

    @cached_property
    def _entries(self) -> NDArray[np.uint8]:
        return table_entries(self._first)

    @cached_property
    def _windows(self) -> tuple[NDArray[np.uint8], Signs, Signs, NDArray[np.float64]]:
        """The first layer's weights in the forms that `first_block` takes, in its order."""
        weights = self._first
        flat = join_taps(weights).reshape(len(weights), -1)
        totals = np.ascontiguousarray(weights.sum(axis=2, dtype=np.float64).T)
        return window_entries(weights), weights, flat, totals


def _any_over_time(bits: Bits, starts: NDArray[np.int64]) -> Bits:
    any_bits: Bits = np.bitwise_or.reduceat(bits, starts[:-1])
    return any_bits


def check_samples(architecture: Architecture, samples: Samples) -> None:
    """Checks that samples fit an architecture.

    Raises:
        ValueError: if a sample has another width, is too short, or has not the fixed length; or if
            a feature is neither -1 nor +1 where inputs are binary.
    """
    check_shape("samples", samples.stored, (None, architecture.n_in))
    lengths, fewest = samples.lengths, architecture.min_frames
    rule = "at least" if architecture.frames is None else "exactly"
    wrong = lengths < fewest if architecture.frames is None else lengths != fewest
    if wrong.any():
        sample = int(np.where(wrong, lengths, np.iinfo(np.int64).max).argmin())
        raise ValueError(
            f"`samples` must have {rule} {fewest} frames each, but sample {sample} has "
            f"{int(lengths[sample])}; leave it out."
        )
    if architecture.binary_inputs:
        samples.bits  # noqa: B018  # packed here, which refuses other numbers
    elif samples.stored.dtype == np.int8:
        raise ValueError(
            "`samples` must be float16, float32 or float64 where inputs are real, but they are "
            "int8; convert them, or set `binary_inputs` of the architecture."
        )
