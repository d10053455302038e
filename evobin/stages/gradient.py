"""Straight-through gradient of a binary network: forward with signs, backward through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import forward, training
from evobin.network import Architecture, ConvBlock, Layer, pack, pack_filters
from evobin.stages.latent import Floats


def default_widths(architecture: Architecture) -> tuple[float, ...]:
    """Width of each sign's straight-through window, and of the logit, in units of its sum.

    The root of the fan-in is the spread of a sum of random signs. Raw features are larger than
    1 and far from zero mean, so the first window is four times as wide.
    """
    roots = [layer.fan_in**0.5 for layer in architecture.layers]
    return (4.0 * roots[0], *roots[1:])


class BinaryWeights:
    """One sign vector in all the forms that a step needs, made once a step for all shards.

    Args:
        architecture: the network's shape.
        latent: [n_weights] real in window order; only its signs are used. Not modified.
    """

    def __init__(self, architecture: Architecture, latent: Floats) -> None:
        signs = np.where(latent > 0, np.float32(1), np.float32(-1))
        self.filters: list[Floats] = []
        self.biases: list[Floats] = []
        self.packed: list[NDArray[np.uint64]] = []
        self.offsets: list[NDArray[np.int64]] = []
        self.reversed: list[Floats] = []
        for layer in architecture.layers[:-1]:
            self.filters.append(_filters(layer, signs))
            self.biases.append(layer.bias(signs))
        for layer, filters in zip(architecture.layers[1:-1], self.filters[1:], strict=True):
            self.packed.append(pack_filters(filters.transpose(0, 2, 1)))
            self.offsets.append(layer.fan_in + layer.bias(signs).astype(np.int64))
        for filters in self.filters[1:-1]:
            n_out, kernel, n_in = filters.shape
            turned = filters[:, ::-1].transpose(1, 0, 2)
            self.reversed.append(np.ascontiguousarray(turned).reshape(kernel * n_out, n_in))
        self.head = architecture.layers[-1].weights(signs)[0]
        self.head_bias = float(architecture.layers[-1].bias(signs)[0])


@dataclass(slots=True, eq=False)
class _Stage:
    """Buffers of one block; rows behind the last clip, and between slopes, stay 0."""

    layer: Layer
    block: ConvBlock
    frames_in: int  # rows a clip in `inputs`
    frames_out: int  # sums a clip, before pooling
    stride: int  # rows a clip in `sums`
    inputs: Floats
    sums: NDArray[Any]
    peaks: Floats
    winners: NDArray[np.uint8]
    slopes: Floats  # by the sums, on the rows of `inputs`, behind kernel - 1 rows of zeros
    input_slopes: Floats

    @classmethod
    def new(cls, architecture: Architecture, number: int, clips: int, frames: int) -> _Stage:
        """Buffers of block `number` for `clips` of `frames` each."""
        layer, block = architecture.layers[number], architecture.blocks[number]
        n_out, n_in, kernel = layer.shape
        frames_out = frames - kernel + 1
        rows = -(clips * frames // -kernel) * kernel
        real, ends = number == 0, number == len(architecture.blocks) - 1
        peaks = clips if ends else clips * int(block.frames_out(frames))
        return cls(
            layer,
            block,
            frames,
            frames_out,
            stride=frames if real else frames_out,
            inputs=np.zeros((rows + kernel, n_in), np.float32),
            sums=np.zeros((rows, n_out), np.float32)
            if real
            else np.zeros((clips * frames_out, n_out), np.int16),
            peaks=np.zeros((peaks, n_out), np.float32),
            winners=np.zeros((0 if ends else peaks, n_out), np.uint8),
            slopes=np.zeros((0 if ends else rows + 2 * kernel - 1, n_out), np.float32),
            input_slopes=np.zeros((0 if real and not ends else rows + kernel, n_in), np.float32),
        )


class ShardGradient:
    """Loss and gradient of a fixed number of equally long clips; owns all its buffers.

    A convolution over time is `kernel` matrix products: the windows that start `kernel` rows
    apart do not overlap, so that each product reads the flat input as a [rows / kernel,
    kernel * n_in] matrix without a copy. Windows that straddle two clips are summed and ignored.
    Binary sums come from the packed kernels of the forward pass.

    Args:
        architecture: the network's shape.
        clips: clips a shard.
        frames: length of each, at least `architecture.min_frames`.
        widths: straight-through windows, as `default_widths` gives them.
    """

    def __init__(
        self, architecture: Architecture, clips: int, frames: int, widths: tuple[float, ...]
    ) -> None:
        self.architecture = architecture
        self.clips = clips
        self.widths = [np.float32(width) for width in widths]
        self.stages: list[_Stage] = []
        for number, block in enumerate(architecture.blocks):
            self.stages.append(_Stage.new(architecture, number, clips, frames))
            frames = int(block.frames_out(frames))

    @property
    def features(self) -> Floats:
        """[clips, frames, n_in] float32: write the features here before `run`."""
        stage = self.stages[0]
        rows = self.clips * stage.frames_in
        return stage.inputs[:rows].reshape(self.clips, stage.frames_in, -1)

    def run(
        self, weights: BinaryWeights, labels: NDArray[Any], scale: float, slopes: Floats
    ) -> tuple[float, Floats]:
        """One pass forward and backward.

        The loss is binary cross-entropy of logit / widths[-1]; its gradient goes through each
        sign as if it were tanh(sum / width).

        Args:
            weights: the signs.
            labels: [clips] of 0 and 1.
            scale: factor of the loss, one over the size of the whole batch.
            slopes: [n_weights] float32 in window order, overwritten with the gradient.

        Returns:
            The loss, already scaled, and the logits, [clips] float32.
        """
        slopes[:] = 0.0
        for number in range(len(self.stages)):
            self._forward(number, weights)
        peaks = self.stages[-1].peaks
        hidden = np.where(peaks > 0, np.float32(1), np.float32(-1))
        logits: Floats = hidden @ weights.head + np.float32(weights.head_bias)
        z = logits / self.widths[-1]
        loss = float(np.logaddexp(0.0, np.where(labels > 0, -z, z)).sum()) * scale
        by_logit = (1 / (1 + np.exp(-z)) - labels).astype(np.float32)
        by_logit *= np.float32(scale) / self.widths[-1]
        head = self.architecture.layers[-1]
        head.weights(slopes)[0] = by_logit @ hidden
        head.bias(slopes)[0] = by_logit.sum()
        by_peaks = by_logit[:, None] * weights.head * self._window_slope(peaks.copy(), -1)
        self._last_backward(by_peaks, weights, slopes)
        for number in range(len(self.stages) - 2, -1, -1):
            self._backward(number, weights, slopes)
        return loss, logits

    def _forward(self, number: int, weights: BinaryWeights) -> None:
        stage = self.stages[number]
        if number == 0:
            n_out = stage.layer.shape[0]
            _by_phases(stage.inputs, weights.filters[0].reshape(n_out, -1).T, stage.sums)
            stage.sums += weights.biases[0]
        else:
            starts = np.arange(self.clips + 1) * stage.frames_in
            to = np.arange(self.clips + 1) * stage.frames_out
            bits = pack(stage.inputs[: starts[-1]])
            packed, offset = weights.packed[number - 1], weights.offsets[number - 1]
            forward.binary_sums(bits, starts, packed, offset, stage.sums, to)
        if stage is self.stages[-1]:
            training.peaks_over_time(stage.sums, stage.stride, stage.frames_out, stage.peaks)
            return
        pool = stage.block.pool
        training.pool_peaks(
            stage.sums, stage.stride, stage.frames_out, pool, stage.peaks, stage.winners
        )
        out = self.stages[number + 1].inputs[: len(stage.peaks)]
        out[:] = -1.0
        np.copyto(out, np.float32(1), where=stage.peaks > 0)

    def _last_backward(self, by_peaks: Floats, weights: BinaryWeights, slopes: Floats) -> None:
        stage = self.stages[-1]
        stage.input_slopes[:] = 0.0
        training.last_block_backward(
            by_peaks,
            stage.peaks,
            stage.sums,
            (stage.stride, stage.frames_out, stage.frames_in),
            stage.inputs,
            weights.filters[-1],
            _filters(stage.layer, slopes),
            stage.layer.bias(slopes),
            stage.input_slopes,
        )

    def _backward(self, number: int, weights: BinaryWeights, slopes: Floats) -> None:
        stage = self.stages[number]
        kernel = stage.layer.shape[2]
        values = self._window_slope(stage.peaks, number)
        values *= self.stages[number + 1].input_slopes[: len(values)]
        at = stage.slopes[kernel - 1 :]
        training.unpool(
            values, stage.winners, stage.frames_in, stage.frames_out, stage.block.pool, at
        )
        rows = len(stage.inputs) - kernel
        total = _filters(stage.layer, slopes).reshape(stage.layer.shape[0], -1)
        for phase in range(kernel):
            windows = stage.inputs[phase : phase + rows].reshape(rows // kernel, -1)
            total += at[phase : phase + rows : kernel].T @ windows
        stage.layer.bias(slopes)[:] = at.sum(axis=0)
        if number > 0:
            _by_phases(stage.slopes, weights.reversed[number - 1], stage.input_slopes[:rows])

    def _window_slope(self, peaks: Floats, number: int) -> Floats:
        """Derivative of tanh(sum / width), in place of the sums."""
        width = self.widths[:-1][number]
        peaks /= width
        np.tanh(peaks, out=peaks)
        np.square(peaks, out=peaks)
        np.subtract(np.float32(1), peaks, out=peaks)
        peaks /= width
        return peaks


def _filters(layer: Layer, solution: Floats) -> Floats:
    """A layer's weights in window order, as [n_out, kernel, n_in]."""
    n_out, n_in, kernel = layer.shape
    return layer.weights(solution).reshape(n_out, kernel, n_in)


def _by_phases(rows: Floats, matrix: Floats, out: Floats) -> None:
    """out[r] = rows[r:r + kernel], flattened, times matrix, for every r.

    Args:
        rows: [at least len(out) + kernel - 1, n] float32.
        matrix: [kernel * n, n_out] float32.
        out: [a multiple of kernel, n_out] float32, overwritten.
    """
    kernel = len(matrix) // rows.shape[1]
    by_phase = out.reshape(-1, kernel, out.shape[1])
    for phase in range(kernel):
        windows = rows[phase : phase + len(out)].reshape(len(by_phase), -1)
        np.matmul(windows, matrix, out=by_phase[:, phase])
