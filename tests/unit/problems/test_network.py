"""Labelled samples as a problem of fixed score, searched flip by flip."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from typing import Any, cast, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from numpy.typing import NDArray

from evobin.core.compiled import CompiledState
from evobin.core.objective import ObjectiveName
from evobin.core.problem import FlipState, verify
from evobin.core.samples import Samples
from evobin.errors import SettingError
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.flips.convolution import box_bytes
from evobin.network.flips.state import NetworkFlipState
from evobin.problems import network
from evobin.problems.network import NetworkBatch, NetworkProblem
from tests.builders import DENSE, TINY
from tests.oracle import naive
from tests.strategies import architectures, random_samples, random_signs, random_solution, seeds

GLOBAL_MAX = Architecture(3, (ConvBlock(9, 2, 2), ConvBlock(5, 2, WHOLE), ConvBlock(7, 1)), 3)
SIGNED = replace(DENSE, binary_inputs=True)
MANY = Architecture(5, (ConvBlock(9, 1),), n_classes=100, frames=1)
FRAMES = Architecture(3, (ConvBlock(9, 4), ConvBlock(5, 1), ConvBlock(6, 1)), frames=4)


def random_problem(
    architecture: Architecture,
    rng: np.random.Generator,
    count: int = 5,
    width: float | None = None,
) -> NetworkProblem:
    samples = random_samples(architecture, count, rng, halves=False)
    labels = rng.integers(0, architecture.n_classes, count)
    return NetworkProblem(architecture, samples, labels, logit_width=width)


def batch_of(problem: NetworkProblem) -> NetworkBatch:
    return NetworkBatch(problem.architecture, problem.batch.samples, problem.batch.labels)


def assert_the_same_along_flips(problem: NetworkProblem, rng: np.random.Generator) -> None:
    state = problem.start(random_solution(problem.architecture, rng))
    for index in rng.integers(0, problem.n, 12).tolist():
        state.flip(index)
        assert state.score == problem.score(state.solution[None])[0]
        if rng.random() < 0.5:
            state.flip(index)
    verify(problem, state)


@given(architectures(widths=(1, 3, 64, 65), max_kernel=4), seeds)
def test_the_score_of_a_state_is_that_of_the_problem_along_any_flips(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    assert_the_same_along_flips(random_problem(architecture, rng), rng)


@pytest.mark.parametrize("width", [0.25, 1.0, 50.0])
@pytest.mark.parametrize("architecture", [DENSE, TINY, GLOBAL_MAX, MANY])
def test_scores_and_exact_gains_hold_for_any_logit_width(
    architecture: Architecture, width: float
) -> None:
    rng = np.random.default_rng(0)
    problem = random_problem(architecture, rng, 30, width)
    assert_the_same_along_flips(problem, rng)
    state = problem.start(random_solution(architecture, rng))
    exact = np.flatnonzero(state.exact())
    changes = state.scores(exact) - state.score
    np.testing.assert_allclose(state.gains()[exact], changes, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("width", [0.2, -1.0, np.nan])
def test_a_logit_width_out_of_range_is_refused(width: float) -> None:
    with pytest.raises(SettingError, match=r"`logit_width` must be from 0.25 to 1000000, but it"):
        random_problem(DENSE, np.random.default_rng(0), width=width)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e5])
@pytest.mark.parametrize("architecture", [DENSE, TINY, GLOBAL_MAX, MANY])
def test_scores_agree_whatever_the_features_and_their_scale(
    architecture: Architecture, scale: float
) -> None:
    rng = np.random.default_rng(0)
    samples = [
        scale * x.astype(np.float64) for x in random_samples(architecture, 40, rng, halves=False)
    ]
    labels = rng.integers(0, architecture.n_classes, 40)
    assert_the_same_along_flips(NetworkProblem(architecture, samples, labels), rng)


@pytest.mark.parametrize("objective", get_args(ObjectiveName))
@pytest.mark.parametrize("width", [None, 0.25, 3.0])
@given(architectures(widths=(1, 3, 5), max_kernel=3), seeds)
def test_the_score_is_the_naive_mean_of_what_samples_are_worth(
    objective: ObjectiveName, width: float | None, architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    samples = random_samples(architecture, 3, rng)
    labels = rng.integers(0, architecture.n_classes, 3)
    problem = NetworkProblem(architecture, samples, labels, objective=objective, logit_width=width)
    population = np.stack([random_solution(architecture, rng) for _ in range(2)])
    for solution, score in zip(population, problem.score(population), strict=True):
        logits = [naive.answer(architecture, solution, sample).logits for sample in samples]
        worth = naive.worth(objective, logits, labels, problem.logit_width)
        assert score == pytest.approx(sum(worth) / len(worth), rel=1e-11)


def test_a_narrow_expected_accuracy_is_nearly_the_accuracy() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 12)), rng.integers(0, 3, 500)  # noqa: N806
    problem = NetworkProblem(DENSE, X, y, objective="accuracy", logit_width=0.25)
    assert problem.logit_width < NetworkProblem(DENSE, X, y, objective="accuracy").logit_width
    solution = random_solution(DENSE, rng)
    right = (problem.network(solution).predict(list(X[:, None])) == y).mean()
    assert problem.score(solution[None])[0] == pytest.approx(right, abs=0.1)  # equal logits share


def test_an_objective_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match=r"`objective` must be .*likelihood.*but it is 'hinge'"):
        NetworkProblem(DENSE, np.zeros((2, 12)), [0, 1], objective=cast("Any", "hinge"))


def test_expected_accuracy_wants_compiled_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = random_problem(TINY, np.random.default_rng(0)).batch
    monkeypatch.setattr(network, "LARGEST_BOX", 1000)
    with pytest.raises(SettingError, match=r'`objective` must be "likelihood" where'):
        NetworkProblem(TINY, batch.samples, batch.labels, objective="accuracy")


def test_a_matrix_is_the_list_of_its_rows() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 12)), rng.integers(0, 3, 30)  # noqa: N806
    solution = random_solution(DENSE, rng)
    given: list[Any] = [
        X,
        X.tolist(),
        [*X],
        [*X[:, None]],
        X[:, None],
        pd.DataFrame(X),
        np.asfortranarray(X),
        Samples(X.copy(), np.arange(31)),
    ]
    scores = {float(NetworkProblem(DENSE, one, y).score(solution[None])[0]) for one in given}
    assert len(scores) == 1


@pytest.mark.parametrize("kind", [list, np.float64, np.uint8, pd.Series])
def test_labels_may_be_of_any_kind_that_holds_whole_numbers(kind: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 12)), [0, 1, 2, 0, 1, 2]  # noqa: N806
    problem = NetworkProblem(DENSE, X, kind(y))
    assert problem.batch.labels.dtype == np.int8
    assert problem.batch.labels.tolist() == y


def test_what_is_given_is_copied_and_left_as_it_is() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 12)).astype(np.float32), np.zeros(6, np.int8)  # noqa: N806
    before = X.copy()
    problem = NetworkProblem(DENSE, X, y)
    solution = random_solution(DENSE, rng)
    score = problem.score(solution[None])
    np.testing.assert_array_equal(X, before)
    X[:], y[:] = 0, 1
    assert problem.score(solution[None]) == score
    assert NetworkProblem(DENSE, before, np.zeros(6)).score(solution[None]) == score


def test_no_score_depends_on_threads_or_on_a_journey() -> None:
    rng = np.random.default_rng(0)
    samples, labels = random_samples(TINY, 20, rng, halves=False), rng.integers(0, 2, 20)
    one, two = (NetworkProblem(TINY, samples, labels, n_threads=n) for n in (1, 2))
    population = np.stack([random_solution(TINY, rng) for _ in range(3)])
    np.testing.assert_array_equal(one.score(population), two.score(population))
    travelled = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(travelled.score(population), one.score(population))


def test_the_network_of_a_solution_answers() -> None:
    rng = np.random.default_rng(0)
    samples = random_samples(GLOBAL_MAX, 10, rng)
    problem = NetworkProblem(GLOBAL_MAX, samples, np.arange(10) % 3)
    solution = random_solution(GLOBAL_MAX, rng)
    expected = [naive.answer(GLOBAL_MAX, solution, sample).label for sample in samples]
    assert problem.network(solution).predict(samples).tolist() == expected


def test_layers_and_hidden_units_are_known() -> None:
    structure = random_problem(TINY, np.random.default_rng(0)).structure
    assert list(structure.layers) == ["conv1", "conv2", "linear"]
    assert [part.stop for part in structure.layers.values()][-1] == TINY.n_weights
    assert [len(units) for units in structure.units] == [8, 8]


def test_gains_are_the_effects_where_a_state_says_that_they_are_exact() -> None:
    rng = np.random.default_rng(0)
    problem = batch_of(random_problem(GLOBAL_MAX, rng, 20))
    state = problem.start(random_solution(GLOBAL_MAX, rng))
    exact = state.exact()
    assert 0 < exact.sum() < problem.n
    effects = state.effects(np.flatnonzero(exact).tolist())
    np.testing.assert_allclose(state.gains()[exact], effects, atol=1e-12)


def test_what_a_state_inherits_equals_its_own_faster_way() -> None:
    rng = np.random.default_rng(0)
    state = batch_of(random_problem(GLOBAL_MAX, rng)).start(random_solution(GLOBAL_MAX, rng))
    indices = rng.integers(0, GLOBAL_MAX.n_weights, 20).tolist()
    np.testing.assert_array_equal(state.scores(indices), FlipState.scores(state, indices))


@pytest.mark.parametrize("architecture", [DENSE, MANY, FRAMES, TINY, GLOBAL_MAX])
def test_walks_on_networks_are_compiled_and_their_scores_those_of_a_batch(
    architecture: Architecture,
) -> None:
    rng = np.random.default_rng(0)
    problem = random_problem(architecture, rng, 20)
    solution = random_solution(architecture, rng)
    state = problem.start(solution)
    batch = NetworkFlipState(architecture, solution, problem.batch)
    assert isinstance(state, CompiledState)
    assert state.exact().all()
    some = rng.integers(0, problem.n, 30).tolist()
    np.testing.assert_allclose(state.effects(some), batch.effects(some), rtol=0, atol=1e-12)
    assert state.score == pytest.approx(batch.score, rel=0, abs=1e-12)


def test_samples_that_are_too_many_for_a_compiled_walk_are_followed_as_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    compiled = random_problem(TINY, rng)
    monkeypatch.setattr(network, "LARGEST_BOX", 1000)
    problem = NetworkProblem(TINY, compiled.batch.samples, compiled.batch.labels)
    assert isinstance(problem.start(random_solution(TINY, rng)), NetworkFlipState)
    assert_the_same_along_flips(problem, rng)


@pytest.mark.parametrize("architecture", [TINY, GLOBAL_MAX, replace(TINY, binary_inputs=True)])
def test_the_memory_of_a_compiled_walk_is_known_beforehand(architecture: Architecture) -> None:
    rng = np.random.default_rng(0)
    problem = random_problem(architecture, rng, 2000)
    box = problem.box(random_solution(architecture, rng))
    small = ("found", "ends", "after", "block", "gains", "signs", "head", "updates")
    held = [getattr(box, name) for name in box._fields if name not in (*small, "objective")]
    total = sum(array.nbytes for array in held)
    assert total == pytest.approx(box_bytes(architecture, problem.batch.samples), rel=0.1)


def test_a_broken_cache_is_found() -> None:
    problem = batch_of(random_problem(TINY, np.random.default_rng(0)))
    state = problem.start(np.ones(TINY.n_weights, np.int8))
    assert isinstance(state, NetworkFlipState)
    state._logits[1] += 2
    state.flip(0)
    with pytest.raises(RuntimeError, match=r"the incremental score is -\d.+, but from scratch it"):
        verify(problem, state)


def matrix(shape: tuple[int, ...] = (4, 12), planted: float = 0.0) -> NDArray[np.float64]:
    x = np.zeros(shape)
    x[2:3, 3:4] = planted
    return x


def test_binary_inputs_are_held_in_int8_and_scored_as_their_numbers_are() -> None:
    rng = np.random.default_rng(0)
    x, y = random_signs(rng, (30, 12)), rng.integers(0, 3, 30)
    real, binary = NetworkProblem(DENSE, x, y), NetworkProblem(SIGNED, x, y)
    assert binary.batch.samples.frames.dtype == np.int8
    solution = random_solution(DENSE, rng)
    assert binary.score(solution[None]) == real.score(solution[None])
    scores = binary.start(solution).scores(range(DENSE.n_weights))
    np.testing.assert_array_equal(scores, real.start(solution).scores(range(DENSE.n_weights)))


@pytest.mark.parametrize(
    ("architecture", "x", "message"),
    [
        (
            SIGNED,
            np.eye(12) * 2 - 1 + np.eye(12)[5] * 0.5,
            "`X` must hold only -1 and +1 for binary inputs, but it holds -0.5 at [0, 5]; bina",
        ),
        (
            replace(TINY, binary_inputs=True),
            [np.ones((9, 4)), np.zeros((9, 4))],
            "`X[1]` must hold only -1 and +1 for binary inputs, but it holds 0.0 at [0, 0]; bin",
        ),
        (DENSE, [], "`X` must hold at least one sample, but it is empty"),
        (DENSE, matrix((0, 12)), "`X` must hold at least one sample, but it is empty"),
        (DENSE, matrix((4, 11)), "`X` must have shape [*, 12], but it has shape [4, 11]"),
        (
            DENSE,
            matrix(planted=np.nan),
            "`X` must be finite, but it holds nan at [2, 3]; fill it in",
        ),
        (DENSE, matrix(planted=-np.inf), "`X` must be finite, but it holds -inf at [2, 3]"),
        (DENSE, matrix().astype(complex), "`X` must hold real numbers, but it holds complex128"),
        (DENSE, matrix().astype(str), "`X` must hold real numbers, but it holds <U32"),
        (DENSE, [matrix((1, 12)), matrix((1, 9))], "`X[1]` must have shape [*, 12], but it has sh"),
        (DENSE, matrix((4, 2, 12)), "must have exactly 1 frames each, but sample 0 has 2"),
        (DENSE, matrix((2, 2, 1, 12)), "`X[0]` must have shape [*, 12], but it has shape [2, 1, 1"),
        (TINY, [matrix((9, 4)), *[matrix((9, 4))] * 2, np.full((9, 4), np.nan)], "`X[3]` must be"),
        (TINY, [matrix((9, 3))], "`X[0]` must have shape [*, 4], but it has shape "),
        (TINY, [matrix((3, 4))], "`samples` must have at least 5 frames each, but sample 0 has 3"),
        (TINY, matrix((9, 4)), "`X` must be a list of [frames, features] for this architecture, "),
        (
            DENSE,
            matrix(planted=2e6),
            "`largest feature` must be from 1.0 to 1000000.0, but it is 20000",
        ),
    ],
)
def test_samples_that_do_not_fit_are_refused(
    architecture: Architecture, x: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        NetworkProblem(architecture, x, np.zeros(len(x), int))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "`y` must have shape [4], but it has shape [2]"),
        ([[0, 1, 2, 0]], "`y` must have shape [4], but it has shape [1, 4]"),
        (
            ["a", "b", "a", "b"],
            "`y` must hold whole numbers from 0, but it holds <U1; number the c",
        ),
        ([0, 1, 2, 3], "`y` must hold whole numbers from 0 to 2, but it holds 3 at index 3; numbe"),
        ([0, -1, 2, 1], "`y` must hold whole numbers from 0 to 2, but it holds -1 at index 1"),
        ([0, 1, 0.5, 1], "`y` must hold whole numbers from 0 to 2, but it holds 0.5 at index 2"),
        ([0, 1, np.nan, 1], "`y` must hold whole numbers from 0 to 2, but it holds nan at index 2"),
        ([0, 1, 2, np.inf], "`y` must hold whole numbers from 0 to 2, but it holds inf at index 3"),
        ([0, 1, 2, 2**40], "whole numbers from 0 to 2, but it holds 1099511627776 at index 3"),
    ],
)
def test_labels_that_are_not_numbers_of_classes_are_refused(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        NetworkProblem(DENSE, matrix(), y)


def test_solutions_that_do_not_fit_are_refused() -> None:
    problem = random_problem(TINY, np.random.default_rng(0))
    short, zeros = np.ones((2, 5), np.int8), np.zeros((1, TINY.n_weights), np.int8)
    with pytest.raises(ValueError, match=r"`population` must have shape \[\*, 249\], but it has"):
        problem.score(short)
    with pytest.raises(ValueError, match=r"`population` must have shape \[\*, 249\], but it has"):
        problem.score(np.ones(TINY.n_weights, np.int8))
    for refuses in (problem.score, lambda zeros: problem.start(zeros[0])):
        with pytest.raises(ValueError, match="must hold only -1 and \\+1, but it holds 0 at index"):
            refuses(zeros)
    with pytest.raises(ValueError, match=r"must have shape \[249\], but it has shape \[5\]"):
        problem.network(short[0])
