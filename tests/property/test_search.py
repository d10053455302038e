"""One contract for every stage: what it may touch, what it must keep, what it reports."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from evobin.config import ExecutionConfig, FlipConfig, PopulationConfig, SteConfig
from evobin.core.problem import Population, Scores, Solution
from evobin.core.samples import Dataset, Samples
from evobin.core.solutions import from_bits, to_bits
from evobin.core.stage import Progress, Stage, in_order
from evobin.core.state import State
from evobin.drive.driver import Driver
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.parallel import Workers
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.search import SearchResult
from evobin.training import flip_search as flips
from evobin.training.flip_search import FlipSearch, flip_rounds
from evobin.training.population import Refinement
from evobin.training.scales import plan_of
from evobin.training.ste import Pretraining, begin, train_epoch
from tests.builders import (
    DENSE,
    TINY,
    NoisyBatch,
    NoisyProblem,
    NoisyState,
    classes_problem,
    planted_problem,
    run,
)
from tests.strategies import random_solution, seeds

STE = SteConfig(starts=2, epochs=3, smooth=0.4, batch=16, frames=14, rates=(0.02,))
FLIPS = FlipConfig(rounds=3, islands=2, clips=32, proposals=20)
POPULATION = PopulationConfig(rounds=3, epochs=1, proposals=5, moves=("units", "path"))

Algorithm = Callable[..., SearchResult]


def train(
    problem: SampledNetworkProblem, start: Solution, seed: int, driver: Driver | None = None
) -> SearchResult:
    return run(Pretraining(problem, STE, seed, start), driver)


def flip(
    problem: SampledNetworkProblem, start: Solution, seed: int, driver: Driver | None = None
) -> SearchResult:
    return run(FlipSearch(problem, start, FLIPS, seed), driver)


def breed_on(
    problem: SampledNetworkProblem, start: Solution, seed: int, driver: Driver | None = None
) -> SearchResult:
    begun = SearchResult(start, float(problem.score(start[None])[0]), ())
    return run(Refinement(problem, begun, POPULATION, seed), driver)


every = pytest.mark.parametrize("algorithm", [train, breed_on, flip])


def start_of(seed: int) -> Solution:
    return random_solution(TINY, np.random.default_rng(seed))


@every
@given(seed=seeds)
def test_a_solution_holds_signs_is_no_worse_than_the_start_and_has_its_true_score(
    algorithm: Algorithm, seed: int
) -> None:
    problem, start = planted_problem(), start_of(seed)
    given_start = start.copy()
    outcome = algorithm(problem, start, seed)
    np.testing.assert_array_equal(start, given_start)
    assert outcome.solution.dtype == np.int8
    assert outcome.solution.shape == (TINY.n_weights,)
    assert (np.abs(outcome.solution) == 1).all()
    scores = problem.score(np.stack([start, outcome.solution]))
    assert outcome.score == scores[1] >= scores[0]


@every
def test_the_seed_decides_everything(algorithm: Algorithm) -> None:
    problem, start = planted_problem(), start_of(0)
    first, again, other = (algorithm(problem, start, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.solution, again.solution)
    assert first.rows == again.rows
    assert first.rows != other.rows


@pytest.fixture
def round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every round of flips is a step, as every epoch is."""
    monkeypatch.setattr(flips, "ROUNDS_A_TASK", 1)


@every
def test_the_beginning_and_every_step_are_reported_once_and_best_never_falls(
    algorithm: Algorithm, round_by_round: None
) -> None:
    problem, start = planted_problem(), start_of(3)
    told: list[Progress] = []
    outcome = algorithm(problem, start, 0, Driver(observer=told.append))
    begins, *reports = told
    assert (begins.done, begins.total, begins.rows, begins.best) == (0, 3, (), None)
    assert [report.done for report in reports] == [1, 2, 3]
    assert {report.total for report in reports} == {3}
    assert tuple(row for report in reports for row in report.rows) == outcome.rows
    assert [row["step"] for row in outcome.rows] == [1, 1, 2, 2, 3, 3]
    assert [row["island"] for row in outcome.rows] == [0, 1] * 3
    best = [report.score for report in reports]
    # a training begins anew with its last quarter, of three epochs the third
    for part in (best[:2], best[2:]) if algorithm is train else (best,):
        assert part == sorted(part)
    assert best[-1] == outcome.score
    assert min(best) >= float(problem.score(start[None])[0])
    for report in reports:
        if report.best is not None:
            assert float(problem.score(report.best[None])[0]) == report.score


@every
def test_the_last_best_that_was_reported_is_the_outcome(algorithm: Algorithm) -> None:
    reports: list[Progress] = []
    outcome = algorithm(planted_problem(), start_of(1), 5, Driver(observer=reports.append))
    found = [report.best for report in reports if report.best is not None]
    np.testing.assert_array_equal(found[-1], outcome.solution)


def stage_of(
    algorithm: Algorithm, problem: SampledNetworkProblem, start: Solution, seed: int
) -> Stage:
    if algorithm is train:
        return Pretraining(problem, STE, seed, start)
    if algorithm is flip:
        return FlipSearch(problem, start, FLIPS, seed)
    begun = SearchResult(start, float(problem.score(start[None])[0]), ())
    return Refinement(problem, begun, POPULATION, seed)


@every
@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_stage_goes_on_from_its_state_as_if_it_had_not_been_interrupted(
    algorithm: Algorithm, done: int, round_by_round: None
) -> None:
    problem, start = planted_problem(), start_of(2)
    whole = algorithm(problem, start, 4)
    first = stage_of(algorithm, problem, start, 4)
    for _ in range(done):
        first.step(in_order)
    state = first.state()
    if done < first.total:
        first.step(in_order)  # what was kept is not changed by going on
    second = stage_of(algorithm, problem, start, 4)
    second.load(state)
    assert second.done == done
    outcome = run(second)
    assert outcome.solution.tobytes() == whole.solution.tobytes()
    assert outcome.score == whole.score
    assert [x.tobytes() for x in outcome.latents] == [x.tobytes() for x in whole.latents]
    assert outcome.rows == whole.rows[2 * done :]


@every
def test_a_state_holds_arrays_and_what_json_has_a_notation_for(algorithm: Algorithm) -> None:
    stage = stage_of(algorithm, planted_problem(), start_of(2), 4)
    stage.step(in_order)
    state: State = stage.state()
    arrays = {name for name, value in state.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in state.items() if name not in arrays}
    assert json.loads(json.dumps(plain)) == plain
    assert arrays


@every
def test_a_task_leaves_its_arguments_as_they_are(algorithm: Algorithm) -> None:
    def twice(function: Callable[..., Any], tasks: Any) -> list[Any]:
        in_order(function, tasks)
        return in_order(function, tasks)

    problem, start = planted_problem(), start_of(2)
    once, again = algorithm(problem, start, 4), algorithm(problem, start, 4, Driver(twice))
    assert once.solution.tobytes() == again.solution.tobytes()
    assert once.rows == again.rows


def test_without_a_budget_the_start_is_the_answer() -> None:
    problem, start = planted_problem(), start_of(4)
    for outcome in (
        run(Pretraining(problem, replace(STE, epochs=0), 0, start)),
        run(FlipSearch(problem, start, replace(FLIPS, rounds=0), 0)),
    ):
        np.testing.assert_array_equal(outcome.solution, start)
        assert outcome.rows == ()
        assert outcome.score == float(problem.score(start[None])[0])


def test_without_start_and_epochs_training_is_random_signs() -> None:
    problem = planted_problem()
    found = [run(Pretraining(problem, replace(STE, epochs=0), seed)) for seed in (0, 0, 1)]
    assert found[0].solution.tobytes() == found[1].solution.tobytes()
    assert found[0].solution.tobytes() != found[2].solution.tobytes()
    assert found[0].rows == ()
    assert found[0].latents == ()


@pytest.mark.parametrize("start", [None, start_of(0)])
def test_training_gives_the_same_bytes_for_any_number_of_threads(start: Solution | None) -> None:
    outcomes = [run(Pretraining(planted_problem(n), STE, 7, start)) for n in (1, 2)]
    assert outcomes[0].solution.tobytes() == outcomes[1].solution.tobytes()
    assert outcomes[0].rows == outcomes[1].rows


def stored_as(kind: type, problem: SampledNetworkProblem) -> SampledNetworkProblem:
    """The same problem, its features rounded to float16 and held as another type."""

    def part(dataset: Dataset) -> Dataset:
        stored: Any = dataset.samples.stored.astype(np.float16).astype(kind)
        return replace(dataset, samples=Samples(stored, dataset.samples.starts))

    return replace(problem, train=part(problem.train), valid=part(problem.valid))


@pytest.mark.parametrize("algorithm", [train, flip, breed_on])
@pytest.mark.parametrize("of", [planted_problem, classes_problem])
def test_features_in_float16_give_the_bytes_of_the_same_in_float32(
    algorithm: Algorithm, of: Callable[[], SampledNetworkProblem]
) -> None:
    found = []
    for kind in (np.float16, np.float32):
        problem = stored_as(kind, of())
        assert problem.train.samples.stored.dtype == kind
        if problem.architecture.frames is None:
            problem = problem.with_views(np.random.default_rng(1))
        start = random_solution(problem.architecture, np.random.default_rng(0))
        found.append(algorithm(problem, start, 0))
    assert found[0].solution.tobytes() == found[1].solution.tobytes()
    assert found[0].score == found[1].score


def test_a_subset_of_the_samples_gives_the_bytes_of_a_copy_of_it() -> None:
    problem, start = stored_as(np.float16, planted_problem()), start_of(0)
    rows = np.random.default_rng(0).permutation(len(problem.train))[:50]
    some = problem.train.subset(rows)
    copy = replace(some, samples=Samples(some.samples.frames.copy(), some.samples.starts))
    one, other = (train(replace(problem, train=of), start, 0) for of in (some, copy))
    assert one.solution.tobytes() == other.solution.tobytes()


@every
def test_workers_give_the_same_bytes(algorithm: Algorithm, tmp_path: Path) -> None:
    problem, start = planted_problem(), start_of(0)
    serial = algorithm(problem, start, 7)
    with Workers(ExecutionConfig(n_jobs=2), tmp_path / "scratch") as workers:
        spread = algorithm(problem, start, 7, Driver(workers.map))
    assert serial.solution.tobytes() == spread.solution.tobytes()
    assert serial.rows == spread.rows


def test_of_several_starts_the_best_is_kept() -> None:
    config = replace(STE, starts=3, epochs=2)
    problem = planted_problem()
    outcome = run(Pretraining(problem, config, 3))
    plan = plan_of(config, problem)
    trainings = [begin(problem, plan, (3, i), None) for i in range(3)]
    scores = []
    for training in trainings:
        after = train_epoch(problem, plan, training, 0).training
        scores.append(train_epoch(problem, plan, after, 1).score)
    assert outcome.score == max(scores)
    assert len(set(scores)) > 1


def test_a_training_that_was_sent_and_came_back_goes_on_alike() -> None:
    problem = planted_problem()
    plan = plan_of(STE, problem)
    stays = train_epoch(problem, plan, begin(problem, plan, (0, 0), None), 0).training
    travels = pickle.loads(pickle.dumps(stays))
    epochs = [train_epoch(problem, plan, training, 1) for training in (stays, travels)]
    assert epochs[0].candidate.tobytes() == epochs[1].candidate.tobytes()
    assert epochs[0].loss == epochs[1].loss


def test_training_from_a_start_has_no_smooth_epochs() -> None:
    problem, start = planted_problem(), start_of(0)
    with_none = run(Pretraining(problem, replace(STE, smooth=0), 1, start))
    assert run(Pretraining(problem, STE, 1, start)).rows == with_none.rows


def test_a_smooth_network_learns_and_is_cut_to_its_signs() -> None:
    problem = planted_problem()
    config = replace(STE, starts=1, epochs=24, smooth=0.5)
    plan = plan_of(config, problem)
    training, losses = begin(problem, plan, (0, 0), None), []
    for epoch in range(12):
        done = train_epoch(problem, plan, training, epoch)
        training = done.training
        losses.append(done.loss)
    assert losses[-1] < 0.7 * losses[0]
    cut = training.copy().cut(config.spread)
    latent = cut.latent
    np.testing.assert_array_equal(latent > 0, training.latent > 0)
    assert 0 < np.abs(latent).min() < np.abs(latent).max() <= config.spread
    assert not cut.arrays[1:3].any()
    np.testing.assert_array_equal(cut.mean, latent)
    first = train_epoch(problem, plan, training, 12)
    assert first.training.steps * 12 == training.steps


@pytest.mark.parametrize("seed", range(3))
def test_training_learns_a_planted_difference(seed: int) -> None:
    architecture = Architecture(4, (ConvBlock(16, 3, 2), ConvBlock(16, 2)))
    problem = replace(planted_problem(), architecture=architecture)
    outcome = run(Pretraining(problem, replace(STE, epochs=40, rates=(0.03,)), seed))
    predicted = BinaryNetwork(architecture, outcome.solution).predict(problem.valid.samples)
    assert np.mean(predicted == problem.valid.labels) > 0.9
    assert outcome.rows[-1]["loss"] < 0.5 * outcome.rows[0]["loss"]


def test_flips_improve_a_random_network_on_a_planted_difference() -> None:
    problem, start = planted_problem(), start_of(0)
    config = FlipConfig(rounds=12, islands=2, clips=64, proposals=60)
    outcome = run(FlipSearch(problem, start, config, 0))
    before, after = problem.score(np.stack([start, outcome.solution]))
    assert after > before + 0.1


def test_a_dense_network_learns_several_classes_and_flips_improve_a_random_one() -> None:
    problem = classes_problem()
    network = BinaryNetwork(DENSE, run(Pretraining(problem, replace(STE, epochs=20), 0)).solution)
    assert (network.predict(problem.valid.samples) == problem.valid.labels).mean() > 0.85
    start = random_solution(DENSE, np.random.default_rng(0))
    outcome = run(FlipSearch(problem, start, replace(FLIPS, rounds=10), 0))
    assert outcome.score > problem.score(start[None])[0] + 0.1


def test_a_population_of_networks_for_several_classes_is_refined_in_order() -> None:
    problem = classes_problem()
    start = random_solution(DENSE, np.random.default_rng(0))
    outcome = breed_on(problem, start, 0)
    assert outcome.score == problem.score(outcome.solution[None])[0]
    assert outcome.score > problem.score(start[None])[0]


def test_fewer_samples_than_a_batch_are_enough() -> None:
    problem = planted_problem()
    few = replace(problem, train=problem.train.subset(np.arange(5)))
    outcome = run(Pretraining(few, replace(STE, epochs=1), 0))
    assert len(outcome.rows) == STE.starts
    assert len(few.sample(np.random.default_rng(0)).batch.labels) == 32


def ones(n: int) -> Solution:
    return np.ones(n, np.int8)


def test_a_flip_that_helps_only_the_proposing_batch_is_rejected() -> None:
    # Sign 0 should flip by both batches, 1 by the first alone, 2 by the second alone, 3 by none.
    proposing, accepting = np.array([-1.0, -1, 1, 1]), np.array([-1.0, 1, -1, 1])
    problem = NoisyProblem(np.zeros(4), (proposing, accepting))
    (done,) = flip_rounds(problem, to_bits(ones(4)), proposals=4, seeds=[(0,)])
    assert problem.drawn == 2
    assert from_bits(done.bits, 4).tolist() == [-1, 1, 1, 1]
    assert (done.counts["tried"], done.counts["accepted"]) == (2, 1)


def test_a_flip_that_leaves_the_accepting_batch_as_it_is_is_rejected() -> None:
    problem = NoisyProblem(np.zeros(2), (np.array([-1.0, -1]), np.array([0.0, -1])))
    (done,) = flip_rounds(problem, to_bits(ones(2)), proposals=2, seeds=[(0,)])
    assert from_bits(done.bits, 2).tolist() == [1, -1]


def test_the_most_promising_flips_are_tried_first_and_no_more_than_allowed() -> None:
    batch = np.array([-1.0, -3, 2, -2, -4])
    problem = NoisyProblem(np.zeros(5), (batch, batch))
    (done,) = flip_rounds(problem, to_bits(ones(5)), proposals=2, seeds=[(0,)])
    assert from_bits(done.bits, 5).tolist() == [1, -1, 1, 1, -1]
    assert (done.counts["tried"], done.counts["accepted"]) == (2, 2)


def test_flips_see_through_noise_that_each_batch_alone_would_follow() -> None:
    rng = np.random.default_rng(0)
    problem = NoisyProblem(rng.normal(size=200), noise=0.5)
    config = FlipConfig(rounds=8, islands=1, proposals=200)
    outcome = run(FlipSearch(problem, ones(200), config, seed=1))
    assert outcome.score > 0.9 * np.abs(problem.weights).sum()
    assert [row["step"] for row in outcome.rows] == list(range(1, 9))


def test_a_round_that_makes_the_score_worse_does_not_change_the_answer() -> None:
    truth = np.array([1.0, 1.0])
    problem = NoisyProblem(truth, (-truth,))  # both batches mislead
    outcome = run(FlipSearch(problem, ones(2), FlipConfig(rounds=2, islands=2), seed=0))
    assert outcome.solution.tolist() == [1, 1]
    assert outcome.score == 2
    assert outcome.rows[0]["score"] == outcome.rows[1]["score"] == -2
    assert outcome.rows[0]["accepted"] == outcome.rows[1]["accepted"] == 2


def test_islands_and_rounds_draw_different_batches() -> None:
    seeds_seen: list[Any] = []

    def spy(function: Callable[..., Any], tasks: Any) -> list[Any]:
        seeds_seen.extend(seed for task in tasks for seed in task[-1])
        return [function(*task) for task in tasks]

    problem = NoisyProblem(np.ones(3))
    run(FlipSearch(problem, ones(3), FlipConfig(rounds=3, islands=4), 9), Driver(spy))
    assert len(seeds_seen) == len(set(seeds_seen)) == 12


@pytest.mark.parametrize("at_once", [2, 3, 4, 100])
def test_rounds_are_the_same_however_many_a_task_does(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, config = NoisyProblem(np.ones(8)), FlipConfig(rounds=7, islands=2, proposals=3)
    monkeypatch.setattr(flips, "ROUNDS_A_TASK", 1)
    expected = run(FlipSearch(problem, -ones(8), config, 5))
    monkeypatch.setattr(flips, "ROUNDS_A_TASK", at_once)
    told: list[Progress] = []
    found = run(FlipSearch(problem, -ones(8), config, 5), Driver(observer=told.append))
    assert [progress.done for progress in told] == [*range(0, 7, at_once), 7]
    assert found.rows == expected.rows
    assert [(row["step"], row["island"]) for row in found.rows] == [
        (step, island) for step in range(1, 8) for island in (0, 1)
    ]
    assert (found.score, found.solution.tolist()) == (expected.score, expected.solution.tolist())


def test_a_wrong_increment_is_an_error() -> None:
    class Drifting(NoisyState):
        @property
        def score(self) -> float:
            return super().score + 1

    class DriftingBatch(NoisyBatch):
        def start(self, solution: Solution) -> NoisyState:
            return Drifting(self.weights, solution.copy())

    class DriftingProblem(NoisyProblem):
        def sample(self, rng: np.random.Generator) -> NoisyBatch:
            return DriftingBatch(self.weights)

    stage = FlipSearch(DriftingProblem(np.ones(2)), ones(2), FlipConfig(rounds=1), 0)
    message = r"the incremental score is 3\.0, but from scratch it is 2\.0"
    with pytest.raises(RuntimeError, match=message):
        run(stage)


def scripted(scores: list[float]) -> SampledNetworkProblem:
    """A problem whose scores are these numbers, one after the other."""
    coming = iter(scores)

    class Scripted(SampledNetworkProblem):
        def score(self, population: Population) -> Scores:
            return np.array([next(coming) for _ in population])

    problem = planted_problem()
    return Scripted(**{one.name: getattr(problem, one.name) for one in fields(problem) if one.init})


@pytest.mark.parametrize(
    ("start", "scores", "kept"),
    [
        (None, [*[0.9] * 6, 0.3, 0.4], 0.4),
        (start_of(0), [0.5, *[0.9] * 6, 0.3, 0.4], 0.5),
        (start_of(0), [0.1, *[0.9] * 6, 0.7, 0.4], 0.7),
    ],
)
def test_candidates_before_the_last_quarter_of_training_are_dropped(
    start: Solution | None, scores: list[float], kept: float
) -> None:
    outcome = run(Pretraining(scripted(scores), replace(STE, starts=1, epochs=8), 0, start))
    assert outcome.score == kept
    assert (outcome.solution is start) == (kept == 0.5)
