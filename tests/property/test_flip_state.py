"""Incremental evaluation equals evaluation from scratch, after any flips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from evobin.clips import Clips
from evobin.evaluation import Batch, NetworkFlipState
from evobin.network import Architecture, BinaryNetwork, ConvBlock
from tests.oracle import naive
from tests.strategies import architectures, random_clips, random_solution, seeds

pytestmark = pytest.mark.kernels
SMALL = (1, 2, 3, 5)


def random_state(
    architecture: Architecture, rng: np.random.Generator, count: int = 4
) -> NetworkFlipState:
    clips = Clips.join(random_clips(architecture, count, rng))
    labels = rng.integers(0, 2, count).astype(np.int8)
    return NetworkFlipState(architecture, random_solution(architecture, rng), Batch(clips, labels))


def all_numbers(state: NetworkFlipState) -> list[np.ndarray]:
    arrays = [state.logits, state._active]
    for block in state._blocks:
        arrays += [block.sums, block.signs, block.filters, block.updates, block.bias]
    return arrays


def naive_score(state: NetworkFlipState, solution: np.ndarray) -> float:
    architecture = state.architecture
    clips = [state.clips[c] for c in range(len(state.clips))]
    logits = [naive.answer(architecture, solution, clip).logit for clip in clips]
    return naive.log_likelihood(logits, state.labels, architecture.n_hidden)


@given(architectures(widths=(1, 3, 64, 65), max_kernel=4), seeds)
def test_after_any_flips_every_number_equals_a_rebuild(
    architecture: Architecture, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    state = random_state(architecture, rng)
    for index in rng.integers(0, architecture.n_weights, 40):
        state.flip(int(index))
    state.verify()
    rebuilt = NetworkFlipState(architecture, state.solution, Batch(state.clips, state.labels))
    for number, expected in zip(all_numbers(state), all_numbers(rebuilt), strict=True):
        np.testing.assert_array_equal(number, expected)
    assert state.score == rebuilt.score


@given(architectures(widths=SMALL, max_kernel=4), seeds)
def test_flipping_twice_restores_every_number(architecture: Architecture, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = random_state(architecture, rng)
    before = [number.copy() for number in all_numbers(state)]
    for index in rng.integers(0, architecture.n_weights, 5):
        state.flip(int(index))
        state.flip(int(index))
    for number, expected in zip(all_numbers(state), before, strict=True):
        np.testing.assert_array_equal(number, expected)


@given(architectures(widths=SMALL, max_kernel=3), seeds)
def test_the_score_equals_the_naive_log_likelihood(architecture: Architecture, seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = random_state(architecture, rng, count=2)
    state.flip(int(rng.integers(architecture.n_weights)))
    assert state.score == pytest.approx(naive_score(state, state.solution), rel=1e-12)


@given(seeds)
def test_gains_of_the_last_convolution_and_the_linear_layer_equal_brute_force(seed: int) -> None:
    architecture = Architecture(3, (ConvBlock(4, 3, 2), ConvBlock(5, 3, 2), ConvBlock(6, 2, 2)))
    rng = np.random.default_rng(seed)
    state = random_state(architecture, rng)
    gains, before = state.gains(), state.score
    for index in range(architecture.layers[2].start, architecture.n_weights):
        state.flip(index)
        assert gains[index] == pytest.approx(state.score - before, abs=1e-12)
        state.flip(index)


@pytest.mark.needs_jit
@pytest.mark.parametrize("layer", [0, 1])
def test_gains_of_the_earlier_layers_rank_the_exact_changes(layer: int) -> None:
    architecture = Architecture(4, (ConvBlock(12, 3, 2), ConvBlock(12, 3, 2), ConvBlock(12, 3)))
    predicted, exact = [], []
    for seed in range(5):
        state = random_state(architecture, np.random.default_rng(seed), count=40)
        gains, before = state.gains(), state.score
        part = architecture.layers[layer]
        for index in range(part.start, part.stop):
            state.flip(index)
            predicted.append(gains[index])
            exact.append(state.score - before)
            state.flip(index)
    changed = np.array(exact) != 0
    ranks = [np.argsort(np.argsort(np.array(x)[changed])) for x in (predicted, exact)]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] > 0.6


def test_a_broken_cache_is_found() -> None:
    state = random_state(Architecture(2, (ConvBlock(3, 2),)), np.random.default_rng(0))
    state.logits[1] += 2
    with pytest.raises(RuntimeError, match=r"incremental logit -?\d+ of clip 1 differs from"):
        state.verify()


def test_a_flip_outside_the_solution_is_refused() -> None:
    state = random_state(Architecture(2, (ConvBlock(3, 2),)), np.random.default_rng(0))
    with pytest.raises(IndexError, match=r"`index` must be from 0 to 18, got 19"):
        state.flip(19)


def test_rounded_features_differ_from_the_given_ones_by_less_than_a_float16_step() -> None:
    rng = np.random.default_rng(0)
    architecture = Architecture(64, (ConvBlock(2, 9),))
    clips = Clips.join([rng.normal(-5, 3, (80, 64)).astype(np.float16)])
    batch = Batch(clips, np.array([1], np.int8))
    state = NetworkFlipState(architecture, random_solution(architecture, rng), batch)
    assert np.abs(state.clips.frames - clips.frames).max() < 2**-16
    logits = BinaryNetwork(architecture, state.solution).logits(state.clips)
    np.testing.assert_array_equal(state.logits, logits)
