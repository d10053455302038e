"""The pyramid solves what misleads single steps, and mixes with one donor a cluster."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import evobin
from evobin.algorithms import Pyramid
from tests.deceptive import Function, hiff, trap


@pytest.mark.parametrize(("function", "n"), [(hiff, 64), (trap(5), 50)], ids=["hiff", "trap"])
def test_deceptive_functions_are_solved_in_a_few_thousand_evaluations(
    function: Function, n: int
) -> None:
    best = function(np.ones(n))
    found = evobin.maximize(
        function, n, algorithm="pyramid", max_evaluations=12_000, target=best, seed=0
    )
    assert found.score == best
    assert found.restarts == 0


def test_a_cluster_is_tried_once_whether_it_helps_or_not() -> None:
    search, mixtures = Pyramid().start(16, 0), Counter[tuple[int, int]]()
    while search.climbs < 30:
        (solution,) = search.ask()
        helps = search.phase != "mix" or bool(search.rng.integers(2))
        if search.phase == "mix":
            visit = search.climbs, search.level  # a climb comes to a level once
            mixtures[visit] += 1
            assert mixtures[visit] <= len(search._trees[search.level])
        search.tell(solution[None], [hiff(solution) if helps else -1.0])
    assert mixtures


def test_it_does_not_forget_what_it_has_learned_where_it_stands_still() -> None:
    search = Pyramid().start(10, 0)
    for _ in range(200 * search.n):
        search.tell(search.ask(), [0.0])
    assert not search.stop()
