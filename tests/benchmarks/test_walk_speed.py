"""Speed of compiled walks on networks, on one core.

python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_walk_speed.py

An offer is the exact change of the mean log-likelihood of all samples by one flip, accepted by its
temperature or not, and made if accepted. All of an anneal is counted, hot and cold, but for the
choice of its temperatures and for compilation; time is that of the processor.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.algorithms import Annealing
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.problems.network import NetworkBatch, NetworkProblem

pytestmark = pytest.mark.benchmark
SWEEPS = 8
N_CLASSES = 10


def clusters(n: int, n_in: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Three clusters a class, standardised: as many samples and features as a public set has."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0.0, 1.0, (3 * N_CLASSES, n_in))
    members = rng.integers(0, len(centres), n)
    features = centres[members] + rng.normal(0.0, 1.2, (n, n_in))
    return (features - features.mean(axis=0)) / features.std(axis=0), members % N_CLASSES


def digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """1,257 of scikit-learn's digits, as they are."""
    x, y = pytest.importorskip("sklearn.datasets").load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))[:1_257]
    return x[rows], y[rows]


def waves(n: int, frames: int, n_in: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Six classes: a rate and a size for each sensor, a phase for each sample, and noise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, n)
    rates, sizes = rng.uniform(0.5, 2.0, (6, n_in)), rng.uniform(0.3, 1.5, (6, n_in))
    phases = rng.uniform(0.0, 2 * np.pi, (n, 1, n_in))
    turns = rates[labels][:, None] * np.arange(frames)[:, None] / 3
    x = sizes[labels][:, None] * np.sin(phases + turns) + rng.normal(size=(n, frames, n_in))
    return (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1)), labels


def rate_of(problem: NetworkProblem, seed: int, most: int) -> tuple[float, float]:
    """Offers a second of an anneal, or of its first `most` offers, and the score at the end."""
    search = Annealing(sweeps=SWEEPS).start(problem.n, seed)
    search.walk(problem, 0)
    search.walk(problem, 1)
    search.walk(problem, min(problem.n, 4096))
    before, begun = search.evaluations, time.process_time()
    while not search.stop() and search.evaluations < before + most:
        search.walk(problem, problem.n)
    return (search.evaluations - before) / (time.process_time() - begun), search.score


@pytest.mark.parametrize("n_hidden", [16, 64])
@pytest.mark.parametrize(("n", "n_in", "least"), [(1_257, 64, 100_000), (20_000, 196, 10_000)])
def test_offers_a_second_of_an_anneal(n: int, n_in: int, least: int, n_hidden: int) -> None:
    x, y = digits() if n_in == 64 else clusters(n, n_in)
    architecture = Architecture(n_in, (ConvBlock(n_hidden, 1),), N_CLASSES, frames=1)
    problem = NetworkProblem(architecture, x, y)
    found = [rate_of(problem, seed, SWEEPS * problem.n) for seed in range(3)]
    rates, score = [rate for rate, _ in found], found[-1][1]
    low, middle, high = sorted(rates)
    print(
        f"\n{n:,} samples of {n_in}, {n_hidden} hidden units: {middle:,.0f} offers a second "
        f"({low:,.0f} to {high:,.0f}), score {score:.3f}"
    )
    assert middle >= least


def test_offers_a_second_with_convolutions_against_a_walk_by_a_flip_state() -> None:
    x, y = waves(2_000, 64, 6)
    architecture = Architecture(6, (ConvBlock(16, 5, 2), ConvBlock(16, 5, WHOLE)), 6, frames=64)
    kinds = NetworkProblem, NetworkBatch
    ratios = []
    for seed in range(3):
        rates = [rate_of(kind(architecture, [*x], y), seed, 10**6)[0] for kind in kinds]
        ratios.append(rates[0] / rates[1])
        print(f"\n{rates[0]:,.0f} offers a second, by a flip state {rates[1]:,.0f}")
    assert np.median(ratios) >= 2
