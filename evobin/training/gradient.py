"""Gradients of a network: with signs, straight through them, or with tanh in their place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import forward, training
from evobin.network.architecture import WHOLE, Architecture, Layer
from evobin.network.packing import pack, pack_filters, table_entries
from evobin.training.latent import Floats


def default_widths(architecture: Architecture) -> tuple[float, ...]:
    """Width of each sign's straight-through window, and of the logit, in units of its sum.

    The root of the fan-in is the spread of a sum of random signs. Raw features are larger than
    1 and far from zero mean, so the first window is four times as wide.
    """
    roots = [layer.fan_in**0.5 for layer in architecture.layers]
    return (4.0 * roots[0], *roots[1:])


class _Weights:
    """Weights in the forms that a step needs, made once a step for all shards.

    Args:
        architecture: the network's shape.
        values: [n_weights] float32 in window order. Not modified, and not copied.
    """

    def __init__(self, architecture: Architecture, values: Floats) -> None:
        *layers, head = architecture.layers
        self.filters = [_filters(layer, values) for layer in layers]
        self.biases: list[Floats] = [layer.bias(values) for layer in layers]
        self.turned = {
            number: _turned(filters, _pool_of(architecture, number))
            for number, filters in enumerate(self.filters)
            if number > 0 and not _is_whole(architecture, number)
        }
        self.head: Floats = head.weights(values)
        self.head_bias: Floats = head.bias(values)


class BinaryWeights(_Weights):
    """One sign vector: activations are signs too, and sums come from the packed kernels.

    Args:
        architecture: the network's shape.
        latent: [n_weights] real in window order; only its signs are used. Not modified.
    """

    def __init__(self, architecture: Architecture, latent: Floats) -> None:
        signs = np.empty_like(latent)
        training.signs(latent, signs)
        super().__init__(architecture, signs)
        layers = architecture.layers[:-1]
        linear = layers[0].is_linear
        self.entries = None if linear else table_entries(self.filters[0].transpose(0, 2, 1))
        self.packed: list[NDArray[np.uint64]] = []
        self.offsets: list[NDArray[np.int64]] = []
        for layer, filters in zip(layers[1:], self.filters[1:], strict=True):
            self.packed.append(pack_filters(filters.transpose(0, 2, 1)))
            self.offsets.append(layer.fan_in + layer.bias(signs).astype(np.int64))


class SmoothWeights(_Weights):
    """Real weights: activations are tanh(sum / width), and all sums are matrix products.

    Args:
        architecture: the network's shape.
        values: [n_weights] float32 in window order. Not modified, and not copied.
    """

    def __init__(self, architecture: Architecture, values: Floats) -> None:
        super().__init__(architecture, values)
        self.columns = [filters.reshape(len(filters), -1).T for filters in self.filters]


AnyWeights = BinaryWeights | SmoothWeights


@dataclass(slots=True, eq=False)
class _Stage:
    """Buffers of one block; a linear layer takes a sample for one frame.

    On the way back, a block that is pooled in windows counts time in them: a *period* is as many
    frames as a window has, and `span` periods hold all windows that a frame has a part in.
    """

    layer: Layer
    whole: bool  # whether it slides under a max over all of time
    pool: int  # frames a pooling window
    span: int
    frames_out: int  # sums a sample, before pooling
    stride: int  # rows a sample in `sums`
    padded: Floats  # [positions, n_in]: the inputs, and zeros for windows that begin in the last
    inputs: Floats  # [samples, frames, n_in], a view of it
    sums: NDArray[Any]  # [at least samples * stride, n_out]
    peaks: Floats  # [samples, windows, n_out]
    summed: Floats  # [periods + span, pool * n_in]: sums of the `pool` frames from each frame on
    # [span - 1 + periods, n_out]: by the sums of a full window; 0 between samples
    gradients: Floats
    input_gradients: Floats  # [periods, pool * n_in]; under a max over all of time, like `inputs`

    @classmethod
    def new(
        cls, architecture: Architecture, number: int, samples: int, frames: int, *, smooth: bool
    ) -> _Stage:
        """Buffers of block `number` for `samples` of `frames` each."""
        layer = architecture.layers[number]
        n_out, kernel, n_in = _window_shape(layer)
        real, whole = smooth or number == 0, _is_whole(architecture, number)
        frames = 1 if layer.is_linear else frames
        frames_out = frames - kernel + 1
        pool = frames_out if whole else _pool_of(architecture, number)
        span = _span(kernel, pool)
        stride = frames if real else frames_out
        rows = _periods(samples * frames, kernel) * kernel if smooth else samples * stride
        padded = np.zeros((max(samples * frames, rows + kernel - 1), n_in), np.float32)
        periods = 0 if whole else _periods(samples * _periods(frames, pool), span) * span
        return cls(
            layer,
            whole,
            pool,
            span,
            frames_out,
            stride,
            padded=padded,
            inputs=_first_rows(padded, (samples, frames, n_in)),
            sums=np.zeros((rows, n_out), np.float32 if real else np.int16),
            peaks=np.zeros((samples, _periods(frames_out, pool), n_out), np.float32),
            summed=np.zeros((periods + span, pool * n_in), np.float32),
            gradients=np.zeros((span - 1 + periods, n_out), np.float32),
            input_gradients=np.zeros(
                (samples, frames, n_in) if whole else (periods, pool * n_in), np.float32
            ),
        )

    def by_frames(self, buffer: Floats) -> Floats:
        """A view of `summed` or `input_gradients` as [samples, frames of all periods, n_in]."""
        samples, frames, n_in = self.inputs.shape
        shape = (samples, _periods(frames, self.pool) * self.pool, n_in)
        return _first_rows(buffer, shape)


class ShardGradient:
    """Loss and gradient of a fixed number of equally long samples; owns all its buffers.

    Of a binary network, binary sums come from the packed kernels of the forward pass, those of
    real features from its tables. On the way back, a pooling window's gradient goes to all of its
    frames in equal shares: the windows that two neighbouring frames begin differ little, and a
    gradient by window has that many times fewer rows than one by frame. Under a max over all of
    time, the frames that reach it share its gradient alone.

    A gradient by the weights of a convolution, or by its input, is `span` matrix products: the
    windows that start `span` periods apart do not overlap, so that each product reads flat rows
    as a matrix without a copy. Windows that straddle two samples meet gradients of 0.

    Args:
        architecture: the network's shape.
        samples: samples a shard.
        frames: length of each, at least `architecture.min_frames`, or `architecture.frames`.
        widths: of the straight-through windows, or of each tanh, as `default_widths` gives them.
        smooth: whether it takes SmoothWeights; else BinaryWeights.
    """

    def __init__(
        self,
        architecture: Architecture,
        samples: int,
        frames: int,
        widths: tuple[float, ...],
        *,
        smooth: bool = False,
    ) -> None:
        self.architecture = architecture
        self.samples, self.frames = samples, frames
        self.widths = [np.float32(width) for width in widths]
        self.stages: list[_Stage] = []
        for number, block in enumerate(architecture.blocks):
            self.stages.append(_Stage.new(architecture, number, samples, frames, smooth=smooth))
            frames = int(block.frames_out(frames))

    @property
    def features(self) -> Floats:
        """[samples, frames, n_in] float32: write the features here before `run`."""
        return self.stages[0].inputs.reshape(self.samples, self.frames, self.architecture.n_in)

    def run(
        self, weights: AnyWeights, labels: NDArray[Any], scale: float, gradients: Floats
    ) -> tuple[float, Floats]:
        """One pass forward and backward.

        The loss is cross-entropy, of the logistic function or the softmax of logits / widths[-1];
        its gradient goes through each sign as if it were tanh(sum / width).

        Args:
            weights: of the kind that the buffers are for.
            labels: [samples], from 0.
            scale: factor of the loss, one over the size of the whole batch.
            gradients: [n_weights] float32 in window order, overwritten with the gradient.

        Returns:
            The loss, already scaled, and the logits, [samples] or [samples, n_classes] float32.
        """
        gradients[:] = 0.0
        for number in range(len(self.stages)):
            self._forward(number, weights)
        hidden = np.empty_like(self.stages[-1].peaks).reshape(self.samples, -1)
        self._activate(len(self.stages) - 1, weights, hidden)
        logits: Floats = hidden @ weights.head.T + weights.head_bias
        if logits.shape[1] == 1:
            loss, by_logit = _logistic_loss(logits / self.widths[-1], labels)
        else:
            loss, by_logit = _softmax_loss(logits / self.widths[-1], labels)
        by_logit *= np.float32(scale) / self.widths[-1]
        head = self.architecture.layers[-1]
        head.weights(gradients)[:] = by_logit.T @ hidden
        head.bias(gradients)[:] = by_logit.sum(axis=0)
        by_output = by_logit @ weights.head
        for number in range(len(self.stages) - 1, -1, -1):
            by_output = self._backward(number, by_output, weights, gradients)
        return loss * scale, logits[:, 0] if logits.shape[1] == 1 else logits

    def _forward(self, number: int, weights: AnyWeights) -> None:
        """Sums and peaks of a block, and the inputs of the one above."""
        stage = self.stages[number]
        if isinstance(weights, BinaryWeights):
            self._binary_sums(number, weights)
        else:
            _by_phases(stage.padded, weights.columns[number], stage.sums)
            stage.sums += weights.biases[number]
        peaks = stage.peaks.reshape(-1, stage.peaks.shape[2])
        pool = stage.frames_out if stage.whole else stage.pool
        training.pool_peaks(stage.sums, stage.stride, stage.frames_out, pool, peaks)
        if stage is not self.stages[-1]:
            self._activate(number, weights, self.stages[number + 1].inputs)

    def _binary_sums(self, number: int, weights: BinaryWeights) -> None:
        stage = self.stages[number]
        samples, frames, n_in = stage.inputs.shape
        flat = stage.inputs.reshape(-1, n_in)
        if number > 0:
            starts = np.arange(samples + 1) * frames
            to = np.arange(samples + 1) * stage.frames_out
            packed, offset = weights.packed[number - 1], weights.offsets[number - 1]
            forward.binary_sums(pack(flat), starts, packed, offset, stage.sums, to)
        elif weights.entries is None:
            np.matmul(flat, weights.filters[0][:, 0].T, out=stage.sums)
            stage.sums += weights.biases[0]
        else:
            columns = np.ascontiguousarray(flat.T)
            forward.real_sums(columns, weights.entries, weights.biases[0], stage.sums)

    def _activate(self, number: int, weights: AnyWeights, out: Floats) -> None:
        """Signs of a block's peaks, or tanh in their place."""
        peaks, out = self.stages[number].peaks.reshape(-1), out.reshape(-1)
        if isinstance(weights, BinaryWeights):
            training.signs(peaks, out)
        else:
            np.divide(peaks, self.widths[number], out=out)
            np.tanh(out, out=out)

    def _backward(
        self, number: int, by_output: Floats, weights: AnyWeights, gradients: Floats
    ) -> Floats:
        """Adds a block's gradient to `gradients`; returns that by the block's inputs."""
        stage = self.stages[number]
        by_peaks = self._window_derivative(
            stage.peaks.copy() if stage.whole else stage.peaks, number
        )
        by_peaks *= by_output.reshape(by_peaks.shape)
        if stage.whole:
            self._whole_backward(number, by_peaks[:, 0], weights, gradients)
            return stage.input_gradients
        self._window_backward(number, by_peaks, weights, gradients)
        return stage.by_frames(stage.input_gradients)[:, : stage.inputs.shape[1]]

    def _whole_backward(
        self, number: int, by_peaks: Floats, weights: AnyWeights, gradients: Floats
    ) -> None:
        stage = self.stages[number]
        _, frames, n_in = stage.inputs.shape
        stage.input_gradients[:] = 0.0
        training.max_backward(
            by_peaks,
            stage.peaks[:, 0],
            stage.sums,
            (stage.stride, stage.frames_out, frames),
            stage.inputs.reshape(-1, n_in),
            weights.filters[number],
            _filters(stage.layer, gradients),
            stage.layer.bias(gradients),
            stage.input_gradients.reshape(-1, n_in),
        )

    def _window_backward(
        self, number: int, by_peaks: Floats, weights: AnyWeights, gradients: Floats
    ) -> None:
        stage = self.stages[number]
        pool, span = stage.pool, stage.span
        samples, frames, n_in = stage.inputs.shape
        n_out, kernel, _ = _window_shape(stage.layer)
        full = stage.frames_out // pool
        at = stage.gradients[span - 1 :]
        by_sample = _first_rows(at, (samples, _periods(frames, pool), n_out))
        np.divide(by_peaks[:, :full], np.float32(pool), out=by_sample[:, :full])
        firsts = max(frames - pool + 1, 0)
        summed = stage.by_frames(stage.summed)[:, :firsts]
        summed[:] = stage.inputs[:, :firsts]
        for frame in range(1, pool):
            summed += stage.inputs[:, frame : frame + firsts]
        total = _filters(stage.layer, gradients).reshape(n_out, -1)
        for phase in range(span):
            rows = stage.summed[phase : phase + len(at)].reshape(len(at) // span, -1)
            total += at[phase::span].T @ rows[:, : kernel * n_in]
        stage.layer.bias(gradients)[:] = by_peaks.sum(axis=(0, 1))
        if number > 0:
            _by_phases(stage.gradients, weights.turned[number], stage.input_gradients)
        cut = stage.frames_out - full * pool
        for frame in range(full * pool, stage.frames_out):
            by_frame = by_peaks[:, full] / np.float32(cut)
            self._frame_backward(number, frame, by_frame, weights, gradients)

    def _frame_backward(
        self, number: int, frame: int, by_frame: Floats, weights: AnyWeights, gradients: Floats
    ) -> None:
        """The same for one frame of all samples, in a window that their end cuts off."""
        stage = self.stages[number]
        samples, _, n_in = stage.inputs.shape
        n_out, kernel, _ = _window_shape(stage.layer)
        window = slice(frame, frame + kernel)
        total = _filters(stage.layer, gradients).reshape(n_out, -1)
        total += by_frame.T @ stage.inputs[:, window].reshape(samples, -1)
        if number > 0:
            by_input = by_frame @ weights.filters[number].reshape(n_out, -1)
            by_frames = stage.by_frames(stage.input_gradients)
            by_frames[:, window] += by_input.reshape(samples, kernel, n_in)

    def _window_derivative(self, peaks: Floats, number: int) -> Floats:
        """Derivative of tanh(sum / width), in place of the sums."""
        width = self.widths[:-1][number]
        peaks /= width
        np.tanh(peaks, out=peaks)
        np.square(peaks, out=peaks)
        np.subtract(np.float32(1), peaks, out=peaks)
        peaks /= width
        return peaks


def _logistic_loss(z: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """Cross-entropy of one scaled logit a sample, [samples, 1], and its gradient by them."""
    targets = labels[:, None]
    loss = float(np.logaddexp(0.0, np.where(targets > 0, -z, z)).sum())
    return loss, (1 / (1 + np.exp(-z)) - targets).astype(np.float32)


def _softmax_loss(z: Floats, labels: NDArray[Any]) -> tuple[float, Floats]:
    """Cross-entropy of several scaled logits a sample, [samples, n_classes], and its gradient."""
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


def _pool_of(architecture: Architecture, number: int) -> int:
    """Frames a pooling window of a block that does not slide under a max over all of time."""
    return 1 if architecture.layers[number].is_linear else architecture.blocks[number].pool


def _periods(frames: int, pool: int) -> int:
    """Periods of `pool` that hold so many frames; the last one need not be full."""
    return -(frames // -pool)


def _span(kernel: int, pool: int) -> int:
    """Periods that hold all pooling windows which a frame can have a part in."""
    return _periods(kernel - 1, pool) + 1


def _turned(filters: Floats, pool: int) -> Floats:
    """[span * n_out, pool * n_in]: turns gradients by windows into those by a period's frames.

    A frame has a part in the sums of a frame so many before it through the tap of that number.
    """
    n_out, kernel, n_in = filters.shape
    span = _span(kernel, pool)
    out = np.zeros((span, n_out, pool, n_in), np.float32)
    for frame in range(pool):
        for tap in range(kernel):
            out[(frame - tap) // pool + span - 1, :, frame] += filters[:, tap]
    return out.reshape(span * n_out, pool * n_in)


def _first_rows(buffer: Floats, shape: tuple[int, ...]) -> Floats:
    """A view of as much from the front of a buffer as makes an array of another shape."""
    return buffer.reshape(-1)[: math.prod(shape)].reshape(shape)


def _window_shape(layer: Layer) -> tuple[int, int, int]:
    """[n_out, kernel, n_in], a linear layer being one tap that takes a whole sample."""
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
