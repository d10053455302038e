"""Local optima in a pyramid of populations, mixed along the linkage that they show."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.algorithms.base import Algorithm
from evobin.checks import check_number
from evobin.core.problem import Population
from evobin.core.state import State
from evobin.kernels.linkage import average_linkage

LARGEST = 4_000
"""Signs; distances between all pairs of them take 128 MB."""
TOGETHER = 1e-12
"""Places no further from each other always go together."""
Clusters = list[NDArray[np.int64]]
"""Places that belong together, each as an array."""


class Pyramid(Algorithm):
    """The parameter-less population pyramid.

    Each solution starts anywhere and climbs to a local optimum by single flips. It joins the lowest
    population, and is mixed with every population from there on: for each cluster of signs that go
    together in it, it takes over those of one member that has others, where the score does not
    fall. Where that has improved it, the result joins the next population. Nothing needs to be set.

    Args:
        patience: as for `Algorithm`; n is at most 4,000.

    Source:
        Goldman and Punch (2014), Parameter-less population pyramid, GECCO; the clusters are the
        linkage tree of Thierens (2010), The linkage tree genetic algorithm, PPSN.
    """

    transient = (*Algorithm.transient, "_trees")
    waits = 1_000  # each climb begins anew: a restart would only forget

    def begin(self) -> None:
        """As in `Algorithm`; the first climbs begin where a search begins."""
        n = self.n
        check_number("n", n, 1, LARGEST)
        self.phase = "start"
        self.current = np.ones(n, np.int8)
        self.value = self.before = -np.inf
        self.tried = np.zeros(n, bool)
        self.order, self.place = self.rng.permutation(n), 0
        self.level = self.cluster = self.climbs = 0
        self._levels: list[Population] = []
        self._trees: list[Clusters] = []
        self._seen: set[bytes] = set()

    def ask(self) -> Population:
        """As in `Algorithm`."""
        while True:
            if self.phase == "start":
                return self._start(self.climbs)
            trial = self._flip() if self.phase == "climb" else self._mixture()
            if trial is not None:
                return trial

    def _flip(self) -> Population | None:
        """The next flip that has not been tried since the last one that helped; None after all."""
        if self.tried.all():
            self._join(0)
            return None
        while self.tried[self.order[self.place]]:
            self._step()
        trial = self.current[None].copy()
        trial[0, self.order[self.place]] *= -1
        return trial

    def _step(self) -> None:
        self.place += 1
        if self.place == self.n:
            self.order, self.place = self.rng.permutation(self.n), 0

    def _mixture(self) -> Population | None:
        """The signs of the next cluster from some member that has others; None after the last."""
        members, tree = self._levels[self.level], self._trees[self.level]
        while self.cluster < len(tree):
            cluster = tree[self.cluster]
            self.cluster += 1
            donors = np.flatnonzero((members[:, cluster] != self.current[cluster]).any(axis=1))
            if len(donors):
                trial = self.current[None].copy()
                trial[0, cluster] = members[self.rng.choice(donors), cluster]
                return trial
        if self.value > self.before:
            self._join(self.level + 1)
        self._rise(self.level + 1)
        return None

    def _join(self, level: int) -> None:
        """Has the present solution join a population, unless it is in one; from 0 on it rises."""
        if (key := self.current.tobytes()) in self._seen:
            self.phase = "start" if level == 0 else self.phase
            return
        self._seen.add(key)
        if level == len(self._levels):
            self._levels.append(np.empty((0, self.n), np.int8))
            self._trees.append([])
        self._levels[level] = np.concatenate([self._levels[level], self.current[None]])
        self._trees[level] = linkage_tree(self._levels[level])
        if level == 0:
            self._rise(0)

    def _rise(self, level: int) -> None:
        self.phase = "mix" if level < len(self._levels) else "start"
        self.level, self.before, self.cluster = level, self.value, 0

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        score, flipped = float(scores[0]), False
        if self.phase == "start":
            better, self.phase, self.value = True, "climb", -np.inf
            self.tried[:] = False
            self.climbs += 1
        else:
            better, flipped = score >= self.value, self.phase == "climb"
        if better:
            if score > self.value:
                self.tried[:] = False
            self.current, self.value = population[0].copy(), score
        if flipped:
            self.tried[self.order[self.place]] = True
            self._step()

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        super().load(state)
        self._trees = [linkage_tree(level) for level in self._levels]


def linkage_tree(members: Population) -> Clusters:
    """Clusters of places that go together in a population, the smallest first, without all of them.

    Places are as far from each other as 2 - (H(a) + H(b)) / H(a, b), with the entropies of their
    signs; clusters join by average distance. A cluster whose parts always go together has no parts.

    Args:
        members: [k, n] int8; one alone shows no linkage.
    """
    k, n = members.shape
    if k < 2 or n < 2:
        return []
    # ties are broken by the order of the places, so that is a random one
    rng = np.random.default_rng(k)
    shuffle = rng.permutation(n)
    pairs, heights = np.empty((n - 1, 2), np.int64), np.empty(n - 1)
    average_linkage(_distances(members[:, shuffle]), pairs, heights)
    clusters = [shuffle[place : place + 1] for place in range(n)]
    useful = np.ones(2 * n - 1, bool)
    useful[-1] = False
    for (first, second), height in zip(pairs.tolist(), heights.tolist(), strict=True):
        clusters.append(np.concatenate([clusters[first], clusters[second]]))
        useful[[first, second]] &= height > TOGETHER
    order = rng.permutation(np.flatnonzero(useful)).tolist()
    return [clusters[place] for place in sorted(order, key=lambda place: len(clusters[place]))]


def _distances(members: Population) -> NDArray[np.float64]:
    """[n, n] float64: how far places are from going together."""
    k = len(members)
    positive = (members > 0).astype(np.float64)
    both, ones = positive.T @ positive, positive.sum(axis=0)
    counts = np.arange(k + 1) / k
    terms = np.zeros(k + 1)
    terms[1:] = -counts[1:] * np.log(counts[1:])
    tables = (both, ones[:, None] - both, ones - both, k - ones - ones[:, None] + both)
    entropy = np.sum([terms[table.astype(np.int64)] for table in tables], axis=0)
    lone = terms[ones.astype(np.int64)] + terms[(k - ones).astype(np.int64)]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (lone + lone[:, None]) / entropy
    distances: NDArray[np.float64] = np.where(entropy > 0, 2.0 - ratio, 0.0)
    return distances
