"""Population refinement: mating, survival, migration, and what selection sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evobin.config import PopulationConfig, SteConfig
from evobin.drive.driver import Driver
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.search import SearchResult
from evobin.training.population import Care, Refinement, breed, relink
from evobin.training.scales import plan_of
from tests.builders import TINY, NoisyBatch, NoisyProblem, planted_problem, run

SIGNS_ONLY = PopulationConfig(rounds=6, epochs=0, proposals=20, moves=("uniform", "units", "path"))


def begun(problem: Any, *latents: Any) -> SearchResult:
    """An outcome of training with these latents, the first of which is the best so far."""
    solution = np.where(np.asarray(latents[0]) > 0, 1, -1).astype(np.int8)
    score = float(problem.score(solution[None])[0])
    start = tuple(np.asarray(x, np.float32) for x in latents)
    return SearchResult(solution, score, latents=start)


def spy(seen: list[tuple[Any, ...]]) -> Driver:
    def map_tasks(function: Callable[..., Any], tasks: Any) -> list[Any]:
        seen.extend(tasks)
        return [function(*task) for task in tasks]

    return Driver(map_tasks)


def parents_of(task: tuple[Any, ...]) -> np.ndarray:
    problem, _, parents, *_ = task
    return np.frombuffer(parents, np.float32).reshape(-1, problem.n)


def child_of(problem: Any, config: PopulationConfig, parents: np.ndarray) -> np.ndarray:
    plan = None
    if config.epochs > 0:
        training = SteConfig(epochs=config.epochs, rates=(config.rate,), frames=14)
        plan = plan_of(training, problem)
    child = breed(problem, Care(config, plan), parents.tobytes(), "mean", (0,))
    return np.frombuffer(child.latent, np.float32)


def test_a_problem_that_is_no_network_is_refined_too() -> None:
    rng = np.random.default_rng(0)
    problem = NoisyProblem(rng.normal(size=200), noise=1.0)
    outcome = run(Refinement(problem, begun(problem, np.ones(200)), SIGNS_ONLY, 1))
    assert outcome.score > 0.7 * np.abs(problem.weights).sum()
    assert outcome.score == problem.score(outcome.solution[None])[0]


def test_latents_of_something_that_is_no_network_cannot_be_trained() -> None:
    problem = NoisyProblem(np.ones(5))
    with pytest.raises(TypeError, match=r"set `population\.epochs` to 0"):
        run(Refinement(problem, begun(problem, -np.ones(5)), replace(SIGNS_ONLY, epochs=1), 0))


def test_islands_descend_from_the_best_starts_and_mate_with_relatives_alone() -> None:
    problem = NoisyProblem(np.ones(40), noise=1.0)
    rng = np.random.default_rng(1)
    starts = [np.where(rng.random(40) < share, 1.0, -1.0) for share in (0.5, 0.9, 0.1, 0.7)]
    tasks: list[tuple[Any, ...]] = []
    config = replace(SIGNS_ONLY, islands=4, families=2, rounds=4, migrate=1, proposals=1)
    run(Refinement(problem, begun(problem, *starts), config, 3), spy(tasks))
    first = [parents_of(task) for task in tasks[:4]]
    for parents, start in zip(first, (1, 3, 1, 3), strict=True):
        np.testing.assert_array_equal(parents, [starts[start]])
    for number, task in enumerate(tasks[4:]):
        far = starts[(3, 1)[number % 2]]
        near = starts[(1, 3)[number % 2]]
        for parent in parents_of(task):
            assert np.sum(parent != near) < np.sum(parent != far)


def test_islands_and_rounds_breed_with_different_seeds() -> None:
    tasks: list[tuple[Any, ...]] = []
    problem = NoisyProblem(np.ones(8), noise=1.0)
    run(
        Refinement(problem, begun(problem, np.ones(8)), replace(SIGNS_ONLY, islands=3), 9),
        spy(tasks),
    )
    assert len({task[-1] for task in tasks}) == len(tasks) == 18


def test_an_island_grows_to_its_size_and_keeps_its_elite() -> None:
    tasks: list[tuple[Any, ...]] = []
    problem = NoisyProblem(np.random.default_rng(2).normal(size=60), noise=2.0)
    config = replace(SIGNS_ONLY, islands=1, size=3, rounds=8, moves=("sample",), patience=100)
    outcome = run(Refinement(problem, begun(problem, np.ones(60)), config, 0), spy(tasks))
    sizes = [len(parents_of(task)) for task in tasks]
    assert sizes == [1, 2, 3, 3, 3, 3, 3, 3]
    best = -np.inf
    for task, row in zip(tasks[1:], outcome.rows, strict=False):
        best = max(best, row["score"])
        elite = max(float(problem.weights @ np.sign(parent)) for parent in parents_of(task))
        assert elite == pytest.approx(best)


class Rotating(NoisyProblem):
    """Selection sees all signs the other way round."""

    def subsample(self, rng: np.random.Generator) -> NoisyProblem:
        return NoisyProblem(-self.weights)


def test_but_for_the_elite_who_stays_is_decided_by_what_selection_sees() -> None:
    problem = Rotating(np.ones(60), noise=3.0)
    config = replace(SIGNS_ONLY, islands=1, size=2, rounds=6, moves=("mean",), patience=100)
    tasks: list[tuple[Any, ...]] = []
    run(Refinement(problem, begun(problem, -np.ones(60)), config, 0), spy(tasks))
    for task in tasks[1:]:
        elite, other = (float(np.sign(parent).sum()) for parent in parents_of(task))
        assert elite > other
        assert other == -60.0  # the start is the worst, and what selection likes most


def test_without_a_better_child_an_island_restarts_from_a_kicked_copy_of_its_best() -> None:
    problem = NoisyProblem(np.ones(1000))
    tasks: list[tuple[Any, ...]] = []
    config = replace(SIGNS_ONLY, islands=1, rounds=4, patience=3, kick=0.1, proposals=0)
    outcome = run(Refinement(problem, begun(problem, np.ones(1000)), config, 0), spy(tasks))
    assert outcome.score == 1000
    assert (parents_of(tasks[2]) == 1).all()
    elite, kicked = sorted(parents_of(tasks[3]).tolist(), reverse=True)
    assert set(elite) == {1.0}
    assert np.mean(np.array(kicked) < 0) == pytest.approx(0.1, abs=0.03)


def test_the_mean_of_a_family_is_a_candidate_and_is_the_answer_where_it_is_best() -> None:
    # Three members that are each wrong in another place: their mean is right in all of them.
    problem = NoisyProblem(np.ones(3))
    members = [np.where(np.arange(3) == wrong, -1.0, 2.0) for wrong in range(3)]
    config = replace(SIGNS_ONLY, islands=1, size=3, rounds=1, proposals=0, moves=("units",))
    stage = Refinement(problem, begun(problem, members[0]), config, 0)
    latents = np.stack(members).astype(np.float32)
    stage.load(stage.state() | {"latents0": latents, "scores": [[1.0, 1.0, 1.0]]})
    outcome = run(stage)
    assert max(row["score"] for row in outcome.rows) < 3
    assert outcome.solution.tolist() == [1, 1, 1]
    assert outcome.score == 3


def test_a_solution_is_on_an_island_once() -> None:
    problem = NoisyProblem(np.ones(20))
    config = replace(SIGNS_ONLY, islands=2, rounds=4, migrate=1, proposals=0, patience=100)
    tasks: list[tuple[Any, ...]] = []
    run(Refinement(problem, begun(problem, np.ones(20)), config, 0), spy(tasks))
    assert [len(parents_of(task)) for task in tasks] == [1] * 8  # all children are copies


def test_elites_visit_the_next_island_of_their_family() -> None:
    problem = NoisyProblem(np.random.default_rng(4).normal(size=50), noise=2.0)
    tasks: list[tuple[Any, ...]] = []
    config = replace(SIGNS_ONLY, islands=2, rounds=2, migrate=1, moves=("mean",), patience=100)
    run(Refinement(problem, begun(problem, np.ones(50)), config, 0), spy(tasks))
    ours, theirs = (parents_of(task).tolist() for task in tasks[2:])
    assert any(parent in theirs for parent in ours if set(parent) != {1.0})


def test_a_stage_that_is_over_ends_with_what_it_has() -> None:
    problem = NoisyProblem(np.ones(20), noise=1.0)
    outcome = run(
        Refinement(problem, begun(problem, -np.ones(20)), SIGNS_ONLY, 0),
        Driver(is_over=lambda: True),
    )
    assert {row["step"] for row in outcome.rows} == {1}


def test_a_path_ends_no_worse_than_it_began_and_takes_signs_of_both_parents_alone() -> None:
    rng = np.random.default_rng(0)
    problem = NoisyProblem(rng.normal(size=100))
    first, second = (rng.normal(size=100).astype(np.float32) for _ in range(2))
    child = relink(problem, first, second, rng)
    assert ((child == first) | (child == second)).all()
    scores = [float(problem.weights @ np.sign(x)) for x in (first, second, child)]
    assert scores[2] >= scores[0]
    assert scores[2] > np.mean(scores[:2])
    np.testing.assert_array_equal(relink(problem, first, first, rng), first)


def test_training_improves_a_child_and_flips_keep_its_certainty() -> None:
    problem = planted_problem()
    latent = np.random.default_rng(0).normal(0.0, 0.05, TINY.n_weights).astype(np.float32)
    config = PopulationConfig(epochs=0, proposals=20)
    child = child_of(problem, config, latent)
    assert 0 < np.sum(child != latent) <= 20
    np.testing.assert_array_equal(np.abs(child), np.abs(latent))
    config = PopulationConfig(epochs=3, rate=0.02)
    child = child_of(problem, config, latent)
    before, after = problem.score(np.stack([np.where(x > 0, 1, -1) for x in (latent, child)]))
    assert after > before


class Backwards(NoisyProblem):
    """Flips make everything worse than the score says."""

    def sample(self, rng: np.random.Generator) -> NoisyBatch:
        return NoisyBatch(-self.weights)


def test_a_mixture_that_gains_nothing_by_improvement_stays_as_it_is() -> None:
    parents = np.ones((2, 30), np.float32)
    config = replace(SIGNS_ONLY, proposals=30)
    for kind, expected in ((NoisyProblem, -30), (Backwards, 30)):
        problem = kind(np.ones(30) if kind is Backwards else -np.ones(30))
        assert np.sign(child_of(problem, config, parents)).sum() == expected


def test_diversity_is_reported_by_layer() -> None:
    problem = planted_problem()
    latent = np.random.default_rng(0).normal(0.0, 0.05, TINY.n_weights)
    config = replace(SIGNS_ONLY, rounds=2)
    first = run(Refinement(problem, begun(problem, latent), config, 0)).rows[-1]
    names = ["differ", "differ_conv1", "differ_conv2", "differ_linear"]
    assert [name for name in first if name.startswith("differ")] == names
    assert first["differ"] > 0


def subsample(problem: SampledNetworkProblem, seed: int) -> SampledNetworkProblem:
    return problem.subsample(np.random.default_rng(seed))


def test_a_subsample_has_half_of_the_groups_each_sample_as_it_is_and_varied() -> None:
    problem = planted_problem().with_views(np.random.default_rng(0))
    views = [subsample(problem, seed) for seed in (0, 0, 1)]
    assert views[0].valid.names == views[1].valid.names != views[2].valid.names
    for view in views:
        assert len(view.valid) == len(problem.valid) // 2
        for mine, all_of in ((view.valid, problem.valid), (view.varied, problem.varied)):
            assert mine is not None
            assert all_of is not None
            rows = np.flatnonzero(np.isin(all_of.names, view.valid.names))
            assert mine.names == tuple(all_of.names[row] for row in rows)
            np.testing.assert_array_equal(mine.samples.frames, all_of.samples.subset(rows).frames)
            np.testing.assert_array_equal(mine.labels, all_of.labels[rows])


def test_a_group_is_in_a_subsample_with_all_samples_or_none() -> None:
    problem = planted_problem()
    groups = problem.valid.groups
    assert groups is not None
    groups["speaker"] = [f"s{i // 8}" for i in range(len(groups))]
    names = set(subsample(problem, 0).valid.names)
    shares = groups.assign(seen=[name in names for name in problem.valid.names])
    assert set(shares.groupby("speaker")["seen"].mean()) == {0.0, 1.0}


def test_a_subsample_scores_as_the_problem_does() -> None:
    problem = planted_problem()
    solution = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (1, TINY.n_weights))
    view = subsample(problem, 0)
    again = replace(problem, valid=view.valid)
    assert view.score(solution) == again.score(solution)
