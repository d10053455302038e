"""Recombination of relatives: ways to make one solution of several that line up.

Parents are latents, [k, n] float32 in file order, whose signs are solutions; a solution without
latents stands for itself. Relatives descend from one start, so that the same place means the same
in all of them; hidden units of separately trained networks are in different orders, and crossing
those is noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.operators import Units, units_crossover
from evobin.training.latent import Floats

SPREAD = 0.1
"""Latents beyond it are all but certain of their sign, when probabilities are made of them."""


def mix_mean(parents: Floats, units: Units, rng: np.random.Generator) -> Floats:
    """The mean of the latents."""
    mean: Floats = parents.mean(axis=0, dtype=np.float32)
    return mean


def mix_vote(parents: Floats, units: Units, rng: np.random.Generator) -> Floats:
    """The majority of the signs, as certain as it is large; the mean decides ties."""
    signs = np.sign(parents).sum(axis=0)
    size = np.abs(parents).mean(axis=0)
    certain = signs / len(parents) * size
    vote: Floats = np.where(signs == 0, parents.mean(axis=0), certain).astype(np.float32)
    return vote


def mix_uniform(parents: Floats, units: Units, rng: np.random.Generator) -> Floats:
    """Each weight from a random parent."""
    owners = rng.integers(0, len(parents), parents.shape[1])
    child: Floats = parents[owners, np.arange(parents.shape[1])]
    return child


def mix_units(parents: Floats, units: Units, rng: np.random.Generator) -> Floats:
    """The first parent, with half the hidden units of one layer from the second.

    A unit comes with its fan-in and its fan-out. Without units, each weight is one.
    """
    if not units:
        return mix_uniform(parents[:2], units, rng)
    child: Floats = units_crossover(parents[:1], parents[1:2], rng, units)[0]
    return child


def mix_sample(parents: Floats, units: Units, rng: np.random.Generator) -> Floats:
    """A sample of the distribution that the parents' latents stand for, weight by weight.

    A weight is +1 with the mean of the probabilities (1 + tanh(latent / SPREAD)) / 2.

    Source:
        Estimation of distribution with independent variables: Baluja (1994), population-based
        incremental learning; Mühlenbein and Paaß (1996), the univariate marginal distribution.
    """
    belief = np.tanh(parents / np.float32(SPREAD)).mean(axis=0)
    signs = np.where(rng.random(len(belief)) < 0.5 * (1.0 + belief), 1.0, -1.0)
    size = np.abs(parents).mean(axis=0)
    child: Floats = (signs * np.maximum(size, np.finfo(np.float32).tiny)).astype(np.float32)
    return child


MIXES: dict[str, Callable[[Floats, Units, np.random.Generator], Floats]] = {
    "mean": mix_mean,
    "vote": mix_vote,
    "uniform": mix_uniform,
    "units": mix_units,
    "sample": mix_sample,
}
"""By name: parents [k, n], units and a source of randomness to a child, [n] float32."""


def differences(solutions: NDArray[np.int8]) -> float:
    """Mean share of places in which two of [k, n] solutions differ; 0 for a single one.

    Example:
        >>> differences(np.array([[1, 1, -1, -1], [1, -1, -1, -1]], np.int8))
        0.25
    """
    k = len(solutions)
    if k < 2:
        return 0.0
    positive = (solutions > 0).sum(axis=0)
    pairs = positive * (k - positive)
    return float(pairs.mean() / (k * (k - 1) / 2))
