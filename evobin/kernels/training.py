"""Kernels of straight-through training: what BLAS and numpy cannot do in one pass.

Arrays of training are rectangular: all samples of a batch have the same length. A row is one frame
of one sample, samples one after the other. Weights are in *window order* [n_out, kernel, n_in], so
that a window of the input and a filter are both contiguous.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from evobin.kernels import machine

Floats = NDArray[np.float32]

PART = 1024
"""Weights that a step moves at a time: six arrays of them fit the nearest cache."""


@njit(nogil=True, cache=True)
def signs(values: Floats, out: Floats) -> None:
    """out[i] = 1 where values[i] is positive, else -1.

    Args:
        values: [n] float32.
        out: [n] float32, overwritten.
    """
    machine.widen()
    for i in range(len(values)):
        out[i] = np.float32(1.0) if values[i] > 0 else np.float32(-1.0)


@njit(nogil=True, cache=True)
def take_signs(peaks: Floats, width: float, out: Floats) -> None:
    """Signs, and what is left of the numbers: that over a width.

    Args:
        peaks: [n] float32, divided by `width`.
        width: of the straight-through window.
        out: [n] float32, overwritten with 1 where a peak is positive, else -1.
    """
    machine.widen()
    over = np.float32(width)
    for o in range(len(peaks)):
        out[o] = np.float32(1.0) if peaks[o] > 0 else np.float32(-1.0)
        peaks[o] /= over


@njit(nogil=True, cache=True)
def pool_peaks(
    sums: Any, stride: int, frames: int, pool: int, width: float, peaks: Floats, out: Floats
) -> None:
    """Max-pooling in ceil mode, and signs; with pool = frames, the largest sum of each sample.

    Args:
        sums: [at least samples * stride, n_out] any real type; sample c starts at row c * stride.
        stride: rows a sample in `sums`.
        frames: rows of each sample that hold sums; the rest is skipped.
        pool: frames a window.
        width: of the straight-through window.
        peaks: [samples * ceil(frames / pool), n_out] float32, overwritten with the largest sums
            over `width`.
        out: the same shape, overwritten with their signs.
    """
    machine.widen()
    sums, peaks, out = machine.lend((sums, peaks, out))
    rows, n_out = peaks.shape
    pooled = -(frames // -pool)
    for row in range(rows):
        sample, window = row // pooled, row % pooled
        first = sample * stride + window * pool
        peak, source = peaks[row], sums[first]
        for o in range(n_out):
            peak[o] = source[o]
        for j in range(1, min(pool, frames - window * pool)):
            source = sums[first + j]
            for o in range(n_out):
                peak[o] = source[o] if source[o] > peak[o] else peak[o]
        take_signs(peak, width, out[row])


@njit(nogil=True, cache=True)
def window_gradients(
    peaks: Any,
    by_output: Any,
    windows: tuple[int, int],
    width: float,
    by_sums: Any,
    bias_gradients: Floats,
) -> None:
    """Backward of signs, or of tanh, and of max-pooling in equal shares.

    Args:
        peaks: [samples, windows, n_out] float32, tanh of the largest sums over `width`; overwritten
            with the gradient by these sums.
        by_output: [samples, at least windows, n_out] float32, gradient by the signs.
        windows: frames of a window; how many windows of a sample are full.
        width: of the straight-through window.
        by_sums: [samples, at least full windows, n_out] float32, overwritten with the gradient by
            each sum of a full window.
        bias_gradients: [n_out] float32, overwritten.
    """
    machine.widen()
    peaks, by_output, by_sums = machine.lend((peaks, by_output, by_sums))
    samples, n_windows, n_out = peaks.shape
    pool, full = windows
    one, over, parts = np.float32(1), np.float32(width), np.float32(pool)
    bias_gradients[:] = 0
    for sample in range(samples):
        for window in range(n_windows):
            peak, gradient = peaks[sample, window], by_output[sample, window]
            for o in range(n_out):
                peak[o] = (one - peak[o] * peak[o]) / over * gradient[o]
            for o in range(n_out):
                bias_gradients[o] += peak[o]
            if window < full:
                share = by_sums[sample, window]
                for o in range(n_out):
                    share[o] = peak[o] / parts


@njit(nogil=True, cache=True)
def max_backward(
    gradients: Floats,
    peaks: Floats,
    sums: Any,
    strides: tuple[int, int, int],
    inputs: Floats,
    weights: Floats,
    weight_gradients: Floats,
    bias_gradients: Floats,
    input_gradients: Floats,
) -> None:
    """Backward of a convolution under a max over time, in proportion to its few winners.

    Only the frames that reach the maximum receive a gradient, in equal shares: about one frame in
    forty, so that this is a sparse update and no matrix product. Output by output: its filter and
    the gradient of it stay in the nearest cache.

    Args:
        gradients: [samples, n_out] float32, gradient of the loss by the maxima.
        peaks: [samples, n_out] float32, the maxima.
        sums: [at least samples * strides[0], n_out] any real type.
        strides: rows a sample in `sums`, rows of it that hold sums, rows a sample in `inputs`.
        inputs: [at least samples * strides[2], n_in] float32, C order.
        weights: [n_out, kernel, n_in] float32, C order.
        weight_gradients: like `weights`, overwritten.
        bias_gradients: [n_out] float32, overwritten.
        input_gradients: like `inputs`, updated.
    """
    machine.widen()
    inputs, weights, weight_gradients = machine.lend((inputs, weights, weight_gradients))
    input_gradients, sums = machine.lend((input_gradients, sums))
    samples, n_out = gradients.shape
    stride, frames, in_stride = strides
    n_in, size = inputs.shape[1], weights.shape[1] * weights.shape[2]
    sources, targets = inputs.reshape(-1), input_gradients.reshape(-1)
    filters, by_filters = weights.reshape(n_out, -1), weight_gradients.reshape(n_out, -1)
    winners = np.empty(frames, np.int64)
    for o in range(n_out):
        weight, by_weight = filters[o], by_filters[o]
        by_weight[:] = 0
        bias_gradients[o] = 0
        for sample in range(samples):
            gradient, peak, ties = gradients[sample, o], peaks[sample, o], 0
            for t in range(frames):
                if sums[sample * stride + t, o] == peak:
                    winners[ties] = (sample * in_stride + t) * n_in
                    ties += 1
            bias_gradients[o] += gradient
            share = gradient / np.float32(ties)
            for first in winners[:ties]:
                source, target = sources[first : first + size], targets[first : first + size]
                for i in range(size):
                    by_weight[i] += share * source[i]
                    target[i] += share * weight[i]


@njit(nogil=True, cache=True)
def adam_step(
    arrays: Floats, gradients: Floats, rates: tuple[float, float, float], limit: float, keep: float
) -> None:
    """One step of Adam on latent weights, which stay within [-limit, limit].

    Kingma and Ba (2015), Adam, algorithm 1, with the bias corrections folded into the rate. All is
    done on a part that fits the cache before the next one, so that memory is passed over once.

    Args:
        arrays: [4, n] float32, updated: latents, the gradient's running mean, that of its square,
            and the running mean of the latents.
        gradients: [shards, n] float32, summed over shards in their order; overwritten.
        rates: step length with both corrections, decay of the gradient's mean, of its square's.
        limit: largest magnitude of a latent.
        keep: decay of the running mean of the latents.
    """
    machine.widen()
    arrays, gradients = machine.lend((arrays, gradients))
    for begin in range(0, arrays.shape[1], PART):
        part = slice(begin, min(begin + PART, arrays.shape[1]))
        total, latent, mean = gradients[0, part], arrays[0, part], arrays[3, part]
        for s in range(1, len(gradients)):
            other = gradients[s, part]
            for i in range(len(total)):
                total[i] += other[i]
        move(latent, total, arrays[1, part], arrays[2, part], rates, limit)
        new = np.float32(1.0 - keep)
        for i in range(len(latent)):
            mean[i] += new * (latent[i] - mean[i])


@njit(nogil=True, cache=True)
def move(
    latent: Floats,
    gradients: Floats,
    first: Floats,
    second: Floats,
    rates: tuple[float, float, float],
    limit: float,
) -> None:
    """Part of `adam_step`, whose rates and limit it has; all other arguments are [n] float32."""
    machine.widen()
    step, keep_first = np.float32(rates[0]), np.float32(rates[1])
    keep_second = np.float32(rates[2])
    new_first, new_second = np.float32(1.0 - rates[1]), np.float32(1.0 - rates[2])
    tiny, bound = np.float32(1e-8), np.float32(limit)
    for i in range(len(latent)):
        gradient = gradients[i]
        mean = keep_first * first[i] + new_first * gradient
        square = keep_second * second[i] + new_second * gradient * gradient
        first[i] = mean
        second[i] = square
        moved = latent[i] - step * mean / (np.sqrt(square) + tiny)
        moved = bound if moved > bound else moved
        latent[i] = -bound if moved < -bound else moved
