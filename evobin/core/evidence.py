"""What samples say of two solutions: paired differences, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Difference(NamedTuple):
    """A mean difference over samples, and its standard error."""

    mean: float
    error: float

    @property
    def is_worse(self) -> bool:
        """Whether it is below 0 by more than its standard error."""
        return self.mean < -self.error

    @property
    def is_better(self) -> bool:
        """Whether it is above 0 by more than its standard error."""
        return self.mean > self.error


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What one solution makes of each of some samples.

    Attributes:
        values: [n] float64, what each is worth by the objective of the search.
        right: [n] bool, whether its prediction is right.
        groups: [n] int64 from 0, samples of a group being no independent witnesses.
    """

    values: NDArray[np.float64]
    right: NDArray[np.bool_]
    groups: NDArray[np.int64]

    @property
    def value(self) -> float:
        """The mean of what they are worth."""
        return float(self.values.mean())

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return float(self.right.mean())

    def more_right(self, before: Outcomes) -> Difference:
        """By how much more of the samples are right than before."""
        return paired(self.right.astype(np.float64) - before.right, self.groups)

    def worth_more(self, before: Outcomes) -> Difference:
        """By how much more they are worth than before."""
        return paired(self.values - before.values, self.groups)


def paired(differences: NDArray[np.float64], groups: NDArray[np.int64]) -> Difference:
    """The mean of paired differences, its standard error by groups.

    Args:
        differences: [n], sample by sample.
        groups: [n] from 0; samples of one group may differ alike.

    Source:
        Cameron and Miller (2015), A practitioner's guide to cluster-robust inference: the error
        of a mean from the sums of deviations in each group.

    Example:
        >>> mean, error = paired(np.array([1.0, 0.0, 1.0, 0.0]), np.arange(4))
        >>> mean, round(error, 3)
        (0.5, 0.289)
        >>> round(paired(np.array([1.0, 1.0, 0.0, 0.0]), np.array([0, 0, 1, 1])).error, 3)
        0.5
    """
    mean = float(differences.mean())
    sums = np.bincount(groups, differences - mean)
    sums = sums[np.bincount(groups) > 0]
    m = len(sums)
    spread = float(np.square(sums).sum()) * m / max(m - 1, 1)
    return Difference(mean, spread**0.5 / len(differences))
