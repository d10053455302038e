"""Samples of different lengths, held in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin.checks import check_shape
from evobin.kernels import packing

Frames = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int8]


def starts_of(lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """[n + 1] int64: where each of n pieces starts that lie one after the other, and the end.

    Example:
        >>> starts_of([3, 2])
        array([0, 3, 5])
    """
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def cuts_of(n: int, size: int) -> NDArray[np.int64]:
    """[pieces + 1] int64: where pieces of n rows start, `size` each but the last, and the end.

    Example:
        >>> cuts_of(8, 3)
        array([0, 3, 6, 8])
    """
    return np.append(np.arange(0, n, size), n)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Feature matrices of different lengths, one after the other.

    Sample `i` is `frames[starts[i]:starts[i + 1]]`. Both arrays are read-only, in every process:
    numba compiles a second time for a writeable array, and what joblib sends to a worker as a
    memory map is read-only.

    Attributes:
        frames: [sum of t, n_in] float32 or float64, C order, read-only; or int8, where a network
            has binary inputs.
        starts: [n + 1] int64, ascending from 0, read-only.

    Example:
        >>> samples = Samples.join([np.zeros((57, 64)), np.ones((60, 64))])
        >>> len(samples), samples[1].shape, samples.frames.dtype
        (2, (60, 64), dtype('float64'))
    """

    frames: Frames
    starts: NDArray[np.int64]
    _bits: NDArray[np.uint64] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.frames.setflags(write=False)
        self.starts.setflags(write=False)

    @classmethod
    def of_rows(cls, rows: NDArray[Any]) -> Samples:
        """Each row as a sample of one frame.

        Args:
            rows: [n, n_in] of a type that `frames` has; copied only if it is not in C order,
                else made read-only.
        """
        frames: Frames = np.ascontiguousarray(rows)
        return cls(frames, np.arange(len(rows) + 1, dtype=np.int64))

    @classmethod
    def join(
        cls, samples: Sequence[NDArray[Any]], dtype: type[np.generic] | np.dtype[Any] | None = None
    ) -> Samples:
        """Copies matrices into one array.

        float16 and float32 become float32, which holds them exactly; if any sample needs float64
        (float64 or integers), all become float64.

        Args:
            samples: at least one [t, n_in] array of real numbers, any memory order; not modified.
            dtype: of the array, if that is known; it must hold all numbers exactly.

        Raises:
            ValueError: if `samples` is empty or a matrix has another width than the first.
        """
        if not len(samples):
            raise ValueError("`samples` must hold at least one sample, but it is empty.")
        n_in = samples[0].shape[-1]
        for i, sample in enumerate(samples):
            check_shape(f"samples[{i}]", sample, (None, n_in))
        if dtype is None:
            narrow = all(np.can_cast(sample.dtype, np.float32) for sample in samples)
            dtype = np.float32 if narrow else np.float64
        starts = starts_of([len(sample) for sample in samples])
        frames: Frames = np.empty((int(starts[-1]), n_in), dtype)
        for sample, start, stop in zip(samples, starts, starts[1:], strict=False):
            frames[start:stop] = sample
        return cls(frames, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Frames:
        return self.frames[self.starts[index] : self.starts[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[n] int64, frames of each sample."""
        return np.diff(self.starts)

    @property
    def bits(self) -> NDArray[np.uint64]:
        """[sum of t, ceil(n_in / 64)] uint64, features of -1 and +1 packed, read-only.

        64 features of a frame to a word, +1 as a set bit; unused high bits are 0. They are packed
        once and kept.

        Raises:
            ValueError: if a feature is neither -1 nor +1.
        """
        if self._bits is None:
            rows, n_in = self.frames.shape
            bits = np.empty((rows, -(-n_in // 64)), np.uint64)
            row = packing.pack_signs(self.frames, bits)
            if row >= 0:
                self._refuse(row)
            bits.setflags(write=False)
            object.__setattr__(self, "_bits", bits)
        assert self._bits is not None
        return self._bits

    def _refuse(self, row: int) -> None:
        sample = int(np.searchsorted(self.starts, row, side="right")) - 1
        feature = int(np.flatnonzero(np.abs(self.frames[row].astype(np.float64)) != 1)[0])
        raise ValueError(
            "`samples` must hold only -1 and +1 for binary inputs, but feature "
            f"{feature} of sample {sample}, frame {row - self.starts[sample]}, is "
            f"{self.frames[row, feature]}; binarise them first."
        )

    def stretch(self, start: int, stop: int) -> Samples:
        """Samples `start` to `stop`, that one excluded, or to the last one; without a copy."""
        starts = self.starts[start : stop + 1]
        return Samples(self.frames[starts[0] : starts[-1]], starts - starts[0])

    def subset(self, rows: NDArray[np.intp]) -> Samples:
        """A copy of some samples, in the order of `rows` ([m] integers)."""
        lengths, starts = self.lengths[rows], self.starts[rows]
        to = starts_of(lengths)
        places = np.repeat(starts - to[:-1], lengths) + np.arange(to[-1])
        return Samples(self.frames[places], to)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Labelled samples, with their groups where these are known.

    Attributes:
        names: [n] file names, as the data file spells them.
        samples: [n] features.
        labels: [n] int8, from 0, read-only.
        groups: one row a sample, in the same order: the column "speaker", then whatever other
            columns the groups file has, all str; None without a groups file.

    Example:
        >>> samples = Samples.join([np.zeros((57, 64)), np.ones((60, 64))])
        >>> dataset = Dataset(("a.npy", "b.npy"), samples, np.array([0, 1], np.int8), None)
        >>> len(dataset), dataset.subset(np.array([1])).names
        (2, ('b.npy',))
    """

    names: tuple[str, ...]
    samples: Samples
    labels: NDArray[np.int8]
    groups: pd.DataFrame | None

    def __post_init__(self) -> None:
        n = len(self.names)
        check_shape("labels", self.labels, (n,))
        check_shape("samples.lengths", self.samples.lengths, (n,))
        if self.groups is not None:
            check_shape("groups", self.groups.to_numpy(), (n, None))
        self.labels.setflags(write=False)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def join(cls, parts: Sequence[Dataset]) -> Dataset:
        """All samples of some data sets, one after the other, a copy unless there is only one.

        Args:
            parts: at least one; all with groups of the same columns, or all without.
        """
        if len(parts) == 1:
            return parts[0]
        groups = [part.groups for part in parts if part.groups is not None]
        matrices = [part.samples[i] for part in parts for i in range(len(part))]
        return cls(
            names=tuple(name for part in parts for name in part.names),
            samples=Samples.join(
                matrices, np.result_type(*(part.samples.frames for part in parts))
            ),
            labels=np.concatenate([part.labels for part in parts]),
            groups=pd.concat(groups, ignore_index=True) if groups else None,
        )

    def subset(self, rows: NDArray[np.intp]) -> Dataset:
        """A copy of some samples, in the order of `rows` ([m] integers, at least one)."""
        return Dataset(
            names=tuple(self.names[int(row)] for row in rows),
            samples=self.samples.subset(rows),
            labels=self.labels[rows],
            groups=None if self.groups is None else self.groups.iloc[rows].reset_index(drop=True),
        )
