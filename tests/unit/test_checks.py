from __future__ import annotations

import numpy as np
import pytest

from evobin.checks import check_range, check_shape, check_signs


def test_a_shape_that_fits_passes() -> None:
    check_shape("x", np.zeros((3, 5)), (3, 5))
    check_shape("x", np.zeros((0, 5)), (None, 5))
    check_shape("x", np.zeros(()), ())


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        ((3,), (3, 5), r"`x` must have shape \[3, 5\], but it has shape \[3\]\.$"),
        ((3, 5, 1), (3, 5), r"must have shape \[3, 5\], but it has shape \[3, 5, 1\]"),
        ((3, 4), (None, 5), r"must have shape \[\*, 5\], but it has shape \[3, 4\]"),
        ((), (None,), r"must have shape \[\*\], but it has shape \[\]"),
    ],
)
def test_another_shape_is_named_beside_the_expected_one(
    actual: tuple[int, ...], expected: tuple[int | None, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_shape("x", np.zeros(actual), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64])
def test_signs_of_any_type_pass(dtype: type) -> None:
    check_signs("signs", np.array([1, -1, -1], dtype), (3,))
    check_signs("signs", np.array([], dtype), (None,))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1, -1, 0], "0 at index 2"),
        ([1, 2, 0], "2 at index 1"),
        ([0.5, 1.0], "0.5 at index 0"),
        ([1.0, np.nan], "nan at index 1"),
        ([-1.0, -np.inf], "-inf at index 1"),
        ([[1, 1], [3, 1]], "3 at index 2"),
    ],
)
def test_the_first_value_that_is_no_sign_is_named(values: list[float], found: str) -> None:
    message = rf"^`w` must hold only -1 and \+1, but it holds {found}; binarise it first\.$"
    with pytest.raises(ValueError, match=message):
        check_signs("w", np.array(values), np.shape(values))


def test_signs_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`w` must have shape \[3\], but it has shape \[2\]"):
        check_signs("w", np.array([1, 0]), (3,))


@pytest.mark.parametrize("value", [1, 7, 15, 1.5])
def test_both_ends_of_a_range_belong_to_it(value: float) -> None:
    check_range("kernel", value, 1, 15)


@pytest.mark.parametrize("value", [0, 16, -3, float("inf"), float("nan")])
def test_a_value_outside_a_range_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=f"^`kernel` must be from 1 to 15, but it is {value}.$"):
        check_range("kernel", value, 1, 15)
