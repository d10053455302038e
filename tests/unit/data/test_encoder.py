from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.data.encoder import TableEncoder
from evobin.errors import EvobinError, SettingError


def thresholds(values: list[float], bits: int) -> list[float]:
    encoder = TableEncoder(bits).fit(np.array(values)[:, None])
    found: list[float] = encoder.columns_[0].thresholds.tolist()
    return found


def test_thresholds_split_the_samples_into_equal_parts() -> None:
    assert thresholds(list(range(8)), 3) == [1.5, 3.5, 5.5]


def test_few_values_have_a_threshold_between_any_two() -> None:
    assert thresholds([0, 0, 0, 0, 1, 10], 7) == [0.5, 5.5]


def test_a_value_of_many_samples_leaves_the_other_thresholds_to_the_rest() -> None:
    assert thresholds([0.0] * 90 + list(range(1, 10)), 3) == [0.5, 3.5, 6.5]
    assert thresholds(list(range(1, 10)) + [10.0] * 90, 3) == [3.5, 6.5, 9.5]


def test_thresholds_lie_below_the_value_above_where_no_number_is_between() -> None:
    low = 1.0
    high = np.nextafter(low, 2.0)
    encoder = TableEncoder().fit([[low], [high]])
    assert encoder.transform([[low], [high]]).tolist() == [[-1], [1]]


def test_a_constant_feature_has_no_sign() -> None:
    encoder = TableEncoder(3).fit([[5.0, 0.0, 1.0], [5.0, 1.0, 2.0]])
    assert encoder.n_features == 3
    assert encoder.n_signs == 2
    assert encoder.comparisons.owners.tolist() == [1, 2]
    assert encoder.constant == (0,)
    assert encoder.transform([[9.0, 0.0, 2.0], [np.nan, 1.0, 1.0]]).tolist() == [[-1, 1], [1, -1]]


def test_all_features_constant_is_refused() -> None:
    with pytest.raises(ValueError, match="all of its 2 are constant over 3 samples"):
        TableEncoder().fit(np.ones((3, 2)))


def test_the_order_of_magnitude_and_type_of_features_does_not_matter() -> None:
    x = np.random.default_rng(0).integers(0, 200, (100, 4))
    signs = TableEncoder(5).fit(x).transform(x)
    for other in (x.astype(np.uint8), np.asfortranarray(x, np.float32), x * 1e200, x.tolist()):
        assert np.array_equal(TableEncoder(5).fit(other).transform(other), signs)


@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_bytes_have_the_thresholds_of_the_same_numbers(dtype: Any) -> None:
    x = np.random.default_rng(0).integers(0, 200, (300, 3)).astype(dtype)
    x[:, 1], x[:5, 2] = 7, 0
    for rows in (None, np.arange(50, 300)):
        found, expected = (TableEncoder(4).fit(one, rows) for one in (x, x.astype(np.float64)))
        assert found.to_plain() == expected.to_plain()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_with_row_and_column(value: float) -> None:
    x = np.zeros((5, 4))
    x[:, 0] = range(5)
    encoder = TableEncoder().fit(x)
    x[3, 0] = value
    for method in (encoder.fit, encoder.transform, encoder.numbers):
        if method == encoder.fit and np.isnan(value):
            continue
        with pytest.raises(ValueError, match=f"(?i)holds {value} in row 3, column 0, from 0"):
            method(x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(3), r"shape \[\*, \*\], but it has shape \[3\]"),
        (np.zeros((0, 3)), r"at least one sample, but it has shape \[0, 3\]"),
        (np.zeros((3, 0)), r"at least one feature, but it has shape \[3, 0\]"),
        ([["a", "b"]], "real numbers, but it has dtype <U1"),
        ([[1.0, None], [{}, 2.0]], "real numbers, but it does not"),
        (np.zeros((2, 2), complex), "real numbers, but it has dtype complex128"),
    ],
)
def test_what_is_no_matrix_of_numbers_is_refused(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TableEncoder().fit(x)


def test_another_number_of_features_is_refused() -> None:
    encoder = TableEncoder().fit([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match=r"shape \[\*, 2\], but it has shape \[1, 3\]"):
        encoder.transform([[0.0, 1.0, 2.0]])


def test_an_encoder_must_be_fitted() -> None:
    with pytest.raises(ValueError, match="must be fitted"):
        TableEncoder().transform([[0.0]])


@pytest.mark.parametrize("bits", [0, 33, 2.5])
def test_bits_out_of_range_are_refused(bits: Any) -> None:
    with pytest.raises(SettingError, match="`bits` must be"):
        TableEncoder(bits).fit([[0.0], [1.0]])


def test_json_keeps_an_encoder_exactly() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)) * [1e-300, 1.0, 1e300]
    x[:, 1] = 2.0
    encoder = TableEncoder(4).fit(x)
    back = TableEncoder.from_plain(json.loads(json.dumps(encoder.to_plain())))
    assert back.to_plain() == encoder.to_plain()
    assert np.array_equal(back.transform(x), encoder.transform(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "other"}, "`kind` must be 'table', but it is 'other'"),
        ({"columns": 3}, "`columns` must be a list"),
        ({"columns": []}, "`columns` must be a list"),
        ({"columns": [[0.0]]}, r"`columns\[0\]` must be an object of name, thresholds, categor"),
        ({"thresholds": [2.0, 1.0]}, r"`columns\[1\]` `thresholds` must be at most 2 finite"),
        ({"thresholds": [0.0, 1.0, 2.0]}, r"`columns\[1\]` `thresholds` must be at most 2 fin"),
        ({"thresholds": ["a"]}, r"`columns\[1\]` `thresholds` must be at most 2 finite"),
        ({"thresholds": [10**400]}, r"`columns\[1\]` int too large to convert to float"),
        ({"categories": ["a"]}, r"`columns\[1\]` must have either `thresholds` or `categories`"),
        ({"has_missing": 1}, r"`columns\[1\]` must have a `name`, text or null, and `has_missing`"),
        ({"name": 1}, r"`columns\[1\]` must have a `name`, text or null, and `has_missing`"),
        ({"name": "a"}, "`columns` must have different names, or none, but they do not"),
    ],
)
def test_a_damaged_encoder_is_refused(change: dict[str, Any], message: str) -> None:
    plain = TableEncoder(2).fit([[0.0, 2.0], [1.0, 3.0]]).to_plain()
    if set(change) & {"kind", "columns"}:
        plain |= change
    else:
        plain["columns"][1] |= change
    with pytest.raises(EvobinError, match=message):
        TableEncoder.from_plain(plain)


@pytest.mark.parametrize("wrong", [None, "ab", ["a", "a"], ["a", 1], [str(i) for i in range(256)]])
def test_damaged_categories_are_refused(wrong: Any) -> None:
    plain = TableEncoder().fit(pd.DataFrame({"a": ["x", "y", None]})).to_plain()
    plain["columns"][0]["categories"] = wrong
    with pytest.raises(EvobinError, match=r"`columns\[0\]` `categories` must be at most 255 diff"):
        TableEncoder.from_plain(plain)


def test_numbers_are_checked_before_they_become_signs() -> None:
    encoder = TableEncoder().fit([[0.0, 1.0], [1.0, np.nan]])
    assert encoder.signs(np.array([[0.0, np.nan], [1.0, 5.0]])).tolist() == [[-1, 1], [1, -1]]
    with pytest.raises(ValueError, match=r"`numbers` must have shape \[\*, 2\]"):
        encoder.signs(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="holds NaN in row 0, column 0, from 0"):
        encoder.signs(np.array([[np.nan, 0.0]]))
    with pytest.raises(ValueError, match="must be fitted before it transforms"):
        TableEncoder().signs(np.zeros((1, 1)))
