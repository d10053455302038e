"""The packed forward pass equals the naive version, bit for bit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin.core.samples import Samples
from evobin.kernels import forward, packing
from evobin.kernels.first_layer import LARGEST_KERNEL
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.packing import pack, unpack
from evobin.network.presets import SPEAKER_SEX
from tests.oracle import naive
from tests.strategies import architectures, random_samples, random_signs, random_solution, seeds

pytestmark = pytest.mark.kernels
GOLDEN = Path(__file__).parents[1] / "golden"


def assert_equal_to_naive(network: BinaryNetwork, samples: list[np.ndarray]) -> None:
    architecture = network.architecture
    activations = network.activations(samples)
    logits, labels = network.logits(samples).reshape(len(samples), -1), network.predict(samples)
    for c, sample in enumerate(samples):
        expected = naive.answer(architecture, network.signs, sample)
        assert logits[c].tolist() == expected.logits
        assert labels[c] == expected.label
        for n, block in enumerate(architecture.blocks):
            starts = activations.starts[n]
            rows = unpack(activations.bits[n][starts[c] : starts[c + 1]], block.n_out)
            np.testing.assert_array_equal(rows, expected.blocks[n] > 0)
        hidden = unpack(activations.hidden[c], architecture.n_hidden)
        np.testing.assert_array_equal(hidden, expected.hidden > 0)


@given(architectures(), seeds, st.booleans())
def test_any_architecture_on_ragged_samples_with_planted_zeros_equals_naive(
    architecture: Architecture, seed: int, halves: bool
) -> None:
    rng = np.random.default_rng(seed)
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    assert_equal_to_naive(network, random_samples(architecture, 3, rng, halves=halves))


@pytest.mark.parametrize("width", [1, 63, 64, 65, 200])
def test_every_width_around_the_word_size_equals_naive(width: int) -> None:
    rng = np.random.default_rng(width)
    architecture = Architecture(5, (ConvBlock(width, 2, 2), ConvBlock(width, 3)))
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    assert_equal_to_naive(network, random_samples(architecture, 2, rng))


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
@pytest.mark.parametrize("n_in", [1, 63, 64, 65, 200])
def test_binary_inputs_of_every_width_around_the_word_size_equal_naive(
    n_in: int, dtype: Any
) -> None:
    rng = np.random.default_rng(n_in)
    for architecture in (
        Architecture(n_in, (ConvBlock(65, 2, 2), ConvBlock(3, 3)), binary_inputs=True),
        Architecture(n_in, (ConvBlock(5, 3),), 3, 3, binary_inputs=True),
    ):
        network = BinaryNetwork(architecture, random_solution(architecture, rng))
        samples = [sample.astype(dtype) for sample in random_samples(architecture, 3, rng)]
        assert_equal_to_naive(network, samples)
        logits = network.logits(Samples.join(samples, dtype))
        np.testing.assert_array_equal(logits, network.logits(samples, n_threads=2))


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.float64])
@given(st.integers(1, 200), seeds)
def test_checked_packing_equals_packing(dtype: Any, n: int, seed: int) -> None:
    frames = random_signs(np.random.default_rng(seed), (3, n)).astype(dtype)
    bits = np.empty((3, -(-n // 64)), np.uint64)
    assert packing.pack_signs(frames, bits) == -1
    np.testing.assert_array_equal(bits, pack(frames))


@pytest.mark.parametrize("wrong", [0.0, 0.5, -0.0, 1.0000001, -2.0, 1e300, np.nan, np.inf])
@given(st.integers(0, 2), st.integers(0, 69))
def test_packing_finds_the_first_row_with_another_number(wrong: float, row: int, at: int) -> None:
    frames = random_signs(np.random.default_rng(at), (3, 70)).astype(np.float64)
    frames[row:, at] = wrong
    assert packing.pack_signs(frames, np.empty((3, 2), np.uint64)) == row


@pytest.mark.parametrize("frames", [1, 5])
def test_more_samples_than_share_a_table_equal_naive_where_the_first_layer_is_linear(
    frames: int,
) -> None:
    rng = np.random.default_rng(frames)
    architecture = Architecture(3, (ConvBlock(4, frames), ConvBlock(5, 1)), 3, frames)
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    assert_equal_to_naive(network, random_samples(architecture, 2 * forward.BLOCK + 1, rng))


@pytest.mark.parametrize("pool", [1, 2, 3, WHOLE])
@pytest.mark.parametrize("kernel", [1, 2, 16, LARGEST_KERNEL, LARGEST_KERNEL + 1])
def test_windows_across_tiles_equal_naive(kernel: int, pool: int) -> None:
    rng = np.random.default_rng(kernel)
    architecture = Architecture(6, (ConvBlock(5, kernel, pool), ConvBlock(3, 1)))
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    for dtype, offset in ((np.float32, 0.0), (np.float32, -6.0), (np.float64, 1 / 3)):
        samples = [
            (rng.integers(-2, 3, (frames, 6)) + offset).astype(dtype)  # many sums are 0, or near
            for frames in (kernel, 40, 95)
        ]
        samples[1][:20] = 0.1 + offset  # silence
        assert_equal_to_naive(network, samples)


@pytest.mark.parametrize("magnitude", [1e-300, 1e-30, 1e-3, 1e10, 1e30, 1e38, 1e299])
def test_any_magnitude_is_decided_exactly(magnitude: float) -> None:
    rng = np.random.default_rng(7)
    architecture = Architecture(4, (ConvBlock(6, 3, 2), ConvBlock(3, 2)))
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    samples = [sample.astype(float) * magnitude for sample in random_samples(architecture, 4, rng)]
    assert_equal_to_naive(network, samples)


def test_huge_and_tiny_values_in_one_window_are_summed_without_loss() -> None:
    architecture = Architecture(4, (ConvBlock(2, 1),))
    signs = np.array([1, 1, -1, 1, -1, -1, 1, -1, -1, 1, 1, 1, 1], np.int8)
    network = BinaryNetwork(architecture, signs)
    sample = np.array([[1e200, 1.0 + 2**-40, 1e200, 2**-45], [1e16, 1.0, 1e16, -(2**-60)]])
    assert_equal_to_naive(network, [sample])


@given(seeds)
def test_the_sign_of_a_sum_equals_the_sign_of_fsum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    window = rng.normal(size=(3, 5)) * 10.0 ** rng.integers(-30, 30, (3, 5))
    window[1] = -window[0]  # cancels wherever the signs agree
    signs = rng.choice(np.array([-1, 1], np.int8), (5, 3))
    terms = [*(window.T * signs).ravel().tolist(), 1.0]
    assert forward.exact_is_positive(window, signs, 1) == (math.fsum(terms) > 0)


@pytest.mark.needs_jit
def test_every_column_of_the_golden_vectors_matches() -> None:
    signs = np.loadtxt(GOLDEN / "result.txt", dtype=np.int8)
    network = BinaryNetwork(SPEAKER_SEX, signs)
    expected = pd.read_csv(GOLDEN / "expected.tsv", sep="\t")
    rows = []
    for row in expected.itertuples():
        sample = [np.load(GOLDEN / "features" / str(row.file))]
        active = network.activations(sample)
        counts = [int(np.bitwise_count(bits).sum()) for bits in (active.hidden, *active.bits)]
        answers = [int(network.logits(sample)[0]), int(network.predict(sample)[0])]
        rows.append([row.file, len(sample[0]), *answers, *counts])
    pd.testing.assert_frame_equal(pd.DataFrame(rows, columns=expected.columns), expected)


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(3, (ConvBlock(70, 3, 2), ConvBlock(5, 2))),
        Architecture(3, (ConvBlock(70, 3, WHOLE), ConvBlock(5, 1)), 3),
        Architecture(3, (ConvBlock(70, 4), ConvBlock(5, 1)), 3, frames=4),
    ],
)
def test_threads_do_not_change_the_answer(architecture: Architecture) -> None:
    rng = np.random.default_rng(3)
    network = BinaryNetwork(architecture, random_solution(architecture, rng))
    samples = random_samples(architecture, 7, rng)
    np.testing.assert_array_equal(network.logits(samples), network.logits(samples, n_threads=3))


@given(seeds, st.integers(1, 130))
def test_unpacking_restores_what_was_packed(seed: int, n: int) -> None:
    signs = np.random.default_rng(seed).choice([-1, 1], (3, n))
    np.testing.assert_array_equal(unpack(pack(signs), n), signs > 0)
