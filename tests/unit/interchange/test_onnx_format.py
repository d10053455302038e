"""The ONNX model: its names, types and sizes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from evobin.errors import EvobinError
from evobin.interchange import onnx_format
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN_RESULT, TINY
from tests.exported import OnnxModel
from tests.strategies import random_solution


def tiny() -> BinaryNetwork:
    return BinaryNetwork(TINY, random_solution(TINY, np.random.default_rng(0)))


def test_inputs_and_outputs_have_their_names_types_and_free_sizes() -> None:
    session = OnnxModel(BinaryNetwork.load(GOLDEN_RESULT)).session
    (features,), answers = session.get_inputs(), session.get_outputs()
    described = [(value.name, value.type, value.shape) for value in (features, *answers)]
    assert described == [
        ("features", "tensor(float)", ["n", "t", 64]),
        ("logit", "tensor(int64)", ["n"]),
        ("label", "tensor(int64)", ["n"]),
    ]


@pytest.mark.parametrize(("frames", "shape"), [(1, ["n", 4]), (3, ["n", 3, 4])])
def test_a_fixed_length_and_the_classes_are_in_the_shapes(frames: int, shape: list[Any]) -> None:
    architecture = Architecture(4, (ConvBlock(5, frames),), 3, frames)
    signs = random_solution(architecture, np.random.default_rng(0))
    session = OnnxModel(BinaryNetwork(architecture, signs)).session
    described = [(value.name, value.shape) for value in session.get_inputs()]
    described += [(value.name, value.shape) for value in session.get_outputs()]
    assert described == [("features", shape), ("logits", ["n", 3]), ("label", ["n"])]


@pytest.mark.parametrize("n", [1, 2, 7])
def test_any_number_of_samples_is_answered_at_once(n: int) -> None:
    network = tiny()
    samples = np.random.default_rng(n).normal(size=(n, 30, TINY.n_in))
    logits, labels = OnnxModel(network).run(samples)
    np.testing.assert_array_equal(logits, network.logits(list(samples.astype(np.float32))))
    np.testing.assert_array_equal(labels, logits > 0)


def test_samples_that_are_too_short_have_no_answer() -> None:
    model = OnnxModel(tiny())
    for t in range(TINY.min_frames):
        with pytest.raises(Exception, match=r"[Ii]nvalid|Non-zero status"):
            model.run(np.zeros((1, t, TINY.n_in)))
    assert len(model.run(np.zeros((1, TINY.min_frames, TINY.n_in)))) == 2


def test_a_weight_takes_a_byte_and_the_same_network_gives_the_same_bytes() -> None:
    network = BinaryNetwork.load(GOLDEN_RESULT)
    data = onnx_format.encode(network)
    assert SPEAKER_SEX.n_weights < len(data) < SPEAKER_SEX.n_weights + 10_000
    assert onnx_format.encode(network) == data


def test_the_model_names_its_versions() -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(onnx_format.encode(tiny()))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert (model.ir_version, model.producer_name) == (8, "evobin")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = r"--format onnx: needs a package that is not installed; pip install 'evobin\[onnx\]'"
    with pytest.raises(EvobinError, match=message):
        onnx_format.encode(tiny())
