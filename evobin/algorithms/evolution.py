"""CMA-ES as the package `cma` has it, with our random numbers and no stop on a plateau."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class _Normal:
    """Standard normal numbers from a generator; a lambda could not be pickled."""

    rng: np.random.Generator

    def __call__(self, *shape: int) -> NDArray[np.float64]:
        return self.rng.standard_normal(shape)


def evolution_strategy(
    mean: NDArray[np.float64],
    step: float,
    rng: np.random.Generator,
    options: Mapping[str, Any],
) -> Any:
    """A `cma.CMAEvolutionStrategy`.

    Args:
        mean: [m] float64, where it begins, m at least 2.
        step: first step length.
        rng: source of all randomness; advanced by it from now on.
        options: more of the package's options.

    Source:
        Hansen and Ostermeier (2001), Completely derandomized self-adaptation in evolution
        strategies.
    """
    import cma  # noqa: PLC0415  # longer than all else that a command imports

    # plateaus are the rule where only signs count
    patient: dict[str, Any] = dict.fromkeys(("tolflatfitness", "tolstagnation", "maxiter"), np.inf)
    patient |= dict.fromkeys(("tolfun", "tolfunhist", "tolfunrel"), -1.0)
    own = {"seed": np.nan, "randn": _Normal(rng), "verbose": -9}
    return cma.CMAEvolutionStrategy(mean, step, own | patient | dict(options))
