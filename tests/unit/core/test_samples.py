from __future__ import annotations

import pickle
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

from evobin.core.samples import Dataset, Samples
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from tests.strategies import random_solution


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
        (("f2", "f2"), "f2"),
        ((">f2", "f2"), "f2"),
        (("i1", "f2"), "f4"),
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
    assert samples.stored.dtype == np.dtype(joined)
    assert samples.frames.dtype == np.dtype(joined if joined != "f2" else "f4")
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
    twice = chosen.subset(np.array([1]))
    np.testing.assert_array_equal(twice[0], samples[0])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int8])
def test_subsets_and_stretches_share_the_array(kind: type) -> None:
    samples = Samples.join(signs(2, 5, 1, 4), kind)
    for some in (samples.subset(np.array([3, 0])), samples.subset(np.array([1, 2]))):
        assert some.stored is samples.stored
        assert some.stretch(0, 1).stored is samples.stored
        assert some.subset(np.array([1])).stored is samples.stored
    assert np.shares_memory(samples.frames, samples.stored) == (kind != np.float16)
    following = samples.subset(np.array([1, 2])).frames
    assert np.shares_memory(following, samples.stored) == (kind != np.float16)
    np.testing.assert_array_equal(following, samples.frames[2:8])


def test_pickled_together_subsets_hold_the_array_once() -> None:
    samples = Samples.join([np.zeros((1000, 64), np.float16)] * 4)
    sides = [samples.subset(np.array(rows)) for rows in ([0, 2], [1, 3], [3, 0, 1])]
    assert len(pickle.dumps(sides)) < 1.1 * samples.stored.nbytes
    one, other, _ = pickle.loads(pickle.dumps(sides))
    assert one.stored is other.stored


def test_pieces_are_all_samples_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evobin.core.samples.PIECE", 3 * 6)
    samples = Samples.join(ragged(2, 5, 1, 9, 1, 1, 4)).subset(np.array([6, 1, 3, 0, 2, 4, 5, 1]))
    pieces = list(samples.pieces())
    assert [piece.lengths.tolist() for piece in pieces] == [[4], [5], [9], [2, 1, 1, 1], [5]]
    np.testing.assert_array_equal(np.concatenate([x.frames for x in pieces]), samples.frames)
    assert list(samples.subset(np.array([], int)).pieces()) == []


LONGEST = 23
SHAPES = [
    Architecture(3, (ConvBlock(5, 3, 2), ConvBlock(4, 2))),
    Architecture(3, (ConvBlock(5, 4, WHOLE), ConvBlock(4, 1)), 3),
    Architecture(3, (ConvBlock(70, LONGEST), ConvBlock(4, 1)), 3, frames=LONGEST),
    Architecture(3, (ConvBlock(5, 3, 2), ConvBlock(4, 2)), binary_inputs=True),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("piece", [1, 200, 1000])
def test_a_network_does_on_any_subset_of_halves_what_it_does_on_a_copy_in_float32(
    shape: Architecture, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evobin.core.samples.PIECE", piece)
    rng = np.random.default_rng(0)
    network = BinaryNetwork(shape, random_solution(shape, rng))
    lengths = np.full(40, LONGEST) if shape.frames else rng.integers(8, LONGEST, 40)
    matrices = [rng.normal(size=(t, 3)).astype(np.float16) for t in lengths]
    if shape.binary_inputs:
        matrices = [np.where(matrix > 0, 1, -1).astype(np.int8) for matrix in matrices]
    samples = Samples.join(matrices, matrices[0].dtype)
    assert samples.stored.dtype == (np.int8 if shape.binary_inputs else np.float16)
    rows = rng.integers(0, 40, 30)
    copies = Samples.join([matrices[row].astype(np.float32) for row in rows])
    some, wide = samples.subset(rows), network.activations(copies)
    for n_threads in (1, 3):
        logits = network.logits(some, n_threads)
        np.testing.assert_array_equal(logits, network.logits(copies, n_threads))
    narrow = network.activations(some)
    np.testing.assert_array_equal(narrow.hidden, wide.hidden)
    for mine, its in zip(narrow.bits + narrow.starts, wide.bits + wide.starts, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_predictions_take_no_second_copy_of_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evobin.core.samples.PIECE", 2**14)
    shape = SHAPES[0]
    network = BinaryNetwork(shape, random_solution(shape, np.random.default_rng(0)))
    samples = Samples.join([np.ones((200, 3), np.float16)] * 2000)
    some = samples.subset(np.arange(1999, -1, -1))
    for one in (samples, some):
        network.logits(one.stretch(0, 2))  # compiles
        tracemalloc.start()
        network.logits(one)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < samples.stored.nbytes / 4


def test_a_subset_of_a_dataset_shares_its_features() -> None:
    samples = Samples.join(ragged(2, 5, 1))
    dataset = Dataset(("a", "b", "c"), samples, np.array([0, 1, 1], np.int8), None)
    some = dataset.subset(np.array([2, 1]))
    assert some.names == ("c", "b")
    assert some.samples.stored is samples.stored


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
