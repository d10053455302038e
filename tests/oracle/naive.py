"""Slow, obvious versions of the kernels: loops over single numbers, no packing, no blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.network.architecture import WHOLE, Architecture, Layer
from evobin.training.scales import Widths

Array = NDArray[Any]


def sign(x: float) -> int:
    """+1 above 0, else -1."""
    return 1 if x > 0 else -1


def conv_signs(x: Array, weights: Array, bias: Array) -> Array:
    """Sign of the true sum at each position: `math.fsum` rounds only once, so its sign is exact."""
    n_out, _, kernel = weights.shape
    out = np.empty((len(x) - kernel + 1, n_out), int)
    for t in range(len(out)):
        window = x[t : t + kernel].astype(np.float64)
        for o in range(n_out):
            terms = (window * weights[o].T).ravel().tolist()
            out[t, o] = sign(math.fsum([*terms, float(bias[o])]))
    return out


def pool(signs: Array, size: int) -> Array:
    """Max over windows of `size` frames; the last one may be shorter."""
    rows = [signs[t : t + size].max(axis=0) for t in range(0, len(signs), size)]
    return np.array(rows)


@dataclass
class Answer:
    """Signs after each block, after the max over the frames that are left, logits and label."""

    blocks: list[Array]
    hidden: Array
    logits: list[int]
    label: int

    @property
    def logit(self) -> int:
        """The only one, of two classes."""
        (logit,) = self.logits
        return logit


def answer(architecture: Architecture, solution: Array, sample: Array) -> Answer:
    """The network of SPEC.md, generalised to any architecture."""
    x, blocks = sample, []
    for block, layer in zip(architecture.blocks, architecture.layers, strict=False):
        x = conv_signs(x, layer.weights(solution), layer.bias(solution))
        x = pool(x, len(x) if block.pool == WHOLE else block.pool)
        blocks.append(x)
    hidden = x.max(axis=0)
    head = architecture.layers[-1]
    logits = [
        int(unit @ hidden) + int(bias)
        for unit, bias in zip(head.weights(solution), head.bias(solution), strict=True)
    ]
    label = int(logits[0] > 0) if len(logits) == 1 else logits.index(max(logits))
    return Answer(blocks, hidden, logits, label)


def log_likelihoods(logits: list[list[int]], labels: Array, width: float) -> list[float]:
    """Of each label, the logarithm of its probability, by logits / width."""
    found = []
    for row, label in zip(logits, labels.tolist(), strict=True):
        z = [logit / width for logit in (row if len(row) > 1 else [0, *row])]
        mass = math.fsum(math.exp(one - max(z)) for one in z)
        found.append(z[label] - max(z) - math.log(mass))
    return found


def worth(objective: str, logits: list[list[int]], labels: Array, width: float) -> list[float]:
    """What each sample is worth by an objective."""
    likelihoods = log_likelihoods(logits, labels, width)
    return likelihoods if objective == "likelihood" else [math.exp(one) for one in likelihoods]


def flipped(solution: Array, index: int) -> Array:
    """A copy with one sign flipped."""
    out = solution.copy()
    out[index] = -out[index]
    return out


def loss_and_gradient(
    architecture: Architecture,
    weights: Array,
    widths: Widths,
    x: Array,
    labels: Array,
    *,
    smooth: bool,
    shares: bool,
) -> tuple[float, Array]:
    """Cross-entropy and its gradient by `weights`, one sample and one number at a time.

    With `smooth`, activations are tanh(sum / width), and without `shares` the gradient is then the
    true one: finite differences confirm it. Without `smooth`, activations are signs, and the same
    formulas are the straight-through gradient. With `shares`, a pooling window's gradient goes to
    all of its frames in equal shares.

    Args:
        architecture: the network's shape.
        weights: [n_weights] float64 in file order, used as they are.
        widths: of each block, and of the logits.
        x: [samples, frames, n_in].
        labels: [samples].
        smooth: tanh or sign.
        shares: all frames of a pooling window, or the one that wins it.
    """
    gradient = np.zeros_like(weights)
    loss = 0.0
    for sample, label in zip(x, labels, strict=True):
        inputs, sums = [sample], []
        last = len(architecture.blocks) - 1
        for n, block in enumerate(architecture.blocks):
            s = conv_sums(inputs[-1], architecture.layers[n], weights)
            winners = pool_winners(s, len(s) if n == last else block.pool or len(s))
            sums.append((s, winners))
            peaks = np.array([[s[w[0], o] for o, w in enumerate(row)] for row in winners])
            inputs.append(
                np.tanh(peaks / widths.windows[n]) if smooth else np.where(peaks > 0, 1.0, -1.0)
            )
        head = architecture.layers[-1]
        hidden = inputs[-1][0]
        z = (head.weights(weights) @ hidden + head.bias(weights)) / widths.logit
        if len(z) == 1:
            loss += math.log1p(math.exp(-z[0] if label else z[0])) / len(x)
            by_z = 1 / (1 + np.exp(-z)) - label
        else:
            p = np.exp(z) / np.exp(z).sum()
            loss -= math.log(p[label]) / len(x)
            by_z = p - np.eye(len(z))[label]
        by_logit = by_z / widths.logit / len(x)
        head.weights(gradient)[:] += np.outer(by_logit, hidden)
        head.bias(gradient)[:] += by_logit
        by_output = (by_logit @ head.weights(weights))[None]
        for n in range(last, -1, -1):
            layer = architecture.layers[n]
            pool = architecture.blocks[n].pool if shares and n != last else 0
            by_output = conv_backward(
                layer, weights, gradient, inputs[n], sums[n], by_output, widths.windows[n], pool
            )
    return loss, gradient


def conv_sums(x: Array, layer: Layer, weights: Array) -> Array:
    """Real convolution sums, [positions, n_out]."""
    n_out, _, kernel = layer.shape
    w, b = layer.weights(weights), layer.bias(weights)
    out = np.empty((len(x) - kernel + 1, n_out))
    for t in range(len(out)):
        for o in range(n_out):
            out[t, o] = (x[t : t + kernel].T * w[o]).sum() + b[o]
    return out


def weight_gradients(
    gradients: Array, inputs: Array, firsts: Array, pool: int, kernel: int
) -> Array:
    """[n_out, kernel, n_in]: of windows of `pool` frames each, from the first of them on."""
    out = np.zeros((gradients.shape[1], kernel, inputs.shape[1]))
    for gradient, first in zip(gradients, firsts, strict=True):
        for k in range(kernel):
            for d in range(pool):
                out[:, k] += np.outer(gradient, inputs[first + k + d])
    return out


def input_gradients(gradients: Array, filters: Array, pool: int, rows: int) -> Array:
    """[rows, n_in]: of windows of `pool` frames that lie one after the other."""
    _, kernel, n_in = filters.shape
    out = np.zeros((rows, n_in))
    for window, gradient in enumerate(gradients):
        for k in range(kernel):
            for frame in range(pool * window + k, min(pool * window + k + pool, rows)):
                out[frame] += gradient @ filters[:, k]
    return out


def pool_winners(s: Array, size: int) -> list[list[list[int]]]:
    """The position that wins each window: the first one, or all that tie in a max over time."""
    windows = []
    for low in range(0, len(s), size):
        window = s[low : low + size]
        ties = [np.flatnonzero(column == column.max()) + low for column in window.T]
        windows.append([[int(t) for t in (tie if size == len(s) else tie[:1])] for tie in ties])
    return windows


def conv_backward(
    layer: Layer,
    weights: Array,
    gradient: Array,
    x: Array,
    sums: tuple[Array, list[list[list[int]]]],
    by_output: Array,
    width: float,
    pool: int,
) -> Array:
    """Adds a block's gradient to `gradient`; returns the gradient by its input.

    All frames of a window of `pool` have equal shares; where it is 0, its winners have.
    """
    kernel = layer.shape[2]
    w, by_weight, by_bias = layer.weights(weights), layer.weights(gradient), layer.bias(gradient)
    by_input = np.zeros_like(x)
    s, winners = sums
    for row, channels in enumerate(winners):
        for o, ties in enumerate(channels):
            slope = (1 - math.tanh(s[ties[0], o] / width) ** 2) / width
            taking = range(row * pool, min((row + 1) * pool, len(s))) if pool else ties
            share = by_output[row, o] * slope / len(taking)
            for t in taking:
                by_weight[o] += share * x[t : t + kernel].T
                by_bias[o] += share
                by_input[t : t + kernel] += share * w[o].T
    return by_input


def trimmed(samples: Array) -> Array:
    """Without the silence around: 35 dB under the loud frames or under -75 dB, 0.1 s kept."""
    levels = []
    for start in range(0, len(samples) - 399, 160):
        square = math.fsum(float(x) ** 2 for x in samples[start : start + 400]) / 400
        levels.append(10 * math.log10(square) if square > 0 else -300.0)
    place = 0.95 * (len(levels) - 1)
    low, high = sorted(levels)[math.floor(place)], sorted(levels)[math.ceil(place)]
    percentile = low + (place - math.floor(place)) * (high - low)
    loud = [i for i, level in enumerate(levels) if level >= percentile - 35 and level >= -75]
    return samples[max(0, loud[0] * 160 - 1600) : loud[-1] * 160 + 400 + 1600]


def split(samples: Array, longest: int) -> list[Array]:
    """As few parts of at most `longest` samples as will do; the first ones have one more."""
    n = 1
    while math.ceil(len(samples) / n) > longest:
        n += 1
    sizes = [len(samples) // n + (i < len(samples) % n) for i in range(n)]
    return [samples[sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(n)]


def thermometer_thresholds(values: list[float], bits: int) -> list[float]:
    """Halfway between neighbouring values, at the gaps that are nearest to equal steps.

    A value counts for one step at most.
    """
    distinct = sorted(set(values))
    gaps = list(range(len(distinct) - 1))
    if len(gaps) > bits:
        counts = [Fraction(values.count(value)) for value in distinct]
        while max(counts) * (bits + 1) > sum(counts):
            largest = [count for count in counts if count * (bits + 1) >= sum(counts)]
            rest = Fraction(sum(counts) - sum(largest))
            limit = rest / (bits + 1 - len(largest))
            counts = [min(count, limit) for count in counts]
        aims = [sum(counts) * Fraction(step, bits + 1) for step in range(1, bits + 1)]
        away = [[abs(sum(counts[: gap + 1]) - aim) for gap in gaps] for aim in aims]
        gaps = sorted({distances.index(min(distances)) for distances in away})
    # so that no sum is beyond float64
    return [distinct[gap] + (distinct[gap + 1] / 2 - distinct[gap] / 2) for gap in gaps]


def thermometer(thresholds: list[list[float]], sample: list[float]) -> list[int]:
    """The signs of a sample's features less their thresholds."""
    return [
        sign(1 if value > threshold else 0)
        for value, column in zip(sample, thresholds, strict=True)
        for threshold in column
    ]


def class_shares(logits: list[float], temperature: float) -> list[float]:
    """Probability of each class; a single logit is that of the second of two classes."""
    outputs = [0.0, *logits] if len(logits) == 1 else logits
    powers = [math.exp((output - max(outputs)) / temperature) for output in outputs]
    return [power / sum(powers) for power in powers]


def smoothed_likelihood(logits: Array, labels: Array, temperature: float) -> float:
    """Log-likelihood of labels, of which a little goes to the other classes, in nats."""
    n, total = len(labels), 0.0
    for row, label in zip(logits.reshape(n, -1).tolist(), labels.tolist(), strict=True):
        shares = class_shares(row, temperature)
        for place, share in enumerate(shares):
            weight = (n + 1) / (n + 2) if place == label else 1 / (n + 2) / (len(shares) - 1)
            total += weight * math.log(max(share, 1e-300))
    return total


Cell = float | str | None
Comparison = tuple[str, float | str | None]


def table_column(values: list[Cell], bits: int) -> list[Comparison]:
    """What the signs of a column say: above a threshold, equal to a category, missing."""
    present = [value for value in values if value is not None]
    missing: list[Comparison] = [("missing", None)] if 0 < len(present) < len(values) else []
    texts = sorted({value for value in present if isinstance(value, str)})
    if all(text.isdecimal() for text in texts):
        texts.sort(key=int)
    if not texts:
        numbers = [value for value in present if isinstance(value, float)]
        limits = thermometer_thresholds(numbers, bits) if numbers else []
        return [("above", limit) for limit in limits] + missing
    if len(texts) == 1:
        return missing
    if len(texts) == 2 and not missing:
        return [("is", texts[1])]
    return [("is", text) for text in texts] + missing


def table_signs(columns: list[list[Comparison]], row: list[Cell]) -> list[int]:
    """The signs of a row."""
    signs = []
    for value, comparisons in zip(row, columns, strict=True):
        for kind, what in comparisons:
            if kind == "above":
                holds = value is not None and value > what  # type: ignore[operator]
            elif kind == "is":
                holds = value == what
            else:
                holds = value is None
            signs.append(1 if holds else -1)
    return signs


def half(bits: int) -> float:
    """The number that a float16 of these bits is: IEEE 754-2008, 3.4."""
    sign, exponent, fraction = (-1.0) ** (bits >> 15), (bits >> 10) & 31, bits & 1023
    if exponent == 31:
        return sign * math.inf if fraction == 0 else math.nan
    if exponent == 0:
        return sign * fraction * 2.0**-24
    return sign * (1024 + fraction) * 2.0 ** (exponent - 25)
