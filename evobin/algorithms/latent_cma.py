"""CMA-ES over one latent number a sign, for few signs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Algorithm, Seed, State
from evobin.checks import check_number
from evobin.core.problem import Population, Scores

LARGEST = 1_000
"""Its own cost grows with the square of n: at 500 signs it is 3 ms an evaluation."""


class LatentCMA(Algorithm):
    """CMA-ES on latent numbers, whose signs are the solutions.

    For few signs: its own cost grows with the square of n. Its state is what it was told, from
    which `load` has it go the same way again.

    Args:
        n, seed, patience: as for `Algorithm`; n at most 1,000.
        initial: where to begin; the mean of the first samples leans to it.
        step: first step length; the mean begins within [-1, 1].
        samples: a generation; 0 for 4 + 3 ln(n).

    Source:
        Hansen and Ostermeier (2001), Completely derandomized self-adaptation in evolution
        strategies, as the package `cma` has it.
    """

    name = "latent-cma"

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        step: float = 1.0,
        samples: int = 0,
    ) -> None:
        import cma  # noqa: PLC0415  # longer than all else that a command imports

        check_number("n", n, 1, LARGEST)
        check_number("step", step, 1e-9, 1e9)
        check_number("samples", samples, 0, 1_000_000)
        super().__init__(n, seed, initial, patience)
        self._history: list[Scores] = []
        mean = np.zeros(max(n, 2))  # the package has no search over one number
        if self.initial is not None:
            mean[:n] = self.initial.mean(axis=0)
        options = {
            "seed": np.nan,  # its generator is ours
            "randn": lambda *shape: self.rng.standard_normal(shape),
            "verbose": -9,
            # plateaus are the rule where only signs count
            **dict.fromkeys(("tolflatfitness", "tolstagnation", "maxiter"), np.inf),
            **dict.fromkeys(("tolfun", "tolfunhist", "tolfunrel"), -1.0),
            **({"popsize": max(samples, 2)} if samples else {}),
        }
        self._strategy = cma.CMAEvolutionStrategy(mean, step, options)
        self._latents: list[NDArray[np.float64]] = []

    def _propose(self) -> Population:
        self._latents = self._strategy.ask()
        signs: Population = np.where(np.stack(self._latents)[:, : self.n] > 0, 1, -1)
        return signs.astype(np.int8)

    def _learn(self, population: Population, scores: Scores) -> None:
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

    def state(self) -> State:
        """As in `Algorithm`."""
        told = np.stack(self._history) if self._history else np.empty((0, 0))
        return super().state() | {"history": told}

    def load(self, state: State) -> None:
        """As in `Algorithm`; this one has been told nothing yet."""
        for scores in state["history"]:
            self._learn(self._propose(), scores)
        if "asked" in state:
            self._propose()
        super().load(state)
