"""What a user writes passes a strict type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

USER = """
import numpy as np
from numpy.typing import ArrayLike, NDArray

import evobin
from evobin.algorithms import Tabu


def f(x: NDArray[np.int64]) -> float:
    return float(x.sum())


found = evobin.maximize(
    f, n=100, algorithm=Tabu(tenure=10), max_evaluations=10_000, n_jobs=2, seed=0
)
score: float = found.score

architecture = evobin.Architecture(8, (evobin.ConvBlock(5, 1),), frames=1)
X, y = np.zeros((4, 8)), np.array([0, 1, 0, 1])
problem = evobin.NetworkProblem(architecture, X, y)
found = evobin.maximize(problem, algorithm="annealing", seconds=30, seed=0)
network: evobin.BinaryNetwork = problem.network(found.solution)
model = evobin.BinaryClassifier((16,), bits=3, effort="quick", seconds=5).fit(X, y, groups=y)
accuracy: float = model.score(X.tolist(), y)
encoder: evobin.TableEncoder | None = model.encoder_


class Mine(evobin.Algorithm):
    def ask(self) -> NDArray[np.int8]:
        return self.rng.choice(np.array([-1, 1], np.int8), (4, self.n))

    def tell(self, population: NDArray[np.int8], scores: ArrayLike) -> None:
        pass


evobin.testing.check_algorithm(Mine)


class State(evobin.FlipState):
    def __init__(self, signs: NDArray[np.int8]) -> None:
        self._signs = signs

    @property
    def score(self) -> float:
        return float(self._signs.sum())

    @property
    def solution(self) -> NDArray[np.int8]:
        return self._signs.copy()

    def flip(self, index: int) -> None:
        self._signs[index] *= -1


class Own(evobin.IncrementalProblem):
    n = 9

    def score(self, population: NDArray[np.int8]) -> NDArray[np.float64]:
        scores: NDArray[np.float64] = population.sum(axis=1, dtype=np.float64)
        return scores

    def start(self, solution: NDArray[np.int8]) -> State:
        return State(solution.copy())


evobin.testing.check_problem(Own())
"""


@pytest.mark.slow
def test_a_users_file_passes_the_strict_type_checker(tmp_path: Path) -> None:
    file = tmp_path / "user.py"
    file.write_text(USER)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    ran = subprocess.run(
        [*command, str(file)], cwd=root, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
