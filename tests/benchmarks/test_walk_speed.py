"""Speed of compiled walks on dense networks, on one core.

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
from evobin.network.architecture import Architecture, ConvBlock
from evobin.problems.network import NetworkProblem

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


@pytest.mark.parametrize("n_hidden", [16, 64])
@pytest.mark.parametrize(("n", "n_in", "least"), [(1_257, 64, 100_000), (20_000, 196, 10_000)])
def test_offers_a_second_of_an_anneal(n: int, n_in: int, least: int, n_hidden: int) -> None:
    x, y = digits() if n_in == 64 else clusters(n, n_in)
    architecture = Architecture(n_in, (ConvBlock(n_hidden, 1),), N_CLASSES, frames=1)
    problem = NetworkProblem(architecture, x, y)
    rates = []
    for seed in range(3):
        search = Annealing(sweeps=SWEEPS).start(problem.n, seed)
        search.walk(problem, 0)
        search.walk(problem, 1)
        search.walk(problem, min(problem.n, 4096))
        before, begun = search.evaluations, time.process_time()
        while not search.stop():
            search.walk(problem, problem.n)
        rates.append((search.evaluations - before) / (time.process_time() - begun))
    low, middle, high = sorted(rates)
    print(
        f"\n{n:,} samples of {n_in}, {n_hidden} hidden units: {middle:,.0f} offers a second "
        f"({low:,.0f} to {high:,.0f}), score {search.score:.3f}"
    )
    assert middle >= least
