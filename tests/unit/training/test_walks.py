"""Direct search where all samples are the same each time, and which flips are tried where not."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from evobin.config import FlipConfig, SteConfig
from evobin.core.evidence import Outcomes
from evobin.core.objective import ObjectiveName
from evobin.core.problem import Solution
from evobin.core.stage import Progress, in_order
from evobin.drive.driver import Driver
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training import flip_search
from evobin.training.flip_search import ENOUGH
from evobin.training.ste import Pretraining
from evobin.training.walks import WalkSearch, sweeps_that_paid
from tests.builders import classes_problem, run

WALKS = FlipConfig(sweeps=60, islands=2)


def start_of(seed: int) -> Solution:
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([-1, 1], np.int8), classes_problem().n)


@pytest.fixture
def problem() -> SampledNetworkProblem:
    return classes_problem()


def seen(problem: SampledNetworkProblem, solution: Solution) -> float:
    return problem.seen(solution).value


def test_a_walk_fits_the_training_samples_better(problem: SampledNetworkProblem) -> None:
    start = start_of(0)
    found = run(WalkSearch(problem, start, WALKS, 0))
    assert seen(problem, found.solution) > seen(problem, start) + 0.1
    assert found.score == float(problem.score(found.solution[None])[0])
    assert not problem.unseen(found.solution).more_right(problem.unseen(start)).is_worse


@pytest.mark.parametrize("hand", [None, 8.0])
def test_what_is_searched_is_what_samples_are_said_to_be_worth(
    problem: SampledNetworkProblem, hand: float | None
) -> None:
    for objective in get_args(ObjectiveName):
        one = replace(problem, objective=objective, logit_width=hand)
        whole, start = one.whole(), start_of(0)
        assert whole is not None
        assert whole.score(start[None])[0] == pytest.approx(one.seen(start).value, rel=1e-11)
    assert problem.objective == "accuracy"
    assert 0 < problem.seen(start_of(0)).value < 1


def test_every_layer_is_tried(problem: SampledNetworkProblem) -> None:
    for row in run(WalkSearch(problem, start_of(0), WALKS, 0)).rows:
        for name, layer in problem.structure.layers.items():
            assert row[f"tried_{name}"] == 10 * (layer.stop - layer.start)
        assert row["tried"] == 10 * problem.n


def test_it_ends_where_unseen_samples_stop_to_gain(problem: SampledNetworkProblem) -> None:
    stage = WalkSearch(problem, start_of(0), replace(WALKS, sweeps=100_000), 0)
    reasons = run(stage).stop
    assert list(reasons) == ["unseen"]
    assert stage.done < stage.total


def test_what_is_handed_out_is_worth_most_on_unseen_samples(
    problem: SampledNetworkProblem,
) -> None:
    stage = WalkSearch(problem, start_of(0), WALKS, 0)
    found = run(stage)
    best = max(row["unseen_score"] for row in found.rows)
    assert problem.unseen(found.solution).value == pytest.approx(best)


def test_the_sweeps_that_paid_are_those_until_what_is_handed_out(
    problem: SampledNetworkProblem,
) -> None:
    found = run(WalkSearch(problem, start_of(0), WALKS, 0))
    worth = [row["unseen_score"] for row in found.rows]
    best = found.rows[int(np.argmax(worth))]
    assert sweeps_that_paid(found, problem) == 10 * best["step"] > 0
    assert best["unseen_gain"] > best["unseen_error"] > 0
    unsure = tuple(row | {"unseen_error": row["unseen_gain"]} for row in found.rows)
    assert sweeps_that_paid(replace(found, rows=unsure), problem) == 0
    assert sweeps_that_paid(replace(found, solution=start_of(0)), problem) == 0
    assert sweeps_that_paid(replace(found, rows=()), problem) == 0


def test_what_has_fewer_right_beyond_noise_is_not_handed_out(
    problem: SampledNetworkProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = start_of(0)

    def unseen(self: SampledNetworkProblem, solution: Solution) -> Outcomes:
        is_start = bool((solution == start).all())
        n = 50
        return Outcomes(np.full(n, -1.0 if is_start else -0.5), np.full(n, is_start), np.arange(n))

    monkeypatch.setattr(SampledNetworkProblem, "unseen", unseen)
    found = run(WalkSearch(problem, start, WALKS, 0))
    np.testing.assert_array_equal(found.solution, start)


def test_where_nearly_all_is_right_a_line_says_so(
    problem: SampledNetworkProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flip_search, "ENOUGH", 0.0)
    told: list[Progress] = []
    found = run(WalkSearch(problem, start_of(0), WALKS, 0), Driver(observer=told.append))
    assert found.rows == ()
    assert list(found.stop) == ["right"]
    assert "of the training samples are right already" in told[0].notes["note"]
    assert 0.9 < ENOUGH < 1


def test_a_walk_goes_on_from_its_state_as_if_nothing_had_been(
    problem: SampledNetworkProblem,
) -> None:
    whole = run(WalkSearch(problem, start_of(0), WALKS, 3))
    first = WalkSearch(problem, start_of(0), WALKS, 3)
    for _ in range(2):
        first.step(in_order)
    assert first.best is not None
    second = WalkSearch(problem, first.best, WALKS, 3)  # all that a resumed run knows
    second.load(copy.deepcopy(first.state()))
    again = run(second)
    np.testing.assert_array_equal(again.solution, whole.solution)
    assert again.rows == whole.rows[2 * WALKS.islands :]


def test_from_random_signs_it_anneals_without_a_gradient(problem: SampledNetworkProblem) -> None:
    problem = replace(problem, objective="likelihood")
    begun = run(Pretraining(problem, SteConfig(epochs=0), 0))
    assert begun.rows == ()
    stage = WalkSearch(problem, begun.solution, WALKS, 0, is_trained=False)
    found = run(stage)
    assert problem.seen(found.solution).accuracy > 0.8
    assert problem.seen(found.solution).accuracy > problem.seen(begun.solution).accuracy + 0.2
    assert list(found.stop) == ["total"]  # an anneal is not cut


def test_a_start_that_became_right_on_the_way_is_walked_on_from(
    problem: SampledNetworkProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flip_search, "ENOUGH", 0.6)
    first = WalkSearch(problem, start_of(0), WALKS, 3)
    for _ in range(2):
        first.step(in_order)
    assert first.best is not None
    assert problem.seen(start_of(0)).accuracy < 0.6 < problem.seen(first.best).accuracy
    second = WalkSearch(problem, first.best, WALKS, 3)  # all that a resumed run knows
    second.load(copy.deepcopy(first.state()))
    assert run(second).rows == run(first).rows != ()


def test_an_anneal_that_is_cut_hands_out_what_it_has(problem: SampledNetworkProblem) -> None:
    start = start_of(0)
    stage = WalkSearch(problem, start, WALKS, 0, is_trained=False)
    for _ in range(2):
        stage.step(in_order)
    assert stage.best is not None
    assert seen(problem, stage.best) > seen(problem, start) + 0.1


def test_the_first_flips_accepted_are_those_from_the_start(problem: SampledNetworkProblem) -> None:
    start = start_of(0)
    stage = WalkSearch(problem, start, replace(WALKS, islands=1), 0)
    (row,) = stage.step(in_order)
    assert stage.best is not None
    assert row["accepted"] == (stage.best != start).sum() < problem.n
