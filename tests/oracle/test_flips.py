"""Flips of single weights of a binary block equal plain Python on its sums."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evobin.core.samples import starts_of
from evobin.kernels import flips
from evobin.network.architecture import WHOLE, ConvBlock
from evobin.network.flips.geometry import Geometry
from evobin.network.packing import pack
from tests.oracle import naive
from tests.strategies import seeds

pytestmark = pytest.mark.kernels
N_IN, N_OUT = 3, 2


def over_time(flags: list[NDArray[Any]], words: NDArray[np.int64]) -> NDArray[np.uint64]:
    """[channels, words + 1] of [frames, channels] flags a sample, each beginning a new word."""
    planes = np.zeros((flags[0].shape[1], int(words[-1]) + 1), np.uint64)
    for first, own in zip(words[:-1], flags, strict=True):
        packed = pack(np.ascontiguousarray(own.T))
        planes[:, first : first + packed.shape[1]] = packed
    return planes


def expected_toggles(
    inputs: list[NDArray[Any]], sums: list[NDArray[Any]], change: tuple[int, ...], pool: int
) -> list[tuple[int, int]]:
    """Sample and row of each pooled sign of the filter that toggles."""
    o, i, tap, old = change
    found = []
    for sample, (x, before) in enumerate(zip(inputs, sums, strict=True)):
        products = old * (x[tap : tap + len(before), i] if tap >= 0 else 1)
        now, then = before[:, o], before[:, o] - 2 * products
        size = pool if pool != WHOLE else len(now)
        signs = [naive.pool(np.where(total > 0, 1, -1)[:, None], size) for total in (now, then)]
        found += [(sample, int(row)) for row in np.flatnonzero(signs[0] != signs[1])]
    return found


@pytest.mark.parametrize("pool", [WHOLE, 1, 2, 3, 4])
@given(st.integers(1, 70), st.lists(st.integers(1, 200), min_size=1, max_size=4), seeds)
def test_pooled_signs_that_toggle_by_a_flip(
    pool: int, kernel: int, lengths: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    inputs = [rng.choice([-1, 1], (length + kernel - 1, N_IN)) for length in lengths]
    sums = [2 * rng.integers(-4, 3, (length, N_OUT)) + 1 for length in lengths]
    starts = starts_of(np.array([len(x) for x in inputs]))
    at = Geometry.of(ConvBlock(N_OUT, kernel, pool), starts, last=False)
    above = over_time([np.where(s > 0, 1, -1) for s in sums], at.words)
    edge = over_time([np.where((s >= -1) & (s <= 2), 1, -1) for s in sums], at.words)
    planes = over_time(inputs, at.in_words)
    taps = {-1, 0, kernel // 2, kernel - 1}
    some = list(product(range(N_OUT), range(N_IN), taps, (-1, 1)))
    wanted = [
        (owner << 48) + (int(at.to[sample]) + row << 16) + change[0]
        for owner, change in enumerate(some)
        for sample, row in expected_toggles(inputs, sums, change, pool)
    ]
    toggled = np.empty(len(wanted) // 2 + 1, np.int64)
    arguments = above, edge, planes, np.array(some), at.words, at.sources, at.pool, at.to
    assert flips.rows_of_flips(*arguments, toggled) == len(wanted)
    assert toggled[: len(wanted)].tolist() == wanted[: len(toggled)]
    half = at.of_samples(slice(len(lengths) // 2, len(lengths)))
    there = above, edge, planes, np.array(some), half.words, half.sources, half.pool, half.to
    toggled = np.empty(len(wanted) + 1, np.int64)
    count = flips.rows_of_flips(*there, toggled)
    rows = at.to[len(lengths) // 2]
    assert toggled[:count].tolist() == [t for t in wanted if flips.row_of(t) >= rows]


def test_words_of_sums_know_their_inputs() -> None:
    at = Geometry.of(ConvBlock(N_OUT, 9, 2), starts_of(np.array([70, 9, 200])), last=False)
    assert at.words.tolist() == [0, 1, 2, 5]
    assert at.in_words.tolist() == [0, 2, 3, 7]
    assert at.sources.tolist() == [0, 2, 3, 4, 5]
