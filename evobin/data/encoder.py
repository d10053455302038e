"""Real features as signs: thermometer codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.checks import check_number
from evobin.core.samples import starts_of
from evobin.data.arrays import BLOCK, Matrix, matrix_of
from evobin.errors import EvobinError
from evobin.kernels import encoding
from evobin.network.architecture import Architecture

MAX_BITS = 32


class ThermometerEncoder:
    """Each feature becomes the signs of its differences from some thresholds.

    A sign is +1 where `x > threshold`, both in float64, else -1. So the signs of a feature rise
    from all -1 to all +1 with it, as the column of a thermometer, and no unit has to be known: a
    feature that is scaled or bent by any rising function has the same code.

    Thresholds are quantiles of the training samples, each halfway between two values that occur
    there. A value that many samples share counts for no more than one of the `bits` + 1 steps, so
    that the others are spread over the rest; a feature of at most `bits` + 1 values has a
    threshold between any two of them, and one that is constant has none, and no sign.

    Args:
        bits: thresholds a feature at most, 1 to 32.

    Attributes:
        thresholds_: a [at most `bits`] float64 array a feature, ascending.

    Example:
        >>> encoder = ThermometerEncoder(bits=2).fit([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
        >>> [row.tolist() for row in encoder.thresholds_]
        [[0.5, 1.5], []]
        >>> encoder.transform([[0.5, 5.0], [1.0, 9.0]])
        array([[-1, -1],
               [ 1, -1]], dtype=int8)
    """

    def __init__(self, bits: int = 7) -> None:
        self.bits = bits
        self.thresholds_: tuple[NDArray[np.float64], ...] = ()

    @property
    def n_features(self) -> int:
        """Features of a sample; 0 before `fit`."""
        return len(self.thresholds_)

    @property
    def n_signs(self) -> int:
        """Signs of a sample: thresholds of all features."""
        return sum(map(len, self.thresholds_))

    @property
    def starts(self) -> NDArray[np.int64]:
        """[n_features + 1] where the signs of each feature start, and the end."""
        return starts_of(list(map(len, self.thresholds_)))

    @property
    def owners(self) -> NDArray[np.int64]:
        """[n_signs] the feature that each sign is of."""
        return np.repeat(np.arange(self.n_features), list(map(len, self.thresholds_)))

    @property
    def narrow_thresholds(self) -> NDArray[np.float32]:
        """[n_signs] float32, the largest that are not above the thresholds.

        A feature in float32 is above one exactly where it is above the other; -inf stands for a
        threshold below all of float32.
        """
        exact = np.concatenate(self.thresholds_)
        with np.errstate(over="ignore"):
            narrow = exact.astype(np.float32)
        above = narrow.astype(np.float64) > exact
        narrow[above] = np.nextafter(narrow[above], np.float32(-np.inf))
        return narrow

    def check_fits(self, architecture: Architecture) -> None:
        """Raises ValueError unless its signs are what a network of one frame takes."""
        if not architecture.binary_inputs or architecture.frames != 1:
            raise ValueError(
                "an encoder needs a network of one frame with binary inputs, but this one has "
                f"`frames` {architecture.frames} and `binary_inputs` {architecture.binary_inputs}; "
                "search one that has them."
            )
        if architecture.n_in != self.n_signs:
            raise ValueError(
                f"the encoder makes {self.n_signs} signs, but the network has {architecture.n_in} "
                "inputs; take the encoder that it was fitted with."
            )

    def fit(self, X: ArrayLike) -> Self:
        """Chooses the thresholds.

        Args:
            X: [samples, features] finite real numbers; not modified.

        Raises:
            ValueError: if X is not that, or all its features are constant.
            SettingError: if `bits` is out of range.
        """
        check_number("bits", self.bits, 1, MAX_BITS)
        X = matrix_of("X", X)
        self.thresholds_ = tuple(_thresholds(column, self.bits) for column in _columns(X))
        if not self.n_signs:
            raise ValueError(
                f"`X` must hold a feature that varies, but all of its {X.shape[1]} are constant "
                f"over {len(X)} samples; add some."
            )
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.int8]:
        """The signs of samples.

        Args:
            X: [samples, features] finite real numbers; not modified.

        Returns:
            [samples, n_signs] int8 of -1 and +1; the signs of a feature lie side by side, in the
            order of their thresholds.

        Raises:
            ValueError: if X is not that, or there was no `fit`.
        """
        if not self.thresholds_:
            raise ValueError("the encoder must be fitted before it transforms; call `fit`.")
        X = matrix_of("X", X, self.n_features)
        starts, thresholds = self.starts, np.concatenate(self.thresholds_)
        out = np.empty((len(X), self.n_signs), np.int8)
        step = max(1, BLOCK // X.shape[1])
        for first in range(0, len(X), step):
            values = np.array(X[first : first + step], np.float64, order="C")
            encoding.thermometer(values, starts, thresholds, out[first : first + step])
        return out

    def to_plain(self) -> dict[str, Any]:
        """The fitted encoder as JSON values, exact: JSON keeps every float64."""
        thresholds = [column.tolist() for column in self.thresholds_]
        return {"kind": "thermometer", "bits": self.bits, "thresholds": thresholds}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ThermometerEncoder:
        """The encoder that `to_plain` took apart.

        Raises:
            EvobinError: if it is not one.
        """
        if plain.get("kind") != "thermometer":
            raise EvobinError(
                f"`kind` must be 'thermometer', but it is {plain.get('kind')!r:.60}; update evobin "
                "if a later version wrote it."
            )
        bits: Any = plain.get("bits")
        rows = plain.get("thresholds")
        check_number("bits", bits, 1, MAX_BITS)
        if not isinstance(rows, list) or not rows:
            raise EvobinError("`thresholds` must be a list for each feature, but it is not.")
        encoder = cls(bits)
        encoder.thresholds_ = tuple(_checked(row, place, bits) for place, row in enumerate(rows))
        return encoder


def _columns(X: Matrix) -> Iterator[NDArray[Any]]:
    """Each column, contiguous, some of them copied at a time."""
    step = max(1, BLOCK // len(X))
    for first in range(0, X.shape[1], step):
        yield from np.ascontiguousarray(X[:, first : first + step].T)


def _thresholds(column: NDArray[Any], bits: int) -> NDArray[np.float64]:
    """[at most `bits`] float64: what splits a feature's samples most evenly."""
    values, counts = np.unique(column, return_counts=True)
    values = values.astype(np.float64)
    if len(values) > bits + 1:
        reached = np.cumsum(_capped(counts, bits + 1))
        aims = reached[-1] * np.arange(1, bits + 1) / (bits + 1)
        above = np.searchsorted(reached[:-1], aims).clip(1, len(values) - 2)
        nearest = above - (aims - reached[above - 1] <= reached[above] - aims)
        gaps = np.unique(nearest)
    else:
        gaps = np.arange(len(values) - 1)
    low, high = values[gaps], values[gaps + 1]
    middle = low + (high / 2 - low / 2)
    # where no float64 is between the two, the lower one splits them as well
    return np.unique(np.where((low <= middle) & (middle < high), middle, low))


def _capped(counts: NDArray[np.intp], steps: int) -> NDArray[np.float64]:
    """Counts of values, none of which is more than one of `steps` equal steps of their sum."""
    rest, capped = float(counts.sum()), 0
    for count in np.sort(counts)[::-1]:
        if count * (steps - capped) <= rest:
            break
        rest, capped = rest - count, capped + 1
    return np.minimum(counts, rest / (steps - capped))


def _checked(row: Any, place: int, bits: int) -> NDArray[np.float64]:
    """The thresholds of one feature."""
    numbers = isinstance(row, list) and all(type(one) in (int, float) for one in row)
    array = np.array(row if numbers else [np.nan], np.float64)
    if len(array) > bits or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        raise EvobinError(
            f"`thresholds[{place}]` must be at most {bits} finite, ascending numbers, but it is "
            f"{row!r:.60}."
        )
    return array
