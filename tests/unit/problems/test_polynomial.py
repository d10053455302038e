"""Polynomials: what is understood, what is refused, and that no term is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin.core.problem import verify
from evobin.errors import SettingError
from evobin.problems.ising import Ising
from evobin.problems.polynomial import Over, Polynomial
from evobin.problems.qubo import QUBO
from tests.boxes import verify_all
from tests.oracle import naive_boxes as naive

overs = pytest.mark.parametrize("over", ["signs", "bits"])
products = st.lists(st.integers(0, 5), max_size=6).map(tuple)
polynomials = st.dictionaries(products, st.integers(-5, 5), max_size=12)


@overs
@given(terms=polynomials, bits=st.integers(0, 63))
def test_any_polynomial_is_worth_what_its_terms_add_up_to(
    over: Over, terms: dict[Any, float], bits: int
) -> None:
    signs = np.array([1 if bits >> i & 1 else -1 for i in range(6)], np.int8)
    problem = Polynomial(terms, 6, over=over)
    assert problem.energy(signs) == naive.polynomial(terms, signs, bits=over == "bits")
    kept = problem.to_dict()
    assert Polynomial(kept, 6, over=over).to_dict() == kept
    assert all(list(product) == sorted(set(product)) for product in kept)
    assert 0 not in kept.values()


@overs
@given(terms=polynomials, flips=st.lists(st.integers(0, 5), max_size=20))
def test_after_any_flips_every_number_equals_one_from_scratch(
    over: Over, terms: dict[Any, float], flips: list[int]
) -> None:
    problem = Polynomial(terms, 6, over=over)
    state = problem.start(np.ones(6, np.int8))
    for index in flips:
        state.flip(index)
    verify_all(problem, state)


def test_those_of_order_2_are_qubo_and_ising() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(-9, 10, (12, 12))
    population = rng.choice(np.array([-1, 1], np.int8), (20, 12))
    terms = {(i, j): int(matrix[i, j]) for i in range(12) for j in range(12)}
    np.testing.assert_array_equal(
        Polynomial(terms, over="bits").score(population), QUBO(matrix).score(population)
    )
    np.testing.assert_array_equal(
        Polynomial(terms).score(population), Ising(matrix).score(population)
    )


@overs
def test_arrays_are_terms_too(over: Over) -> None:
    members = np.array([[2, 0, 1], [1, -1, 1], [-1, -1, -1], [0, 1, 2]], np.int32)
    coefficients = np.array([2, 3, 5, -7])
    given_members, given_coefficients = members.copy(), coefficients.copy()
    problem = Polynomial.from_arrays(members, coefficients, 4, over=over)
    expected = {(): 8.0} if over == "signs" else {(): 5.0, (1,): 3.0}
    assert problem.to_dict() == expected | {(0, 1, 2): -5.0}
    assert problem.n == 4
    np.testing.assert_array_equal(members, given_members)
    np.testing.assert_array_equal(coefficients, given_coefficients)


@pytest.mark.parametrize("terms", [{}, {(): 3}, {(0, 0): 0}])
def test_a_polynomial_without_a_variable_works(terms: dict[Any, float]) -> None:
    problem = Polynomial(terms, 2)
    assert problem.energy(np.array([1, -1])) == sum(terms.values())
    state = problem.start(np.array([1, -1], np.int8))
    state.flip(1)
    verify(problem, state)
    assert str(Polynomial({}, 1).energy(np.array([1]))) == "0.0"


@overs
def test_huge_coefficients_stay_exact(over: Over) -> None:
    rng = np.random.default_rng(0)
    products = rng.integers(0, 10, (40, 3))
    for scale in (1e-280, 1e-5, 2.0**31, 1e290):
        problem = Polynomial.from_arrays(products, rng.normal(size=40) * scale, over=over)
        state = problem.start(np.ones(problem.n, np.int8))
        for index in rng.integers(0, problem.n, 50).tolist():
            state.flip(index)
        verify_all(problem, state)


def test_a_variable_may_be_its_number_alone() -> None:
    assert Polynomial({0: 2, np.int64(1): 3, frozenset([0, 1]): 1}).to_dict() == {
        (0,): 2.0,
        (1,): 3.0,
        (0, 1): 1.0,
    }


@pytest.mark.parametrize(
    ("terms", "n", "message"),
    [
        ({(0, 3): 1}, 3, "variables must be from 0 to 2, but one is 3"),
        ({(0, -1): 1}, None, "variables must be from 0 to 0, but one is -1"),
        ({(0, 1.5): 1}, None, "variables must be whole numbers, but they are float64"),
        ({("a", "b"): 1}, None, "variables must be whole numbers, but they are <U1"),
        ({(0,): np.nan}, None, "`coefficients` must hold finite numbers, but it holds nan"),
        ({(0,): "a"}, None, "`coefficients` must hold numbers, but it holds <U1"),
    ],
)
def test_terms_that_are_none_are_refused(terms: Any, n: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Polynomial(terms, n)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match="`n` must be from 1 to"):
        Polynomial({}, 0)
    with pytest.raises(SettingError, match="`over` must be one of signs, bits, but it is 'spins'"):
        Polynomial({}, 1, over="spins")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`members` must have shape \[1, \*\]"):
        Polynomial.from_arrays([[0], [1]], [1])
