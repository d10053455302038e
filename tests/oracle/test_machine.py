"""What has instructions of its own equals plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from evobin.kernels import flips, machine
from tests.conftest import JIT

pytestmark = pytest.mark.kernels


@njit
def in_compiled_code(numbers: Any, first: int) -> Any:
    machine.widen()
    (numbers,) = machine.lend((numbers,))
    return machine.positives(numbers[1:], first - 1)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_signs_of_64_numbers_are_a_word(dtype: Any) -> None:
    info = np.iinfo(dtype)
    numbers = np.random.default_rng(0).integers(-2, 3, 200).astype(dtype)
    numbers[70:73] = info.min, info.max, 0
    for first in (1, 2, 70, 136):
        expected = sum(int(numbers[first + k] > 0) << k for k in range(64))
        assert int(in_compiled_code(numbers, first)) == expected
        for size in (0, 1, 63, 64, 65):
            some = expected & ((1 << min(size, 64)) - 1)
            assert int(flips.positives(numbers, first, size)) == some


@pytest.mark.skipif(not JIT, reason="nothing is compiled")
def test_lent_arrays_are_still_owned_by_python() -> None:
    numbers = np.arange(-40, 60)
    for _ in range(3):
        in_compiled_code(numbers, 1)
    assert numbers.sum() == 950
