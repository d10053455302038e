"""What samples say of two solutions: paired differences, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.scores import Interval, wilson_interval, wilson_of

Z = 1.959963984540054
"""Of a 95% interval."""


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

    @classmethod
    def pooled(cls, parts: Sequence[Outcomes], without: int | None = None) -> Outcomes:
        """Those of several solutions, each of samples of its own; no group is in two parts.

        Args:
            parts: of each solution.
            without: the place of one that is left out; None for all.
        """
        parts = [part for place, part in enumerate(parts) if place != without]
        ends = np.cumsum([0, *(int(part.groups.max()) + 1 for part in parts)])
        groups = [part.groups + end for part, end in zip(parts, ends, strict=False)]
        values, right = ([getattr(part, name) for part in parts] for name in ("values", "right"))
        return cls(np.concatenate(values), np.concatenate(right), np.concatenate(groups))

    def pays(self, before: Outcomes) -> bool:
        """Whether they are worth more than before, and no fewer are right, beyond chance."""
        return self.worth_more(before).is_better and not self.more_right(before).is_worse

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


class Verdict(NamedTuple):
    """What held-out samples say of a stage, or of another way to train.

    Attributes:
        what: the stage or the way.
        difference: how many more of them are right with it, as a share.
        pays: whether it is done.
    """

    what: str
    difference: Difference
    pays: bool

    def plain(self) -> dict[str, Any]:
        """JSON values."""
        mean, error = self.difference
        return {"what": self.what, "gain": mean, "error": error, "pays": self.pays}

    @property
    def note(self) -> str:
        """A sentence for the user."""
        gain, error = (100 * value for value in self.difference)
        so = "pays" if self.pays else "does not pay"
        return f"{self.what}: {gain:+.2f} ± {error:.2f} points on samples held out, which {so}."


def interval_of(right: NDArray[np.bool_], groups: NDArray[np.int64] | None) -> Interval:
    """95% interval of the share of samples that is right.

    Samples of a group are no independent witnesses: as many independent ones are counted as have
    the same standard error, and few groups count for less. Where all or none are right, each group
    is one witness.

    Args:
        right: [n], at least one.
        groups: [n] from 0; None if each sample stands for itself.

    Source:
        Korn and Graubard (1998), Confidence intervals for proportions with small expected number of
        positive counts estimated from survey data: an effective sample size by the design effect
        and the degrees of freedom, here in Wilson's interval (Dean and Pagano, 2015).

    Example:
        >>> right, groups = np.arange(100) >= 4, np.arange(100) // 4
        >>> [round(limit, 3) for limit in interval_of(right, None)]
        [0.902, 0.984]
        >>> [round(limit, 3) for limit in interval_of(right, groups)]
        [0.788, 0.994]
    """
    n, share = len(right), float(right.mean())
    if groups is None:
        return wilson_interval(int(right.sum()), n)
    from scipy.special import stdtrit  # noqa: PLC0415  # takes a tenth of a second

    m = len(np.unique(groups))
    variance = paired(right.astype(np.float64), groups).error ** 2
    effective = share * (1 - share) / variance if variance > 0 else float(m)
    few = (Z / float(stdtrit(max(m - 1, 1), 0.975))) ** 2
    return wilson_of(share, min(float(n), effective) * few)
