"""Probabilities of classes: a temperature that logits are divided by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

COLDEST, HOTTEST = 0.01, 1e6
"""Bounds of a temperature. At the highest, all classes are as likely."""
HALVINGS = 60


def class_probabilities(logits: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Probability of each class: sigmoid(logit / temperature), or softmax(logits / temperature).

    Args:
        logits: [n] real, of two classes; or [n, n_classes].
        temperature: above 0.

    Returns:
        [n, n_classes] float64; the rows sum to 1.

    Example:
        >>> class_probabilities(np.array([0, 4]), 2.0).round(3).tolist()
        [[0.5, 0.5], [0.119, 0.881]]
        >>> class_probabilities(np.array([[0, 0, 4]]), 2.0).round(3).tolist()
        [[0.107, 0.107, 0.787]]
    """
    return _softmax(_of_each_class(logits), 1.0 / temperature)


def temperature_of(logits: NDArray[Any], labels: NDArray[Any]) -> float:
    """The temperature that makes the labels of some samples most likely.

    So that few samples, all of them right, do not make a network sure of everything, labels are
    smoothed as Platt does it: of n samples, each has its own label to a share of (n + 1) / (n + 2),
    and the other labels, alike, to the rest. The optimum is then finite wherever larger logits mean
    likelier labels; where they do not, it is `HOTTEST`.

    Args:
        logits: [n] real, of two classes, or [n, n_classes]; of samples that the network has not
            been trained on, at least one.
        labels: [n], from 0.

    Returns:
        It, to six digits, from `COLDEST` to `HOTTEST`.

    Source:
        Guo et al. (2017), On calibration of modern neural networks: one temperature for all
        classes, by likelihood on validation samples. Platt (1999), Probabilistic outputs for
        support vector machines: smoothed labels, of two classes.

    Example:
        >>> right, wrong = np.full(90, 3), np.full(10, -3)
        >>> temperature_of(np.concatenate([right, wrong]), np.ones(100, np.int8))  # 3 / log(8.27)
        1.41981
    """
    outputs = _of_each_class(logits)
    n, k = outputs.shape
    own = outputs[np.arange(n), labels].sum()
    rest = 1 / (n + 2)
    aim = (1 - rest) * own + rest * (outputs.sum() - own) / (k - 1)
    low, high = np.log(1.0 / HOTTEST), np.log(1.0 / COLDEST)
    for _ in range(HALVINGS):  # the slope of the likelihood falls with the inverse temperature
        middle = (low + high) / 2
        rises = aim > (_softmax(outputs, np.exp(middle)) * outputs).sum()
        low, high = (middle, high) if rises else (low, middle)
    return float(f"{np.exp(-(low + high) / 2):.6g}")  # the same where exp differs in its last digit


def _of_each_class(logits: NDArray[Any]) -> NDArray[np.float64]:
    """[n, n_classes]: of a single logit of two classes, 0 and itself."""
    outputs = logits.astype(np.float64)
    return np.stack([np.zeros(len(outputs)), outputs], axis=1) if outputs.ndim == 1 else outputs


def _softmax(outputs: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    scaled = factor * (outputs - outputs.max(axis=1, keepdims=True))
    powers = np.exp(scaled)
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
