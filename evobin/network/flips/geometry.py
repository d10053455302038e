"""Where samples lie in the arrays of one block of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evobin.core.samples import starts_of
from evobin.network.architecture import WHOLE, ConvBlock

Starts = NDArray[np.int64]

WORD = 64


def words_of(starts: Starts) -> Starts:
    """[n + 1] int64: first word of each sample, if it begins a new one and a row takes a bit."""
    return starts_of(-(-np.diff(starts) // WORD))


@dataclass(slots=True, eq=False)
class Geometry:
    """Where each sample lies in a block's arrays; see `kernels.flips`."""

    starts: Starts
    positions: Starts
    to: Starts
    words: Starts
    in_words: Starts
    out_words: Starts
    sources: NDArray[np.uint64]  # word in that belongs to each word of sums
    sample_of_row: NDArray[np.int32]  # of rows in
    sample_of_row_out: NDArray[np.int32]
    pool: int  # 0 for all of time
    last: bool

    def of_samples(self, samples: slice) -> Geometry:
        """That of consecutive samples alone; rows, positions and words stay where they are."""
        if samples == slice(None):
            return self
        ends = slice(samples.start, samples.stop + 1)
        return replace(
            self,
            starts=self.starts[ends],
            positions=self.positions[ends],
            to=self.to[ends],
            words=self.words[ends],
            in_words=self.in_words[ends],
            out_words=self.out_words[ends],
            sources=self.sources[self.words[samples.start] : self.words[samples.stop]],
        )

    @classmethod
    def of(cls, block: ConvBlock, starts: Starts, *, last: bool) -> Geometry:
        """Geometry of a block whose inputs are rows starts[c] to starts[c + 1]."""
        lengths = np.diff(starts)
        positions = starts_of(lengths - block.kernel + 1)
        single = positions[-1] == len(starts) - 1
        pool = WHOLE if last or single else block.pool
        to = np.arange(len(starts)) if pool == WHOLE else starts_of(block.frames_out(lengths))
        words, in_words = words_of(positions), words_of(starts)
        sources = np.arange(words[-1]) + np.repeat((in_words - words)[:-1], np.diff(words))
        return cls(
            starts,
            positions,
            to,
            words=words,
            in_words=in_words,
            out_words=words_of(to),
            sources=sources.astype(np.uint64),
            sample_of_row=_owners(starts),
            sample_of_row_out=_owners(to),
            pool=pool,
            last=last,
        )

    @property
    def single(self) -> bool:
        """Whether each sample has one position, as in linear layers."""
        return int(self.positions[-1]) == len(self.positions) - 1

    @property
    def window(self) -> int:
        """Positions a pooling window, as many as the longest sample has for all of time."""
        return self.pool or int(np.diff(self.positions).max())


def _owners(starts: Starts) -> NDArray[np.int32]:
    return np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
