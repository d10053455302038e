from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from evobin.config import AugmentConfig, SteConfig
from evobin.core.scores import accuracy, accuracy_of, margins
from evobin.network.binary import BinaryNetwork
from evobin.network.flips.state import NetworkFlipState
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.ste import Pretraining
from tests.builders import DENSE, TINY, binary_problem, classes_problem, planted_problem, run
from tests.strategies import random_solution


@pytest.mark.parametrize(("batch_size", "share"), [(32, 10), (3, 1), (2, 1), (300, 100)])
def test_a_batch_has_as_many_samples_of_each_label_and_one_at_least(
    batch_size: int, share: int
) -> None:
    problem = replace(classes_problem(), batch_size=batch_size)
    batch = problem.sample(np.random.default_rng(0)).batch
    assert np.bincount(batch.labels).tolist() == [share] * 3
    assert len(batch.samples) == 3 * share


def test_a_label_that_no_training_sample_has_is_skipped() -> None:
    problem = classes_problem()
    some = problem.train.subset(np.flatnonzero(problem.train.labels != 1))
    batch = replace(problem, train=some).sample(np.random.default_rng(0)).batch
    assert np.bincount(batch.labels).tolist() == [16, 0, 16]


def test_samples_of_a_fixed_length_are_drawn_as_they_are() -> None:
    problem = classes_problem()
    samples, labels = problem.train.samples.frames, problem.train.labels
    label_of = {sample.tobytes(): label for sample, label in zip(samples, labels, strict=True)}
    batch = problem.sample(np.random.default_rng(0)).batch
    for sample, label in zip(batch.samples.frames, batch.labels, strict=True):
        assert label_of[sample.tobytes()] == label


def test_half_of_the_samples_of_a_fixed_length_are_in_a_subsample_as_they_are() -> None:
    problem = classes_problem().with_views(np.random.default_rng(0))
    assert problem.varied is None
    seen = problem.subsample(np.random.default_rng(0)).valid
    assert len(seen) == len(set(seen.names)) == 45
    assert set(seen.names) < set(problem.valid.names)


def test_every_validation_sample_has_four_crops_varied_twice_as_much_as_in_training() -> None:
    plain = planted_problem()
    problem = plain.with_views(np.random.default_rng(0))
    again, other = (plain.with_views(np.random.default_rng(seed)).varied for seed in (0, 1))
    assert problem.varied is not None
    assert again is not None
    assert other is not None
    n = len(plain.valid)
    assert problem.varied.names == plain.valid.names * 4
    assert problem.n_scored == 5 * n
    np.testing.assert_array_equal(problem.varied.labels, np.tile(plain.valid.labels, 4))
    assert set(problem.varied.samples.lengths) == {plain.frames}
    np.testing.assert_array_equal(problem.varied.samples.frames, again.samples.frames)
    assert not np.array_equal(problem.varied.samples.frames, other.samples.frames)
    still = replace(plain, augment=AugmentConfig(0, 0, 0)).with_views(np.random.default_rng(0))
    assert still.varied is not None
    shifts = problem.varied.samples.frames - still.varied.samples.frames
    spread = 2 * np.hypot(plain.augment.gain, plain.augment.equaliser)
    assert 0.8 * spread < shifts.std() < 1.2 * spread


def test_the_score_is_of_samples_and_crops_together() -> None:
    problem = planted_problem().with_views(np.random.default_rng(0))
    assert problem.varied is not None
    solution = random_solution(TINY, np.random.default_rng(0))
    right = sum(
        np.count_nonzero((BinaryNetwork(TINY, solution).logits(part.samples) > 0) == part.labels)
        for part in (problem.valid, problem.varied)
    )
    score = float(problem.score(solution[None])[0])
    assert accuracy_of(score, problem.n_scored) == right / (5 * len(problem.valid))


def test_only_what_is_as_good_on_the_validation_samples_can_beat_a_guarded_start() -> None:
    plain = planted_problem()
    problem = plain.with_views(np.random.default_rng(0))
    rng = np.random.default_rng(1)
    solutions = np.stack([random_solution(TINY, rng) for _ in range(200)])
    scores, right = problem.score(solutions), np.floor(plain.score(solutions) * 64)
    place = int(np.argsort(scores)[100])
    guarded = problem.guarded(solutions[place]).score(solutions)
    worse = right < right[place]
    assert np.any(scores[worse] > scores[place])
    assert np.all(guarded[worse] < guarded[place])
    np.testing.assert_array_equal(guarded[~worse], scores[~worse])
    np.testing.assert_array_equal(guarded <= scores, True)


def test_the_score_of_several_classes_is_accuracy_and_then_the_mean_margin() -> None:
    problem = classes_problem()
    solution = random_solution(DENSE, np.random.default_rng(0))
    logits = BinaryNetwork(DENSE, solution).logits(problem.valid.samples)
    right, margin = (f(logits, problem.valid.labels) for f in (accuracy, margins))
    expected = right + (0.5 + 0.499 * np.mean(margin) / (2 * 17)) / 90
    assert problem.score(solution[None])[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["gain", "tract", "speed", "pauses"])
def test_variations_of_log_mel_are_refused_for_samples_of_a_fixed_length(name: str) -> None:
    message = rf"`augment.{name}` varies log-mel of any length, but the architecture's `frames`"
    with pytest.raises(ValueError, match=message):
        replace(classes_problem(), augment=AugmentConfig(**{name: 0.2}))
    replace(classes_problem(), augment=AugmentConfig(**{name: 0.0}))
    replace(planted_problem(), augment=AugmentConfig(**{name: 0.2}))


def test_crops_of_binary_inputs_are_not_varied() -> None:
    problem = binary_problem(planted_problem())
    varied = problem.with_views(np.random.default_rng(0)).varied
    drawn = problem.sample(np.random.default_rng(0)).batch.samples
    assert varied is not None
    for samples in (varied.samples, drawn):
        assert set(np.unique(samples.frames)) == {-1, 1}
    message = r"`augment.speed` varies log-mel, but the architecture's inputs are binary"
    with pytest.raises(ValueError, match=message):
        replace(problem, augment=AugmentConfig(speed=0.2))
    with pytest.raises(ValueError, match=r"`samples` must hold only -1 and \+1 for binary"):
        replace(planted_problem(), architecture=problem.architecture)


@pytest.mark.parametrize(("make", "least"), [(planted_problem, 0.65), (classes_problem, 0.8)])
def test_a_network_learns_from_binary_inputs(
    make: Callable[[], SampledNetworkProblem], least: float
) -> None:
    problem = binary_problem(make())
    start = run(Pretraining(problem, SteConfig(epochs=15, frames=problem.frames), 0)).solution
    batch = problem.sample(np.random.default_rng(0))
    state = batch.start(start)
    assert state.score == batch.score(start[None])[0]
    assert accuracy_of(problem.score(start[None])[0], len(problem.valid)) > least


def test_labels_beyond_the_classes_are_refused() -> None:
    problem = classes_problem()
    two = replace(DENSE, n_classes=2)
    with pytest.raises(ValueError, match=r"`train.labels` must be from 0 to 1, but it is 2"):
        replace(problem, architecture=two)
    batch = problem.sample(np.random.default_rng(0)).batch
    with pytest.raises(ValueError, match=r"`label` must be from 0 to 1, but it is 2"):
        NetworkFlipState(two, np.ones(two.n_weights, np.int8), batch)
