"""The checks for algorithms and problems of one's own: what they pass, and what they find."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import ArrayLike

import evobin
from evobin.algorithms import Descent
from evobin.core.problem import Population, Solution
from tests.builders import GENERAL, NoisyBatch, NoisyState, small_convolutions


class OnlyAskAndTell(evobin.Algorithm):
    """Looks anywhere."""

    def ask(self) -> Population:
        return (2 * self.rng.integers(0, 2, (4, self.n)) - 1).astype(np.int8)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        self.seen = getattr(self, "seen", 0) + len(population)


class OfItsOwnNumbers(OnlyAskAndTell):
    def ask(self) -> Population:
        return np.random.default_rng().choice(np.array([-1, 1], np.int8), (4, self.n))


class OfZeros(OnlyAskAndTell):
    def ask(self) -> Population:
        return np.zeros((4, self.n), np.int8)


class Forgetful(OnlyAskAndTell):
    def state(self) -> dict[str, Any]:
        return super().state() | {"rng": np.random.default_rng(0)}


class Memory(list[float]):
    def __deepcopy__(self, _: Any) -> Memory:
        return self


class Sharing(OnlyAskAndTell):
    """Its copies have its memory."""

    def begin(self) -> None:
        self.memory = Memory()

    def ask(self) -> Population:
        bits = len(self.memory) >> np.arange(self.n) & 1
        return (2 * bits - 1).astype(np.int8)[None]

    def tell(self, population: Population, scores: ArrayLike) -> None:
        self.memory.append(0.0)


class SpoilsInitial(OnlyAskAndTell):
    def start(self, n: int, seed: Any = 0, initial: Any = None, **more: Any) -> Self:
        if initial is not None:
            initial *= -1
        return super().start(n, seed, initial, **more)


class WalksElsewhere(Descent):
    def walk(self, problem: Any, evaluations: int, *stops: float, **more: float) -> None:
        super().walk(problem, evaluations, *stops, **more)
        self.score += 1


def local() -> type[evobin.Algorithm]:
    class Local(OnlyAskAndTell):
        pass

    return Local


@pytest.mark.parametrize("algorithm", [*GENERAL, OnlyAskAndTell])
def test_an_algorithm_that_keeps_to_the_contract_passes(algorithm: Any) -> None:
    evobin.testing.check_algorithm(algorithm, (1, 7))


@pytest.mark.parametrize(
    ("algorithm", "text"),
    [
        (OfItsOwnNumbers, "all random numbers must come from rng"),
        (OfZeros, r"ask must return \[k, 20\] int8 of -1 and \+1"),
        (Forgetful, "a loaded state must go on as the algorithm itself would have"),
        (Sharing, "what a copy is asked and told must not change the algorithm"),
        (SpoilsInitial, "initial must be left as it was"),
        (WalksElsewhere, "walk must go on as ask, score and tell would"),
        (local(), "must survive pickle, but: .*Define its class at the top of a module"),
    ],
)
def test_what_is_wrong_with_an_algorithm_is_named(algorithm: Any, text: str) -> None:
    with pytest.raises(AssertionError, match=text):
        evobin.testing.check_algorithm(algorithm, (20,))


def network() -> evobin.NetworkProblem:
    rng = np.random.default_rng(0)
    shape = evobin.Architecture(6, (evobin.ConvBlock(5, 1),), frames=1)
    return evobin.NetworkProblem(shape, rng.normal(size=(30, 6)), np.arange(30) % 2)


@pytest.mark.parametrize(
    "problem",
    [
        evobin.QUBO(np.random.default_rng(0).integers(-9, 10, (12, 12))),
        evobin.MaxSat(3, [[1, -2], [2, 3], [-1, -3]]),
        evobin.Polynomial({(0, 1, 2): 2, (1, 2): -1, (0,): 3}),
        evobin.Polynomial({(0, 1, 2): 2.5, (1, 2): -1, (0,): 3}, over="bits"),
        evobin.NKLandscape(12, 3, seed=0),
        network(),
        small_convolutions(1),
        NoisyBatch(np.arange(9.0)),
    ],
    ids=["qubo", "maxsat", "signs", "bits", "nk", "dense", "conv", "own"],
)
def test_a_problem_that_keeps_to_the_contract_passes(problem: evobin.Problem) -> None:
    evobin.testing.check_problem(problem)


def test_a_wrong_score_of_a_flip_is_found() -> None:
    class Wrong(NoisyBatch):
        def start(self, solution: Solution) -> NoisyState:
            return NoisyState(self.weights + 0.5, solution.copy())

    with pytest.raises(AssertionError, match="but a full evaluation gives"):
        evobin.testing.check_problem(Wrong(np.arange(9.0)))
