"""One block's part of a gradient: its weights, its buffers, and its passes forward and backward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.kernels import forward, sign_products, training
from evobin.network.architecture import WHOLE, Architecture, Layer
from evobin.network.packing import pack, pack_filters
from evobin.training.latent import Floats


class BlockWeights:
    """A block's weights in the forms that a step needs.

    Args:
        architecture: the network's shape.
        number: which block.
        values: [n_weights] float32 in window order, signs unless `smooth`. Not modified, and not
            copied.
        smooth: whether they are real; all sums are then matrix products.
    """

    def __init__(
        self, architecture: Architecture, number: int, values: Floats, *, smooth: bool
    ) -> None:
        layer = architecture.layers[number]
        self.filters = filters = _filters(layer, values)
        self.bias: Floats = layer.bias(values)
        n_out = len(filters)
        slides = not layer.is_linear
        if smooth:
            self.columns = filters.reshape(n_out, -1).T
            if slides and number > 0 and not _is_whole(architecture, number):
                self.turned = _turned(filters, _pool_of(architecture, number))
            return
        if number > 0 or architecture.binary_inputs:
            self.packed = pack_filters(filters.transpose(0, 2, 1))
            self.offset = layer.fan_in + self.bias.astype(np.int64)
            if slides and not _is_whole(architecture, number):
                self.outputs = sign_products.pack_outputs(filters.reshape(n_out, -1))
        elif slides:
            self.entries = sign_products.pack_inputs(filters)


class BlockGradient:
    """Sums, peaks and gradients of one block on equally long samples; owns the buffers of these.

    A linear layer takes a sample for one frame. On the way back, a block that is pooled in windows
    counts time in them: a *period* is as many frames as a window has, and `span` periods hold all
    windows that a frame has a part in.

    Args:
        architecture: the network's shape.
        number: which block.
        shape: samples, and frames of each.
        width: of the straight-through window, or of each tanh.
        smooth: whether weights are real, and activations are tanh(sum / width) instead of signs.

    Attributes:
        inputs: [samples, frames, n_in] float32.
        peaks: [samples, windows, n_out] float32, sums after the pooling.
    """

    def __init__(
        self,
        architecture: Architecture,
        number: int,
        shape: tuple[int, int],
        width: float,
        *,
        smooth: bool,
    ) -> None:
        self._layer = layer = architecture.layers[number]
        self._is_first, self._smooth, self._width = number == 0, smooth, np.float32(width)
        self._binary = not smooth and (number > 0 or architecture.binary_inputs)
        n_out, kernel, n_in = _window_shape(layer)
        samples, frames = (shape[0], 1) if layer.is_linear else shape
        # under a max over all of time the window is all frames, and the way back a sparse update
        self._whole = whole = _is_whole(architecture, number)
        self._frames_out = frames_out = frames - kernel + 1  # sums a sample, before pooling
        self._pool = pool = frames_out if whole else _pool_of(architecture, number)
        self._span = span = _span(kernel, pool)
        self._stride = frames_out if self._binary else frames  # rows a sample in `_sums`
        rows = _periods(samples * frames, kernel) * kernel if smooth else samples * self._stride
        # the inputs, and zeros for windows that begin in the last of them
        n_rows = max(samples * frames, rows) + kernel + pool - 1
        self._padded: Floats = np.zeros((n_rows, n_in), np.float32)
        self.inputs = _first_rows(self._padded, (samples, frames, n_in))
        self._sums: NDArray[Any] = np.zeros((rows, n_out), np.int16 if self._binary else np.float32)
        self.peaks: Floats = np.zeros((samples, _periods(frames_out, pool), n_out), np.float32)
        self._per_sample = per_sample = _periods(frames, pool)
        periods = 0 if whole else _periods(samples * per_sample, span) * span
        # by the sums of a full window; 0 between samples
        self._gradients: Floats = np.zeros((span - 1 + periods, n_out), np.float32)
        self._input_gradients: Floats = np.zeros(
            self.inputs.shape if whole else (periods, pool * n_in), np.float32
        )
        if self._binary:
            begins = np.arange(samples)[:, None] * frames + np.arange(per_sample) * pool
            self._begins = np.minimum(begins.ravel(), n_rows - kernel - pool + 1)
        elif not layer.is_linear:  # sums of the `pool` frames from each frame on, a period a row
            self._summed: Floats = np.zeros((periods + span, pool * n_in), np.float32)

    def forward(self, weights: BlockWeights, out: Floats) -> None:
        """Sums and peaks of `inputs`, and signs of the peaks in `out`, or tanh in their place."""
        self._sum(weights)
        rows = self.peaks.reshape(-1, self.peaks.shape[2])
        # under a max over all of time, the way back looks for the sums that reach it
        width = 1.0 if self._whole else float(self._width)
        sizes = self._stride, self._frames_out, self._pool
        training.pool_peaks(self._sums, *sizes, width, rows, out.reshape(rows.shape))
        if not self._smooth:
            return
        if self._whole:
            np.divide(self.peaks, self._width, out=out.reshape(self.peaks.shape))
            np.tanh(out, out=out)
        else:
            np.tanh(self.peaks, out=self.peaks)
            out.reshape(-1)[:] = self.peaks.reshape(-1)

    def _sum(self, weights: BlockWeights) -> None:
        samples, frames, n_in = self.inputs.shape
        flat = self.inputs.reshape(-1, n_in)
        if self._smooth:
            _by_phases(self._padded, weights.columns, self._sums)
            self._sums += weights.bias
        elif self._binary:
            starts = np.arange(samples + 1) * frames
            to = np.arange(samples + 1) * self._frames_out
            forward.binary_sums(pack(flat), starts, weights.packed, weights.offset, self._sums, to)
        elif self._layer.is_linear:
            np.matmul(flat, weights.filters[:, 0].T, out=self._sums)
            self._sums += weights.bias
        else:
            sign_products.real_sums(flat, weights.entries, weights.bias, self._sums)

    def backward(self, by_output: Floats, weights: BlockWeights, gradients: Floats) -> Floats:
        """Writes the block's gradient to `gradients`; returns that by the block's inputs.

        Args:
            by_output: [samples, at least as many rows as were written to `out`, n_out] float32, the
                gradient by these, in any shape that can be read as this one.
            weights: those of the pass forward.
            gradients: [n_weights] float32 in window order.
        """
        samples, _, n_out = self.peaks.shape
        by_output = by_output.reshape(samples, -1, n_out)
        if self._whole:
            self._whole_backward(by_output[:, 0], weights, gradients)
            return self._input_gradients
        if not self._smooth:
            np.tanh(self.peaks, out=self.peaks)
        full = self._frames_out // self._pool
        at = self._gradients[self._span - 1 :]
        training.window_gradients(
            self.peaks,
            by_output,
            (self._pool, full),
            float(self._width),
            _first_rows(at, (samples, self._per_sample, n_out)),
            self._layer.bias(gradients),
        )
        filters = _filters(self._layer, gradients)
        if self._layer.is_linear:
            self._linear_backward(at, weights, filters[:, 0])
        elif self._binary:
            self._binary_backward(at, weights, filters)
        else:
            self._window_backward(at, weights, filters.reshape(n_out, -1))
        cut = self._frames_out - full * self._pool
        for frame in range(full * self._pool, self._frames_out):
            by_frame = self.peaks[:, full] / np.float32(cut)
            self._frame_backward(frame, by_frame, weights, filters.reshape(n_out, -1))
        return self._by_frames(self._input_gradients)

    def _whole_backward(self, by_output: Floats, weights: BlockWeights, gradients: Floats) -> None:
        _, frames, n_in = self.inputs.shape
        peaks = self.peaks[:, 0]
        slopes = (1 - np.square(np.tanh(peaks / self._width))) / self._width
        self._input_gradients[:] = 0.0
        training.max_backward(
            slopes * by_output,
            peaks,
            self._sums,
            (self._stride, self._frames_out, frames),
            self.inputs.reshape(-1, n_in),
            weights.filters,
            _filters(self._layer, gradients),
            self._layer.bias(gradients),
            self._input_gradients.reshape(-1, n_in),
        )

    def _linear_backward(self, at: Floats, weights: BlockWeights, out: Floats) -> None:
        np.matmul(at.T, self.inputs[:, 0], out=out)
        if not self._is_first:
            np.matmul(at, weights.filters[:, 0], out=self._input_gradients)

    def _binary_backward(self, at: Floats, weights: BlockWeights, out: Floats) -> None:
        _, kernel, n_in = out.shape
        used = at[: len(self._begins)]
        sign_products.weight_gradients(used, self._padded, self._begins, self._pool, out)
        if not self._is_first:
            rows = self._input_gradients.reshape(-1, n_in)
            sizes = kernel, n_in
            sign_products.input_gradients(used, weights.outputs, sizes, self._pool, rows)

    def _window_backward(self, at: Floats, weights: BlockWeights, total: Floats) -> None:
        pool, span = self._pool, self._span
        frames = self.inputs.shape[1]
        firsts = max(frames - pool + 1, 0)
        summed = self._by_frames(self._summed)[:, :firsts]
        summed[:] = self.inputs[:, :firsts]
        for frame in range(1, pool):
            summed += self.inputs[:, frame : frame + firsts]
        for phase in range(span):
            rows = self._summed[phase : phase + len(at)].reshape(len(at) // span, -1)
            if phase == 0:
                np.matmul(at[::span].T, rows[:, : total.shape[1]], out=total)
            else:
                total += at[phase::span].T @ rows[:, : total.shape[1]]
        if not self._is_first:
            _by_phases(self._gradients, weights.turned, self._input_gradients)

    def _frame_backward(
        self, frame: int, by_frame: Floats, weights: BlockWeights, total: Floats
    ) -> None:
        """The same for one frame of all samples, in a window that their end cuts off."""
        samples, _, n_in = self.inputs.shape
        n_out, kernel, _ = _window_shape(self._layer)
        window = slice(frame, frame + kernel)
        total += by_frame.T @ self.inputs[:, window].reshape(samples, -1)
        if not self._is_first:
            by_input = by_frame @ weights.filters.reshape(n_out, -1)
            by_frames = self._by_frames(self._input_gradients)
            by_frames[:, window] += by_input.reshape(samples, kernel, n_in)

    def _by_frames(self, buffer: Floats) -> Floats:
        """A view of rows of periods as [samples, frames of all periods, n_in]."""
        samples, frames, n_in = self.inputs.shape
        shape = (samples, _periods(frames, self._pool) * self._pool, n_in)
        return _first_rows(buffer, shape)


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
