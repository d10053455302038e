"""CMA-ES over a few dimensions: how much of which relative goes into each layer."""

from __future__ import annotations

import numpy as np

from evobin.core.problem import AnyProblem
from evobin.training import latent as lat

STEP = 0.3
"""First step length; an equal blend gives each of k relatives a weight of 1 / k."""


def blend(
    problem: AnyProblem, latents: lat.Floats, evaluations: int, rng: np.random.Generator
) -> lat.Floats:
    """Mixes relatives by layer, with weights that CMA-ES finds.

    A candidate is scored by the signs of the mixture, on a part of what selection may look at.

    Args:
        problem: what to maximise; its layers are mixed apart.
        latents: [k, n] float32, in file order.
        evaluations: candidates to score at most.
        rng: source of all randomness; advanced.

    Returns:
        [n] float32, the best mixture found, the equal one included.

    Source:
        Hansen and Ostermeier (2001), CMA-ES, as the package `cma` has it.
    """
    import cma  # noqa: PLC0415  # longer than all else that a command imports

    k, n = latents.shape
    parts = list(problem.structure.layers.values()) or [slice(0, n)]
    view = problem.look(rng)

    def mixture(weights: lat.Floats) -> lat.Floats:
        out: lat.Floats = latents.mean(axis=0, dtype=np.float32)
        for part, shares in zip(parts, weights.reshape(len(parts), k), strict=True):
            out[part] = shares.astype(np.float32) @ latents[:, part]
        return out

    options = {
        "maxfevals": evaluations,
        # a plateau of equal accuracies is no reason to stop
        "tolflatfitness": evaluations,
        "tolfun": -1.0,
        "tolfunhist": -1.0,
        "seed": np.nan,  # its generator is ours
        "randn": lambda *shape: rng.standard_normal(shape),
        "verbose": -9,
    }
    equal = np.full(k * len(parts), 1.0 / k)
    best = mixture(equal)
    score = float(view.score(lat.signs_of(best)[None])[0])
    search = cma.CMAEvolutionStrategy(equal, STEP, options)
    while not search.stop():
        asked = search.ask()
        mixtures = [mixture(weights) for weights in asked]
        scores = view.score(np.stack([lat.signs_of(latent) for latent in mixtures]))
        search.tell(asked, (-scores).tolist())
        if scores.max() > score:
            best, score = mixtures[int(scores.argmax())], float(scores.max())
    return best
