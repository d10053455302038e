"""How far probabilities can be trusted: log-loss and calibration error on test folds.

python -m tests.benchmarks.calibration digits 32 5  # data set, hidden units, folds

A row for the width that training gives logits, one for the temperature of the classifier, and one
for the temperature that is best for the labels of each test fold, which nobody knows beforehand.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

import evobin
from evobin.core.calibration import class_probabilities, temperature_of
from evobin.core.scores import log_likelihoods
from evobin.network.flips.heads import logit_width_of
from tests.benchmarks.small_data import load

BINS = 15


def calibration_error(shares: NDArray[Any], labels: NDArray[Any]) -> float:
    """Mean gap of the confidence and the accuracy of samples of about the same confidence."""
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        np.mean(bins == place) * abs(right[bins == place].mean() - confidence[bins == place].mean())
        for place in np.unique(bins)
    ]
    return float(sum(gaps))


def figures(name: str, hidden: int, fold: int) -> list[tuple[float, float, float]]:
    """Temperature, log-loss and calibration error of each row."""
    split = load(name, fold)
    model = evobin.BinaryClassifier((hidden,), effort="quick", search=False)
    model.fit(split.train, split.labels)
    logits, labels = model.decision_function(split.test), split.test_labels
    width = logit_width_of(model.network_.architecture, None)
    found = []
    for temperature in (width, model.temperature_, temperature_of(logits, labels)):
        loss = -log_likelihoods(logits.astype(np.float64), labels, temperature).mean()
        shares = class_probabilities(logits, temperature)
        found.append((temperature, float(loss), calibration_error(shares, labels)))
    return found


def main(name: str, hidden: str, folds: str) -> None:
    """Prints the means over the first folds."""
    rows = np.mean([figures(name, int(hidden), fold) for fold in range(int(folds))], axis=0)
    for row, (temperature, loss, error) in zip(("training", "found", "best"), rows, strict=True):
        print(f"{row:9} {temperature:6.2f}  log-loss {loss:.3f}  calibration error {error:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
