"""Exported networks predict what the naive version predicts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN, GOLDEN_RESULT
from tests.exported import CompiledC, OnnxModel, TorchModule
from tests.oracle import naive
from tests.strategies import random_samples, random_solution

ARCHITECTURES = {
    "one of everything": Architecture(1, (ConvBlock(1, 1),)),
    "one block": Architecture(8, (ConvBlock(64, 2, 2),)),
    "n_out 65, pools 1 and 3": Architecture(
        5, (ConvBlock(65, 3), ConvBlock(3, 2, 3), ConvBlock(7, 1))
    ),
    "kernel 15, pools 3 and 4": Architecture(9, (ConvBlock(70, 15, 3), ConvBlock(130, 4, 4))),
}
ARCHITECTURES |= {
    "dense, ten classes": Architecture(64, (ConvBlock(70, 1), ConvBlock(9, 1)), 10, 1),
    "dense over frames": Architecture(5, (ConvBlock(65, 7), ConvBlock(3, 1)), 2, 7),
    "three classes after a global max": Architecture(
        5, (ConvBlock(9, 3, 2), ConvBlock(65, 2, WHOLE), ConvBlock(7, 1)), 3
    ),
    "all frames into a linear layer": Architecture(
        3, (ConvBlock(6, 3, 2), ConvBlock(66, 4), ConvBlock(5, 1)), 4, 10
    ),
    "a fixed length, then the max": Architecture(3, (ConvBlock(6, 3, 2),), 100, 9),
}
REAL = list(ARCHITECTURES)
ARCHITECTURES |= {
    "binary, one of everything": Architecture(1, (ConvBlock(1, 1),), binary_inputs=True),
    "binary, pools 1 and 3": Architecture(
        65, (ConvBlock(65, 3), ConvBlock(3, 2, 3), ConvBlock(7, 1)), binary_inputs=True
    ),
    "binary, dense": Architecture(
        130, (ConvBlock(70, 1), ConvBlock(9, 1)), 10, 1, binary_inputs=True
    ),
    "binary, dense over frames": Architecture(
        5, (ConvBlock(65, 17), ConvBlock(3, 1)), 2, 17, binary_inputs=True
    ),
    "binary, a global max": Architecture(
        5, (ConvBlock(9, 3, WHOLE), ConvBlock(7, 1)), 3, binary_inputs=True
    ),
}
Answer = Callable[[NDArray[Any]], tuple[list[int], int]]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def network(request: pytest.FixtureRequest) -> BinaryNetwork:
    architecture = ARCHITECTURES[request.param]
    return BinaryNetwork(architecture, random_solution(architecture, np.random.default_rng(5)))


@pytest.fixture(scope="module")
def by_c(network: BinaryNetwork, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return CompiledC(network, tmp_path_factory.mktemp("c")).answer


@pytest.fixture(scope="module")
def golden() -> list[tuple[NDArray[Any], int]]:
    expected = pd.read_csv(GOLDEN / "expected.tsv", sep="\t")
    samples = [np.load(GOLDEN / "features" / name) for name in expected["file"]]
    return list(zip(samples, expected["logit"].tolist(), strict=True))


def assert_equal_to_naive(network: BinaryNetwork, answer: Answer, samples: list[Any]) -> None:
    for sample in samples:
        expected = naive.answer(network.architecture, network.signs, sample)
        assert answer(sample) == (expected.logits, expected.label)


def samples_of_all_lengths(network: BinaryNetwork, *, halves: bool) -> list[NDArray[Any]]:
    """From the shortest one on, so that every rest of a pooling window occurs."""
    if network.architecture.frames is not None or network.architecture.binary_inputs:
        return random_samples(network.architecture, 12, np.random.default_rng(1), halves=halves)
    rng, shortest = np.random.default_rng(1), network.architecture.min_frames
    longest = [
        np.resize(sample, (shortest + 12, sample.shape[1]))
        for sample in random_samples(network.architecture, 12, rng, halves=halves)
    ]
    return [sample[: shortest + more] for more, sample in enumerate(longest)]


@pytest.mark.parametrize("halves", [True, False])
def test_the_c_file_equals_naive(network: BinaryNetwork, by_c: Answer, halves: bool) -> None:
    assert_equal_to_naive(network, by_c, samples_of_all_lengths(network, halves=halves))


@pytest.mark.parametrize("network", REAL, indirect=True)
@pytest.mark.parametrize("magnitude", [1e-44, 1e-30, 1e-3, 1e10, 1e29, 1e30, 1e31, 1e37])
def test_the_c_file_decides_any_magnitude_exactly(
    network: BinaryNetwork, by_c: Answer, magnitude: float
) -> None:
    samples = samples_of_all_lengths(network, halves=True)[:3]
    assert_equal_to_naive(network, by_c, [np.float32(sample * magnitude) for sample in samples])


@pytest.mark.parametrize("network", REAL, indirect=True)
def test_the_c_file_sums_huge_and_tiny_values_without_loss(
    network: BinaryNetwork, by_c: Answer
) -> None:
    rng = np.random.default_rng(2)
    for sample in samples_of_all_lengths(network, halves=False)[:6]:
        powers = rng.choice([-126.0, -30.0, 0.0, 24.0, 60.0, 125.0], sample.shape)
        wide = np.float32(np.sign(sample) * 2.0**powers)  # cancels wherever the signs do not agree
        assert_equal_to_naive(network, by_c, [wide])


@pytest.mark.parametrize("halves", [True, False])
def test_the_onnx_model_equals_naive(network: BinaryNetwork, halves: bool) -> None:
    samples = samples_of_all_lengths(network, halves=halves)
    assert_equal_to_naive(network, OnnxModel(network).answer, samples)


@pytest.mark.parametrize("halves", [True, False])
def test_the_torch_state_dict_equals_naive(network: BinaryNetwork, halves: bool) -> None:
    samples = samples_of_all_lengths(network, halves=halves)
    assert_equal_to_naive(network, TorchModule(network, "float64").answer, samples)


def test_the_c_file_answers_every_golden_input(golden: Any, tmp_path: Path) -> None:
    compiled = CompiledC(BinaryNetwork.load(GOLDEN_RESULT), tmp_path, "-O2")
    for sample, logit in golden:
        assert compiled.answer(sample) == ([logit], logit > 0)


def test_the_onnx_model_answers_every_golden_input(golden: Any) -> None:
    model = OnnxModel(BinaryNetwork.load(GOLDEN_RESULT))
    for sample, logit in golden:
        assert [answer.tolist() for answer in model.run(sample[None])] == [[logit], [logit > 0]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_torch_state_dict_answers_every_golden_input(golden: Any, dtype: str) -> None:
    module = TorchModule(BinaryNetwork.load(GOLDEN_RESULT), dtype)
    for sample, logit in golden:
        assert module.answer(sample) == ([logit], logit > 0)


def test_hundreds_of_sums_at_0_change_no_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    network = BinaryNetwork(SPEAKER_SEX, random_solution(SPEAKER_SEX, rng))
    samples = [np.round(rng.normal(0, 1, (t, 64))) / 2 for t in range(57, 97)]
    expected = [([logit], logit > 0) for logit in network.logits(samples).tolist()]
    compiled, model = CompiledC(network, tmp_path, "-O2"), OnnxModel(network)
    for answer in (compiled.answer, model.answer):
        assert [answer(sample) for sample in samples] == expected


def test_of_equal_logits_every_program_takes_the_lower_label(tmp_path: Path) -> None:
    architecture = Architecture(2, (ConvBlock(2, 1),), 5, 1)
    signs = np.ones(architecture.n_weights, np.int8)
    head = architecture.layers[-1]
    head.weights(signs)[0] = head.weights(signs)[4] = -1  # so that 1, 2 and 3 tie
    network = BinaryNetwork(architecture, signs)
    programs = CompiledC(network, tmp_path), OnnxModel(network), TorchModule(network, "float32")
    for x, logits, label in (
        ((3.0, 1.0), [-1, 3, 3, 3, -1], 1),
        ((-3.0, 1.0), [3, -1, -1, -1, 3], 0),
    ):
        sample = np.array([x], np.float32)
        assert network.predict([sample]).tolist() == [label]
        assert [program.answer(sample) for program in programs] == [(logits, label)] * 3
