"""Folds: which labelled samples are held out together, so that each is answered unseen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
ALWAYS = -1
"""The fold of samples that are never held out."""


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Which fold each labelled sample is in.

    One network is trained without each fold, and answers it. A single fold is a validation part.

    Attributes:
        of: [n] int8, from 0, each number up to the highest at least once; `ALWAYS` for samples that
            every network is trained on.

    Example:
        >>> folds = Folds(np.array([0, 1, 0, ALWAYS], np.int8))
        >>> len(folds), folds.held(0), folds.trained(0), folds.answered
        (2, array([0, 2]), array([1, 3]), array([0, 1, 2]))
    """

    of: NDArray[np.int8]

    @classmethod
    def one(cls, n: int, held: Rows) -> Folds:
        """A single fold of some of n samples."""
        of = np.full(n, ALWAYS, np.int8)
        of[held] = 0
        return cls(of)

    def __len__(self) -> int:
        return int(self.of.max()) + 1

    def held(self, fold: int) -> Rows:
        """The rows of a fold, ascending."""
        return np.flatnonzero(self.of == fold)

    def trained(self, fold: int) -> Rows:
        """All other rows, ascending."""
        return np.flatnonzero(self.of != fold)

    @property
    def answered(self) -> Rows:
        """The rows that are in a fold, ascending."""
        return np.flatnonzero(self.of != ALWAYS)
