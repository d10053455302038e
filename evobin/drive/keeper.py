"""Keeps the best different solutions of a search."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from evobin.core.problem import Population, Scores, Solution
from evobin.core.solutions import from_bits, to_bits
from evobin.core.state import State
from evobin.results.search import Kept


class _Row(NamedTuple):
    loss: float  # minus the score, so that rows rise
    key: bytes
    bits: bytes


class Keeper:
    """The best different solutions that were offered; of equal ones, those that came first.

    What is not good enough costs a comparison.

    Args:
        size: how many to keep.
        n: length of a solution.
        mirrored: whether a solution and its negative are the same, as two sides of a cut.
    """

    def __init__(self, size: int, n: int, mirrored: bool = False) -> None:
        self._size, self._n, self._mirrored = size, n, mirrored
        self._rows: list[_Row] = []
        self._keys: set[bytes] = set()

    def offer(self, population: Population, scores: Scores) -> None:
        """Takes what is good enough, in order.

        Args:
            population: [k, n] int8; not modified.
            scores: [k] float64; what could not be scored, -inf, is never kept.
        """
        if len(scores) == 1:
            self._offer(population[0], float(scores[0]))
            return
        for row in np.flatnonzero(scores > self._floor).tolist():
            self._offer(population[row], float(scores[row]))

    def kept(self) -> Kept:
        """What is kept, the best first; scores in terms of a maximum."""
        solutions = [from_bits(row.bits, self._n) for row in self._rows]
        scores = np.array([-row.loss for row in self._rows], np.float64)
        return Kept(np.array(solutions, np.int8).reshape(-1, self._n), scores)

    def state(self) -> State:
        """What `load` needs."""
        kept = self.kept()
        return {"solutions": np.packbits(kept.solutions > 0, axis=1), "scores": kept.scores}

    def load(self, state: State) -> None:
        """Goes on with what another one kept."""
        self._rows, self._keys = [], set()
        for bits, score in zip(state["solutions"], state["scores"], strict=True):
            self._offer(from_bits(bits.tobytes(), self._n), float(score))

    @property
    def is_full(self) -> bool:
        """Whether there are as many as asked for."""
        return len(self._rows) == self._size

    @property
    def _floor(self) -> float:
        return -self._rows[-1].loss if self.is_full else -np.inf

    def _offer(self, solution: Solution, score: float) -> None:
        if not score > self._floor:
            return
        key = bits = to_bits(solution)
        if self._mirrored and solution[0] < 0:
            key = to_bits(-solution)
        if key in self._keys:
            return
        place = bisect_right(self._rows, -score, key=itemgetter(0))
        self._rows.insert(place, _Row(-score, key, bits))
        self._keys.add(key)
        if len(self._rows) > self._size:
            self._keys.remove(self._rows.pop().key)
