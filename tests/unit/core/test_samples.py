from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

from evobin.core.samples import Samples


def ragged(*lengths: int, dtype: Any = np.float32) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(-50, 50, (n, 3)).astype(dtype) for n in lengths]


def test_every_sample_comes_back_as_it_went_in() -> None:
    matrices = ragged(2, 5, 1)
    samples = Samples.join(matrices)
    assert len(samples) == 3
    assert samples.lengths.tolist() == [2, 5, 1]
    assert samples.starts.tolist() == [0, 2, 7, 8]
    for i, matrix in enumerate(matrices):
        np.testing.assert_array_equal(samples[i], matrix)


@pytest.mark.parametrize(
    ("dtypes", "joined"),
    [
        (("f2", "f2"), "f4"),
        (("f4", "f2"), "f4"),
        (("f4", "f8"), "f8"),
        (("i1", "f4"), "f4"),
        (("i8", "f4"), "f8"),
        ((">f4", "f2"), "f4"),
        ((">f8", "f2"), "f8"),
    ],
)
def test_the_joined_type_holds_every_sample_exactly(dtypes: tuple[str, ...], joined: str) -> None:
    matrices = [ragged(4, dtype=np.dtype(dtype))[0] for dtype in dtypes]
    samples = Samples.join(matrices)
    assert samples.frames.dtype == np.dtype(joined)
    for i, matrix in enumerate(matrices):
        np.testing.assert_array_equal(samples[i], matrix)


def test_memory_order_does_not_matter_and_the_result_is_contiguous() -> None:
    matrix = ragged(6)[0]
    samples = Samples.join([np.asfortranarray(matrix), matrix[::-1]])
    np.testing.assert_array_equal(samples[0], matrix)
    np.testing.assert_array_equal(samples[1], matrix[::-1])
    assert samples.frames.flags.c_contiguous


def test_samples_are_a_read_only_copy() -> None:
    matrix = ragged(4)[0]
    samples = Samples.join([matrix])
    matrix[:] = 99
    assert samples.frames.max() < 99
    with pytest.raises(ValueError, match="read-only"):
        samples[0][0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        samples.starts[0] = 1


def test_a_subset_has_the_samples_named_in_their_order_repeats_included() -> None:
    samples = Samples.join(ragged(2, 5, 1))
    chosen = samples.subset(np.array([2, 0, 2]))
    assert chosen.lengths.tolist() == [1, 2, 1]
    np.testing.assert_array_equal(chosen[0], samples[2])
    np.testing.assert_array_equal(chosen[1], samples[0])
    assert not chosen.frames.flags.writeable


def test_no_samples_at_all_are_refused() -> None:
    with pytest.raises(
        ValueError, match="`samples` must hold at least one sample, but it is empty"
    ):
        Samples.join([])


@pytest.mark.parametrize("shape", [(4, 2), (4,), (4, 3, 1)])
def test_a_sample_of_another_shape_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"`samples\[1\]` must have shape \[\*, 3\]"):
        Samples.join([np.zeros((4, 3)), np.zeros(shape)])


def signs(*lengths: int, dtype: Any = np.int8) -> list[np.ndarray]:
    return [np.where(sample > 0, 1, -1).astype(dtype) for sample in ragged(*lengths)]


def test_signs_keep_their_type_in_a_subset_and_are_packed_once() -> None:
    samples = Samples.join(signs(2, 5, 1), np.int8)
    some = samples.subset(np.array([2, 1]))
    assert samples.frames.dtype == some.frames.dtype == np.int8
    np.testing.assert_array_equal(some.bits, samples.bits[[7, 2, 3, 4, 5, 6]])
    assert samples.bits is samples.bits
    assert not samples.bits.flags.writeable
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(samples)).bits, samples.bits)


@pytest.mark.parametrize("wrong", [0.0, 0.5, np.nan, -3.0])
def test_packing_names_the_first_feature_that_is_no_sign(wrong: float) -> None:
    matrices = signs(2, 5, 1, dtype=np.float32)
    matrices[1][3, 1] = matrices[2][0, 0] = wrong
    message = f"binary inputs, but feature 1 of sample 1, frame 3, is {wrong}; binarise them first"
    with pytest.raises(ValueError, match=re.escape(message)):
        Samples.join(matrices).bits  # noqa: B018
