"""Scores of networks, all higher-is-better, and their confidence intervals."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def predictions(logits: NDArray[Any]) -> NDArray[np.int8]:
    """The labels that logits stand for.

    Args:
        logits: [n] real, label 1 where above 0; or [n, n_classes], the label of the largest, the
            lower one of equals.

    Example:
        >>> predictions(np.array([3, -1, 0])), predictions(np.array([[1, 5, 5], [3, 1, 1]]))
        (array([1, 0, 0], dtype=int8), array([1, 0], dtype=int8))
    """
    labels = logits > 0 if logits.ndim == 1 else logits.argmax(axis=1)
    return labels.astype(np.int8)


def accuracy(logits: NDArray[Any], labels: NDArray[Any]) -> float:
    """Share of samples whose prediction is right; a logit of 0 predicts label 0.

    Args:
        logits: [n] or [n, n_classes] real, as for `predictions`.
        labels: [n], from 0.

    Example:
        >>> accuracy(np.array([3, -1, 0]), np.array([1, 1, 0]))
        0.6666666666666666
    """
    return float(np.mean(predictions(logits) == labels))


def margins(logits: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    """How far predictions are from changing, negative where they are wrong.

    Logit times label as a sign; of several logits, the label's own less the largest other.

    Args:
        logits: [n] or [n, n_classes] real, as for `predictions`.
        labels: [n], from 0.

    Example:
        >>> margins(np.array([[1, 5, 3], [3, 1, 1]]), np.array([1, 2]))
        array([ 2, -2])
    """
    if logits.ndim == 1:
        return np.where(labels == 1, logits, -logits)
    rows = np.arange(len(labels))
    others = logits.copy()
    others[rows, labels] = logits.min() - 1
    gaps: NDArray[Any] = logits[rows, labels] - others.max(axis=1)
    return gaps


def selection_score(logits: NDArray[Any], labels: NDArray[Any], n_hidden: int) -> float:
    """Accuracy with the mean margin as tie-break, in one number that compares as the pair does.

    The margin, squeezed into (0, 1), counts for less than one sample.

    Args:
        logits: [n] or [n, n_classes] integers within [-n_hidden - 1, n_hidden + 1].
        labels: [n], from 0.
        n_hidden: inputs of the last layer.

    Example:
        >>> low = selection_score(np.array([1, -1]), np.array([1, 0]), 3)
        >>> high = selection_score(np.array([3, -1]), np.array([1, 0]), 3)
        >>> 1 < low < high < 1.5
        True
    """
    largest = (n_hidden + 1) * logits.ndim  # a margin between two logits is twice as wide
    squeezed = 0.5 + 0.499 * float(np.mean(margins(logits, labels))) / largest
    return accuracy(logits, labels) + squeezed / len(labels)


def accuracy_of(score: float, n: int) -> float:
    """The accuracy in a `selection_score` of n samples.

    Example:
        >>> accuracy_of(selection_score(np.array([1, -1, 1]), np.array([1, 0, 0]), 3), 3)
        0.6666666666666666
    """
    return math.floor(score * n) / n


def default_logit_width(n_hidden: int, n_logits: int) -> float:
    """Width of the logits: the probabilities are those of logits / width.

    The root of `n_hidden` is the spread of a logit of random signs, and the width of a single
    logit. Of several, few hidden units tell two classes apart, so that small layers need a
    narrower width to be sure of a label: 0.7 roots were best for 8 to 64 hidden units, and 1 for
    128 and 501, which 0.53 times the power 0.6 comes near to.

    Args:
        n_hidden: inputs of the last layer.
        n_logits: 1 for two classes, else one a class.

    Example:
        >>> default_logit_width(64, 1), round(default_logit_width(64, 10), 2)
        (8.0, 6.43)
    """
    return math.sqrt(n_hidden) if n_logits == 1 else 0.53 * n_hidden**0.6


def log_likelihoods(
    logits: NDArray[Any], labels: NDArray[Any], width: float
) -> NDArray[np.float64]:
    """[n] float64, the log-likelihood of each label, in nats.

    Args:
        logits: [n] or [n, n_classes] real, as for `predictions`.
        labels: [n], from 0.
        width: probabilities are those of logits / width, positive.

    Example:
        >>> log_likelihoods(np.array([0, 4]), np.array([1, 1]), 2.0).round(3)
        array([-0.693, -0.127])
        >>> log_likelihoods(np.array([[0, 0, 4]]), np.array([2]), 2.0).round(3)
        array([-0.24])
    """
    likelihoods: NDArray[np.float64]
    z = logits / width
    if z.ndim == 1:
        likelihoods = -np.logaddexp(0.0, np.where(labels == 1, -z, z))
        return likelihoods
    z -= z.max(axis=1, keepdims=True)
    likelihoods = z[np.arange(len(z)), labels] - np.log(np.exp(z).sum(axis=1))
    return likelihoods


def probabilities(logits: NDArray[Any], labels: NDArray[Any], width: float) -> NDArray[np.float64]:
    """[n] float64, the probability of each label; arguments as for `log_likelihoods`.

    Example:
        >>> probabilities(np.array([0, 4]), np.array([1, 1]), 2.0).round(3)
        array([0.5  , 0.881])
    """
    shares: NDArray[np.float64] = np.exp(log_likelihoods(logits, labels, width))
    return shares


def log_likelihood_table(n_hidden: int, width: float) -> NDArray[np.float64]:
    """Log-likelihood of a sample by its label and logit.

    The probability of label 1 is the logistic function of logit / width, as in training.

    Args:
        n_hidden: inputs of the last layer, so that |logit| is at most n_hidden + 1.
        width: of the logit, positive; see `default_logit_width`.

    Returns:
        [2, 2 * n_hidden + 3] float64: entry [label, logit + n_hidden + 1].

    Example:
        >>> log_likelihood_table(4, width=2.0)[:, 5]  # a logit of 0
        array([-0.69314718, -0.69314718])
    """
    logits = np.arange(-n_hidden - 1, n_hidden + 2)
    return np.stack([log_likelihoods(logits, np.full_like(logits, y), width) for y in (0, 1)])


def wilson_interval(right: int, n: int, confidence: float = 0.95) -> Interval:
    """Confidence interval of a share.

    Args:
        right: successes, 0 to n.
        n: trials, at least 1.
        confidence: probability that the interval holds the true share, between 0 and 1.

    Raises:
        ValueError: if n is below 1 or `right` is not from 0 to n.

    Source:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.

    Example:
        >>> low, high = wilson_interval(97, 100)
        >>> round(low, 4), round(high, 4)
        (0.9155, 0.9897)
    """
    if n < 1 or not 0 <= right <= n:
        raise ValueError(f"`right` must be from 0 to `n` and `n` at least 1, but got {right}, {n}.")
    return wilson_of(right / n, n, confidence)


def wilson_of(share: float, n: float, confidence: float = 0.95) -> Interval:
    """The same of a share of n trials, which need not be a whole number."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    low, high = max(0.0, centre - reach), min(1.0, centre + reach)
    return Interval(min(low, share), max(high, share))  # rounding could leave the share outside
