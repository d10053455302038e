"""Compiled problems of every family, each with its naive score."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evobin.core.compiled import CompiledProblem
from evobin.core.problem import FlipState, verify
from evobin.problems.ising import Ising
from evobin.problems.maxcut import MaxCut
from evobin.problems.maxsat import MaxSat
from evobin.problems.nk import NKLandscape
from evobin.problems.polynomial import Over, Polynomial
from evobin.problems.qubo import QUBO
from tests.oracle import naive_boxes as naive

Signs = NDArray[np.int8]


@dataclass(frozen=True)
class Case:
    """A problem, its naive score, and how large a difference rounding explains."""

    problem: CompiledProblem
    naive: Callable[[Signs], float]
    within: float = 0.0


def random_signs(n: int, rng: np.random.Generator) -> Signs:
    return rng.choice(np.array([-1, 1], np.int8), n)


def verify_all(problem: CompiledProblem, state: FlipState) -> None:
    """Compares the score and all gains with those of a fresh state.

    Raises:
        RuntimeError: if one differs; names both numbers.
    """
    verify(problem, state)
    kept, fresh = state.gains(), problem.start(state.solution).gains()
    wrong = np.flatnonzero(kept != fresh)
    if len(wrong):
        raise RuntimeError(
            f"the gain of flip {wrong[0]} is {kept[wrong[0]]:g}, but from scratch it is "
            f"{fresh[wrong[0]]:g}."
        )


def qubo(n: int, rng: np.random.Generator, *, share: float, whole: bool) -> Case:
    matrix = rng.integers(-100, 101, (n, n)) if whole else rng.normal(size=(n, n))
    matrix = matrix * (rng.random((n, n)) < share)
    within = 0.0 if whole else 1e-13 * float(np.abs(matrix).sum())
    return Case(QUBO(matrix), lambda s: -naive.qubo_energy(matrix, s), within)


def ising(n: int, rng: np.random.Generator, *, share: float, whole: bool) -> Case:
    couplings = rng.integers(-2, 3, (n, n)) if whole else rng.normal(size=(n, n))
    couplings = couplings * (rng.random((n, n)) < share)
    fields = rng.integers(-3, 4, n) if whole else rng.normal(size=n)
    within = 0.0 if whole else 1e-13 * float(np.abs(couplings).sum() + np.abs(fields).sum())
    problem = Ising(couplings, fields)
    return Case(problem, lambda s: -naive.ising_energy(couplings, fields, s), within)


def maxcut(n: int, rng: np.random.Generator, *, share: float, whole: bool) -> Case:
    weights = rng.integers(-2, 3, (n, n)) if whole else rng.normal(size=(n, n))
    weights = np.triu(weights * (rng.random((n, n)) < share), 1)
    within = 0.0 if whole else 1e-13 * float(np.abs(weights).sum())
    return Case(MaxCut(weights + weights.T), lambda s: naive.cut(weights, s), within)


def maxsat(n: int, rng: np.random.Generator, *, hard: float, whole: bool) -> Case:
    """Clauses of any length, the empty one included, with repeated and contrary literals."""
    clauses = [
        (rng.choice([-1, 1], size) * rng.integers(1, n + 1, size)).tolist()
        for size in rng.integers(0, 6, 3 * n + 4)
    ]
    weights = rng.integers(1, 9, len(clauses)) if whole else rng.random(len(clauses)) + 0.1
    given = np.where(rng.random(len(clauses)) < hard, math.inf, weights)
    within = 0.0 if whole else 1e-12 * float(weights.sum()) * len(clauses)
    problem = MaxSat(n, clauses, given)
    return Case(problem, lambda s: naive.maxsat_score(clauses, given.tolist(), s), within)


def nk(n: int, rng: np.random.Generator) -> Case:
    width = min(n, 3)
    members = np.array([rng.choice(n, width, replace=False) for _ in range(n + 2)])
    tables = rng.random((n + 2, 2**width))
    problem = NKLandscape.from_tables(n, members, tables)
    return Case(problem, lambda s: naive.nk_score(members, tables, s), 1e-13)


def polynomial(n: int, rng: np.random.Generator, *, over: Over, whole: bool) -> Case:
    """Products of any order, the empty one included, with repeated variables, in any order."""
    products = [tuple(rng.integers(0, n, size).tolist()) for size in rng.integers(0, 6, 3 * n + 4)]
    values = rng.integers(-9, 10, len(products)) if whole else rng.normal(size=len(products))
    terms = dict(zip(products, values.tolist(), strict=True))
    within = 0.0 if whole else 1e-12 * float(np.abs(values).sum())
    problem = Polynomial(terms, n, over=over)
    return Case(problem, lambda s: -naive.polynomial(terms, s, bits=over == "bits"), within)


KINDS: dict[str, Callable[[int, np.random.Generator], Case]] = {
    "dense QUBO": lambda n, rng: qubo(n, rng, share=1.0, whole=True),
    "sparse QUBO": lambda n, rng: qubo(n, rng, share=0.02, whole=True),
    "dense real QUBO": lambda n, rng: qubo(n, rng, share=1.0, whole=False),
    "sparse real QUBO": lambda n, rng: qubo(n, rng, share=0.02, whole=False),
    "dense Ising": lambda n, rng: ising(n, rng, share=1.0, whole=True),
    "sparse real Ising": lambda n, rng: ising(n, rng, share=0.02, whole=False),
    "dense cut": lambda n, rng: maxcut(n, rng, share=1.0, whole=True),
    "sparse real cut": lambda n, rng: maxcut(n, rng, share=0.02, whole=False),
    "MAX-SAT": lambda n, rng: maxsat(n, rng, hard=0.0, whole=True),
    "MAX-SAT with hard clauses": lambda n, rng: maxsat(n, rng, hard=0.3, whole=True),
    "real MAX-SAT": lambda n, rng: maxsat(n, rng, hard=0.1, whole=False),
    "NK": nk,
    "polynomial of signs": lambda n, rng: polynomial(n, rng, over="signs", whole=True),
    "polynomial of bits": lambda n, rng: polynomial(n, rng, over="bits", whole=True),
    "real polynomial of signs": lambda n, rng: polynomial(n, rng, over="signs", whole=False),
    "real polynomial of bits": lambda n, rng: polynomial(n, rng, over="bits", whole=False),
}
"""By name: a random one of n signs."""
