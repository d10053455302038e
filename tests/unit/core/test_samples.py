from __future__ import annotations

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
