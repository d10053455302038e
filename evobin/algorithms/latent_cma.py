"""CMA-ES over one latent number a sign, for few signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.algorithms.base import Algorithm
from evobin.algorithms.evolution import evolution_strategy
from evobin.checks import check_number, setting
from evobin.core.problem import Population, Scores
from evobin.core.state import State

LARGEST = 1_000
"""Its own cost grows with the square of n: at 500 signs it is 3 ms an evaluation."""


@dataclass(eq=False, kw_only=True)
class LatentCMA(Algorithm):
    """CMA-ES on latent numbers, whose signs are the solutions.

    For few signs: its own cost grows with the square of n. Its state is the scores it got, from
    which `load` has it go the same way again.

    Args:
        patience: as for `Algorithm`; n is at most 1,000.
        step: first step length; the mean begins within [-1, 1].
        samples: a generation; None for 4 + 3 ln(n).

    Source:
        Hansen and Ostermeier (2001), Completely derandomized self-adaptation in evolution
        strategies, as the package `cma` has it.
    """

    transient = (*Algorithm.transient, "_strategy", "_latents", "rng")

    step: float = setting(1.0, 1e-9, 1e9)
    samples: int | None = setting(None, 2, 1_000_000)

    def begin(self) -> None:
        """As in `Algorithm`; the mean of the first samples leans to where a search begins."""
        check_number("n", self.n, 1, LARGEST)
        mean = np.zeros(max(self.n, 2))  # the package has no search over one number
        if self.initial is not None:
            mean[: self.n] = self.initial.mean(axis=0)
        self._begun: Any = self.rng.bit_generator.state
        more = {} if self.samples is None else {"popsize": self.samples}
        self._strategy = evolution_strategy(mean, self.step, self.rng, more)
        self._history: list[Scores] = []
        self._latents: list[NDArray[np.float64]] = []

    def ask(self) -> Population:
        """As in `Algorithm`."""
        self._latents = self._strategy.ask()
        signs: Population = np.where(np.stack(self._latents)[:, : self.n] > 0, 1, -1)
        return signs.astype(np.int8)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        self._history.append(scores.copy())
        # it knows no infinity: what could not be scored is as bad as the worst that was
        finite = scores[np.isfinite(scores)]
        worst = finite.min() if len(finite) else 0.0
        self._strategy.tell(self._latents, np.where(np.isfinite(scores), -scores, -worst).tolist())

    def stop(self) -> dict[str, Any]:
        """As in `Algorithm`, and what the package says."""
        return super().stop() | {
            name: float(value) for name, value in self._strategy.stop().items()
        }

    def load(self, state: State) -> None:
        """As in `Algorithm`; it goes the same way again, from the scores that it got."""
        self.rng.bit_generator.state = state["_begun"]
        self.begin()
        self._within = True
        try:
            for scores in state["_history"]:
                self.tell(self.ask(), scores)
            if state["_asked"] is not None:
                self.ask()
        finally:
            self._within = False
        latents, rng = self._latents, self.rng
        super().load(state)
        self._latents, self.rng = latents, rng
