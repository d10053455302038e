from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evobin.core.scores import (
    accuracy,
    log_likelihood_table,
    margins,
    predictions,
    selection_score,
    wilson_interval,
)

HIDDEN = 8
ODD = st.integers(-5, 4).map(lambda half: 2 * half + 1)  # logits of 8 hidden channels


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [  # Newcombe (1998), Two-sided confidence intervals for the single proportion, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_intervals_have_the_published_values(
    right: int, n: int, low: float, high: float
) -> None:
    interval = wilson_interval(right, n)
    assert interval == pytest.approx((low, high), abs=5e-5)
    assert 0 <= interval.low < interval.high <= 1


def test_more_confidence_makes_a_wider_interval() -> None:
    narrow, wide = wilson_interval(90, 100, 0.8), wilson_interval(90, 100, 0.99)
    assert wide.low < narrow.low < 0.9 < narrow.high < wide.high


@pytest.mark.parametrize(("right", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_a_share_that_cannot_be_is_refused(right: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"`right` must be from 0 to `n` .* got {right}, {n}"):
        wilson_interval(right, n)


def test_a_logit_of_zero_answers_label_0() -> None:
    assert accuracy(np.array([0]), np.array([0])) == 1
    assert accuracy(np.array([0]), np.array([1])) == 0
    assert accuracy(np.array([0, 1, -1, 3]), np.array([1, 1, 0, 0])) == 0.5


def test_a_margin_is_the_logit_in_the_direction_of_the_label() -> None:
    logits, labels = np.array([5, -5, 3, -3]), np.array([1, 1, 0, 0], np.int8)
    assert margins(logits, labels).tolist() == [5, -5, -3, 3]


def test_of_several_logits_the_first_of_the_largest_answers_and_its_lead_is_the_margin() -> None:
    logits = np.array([[1, 5, 5], [3, -1, 1], [-1, -5, 3]])
    assert predictions(logits).tolist() == [1, 0, 2]
    labels = np.array([2, 0, 0], np.int8)
    assert margins(logits, labels).tolist() == [0, 2, -4]
    assert accuracy(logits, labels) == 1 / 3


@st.composite
def two_logits(
    draw: st.DrawFn, n_logits: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]:
    n = draw(st.integers(1, 40))
    size = n * n_logits
    lists = [draw(st.lists(ODD, min_size=size, max_size=size)) for _ in range(2)]
    labels = draw(st.lists(st.integers(0, max(1, n_logits - 1)), min_size=n, max_size=n))
    shape = (n,) if n_logits == 1 else (n, n_logits)
    first, second = (np.array(logits).reshape(shape) for logits in lists)
    return first, second, np.array(labels, np.int8)


@given(two_logits(1) | two_logits(3))
def test_selection_compares_accuracy_first_and_then_the_margin(
    drawn: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]],
) -> None:
    *logits, labels = drawn
    scores = [selection_score(one, labels, HIDDEN) for one in logits]
    pairs = [(accuracy(one, labels), int(margins(one, labels).sum())) for one in logits]
    assert (scores[0] < scores[1]) == (pairs[0] < pairs[1])
    assert (scores[0] == scores[1]) == (pairs[0] == pairs[1])


def test_the_largest_margins_count_for_less_than_one_sample() -> None:
    n = 10_000
    labels = np.ones(n, np.int8)
    worse = np.full(n, HIDDEN + 1)
    worse[0] = -1
    better = np.ones(n, np.int64)
    assert selection_score(worse, labels, HIDDEN) < selection_score(better, labels, HIDDEN)


@pytest.mark.parametrize("width", [0.5, 2.0, 11.3])
@pytest.mark.parametrize("n_hidden", [1, 4, 128])
def test_the_log_likelihood_table_holds_the_formula(n_hidden: int, width: float) -> None:
    table = log_likelihood_table(n_hidden, width)
    assert table.shape == (2, 2 * n_hidden + 3)
    for logit in range(-n_hidden - 1, n_hidden + 2):
        odds = math.exp(logit / width)
        column = table[:, logit + n_hidden + 1]
        expected = [-math.log1p(odds), -math.log1p(1 / odds)]
        assert column == pytest.approx(expected, rel=1e-9, abs=1e-15)
