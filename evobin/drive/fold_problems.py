"""The problems of a search by folds: one for each fold, and one of all labelled samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evobin.core.folds import Folds
from evobin.core.samples import Dataset
from evobin.problems.sampled_network import SampledNetworkProblem


@dataclass(frozen=True, slots=True, eq=False)
class FoldProblems:
    """The problem of each fold, and that of all labelled samples.

    Attributes:
        parts: of each fold: searched on all other samples, scored on its own.
        whole: searched and scored on all; None where no network is to be trained on these.
    """

    parts: tuple[SampledNetworkProblem, ...]
    whole: SampledNetworkProblem | None

    @classmethod
    def of(
        cls,
        labelled: Dataset,
        folds: Folds,
        make: Callable[[Dataset, Dataset], SampledNetworkProblem],
        *,
        refit: bool,
    ) -> FoldProblems:
        """Those of labelled samples.

        Args:
            labelled: all of them.
            folds: which are held out together.
            make: a problem, of what it is searched and what it is scored on.
            refit: whether a network is to be trained on all.
        """
        parts = tuple(
            make(labelled.subset(folds.trained(fold)), labelled.subset(folds.held(fold)))
            for fold in range(len(folds))
        )
        return cls(parts, make(labelled, labelled) if refit else None)

    @property
    def every(self) -> tuple[SampledNetworkProblem, ...]:
        """Those of the folds, and perhaps that of all samples."""
        return self.parts if self.whole is None else (*self.parts, self.whole)

    @property
    def n(self) -> int:
        """Folds."""
        return len(self.parts)

    @property
    def n_trained(self) -> int:
        """Samples that all of these are searched on together."""
        return sum(len(problem.train) for problem in self.every)
