"""Samples of different lengths, held in one array."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_shape
from evobin.kernels import packing, widening
from evobin.lazy import pd

Frames = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int8]
Stored = NDArray[np.float16] | Frames

PIECE = 2**21
"""Numbers of a piece: 8 MB in float32. In pieces of 1 MB, dense networks took a tenth longer."""


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
    """Feature matrices of different lengths, in one array that subsets share.

    All arrays are read-only, in every process: numba compiles a second time for a writeable array,
    and what joblib sends to a worker as a memory map is read-only.

    Attributes:
        stored: [rows, n_in] float16, float32 or float64, C order, read-only; or int8, where a
            network has binary inputs. Samples lie in it one after the other; those of a subset
            anywhere, beside others.
        starts: [n + 1] int64, ascending from 0, read-only: where each sample starts in `frames`.

    Example:
        >>> samples = Samples.join([np.zeros((57, 64)), np.ones((60, 64))])
        >>> len(samples), samples[1].shape, samples.frames.dtype
        (2, (60, 64), dtype('float64'))
        >>> samples.subset(np.array([1, 0])).stored is samples.stored
        True
    """

    stored: Stored
    starts: NDArray[np.int64]
    _firsts: NDArray[np.int64] | None = None  # rows in `stored`; None: one after the other, from 0
    _bits: NDArray[np.uint64] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for array in (self.stored, self.starts, self.firsts):
            array.setflags(write=False)

    @classmethod
    def of_rows(cls, rows: NDArray[Any]) -> Samples:
        """Each row as a sample of one frame.

        Args:
            rows: [n, n_in] of a type that `stored` has; copied only if it is not in C order,
                else made read-only.
        """
        stored: Stored = np.ascontiguousarray(rows)
        return cls(stored, np.arange(len(rows) + 1, dtype=np.int64))

    @classmethod
    def join(
        cls, samples: Sequence[NDArray[Any]], dtype: type[np.generic] | np.dtype[Any] | None = None
    ) -> Samples:
        """Copies matrices into one array.

        The narrowest floating type that holds all of them exactly: float16 if all are of that,
        float64 if any sample needs it (float64 or integers), else float32.

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
            dtype = common_type({sample.dtype for sample in samples})
        starts = starts_of([len(sample) for sample in samples])
        stored: Stored = np.empty((int(starts[-1]), n_in), dtype)
        for sample, start, stop in zip(samples, starts, starts[1:], strict=False):
            stored[start:stop] = sample
        return cls(stored, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Stored:
        first = int(self.firsts[index])
        return self.stored[first : first + int(self.starts[index + 1] - self.starts[index])]

    @property
    def n_in(self) -> int:
        """Features of a frame."""
        return int(self.stored.shape[1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[n] int64, frames of each sample."""
        return np.diff(self.starts)

    @property
    def firsts(self) -> NDArray[np.int64]:
        """[n] int64, the row of `stored` where each sample starts."""
        return self.starts[:-1] if self._firsts is None else self._firsts

    @property
    def frames(self) -> Frames:
        """[sum of t, n_in] in C order, read-only: all samples one after the other, to compute with.

        float32 where float16 is stored, which is exact; else of the type that is stored. No copy
        where the samples lie so in `stored`, and need no other type; else a copy each time. Of many
        samples, take `pieces`.
        """
        frames = widened(self._together())
        frames.setflags(write=False)
        return frames

    def _together(self) -> Stored:
        if not len(self):
            return self.stored[:0]
        firsts, starts, n_rows = self.firsts, self.starts, int(self.starts[-1])
        places = firsts - starts[:-1]
        if (places == places[0]).all():
            return self.stored[int(firsts[0]) : int(firsts[0]) + n_rows]
        return self.stored[np.repeat(places, self.lengths) + np.arange(n_rows)]

    @property
    def bits(self) -> NDArray[np.uint64]:
        """[sum of t, ceil(n_in / 64)] uint64, features of -1 and +1 packed, read-only.

        64 features of a frame to a word, +1 as a set bit; unused high bits are 0. They are packed
        once and kept.

        Raises:
            ValueError: if a feature is neither -1 nor +1.
        """
        if self._bits is None:
            bits = np.empty((int(self.starts[-1]), -(-self.n_in // 64)), np.uint64)
            low = 0
            for piece in self.pieces():
                high = low + int(piece.starts[-1])
                row = packing.pack_signs(piece.frames, bits[low:high])
                if row >= 0:
                    self._refuse(low + row)
                low = high
            bits.setflags(write=False)
            object.__setattr__(self, "_bits", bits)
        assert self._bits is not None
        return self._bits

    def _refuse(self, row: int) -> None:
        sample = int(np.searchsorted(self.starts, row, side="right")) - 1
        frame = row - int(self.starts[sample])
        values = self[sample][frame]
        feature = int(np.flatnonzero(np.abs(values.astype(np.float64)) != 1)[0])
        raise ValueError(
            "`samples` must hold only -1 and +1 for binary inputs, but feature "
            f"{feature} of sample {sample}, frame {frame}, is {values[feature]}; "
            "binarise them first."
        )

    def stretch(self, start: int, stop: int) -> Samples:
        """Samples `start` to `stop`, that one excluded, or to the last one; without a copy."""
        starts = self.starts[start : stop + 1]
        some = Samples(self.stored, starts - starts[0], self.firsts[start:stop])
        if self._bits is not None:
            object.__setattr__(some, "_bits", self._bits[starts[0] : starts[-1]])
        return some

    def pieces(self) -> Iterator[Samples]:
        """All samples, a few at a time: stretches of at most `PIECE` numbers, or of one sample."""
        low, rows = 0, PIECE // self.n_in
        while low < len(self):
            high = int(np.searchsorted(self.starts, self.starts[low] + rows, side="right")) - 1
            high = max(low + 1, high)
            yield self.stretch(low, high)
            low = high

    def subset(self, rows: NDArray[np.intp]) -> Samples:
        """Some samples, in the order of `rows` ([m] integers), without a copy of the features."""
        return Samples(self.stored, starts_of(self.lengths[rows]), self.firsts[rows])


def common_type(dtypes: Collection[np.dtype[Any]]) -> type[np.floating]:
    """The narrowest floating type in which samples of these types can be stored exactly."""
    if all(dtype.kind == "f" and dtype.itemsize == 2 for dtype in dtypes):
        return np.float16
    return np.float32 if all(np.can_cast(x, np.float32) for x in dtypes) else np.float64


def widened(numbers: Stored) -> Frames:
    """[rows, n] numbers in C order to compute with: float16 as float32, which is exact.

    Other types are returned as they are; not a number of theirs is copied.
    """
    if numbers.dtype != np.float16:
        return cast("Frames", numbers)
    halves = numbers.reshape(-1).view(np.uint16)
    halves.setflags(write=False)  # as memory maps are, for which numba would compile again
    out = np.empty(numbers.shape, np.float32)
    widening.widen(halves, out.reshape(-1))
    return out


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

    @property
    def group_names(self) -> NDArray[np.str_]:
        """[n] the group of each sample, or its own name where groups are not known."""
        names = self.names if self.groups is None else self.groups["speaker"].tolist()
        return np.array(names, str)

    @property
    def n_groups(self) -> int | None:
        """Different groups; None if they are not known."""
        return None if self.groups is None else int(self.groups["speaker"].nunique())

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
                matrices, np.result_type(*(part.samples.stored for part in parts))
            ),
            labels=np.concatenate([part.labels for part in parts]),
            groups=pd.concat(groups, ignore_index=True) if groups else None,
        )

    def subset(self, rows: NDArray[np.intp]) -> Dataset:
        """Some samples, in the order of `rows` ([m] integers, at least one).

        The features are not copied: subsets share them, and workers get them once.
        """
        return Dataset(
            names=tuple(self.names[int(row)] for row in rows),
            samples=self.samples.subset(rows),
            labels=self.labels[rows],
            groups=None if self.groups is None else self.groups.iloc[rows].reset_index(drop=True),
        )
