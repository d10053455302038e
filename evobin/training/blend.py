"""CMA-ES over a few dimensions: how much of each relative goes into each layer."""

from __future__ import annotations

import numpy as np

from evobin.algorithms.evolution import evolution_strategy
from evobin.core.problem import SampledProblem
from evobin.training import latent as lat

STEP = 0.3
"""First step length; an equal blend gives each of k relatives a weight of 1 / k."""


def blend(
    problem: SampledProblem, latents: lat.Floats, evaluations: int, rng: np.random.Generator
) -> lat.Floats:
    """Mixes relatives by layer, with weights that CMA-ES finds.

    A candidate is scored by the signs of the mixture, on a part of what selection may look at.

    Args:
        problem: what to maximise; its layers are mixed separately.
        latents: [k, n] float32, in file order.
        evaluations: candidates to score at most.
        rng: source of all randomness; advanced.

    Returns:
        [n] float32, the best mixture found, the equal one included.

    Source:
        Hansen and Ostermeier (2001), CMA-ES, as the package `cma` has it.
    """
    k, n = latents.shape
    parts = list(problem.structure.layers.values()) or [slice(0, n)]
    view = problem.subsample(rng)

    def mixture(weights: lat.Floats) -> lat.Floats:
        out: lat.Floats = latents.mean(axis=0, dtype=np.float32)
        for part, shares in zip(parts, weights.reshape(len(parts), k), strict=True):
            out[part] = shares.astype(np.float32) @ latents[:, part]
        return out

    equal = np.full(k * len(parts), 1.0 / k)
    best = mixture(equal)
    score = float(view.score(lat.signs_of(best)[None])[0])
    search = evolution_strategy(equal, STEP, rng, {"maxfevals": evaluations})
    while not search.stop():
        asked = search.ask()
        mixtures = [mixture(weights) for weights in asked]
        scores = view.score(np.stack([lat.signs_of(latent) for latent in mixtures]))
        search.tell(asked, (-scores).tolist())
        if scores.max() > score:
            best, score = mixtures[int(scores.argmax())], float(scores.max())
    return best
