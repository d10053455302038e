"""Exports with an encoder in front answer raw features as Python does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.data.columns import Column
from evobin.data.encoder import TableEncoder
from evobin.interchange import c_format, onnx_format
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from tests.exported import CompiledC, OnnxModel


def fitted(n_classes: int) -> tuple[BinaryNetwork, TableEncoder, NDArray[np.float32]]:
    """A random network on an encoder's signs, and raw features, some of them on thresholds."""
    rng = np.random.default_rng(n_classes)
    x = rng.normal(size=(200, 9)) * 10.0 ** np.arange(-4, 5)
    x[:, 3], x[:, 4] = 7.0, rng.integers(0, 3, 200)
    encoder = TableEncoder(5).fit(x)
    blocks = ConvBlock(11, 1), ConvBlock(5, 1)
    architecture = Architecture(encoder.n_signs, blocks, n_classes, frames=1, binary_inputs=True)
    network = BinaryNetwork(architecture, rng.choice([-1, 1], architecture.n_weights))
    owners, _, values = encoder.comparisons
    planted = np.repeat(x[:1], encoder.n_signs, axis=0)
    planted[np.arange(encoder.n_signs), owners] = values
    near = planted.astype(np.float32)
    rows = [x.astype(np.float32), near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)]
    return network, encoder, np.concatenate(rows).astype(np.float32)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_c_answers_raw_features(n_classes: int, tmp_path: Path) -> None:
    network, encoder, rows = fitted(n_classes)
    compiled = CompiledC(network, tmp_path, encoder=encoder)
    labels = network.predict(list(encoder.transform(rows)[:, None]))
    assert [compiled.predict(row[None]) for row in rows] == labels.tolist()


def test_c_refuses_what_is_not_finite_or_has_more_frames(tmp_path: Path) -> None:
    network, encoder, rows = fitted(2)
    compiled = CompiledC(network, tmp_path, encoder=encoder)
    for value in (np.nan, np.inf, -np.inf):
        row = rows[:1].copy()
        row[0, 8] = value
        assert compiled.predict(row) == -1
    assert compiled.predict(rows[:2]) == -1


@pytest.mark.parametrize("n_classes", [2, 4])
def test_onnx_answers_raw_features(n_classes: int) -> None:
    network, encoder, rows = fitted(n_classes)
    signs = list(encoder.transform(rows)[:, None])
    logits, labels = OnnxModel(network, encoder).run(rows)
    assert np.array_equal(logits, network.logits(signs))
    assert np.array_equal(labels, network.predict(signs))


def test_thresholds_in_float32_split_it_where_those_in_float64_do() -> None:
    encoder = TableEncoder(4)
    thresholds = np.array([-1e300, -1e-60, 0.1, 1e300])
    encoder.columns_ = (Column(thresholds=thresholds),)
    narrow = encoder.comparisons.narrow
    assert narrow.dtype == np.float32
    assert narrow[0] == -np.inf
    near = np.array([0.1], np.float32)
    for x in (np.float32(0), near[0], *np.nextafter(near, [np.float32(0), np.float32(1)])):
        assert (x > narrow).tolist() == (np.float64(x) > thresholds).tolist()


@pytest.mark.parametrize("encode", [c_format.encode, onnx_format.encode])
def test_an_encoder_of_another_network_is_refused(encode: Any) -> None:
    network, encoder, _ = fitted(2)
    other = TableEncoder(1).fit([[0.0], [1.0]])
    with pytest.raises(ValueError, match=r"makes 1 signs, but the network has \d+ inputs"):
        encode(network, other)
    real = dataclasses.replace(network.architecture, binary_inputs=False)
    with pytest.raises(ValueError, match="needs a network with binary inputs"):
        encode(BinaryNetwork(real, network.signs), encoder)
