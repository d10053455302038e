"""Straight-through gradient of a binary network: forward with signs, backward through them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import forward, training
from evobin.network import WHOLE, Architecture, Layer, pack, pack_filters
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
        *layers, head = architecture.layers
        self.filters = [_filters(layer, signs) for layer in layers]
        self.biases: list[Floats] = [layer.bias(signs) for layer in layers]
        self.packed: list[NDArray[np.uint64]] = []
        self.offsets: list[NDArray[np.int64]] = []
        for layer, filters in zip(layers[1:], self.filters[1:], strict=True):
            self.packed.append(pack_filters(filters.transpose(0, 2, 1)))
            self.offsets.append(layer.fan_in + layer.bias(signs).astype(np.int64))
        self.reversed: dict[int, Floats] = {}
        for number, filters in enumerate(self.filters):
            if number > 0 and not _is_whole(architecture, number):
                n_out, kernel, n_in = filters.shape
                turned = filters[:, ::-1].transpose(1, 0, 2)
                self.reversed[number] = np.ascontiguousarray(turned).reshape(kernel * n_out, n_in)
        self.head: Floats = head.weights(signs)
        self.head_bias: Floats = head.bias(signs)


@dataclass(slots=True, eq=False)
class _Stage:
    """Buffers of one block; rows behind the last clip, and between slopes, stay 0.

    A linear layer takes a clip for one frame.
    """

    layer: Layer
    whole: bool  # whether it slides under a max over all of time
    kernel: int
    pool: int
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
        n_out, kernel, n_in = _window_shape(layer)
        real, whole = number == 0, _is_whole(architecture, number)
        frames = 1 if layer.is_linear else frames
        frames_out = frames - kernel + 1
        rows = -(clips * frames // -kernel) * kernel
        pool = 1 if layer.is_linear else block.pool
        peaks = clips if whole else clips * -(frames_out // -pool)
        return cls(
            layer,
            whole,
            kernel,
            pool,
            frames,
            frames_out,
            stride=frames if real else frames_out,
            inputs=np.zeros((rows + kernel, n_in), np.float32),
            sums=np.zeros((rows, n_out), np.float32)
            if real
            else np.zeros((clips * frames_out, n_out), np.int16),
            peaks=np.zeros((peaks, n_out), np.float32),
            winners=np.zeros((0 if whole else peaks, n_out), np.uint8),
            slopes=np.zeros((0 if whole else rows + 2 * kernel - 1, n_out), np.float32),
            input_slopes=np.zeros((0 if real and not whole else rows + kernel, n_in), np.float32),
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
        frames: length of each, at least `architecture.min_frames`, or `architecture.frames`.
        widths: straight-through windows, as `default_widths` gives them.
    """

    def __init__(
        self, architecture: Architecture, clips: int, frames: int, widths: tuple[float, ...]
    ) -> None:
        self.architecture = architecture
        self.clips, self.frames = clips, frames
        self.widths = [np.float32(width) for width in widths]
        self.stages: list[_Stage] = []
        for number, block in enumerate(architecture.blocks):
            self.stages.append(_Stage.new(architecture, number, clips, frames))
            frames = int(block.frames_out(frames))

    @property
    def features(self) -> Floats:
        """[clips, frames, n_in] float32: write the features here before `run`."""
        shape = (self.clips, self.frames, self.architecture.n_in)
        return _first_rows(self.stages[0].inputs, shape)

    def run(
        self, weights: BinaryWeights, labels: NDArray[Any], scale: float, slopes: Floats
    ) -> tuple[float, Floats]:
        """One pass forward and backward.

        The loss is cross-entropy, of the logistic function or the softmax of logits / widths[-1];
        its gradient goes through each sign as if it were tanh(sum / width).

        Args:
            weights: the signs.
            labels: [clips], from 0.
            scale: factor of the loss, one over the size of the whole batch.
            slopes: [n_weights] float32 in window order, overwritten with the gradient.

        Returns:
            The loss, already scaled, and the logits, [clips] or [clips, n_classes] float32.
        """
        slopes[:] = 0.0
        for number in range(len(self.stages)):
            self._forward(number, weights)
        hidden = np.where(self.stages[-1].peaks > 0, np.float32(1), np.float32(-1))
        logits: Floats = hidden @ weights.head.T + weights.head_bias
        if logits.shape[1] == 1:
            loss, by_logit = _logistic_loss(logits / self.widths[-1], labels)
        else:
            loss, by_logit = _softmax_loss(logits / self.widths[-1], labels)
        by_logit *= np.float32(scale) / self.widths[-1]
        head = self.architecture.layers[-1]
        head.weights(slopes)[:] = by_logit.T @ hidden
        head.bias(slopes)[:] = by_logit.sum(axis=0)
        by_output = by_logit @ weights.head
        for number in range(len(self.stages) - 1, -1, -1):
            by_output = self._backward(number, by_output, weights, slopes)
        return loss * scale, logits[:, 0] if logits.shape[1] == 1 else logits

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
        if stage.whole:
            training.peaks_over_time(stage.sums, stage.stride, stage.frames_out, stage.peaks)
        else:
            training.pool_peaks(
                stage.sums, stage.stride, stage.frames_out, stage.pool, stage.peaks, stage.winners
            )
        if stage is not self.stages[-1]:
            out = _first_rows(self.stages[number + 1].inputs, stage.peaks.shape)
            out[:] = -1.0
            np.copyto(out, np.float32(1), where=stage.peaks > 0)

    def _backward(
        self, number: int, by_output: Floats, weights: BinaryWeights, slopes: Floats
    ) -> Floats:
        """Adds a block's gradient to `slopes`; returns that by the outputs of the block below."""
        stage = self.stages[number]
        if stage.whole:
            by_peaks = by_output * self._window_slope(stage.peaks.copy(), number)
            self._whole_backward(number, by_peaks, weights, slopes)
        else:
            by_peaks = self._window_slope(stage.peaks, number)
            by_peaks *= by_output
            self._window_backward(number, by_peaks, weights, slopes)
        if number == 0:
            return by_peaks
        return _first_rows(stage.input_slopes, self.stages[number - 1].peaks.shape)

    def _whole_backward(
        self, number: int, by_peaks: Floats, weights: BinaryWeights, slopes: Floats
    ) -> None:
        stage = self.stages[number]
        stage.input_slopes[:] = 0.0
        training.max_backward(
            by_peaks,
            stage.peaks,
            stage.sums,
            (stage.stride, stage.frames_out, stage.frames_in),
            stage.inputs,
            weights.filters[number],
            _filters(stage.layer, slopes),
            stage.layer.bias(slopes),
            stage.input_slopes,
        )

    def _window_backward(
        self, number: int, by_peaks: Floats, weights: BinaryWeights, slopes: Floats
    ) -> None:
        stage = self.stages[number]
        kernel = stage.kernel
        at = stage.slopes[kernel - 1 :]
        training.unpool(by_peaks, stage.winners, stage.frames_in, stage.frames_out, stage.pool, at)
        rows = len(stage.inputs) - kernel
        total = _filters(stage.layer, slopes).reshape(stage.layer.shape[0], -1)
        for phase in range(kernel):
            windows = stage.inputs[phase : phase + rows].reshape(rows // kernel, -1)
            total += at[phase : phase + rows : kernel].T @ windows
        stage.layer.bias(slopes)[:] = at.sum(axis=0)
        if number > 0:
            _by_phases(stage.slopes, weights.reversed[number], stage.input_slopes[:rows])

    def _window_slope(self, peaks: Floats, number: int) -> Floats:
        """Derivative of tanh(sum / width), in place of the sums."""
        width = self.widths[:-1][number]
        peaks /= width
        np.tanh(peaks, out=peaks)
        np.square(peaks, out=peaks)
        np.subtract(np.float32(1), peaks, out=peaks)
        peaks /= width
        return peaks


def _logistic_loss(z: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """Cross-entropy of one scaled logit a clip, [clips, 1], and its gradient by them."""
    targets = labels[:, None]
    loss = float(np.logaddexp(0.0, np.where(targets > 0, -z, z)).sum())
    return loss, (1 / (1 + np.exp(-z)) - targets).astype(np.float32)


def _softmax_loss(z: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """Cross-entropy of several scaled logits a clip, [clips, n_classes], and its gradient."""
    own = np.arange(len(z)), labels
    z -= z.max(axis=1, keepdims=True)
    powers = np.exp(z)
    mass = powers.sum(axis=1, keepdims=True)
    loss = float((np.log(mass[:, 0]) - z[own]).sum())
    by_logit = powers / mass
    by_logit[own] -= 1
    return loss, by_logit


def _is_whole(architecture: Architecture, number: int) -> bool:
    """Whether a block slides under a max over all of time; a linear layer does not slide."""
    ends = number == len(architecture.blocks) - 1 or architecture.blocks[number].pool == WHOLE
    return ends and not architecture.layers[number].is_linear


def _first_rows(buffer: Floats, shape: tuple[int, ...]) -> Floats:
    """A view of as much from the front of a buffer as makes an array of another shape."""
    return buffer.reshape(-1)[: math.prod(shape)].reshape(shape)


def _window_shape(layer: Layer) -> tuple[int, int, int]:
    """[n_out, kernel, n_in], a linear layer being one tap that takes a whole clip."""
    n_out, n_in, kernel = layer.shape
    return (n_out, 1, layer.fan_in) if layer.is_linear else (n_out, kernel, n_in)


def _filters(layer: Layer, solution: Floats) -> Floats:
    """A layer's weights in window order, as [n_out, kernel, n_in]."""
    return layer.weights(solution).reshape(_window_shape(layer))


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
