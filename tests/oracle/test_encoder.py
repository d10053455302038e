"""The encoder equals its slow twin, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evobin.data.encoder import TableEncoder
from tests.oracle import naive

VALUES = st.one_of(
    st.integers(-8, 8).map(lambda number: number / 4),  # few: many samples share a value
    st.floats(-1e9, 1e9, width=32),
)
MATRICES = arrays.arrays(np.float64, st.tuples(st.integers(2, 40), st.just(3)), elements=VALUES)
BITS = st.integers(1, 8)


@pytest.mark.kernels
@given(MATRICES, BITS)
def test_thresholds_and_signs_are_those_of_the_twin(x: np.ndarray, bits: int) -> None:
    x[0, 0] = x[1, 0] + 1.0  # a feature that varies
    encoder = TableEncoder(bits).fit(x)
    thresholds = [naive.thermometer_thresholds(column.tolist(), bits) for column in x.T]
    assert [column.thresholds.tolist() for column in encoder.columns_] == thresholds
    # thresholds themselves are planted zeros: not above, so -1
    planted = [column[0] if column else 0.0 for column in thresholds]
    rows = np.concatenate([x, [planted]])
    signs = [naive.thermometer(thresholds, row.tolist()) for row in rows]
    assert encoder.transform(rows).tolist() == signs


@pytest.mark.kernels
@pytest.mark.parametrize("n_features", [1, 63, 64, 65])
def test_many_features_have_the_signs_of_the_twin(n_features: int) -> None:
    rng = np.random.default_rng(n_features)
    x = rng.normal(size=(30, n_features))
    encoder = TableEncoder(3).fit(x)
    thresholds = [column.thresholds.tolist() for column in encoder.columns_]
    signs = [naive.thermometer(thresholds, row.tolist()) for row in x]
    assert encoder.transform(x).tolist() == signs
