"""The last layer of a flip state: logits, and how likely they make the labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_range
from evobin.core.objective import NARROWEST
from evobin.core.problem import Solution
from evobin.core.scores import default_logit_width, log_likelihood_table
from evobin.kernels import flips
from evobin.network.architecture import Architecture, Layer
from evobin.network.flips.blocks import Change

Ints = NDArray[np.int64]
Counts = NDArray[np.int16]
Labels = NDArray[np.int8]
Floats = NDArray[np.float64]


def logit_width_of(architecture: Architecture, given: float | None) -> float:
    """The logit width that is given, or the default for the shape.

    Raises:
        SettingError: if it is out of range, from `NARROWEST`.
    """
    if given is None:
        return default_logit_width(architecture.n_hidden, architecture.n_logits)
    check_range("logit_width", given, NARROWEST, 1_000_000)
    return float(given)


class HeadGains(NamedTuple):
    """Changes of the labels' log-likelihood by single changes."""

    weights: Floats  # [n_logits, n_hidden], summed over the samples
    biases: Floats  # [n_logits], summed over the samples
    toggles: Floats  # [n, n_hidden], of toggling each channel, sample by sample


class Head(ABC):
    """The last layer's weights, and the score of its logits.

    Args:
        layer: where they lie in a solution.
        solution: [n_weights] int8.
        width: of the logits: probabilities are those of logits / width.

    Attributes:
        weights: [n_hidden, n_logits] int8.
        bias: [n_logits] int8.
    """

    def __init__(self, layer: Layer, solution: Solution, width: float) -> None:
        self.weights = layer.weights(solution).T.copy()
        self.bias = layer.bias(solution).copy()

    @staticmethod
    def of(layer: Layer, solution: Solution, width: float) -> Head:
        """The head for a layer's number of logits."""
        return (LogisticHead if layer.shape[0] == 1 else SoftmaxHead)(layer, solution, width)

    def logits(self, active: Counts) -> Ints:
        """[n, n_logits], from [n, n_hidden] counts, above 0 where a channel is +1."""
        logits: Ints = np.where(active > 0, 1, -1) @ self.weights.astype(np.int64) + self.bias
        return logits

    def shift(self, active: Counts, change: Change) -> Ints:
        """[n], what a flip of one weight or bias adds to the logit that it belongs to."""
        if change.tap < 0:
            return np.full(len(active), -2 * change.old)
        return np.where(active[:, change.i] > 0, -2, 2) * change.old

    def write(self, output: int, changes: Sequence[Change]) -> None:
        """Writes flips among the weights of one logit."""
        for i, tap, old in changes:
            if tap < 0:
                self.bias[output] = -old
            else:
                self.weights[i, output] = -old

    def swap(self, a: int, b: int) -> None:
        """Swaps the weights of two channels."""
        self.weights[[a, b]] = self.weights[[b, a]]

    @abstractmethod
    def mean(self, labels: Labels, logits: Ints) -> float:
        """Mean log-likelihood of [n] labels, from [n, n_logits]."""

    @abstractmethod
    def means(self, labels: Labels, logits: Ints) -> Floats:
        """[m] float64, `mean` of each of [m, n, n_logits]."""

    @abstractmethod
    def gains(self, labels: Labels, logits: Ints, active: Counts) -> HeadGains:
        """Gains of [n] labels by [n, n_logits] logits and [n, n_hidden] counts; all are exact."""


class LogisticHead(Head):
    """One logit: a logistic function of it is the probability of label 1."""

    def __init__(self, layer: Layer, solution: Solution, width: float) -> None:
        super().__init__(layer, solution, width)
        self._table = log_likelihood_table(layer.fan_in, width)
        self._counts = np.empty(self._table.shape, np.int64)

    def mean(self, labels: Labels, logits: Ints) -> float:
        """As in `Head`."""
        return float(flips.mean_of_table(self._table, labels, logits, self._counts))

    def means(self, labels: Labels, logits: Ints) -> Floats:
        """As in `Head`."""
        out = np.empty(len(logits))
        flips.means_of_table(self._table, labels, logits, self._counts, out)
        return out

    def gains(self, labels: Labels, logits: Ints, active: Counts) -> HeadGains:
        """As in `Head`."""
        now = self._values(labels, logits)
        toggled = logits - 2 * np.where(active > 0, 1, -1) * self.weights[:, 0]
        toggle_gains = self._values(labels, toggled) - now
        turned = self._values(labels, logits - 2 * self.bias)
        of_weights, of_biases = toggle_gains.sum(axis=0)[None], (turned - now).sum(axis=0)
        return HeadGains(of_weights, of_biases, toggle_gains)

    def _values(self, labels: Labels, logits: Ints) -> Floats:
        """Log-likelihoods of [n, m] logits."""
        values: Floats = self._table[labels[:, None], logits + self._table.shape[1] // 2]
        return values


class SoftmaxHead(Head):
    """A logit a class: their softmax is the probability of the labels."""

    def __init__(self, layer: Layer, solution: Solution, width: float) -> None:
        super().__init__(layer, solution, width)
        self._slope = 1 / width
        self._powers = np.exp(-self._slope * np.arange(2 * layer.fan_in + 3))

    def mean(self, labels: Labels, logits: Ints) -> float:
        """As in `Head`."""
        return float(flips.mean_of_softmax(self._powers, self._slope, labels, logits))

    def means(self, labels: Labels, logits: Ints) -> Floats:
        """As in `Head`."""
        out = np.empty(len(logits))
        flips.means_of_softmax(self._powers, self._slope, labels, logits, out)
        return out

    def gains(self, labels: Labels, logits: Ints, active: Counts) -> HeadGains:
        """As in `Head`.

        With step = 2 / width and probabilities p: a logit that moves by 2 s, s = -1 or 1,
        takes log(1 + p (exp(step s) - 1)) from the log-likelihood, and gives it step s if it is the
        label's own. A toggled channel x moves all logits by -2 x w, and since w is -1 or 1,
        the mean of exp(-step x w) is cosh(step) - sinh(step) x (mean of w).
        """
        step = 2 * self._slope
        signs = np.where(active > 0, 1.0, -1.0)
        powers = self._powers[logits.max(axis=1, keepdims=True) - logits]
        p = powers / powers.sum(axis=1, keepdims=True)
        own = np.arange(p.shape[1]) == labels[:, None]
        rise, fall = (step * s * own - np.log1p(p * np.expm1(step * s)) for s in (1.0, -1.0))
        mean, slope = (rise + fall) / 2, (fall - rise) / 2  # by the product, 1 where it falls
        of_weights = mean.sum(axis=0)[:, None] + self.weights.T * (slope.T @ signs)
        of_biases = (mean + self.bias * slope).sum(axis=0)
        mass = np.cosh(step) - np.sinh(step) * signs * (p @ self.weights.T)
        toggle_gains = -step * signs * self.weights.T[labels] - np.log(mass)
        return HeadGains(of_weights, of_biases, toggle_gains)
