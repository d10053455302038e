"""Exports with an encoder in front answer raw features as Python does."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from evobin.data.columns import Column
from evobin.data.encoder import TableEncoder
from evobin.interchange import c_format, onnx_format
from evobin.kernels.encoding import ABOVE, EQUAL, MISSING
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


NAMES = ["age", "pet", "a \\ b */ /* ??/", "rare\nline", "code", "still", "no", "x"]
"""Of columns; what a comment of C does not hold by itself is among them."""


def table(rng: np.random.Generator, n: int, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """Random rows of numbers, which float32 holds, and categories; some of both are missing.

    Args:
        rng: of all of them.
        n: rows.
        more: further categories.
    """
    pets = np.array(["cat", "dog", "*/ cow", '\u0440\u044b\u0431\u0430 "/*/" ??/', *more], object)
    columns = [
        np.where(rng.random(n) < 0.2, np.nan, rng.normal(40, 20, n)),
        np.where(rng.random(n) < 0.2, np.array(None), rng.choice(pets, n)),
        rng.choice(["no", "yes", *more], n),
        np.where(rng.random(n) < 0.9, np.nan, 1.0),
        rng.choice([0.5, 3.0, 1e10, -7.0, np.nan], n),
        np.full(n, 5.0),
        np.full(n, None),
        rng.integers(0, 3, n),
    ]
    frame = pd.DataFrame(dict(zip(NAMES, columns, strict=True)))
    return frame.assign(age=frame["age"].astype(np.float32))


def fitted_table(n_classes: int) -> tuple[BinaryNetwork, TableEncoder, pd.DataFrame]:
    """A random network on the signs of a table, and 1,000 other rows."""
    rng = np.random.default_rng(n_classes)
    encoder = TableEncoder(5, categorical=["code"]).fit(table(rng, 300))
    blocks = ConvBlock(11, 1), ConvBlock(5, 1)
    architecture = Architecture(encoder.n_signs, blocks, n_classes, frames=1, binary_inputs=True)
    network = BinaryNetwork(architecture, rng.choice([-1, 1], architecture.n_weights))
    return network, encoder, table(rng, 1000, ("unknown",))


def test_the_table_of_these_tests_has_signs_of_all_kinds() -> None:
    _, encoder, rows = fitted_table(2)
    assert set(encoder.comparisons.kinds.tolist()) == {ABOVE, EQUAL, MISSING}
    assert encoder.constant == ("still", "no")
    numbers = encoder.numbers(rows)
    assert {-1.0, 0.0, 1.0, 2.0, 3.0} < set(numbers[:, 1].tolist())
    assert np.isnan(numbers[:, 1]).any()


@pytest.mark.parametrize("flags", [["-O1"], ["-O3", "-ffinite-math-only"]])
def test_c_answers_the_rows_of_a_table(flags: list[str], tmp_path: Path) -> None:
    network, encoder, frame = fitted_table(4)
    compiled = CompiledC(network, tmp_path, *flags, encoder=encoder)
    rows = encoder.numbers(frame).astype(np.float32)
    labels = network.predict(list(encoder.transform(frame)[:, None]))
    assert [compiled.predict(row[None]) for row in rows] == labels.tolist()
    for place, column in enumerate(encoder.columns_):
        for value in (np.nan, np.inf, -np.inf):
            row = rows[:1].copy()
            row[0, place] = value
            known = np.isnan(value) and (column.has_missing or not column.n_signs)
            assert (compiled.predict(row) == -1) != known
            if known:
                signs = encoder.signs(row)
                assert compiled.predict(row) == network.predict([signs])[0]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_onnx_answers_the_rows_of_a_table(n_classes: int) -> None:
    network, encoder, frame = fitted_table(n_classes)
    signs = list(encoder.transform(frame)[:, None])
    logits, labels = OnnxModel(network, encoder).run(encoder.numbers(frame))
    assert np.array_equal(logits, network.logits(signs))
    assert np.array_equal(labels, network.predict(signs))


def test_the_c_file_and_its_header_say_what_columns_hold() -> None:
    network, encoder, _ = fitted_table(2)
    files = c_format.encode(network, encoder), c_format.encode_header("m", network, encoder)
    for text in (file.decode() for file in files):
        assert ' *     x[0] "age": a number; NaN if it is missing\n' in text
        assert ' *     x[1] "pet": 0 "*\\/ cow", 1 "cat", 2 "dog", 3 "\\u0440' in text
        assert "-1 any other; NaN if it is missing\n" in text
        assert ' *     x[2] "a \\\\ b *\\/ /\\u002a ??/": 0 "no", 1 "yes", -1 any other\n' in text
        assert (
            ' *     x[4] "code": 0 "-7", 1 "0.5", 2 "3", 3 "10000000000", -1 any other; N' in text
        )
        assert ' *     x[5] "still": is not looked at\n' in text
        assert ' *     x[7] "x": a number\n' in text
        assert max(map(len, text.splitlines())) <= 100
    network, encoder, _ = fitted(2)
    assert "x[0]" not in c_format.encode_header("m", network, encoder).decode()


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
