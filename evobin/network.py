"""Binary networks: their architecture as data, and the exact answer of one network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin import result
from evobin.checks import check_range, check_shape, check_signs
from evobin.clips import Clips, starts_of
from evobin.kernels import forward

Bits = NDArray[np.uint64]
Signs = NDArray[np.int8]

MAX_FAN_IN = 32_766  # a binary sum and its bias then fit int16


@dataclass(frozen=True, slots=True)
class ConvBlock:
    """Convolution over time (no padding, with bias), max-pooling in ceil mode, sign.

    Attributes:
        n_out: output channels, at least 1.
        kernel: taps, 1 to 15.
        pool: frames a pooling window, 1 to 4; 1 is no pooling.
    """

    n_out: int
    kernel: int
    pool: int = 1

    def __post_init__(self) -> None:
        check_range("n_out", self.n_out, 1, 65_536)
        check_range("kernel", self.kernel, 1, 15)
        check_range("pool", self.pool, 1, 4)

    def frames_out(self, t: NDArray[np.int64] | int) -> Any:
        """Frames after pooling, from frames in; an odd rest is a window of its own."""
        return -((t - self.kernel + 1) // -self.pool)


@dataclass(frozen=True, slots=True)
class Layer:
    """Where one layer's weights lie in a solution: weights first, then the bias vector.

    Attributes:
        name: "conv1", "conv2", ..., "linear".
        shape: shape of the weights, [n_out, n_in, kernel] or [1, n_in].
        start: index of the first weight.
    """

    name: str
    shape: tuple[int, ...]
    start: int

    @property
    def n_weights(self) -> int:
        """Weights without the biases."""
        return math.prod(self.shape)

    @property
    def stop(self) -> int:
        """Index behind the last bias."""
        return self.start + self.n_weights + self.shape[0]

    @property
    def fan_in(self) -> int:
        """Products in one sum, without the bias."""
        return self.n_weights // self.shape[0]

    def weights(self, solution: NDArray[Any]) -> NDArray[Any]:
        """A view of this layer's weights, in their shape."""
        return solution[self.start : self.start + self.n_weights].reshape(self.shape)

    def bias(self, solution: NDArray[Any]) -> NDArray[Any]:
        """A view of this layer's biases."""
        return solution[self.start + self.n_weights : self.stop]


@dataclass(frozen=True)
class Architecture:
    """A binary network's shape: blocks of convolution, max over all of time, one linear output.

    Attributes:
        n_in: features a frame.
        blocks: at least one block.

    Example:
        >>> tiny = Architecture(n_in=3, blocks=(ConvBlock(n_out=5, kernel=2, pool=2),))
        >>> tiny.n_weights, tiny.min_frames
        (41, 2)
        >>> SPEAKER_SEX.n_weights, SPEAKER_SEX.min_frames
        (369153, 57)
    """

    n_in: int
    blocks: tuple[ConvBlock, ...]

    def __post_init__(self) -> None:
        check_range("n_in", self.n_in, 1, 65_536)
        check_range("len(blocks)", len(self.blocks), 1, 64)
        for layer in self.layers:
            check_range(f"fan-in of {layer.name}", layer.fan_in, 1, MAX_FAN_IN)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers in the order of a solution and of the result file."""
        layers, start, n_in = [], 0, self.n_in
        for number, block in enumerate(self.blocks, 1):
            layers.append(Layer(f"conv{number}", (block.n_out, n_in, block.kernel), start))
            start, n_in = layers[-1].stop, block.n_out
        layers.append(Layer("linear", (1, n_in), start))
        return tuple(layers)

    @property
    def n_weights(self) -> int:
        """Weights and biases of all layers: the length of a solution."""
        return self.layers[-1].stop

    @property
    def n_hidden(self) -> int:
        """Channels behind the max over time."""
        return self.blocks[-1].n_out

    @property
    def min_frames(self) -> int:
        """Frames of the shortest clip that has an answer."""
        frames = 1
        for block in reversed(self.blocks):
            frames = (frames - 1) * block.pool + block.kernel
        return frames


SPEAKER_SEX = Architecture(
    n_in=64, blocks=(ConvBlock(128, 9, 2), ConvBlock(128, 9, 2), ConvBlock(128, 9))
)
"""The built-in network: a speaker's sex from log-mel features."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Activations:
    """All hidden signs of a batch, packed, for inspection.

    Attributes:
        bits: a [rows, words] uint64 array a block, behind its pooling.
        starts: a [n + 1] int64 array a block, the first row of each clip.
        hidden: [n, words] uint64, behind the max over time.
    """

    bits: tuple[Bits, ...]
    starts: tuple[NDArray[np.int64], ...]
    hidden: Bits


class BinaryNetwork:
    """An architecture and its weights, ready to answer.

    Weights are packed once. Answers are exact: every sign is that of the true sum, and a sum of
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
        check_shape("signs", signs, (architecture.n_weights,))
        check_signs("signs", signs)
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

    def predict(self, clips: Clips | list[NDArray[Any]]) -> NDArray[np.int8]:
        """Labels: 1 where the logit is positive, else 0.

        Args:
            clips: feature matrices [t, n_in] of finite real numbers, t at least
                `architecture.min_frames`; not modified.

        Returns:
            [n] int8.

        Raises:
            ValueError: if a clip has another width or is too short.
        """
        return (self.logits(clips) > 0).astype(np.int8)

    def logits(self, clips: Clips | list[NDArray[Any]], n_threads: int = 1) -> NDArray[np.int64]:
        """The network's integer outputs, the same for any number of threads.

        Args:
            clips: as for `predict`.
            n_threads: threads to share the clips.

        Returns:
            [n] int64.

        Raises:
            ValueError: as for `predict`.
        """
        clips = self.check(clips)
        n_threads = min(n_threads, len(clips))
        if n_threads == 1:
            return self._logits(clips.frames, clips.starts)
        cuts = np.linspace(0, len(clips), n_threads + 1).astype(int)
        with ThreadPoolExecutor(n_threads) as threads:
            parts = threads.map(
                lambda low, high: self._logits(clips.frames, clips.starts[low : high + 1]),
                cuts[:-1],
                cuts[1:],
            )
            return np.concatenate(list(parts))

    def activations(self, clips: Clips | list[NDArray[Any]]) -> Activations:
        """All hidden signs; arguments and errors as for `predict`."""
        clips = self.check(clips)
        bits, starts = zip(*self._blocks(clips.frames, clips.starts), strict=True)
        return Activations(bits, starts, _any_over_time(bits[-1], starts[-1]))

    def check(self, clips: Clips | list[NDArray[Any]]) -> Clips:
        """Clips that the network can answer; arguments and errors as for `predict`."""
        if not isinstance(clips, Clips):
            clips = Clips.join(clips)
        check_shape("clips", clips.frames, (None, self.architecture.n_in))
        shortest = int(clips.lengths.min())
        if shortest < self.architecture.min_frames:
            raise ValueError(
                f"`clips` must have at least {self.architecture.min_frames} frames each, but "
                f"clip {int(clips.lengths.argmin())} has {shortest}; leave it out."
            )
        return clips

    def _logits(self, frames: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[np.int64]:
        for bits, rows in self._blocks(frames, starts):
            last = bits, rows
        hidden = _any_over_time(*last)
        linear = self.architecture.layers[-1]
        weights = pack(linear.weights(self.signs))
        differ = np.bitwise_count(hidden ^ weights).sum(axis=1, dtype=np.int64)
        logits: NDArray[np.int64] = linear.fan_in - 2 * differ + int(linear.bias(self.signs)[0])
        return logits

    def _blocks(
        self, frames: NDArray[Any], starts: NDArray[np.int64]
    ) -> Iterator[tuple[Bits, NDArray[np.int64]]]:
        """Packed signs behind each block, and where each clip starts in them."""
        bits: Bits = np.empty((0, 0), np.uint64)
        for number, (block, layer) in enumerate(
            zip(self.architecture.blocks, self.architecture.layers, strict=False)
        ):
            to = starts_of(block.frames_out(np.diff(starts)))
            out = np.empty((int(to[-1]), -(-block.n_out // 64)), np.uint64)
            bias = layer.bias(self.signs)
            if number == 0:
                weights = layer.weights(self.signs)
                forward.real_block(
                    frames, starts, self._entries, weights, bias, block.pool, out, to
                )
            else:
                limit = ((layer.fan_in + bias.astype(np.int64) + 1) // 2).astype(np.uint64)
                forward.binary_block(
                    bits, starts, self._packed[number - 1], limit, block.pool, out, to
                )
            bits, starts = out, to
            yield bits, starts

    @cached_property
    def _packed(self) -> tuple[Bits, ...]:
        """[kernel * words, n_out] a binary block: a window's words, outputs side by side."""
        return tuple(
            pack_filters(layer.weights(self.signs)) for layer in self.architecture.layers[1:-1]
        )

    @cached_property
    def _entries(self) -> NDArray[np.uint8]:
        return table_entries(self.architecture.layers[0].weights(self.signs))


def table_entries(weights: NDArray[Any]) -> NDArray[np.uint8]:
    """The first layer's signs, `forward.GROUP` inputs to an entry of a table of their signed sums.

    Args:
        weights: [n_out, n_in, kernel] of -1 and +1; not modified.

    Returns:
        [groups of inputs, n_out, kernel] uint8, bit i set where input i of the group is +1.
    """
    n_out, n_in, kernel = weights.shape
    groups = -(-n_in // forward.GROUP)
    padded = np.zeros((n_out, groups * forward.GROUP, kernel), np.uint8)
    padded[:, :n_in] = weights > 0
    grouped = padded.reshape(n_out, groups, forward.GROUP, kernel)
    places = np.arange(forward.GROUP, dtype=np.uint8)[:, None]
    entries = (grouped << places).sum(axis=2, dtype=np.uint8)
    return np.ascontiguousarray(entries.transpose(1, 0, 2))


def pack_filters(weights: NDArray[Any]) -> Bits:
    """Packs a convolution's weights as the kernels want them.

    Args:
        weights: [n_out, n_in, kernel] of -1 and +1; not modified.

    Returns:
        [kernel * words, n_out] uint64, C order, the words of a window in its own order.
    """
    packed = pack(weights.transpose(0, 2, 1))
    return np.ascontiguousarray(packed.reshape(len(weights), -1).T)


def _any_over_time(bits: Bits, starts: NDArray[np.int64]) -> Bits:
    hidden = np.empty((len(starts) - 1, bits.shape[1]), np.uint64)
    forward.any_over_time(bits, starts, hidden)
    return hidden
