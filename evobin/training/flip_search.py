"""Direct search by exact flips: walks on all samples, or flips tried on fresh ones."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms import Annealing, Descent, Walker
from evobin.config import FlipConfig
from evobin.core.evidence import Outcomes
from evobin.core.problem import (
    FlipState,
    IncrementalProblem,
    SampledProblem,
    Solution,
    Structure,
    verify,
)
from evobin.core.solutions import from_bits, to_bits
from evobin.core.stage import MapTasks, Progress, Row, Stage
from evobin.core.state import State

ROUNDS_A_TASK = 4
"""Islands wait for each other after this many rounds, not after each: a round takes 0.5 to 0.9 s,
and waiting for the slower one cost a tenth of the time of two workers."""
SWEEPS_A_ROUND = 10
"""Offers of each sign between two looks at samples that the search does not see."""
SAMPLES_A_ROUND = 2e9
"""Samples that all offers of a round may look at, some seconds: else sweeps are parts of one."""
KICK = 4
"""Signs that a kick flips: a descent from it takes a sweep or two."""
ENOUGH = 0.99
"""Share of the samples that is right where search has nothing left to gain but by chance."""
FEWEST = 3
"""Rounds without a gain on unseen samples after which a search may end."""


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """The result of one round on one island."""

    bits: bytes  # the island's solution after it, as bits
    score: float  # of that, in full
    train_score: float  # of that, on the accepting batch
    counts: dict[str, int]  # flips, in all and by layer: tried, accepted, tried_conv1, and so on


class FlipSearch(Stage):
    """Search by single flips as a stage, on several islands.

    Where all samples to search on are the same each time, islands *walk* on them: from a trained
    start by descents to local optima and kicks, from random signs by annealing. After every
    `SWEEPS_A_ROUND` sweeps, each one's best is tried on samples that no search sees, and the search
    ends where these have stopped to gain: the best by its own samples fits these better and better.
    What is handed out has the highest likelihood of the unseen labels, and does not have fewer of
    them right than the start beyond the standard error of the paired difference.

    Where samples are drawn anew, a round is `improve`: it flips what helps on samples that did not
    propose the flip. The best by the full score is kept.

    A start that has nearly all samples right is left as it is.

    Args:
        problem: what to maximise.
        start: [n] int8; not modified.
        config: rounds or sweeps, islands and proposals.
        seed: decides every random number.
        is_trained: whether `start` is better than random signs.

    Raises:
        SettingError: if a setting is out of range.
    """

    name = "flips"

    def __init__(
        self,
        problem: SampledProblem,
        start: Solution,
        config: FlipConfig,
        seed: int,
        *,
        is_trained: bool = True,
    ) -> None:
        config.check()
        self._problem, self._config, self._seed = problem, config, seed
        self._is_trained = is_trained
        self.best, self.score = start, float(problem.score(start[None])[0])
        seen = problem.seen(start)
        self._enough = 0.0 if seen is None or seen.accuracy < ENOUGH else seen.accuracy
        before = problem.unseen(start) if problem.whole() is not None else None
        self._walkers: list[Walker] = []
        self._islands: list[Solution] = []
        if before is None:
            self.total = config.rounds
            self._islands = [start] * config.islands
            return
        self._offers = offers_of(problem.n, len(before.right) if seen is None else len(seen.right))
        self.total = -(-config.sweeps * problem.n // self._offers)
        self._peak, self._gained = before.likelihood, 0
        self._before = before
        self._walkers = [self._walker(start, place) for place in range(config.islands)]

    def _walker(self, start: Solution, place: int) -> Walker:
        kind: Walker = (
            Descent(rule="first", kick=min(KICK, self._problem.n))
            if self._is_trained
            else Annealing(sweeps=max(1, self._config.sweeps))
        )
        initial = start if self._is_trained else None
        return kind.start(self._problem.n, (self._seed, place), initial)

    def over(self) -> dict[str, Any]:
        """As in `Stage`: also where there is nothing to gain, or unseen samples stop to."""
        if self._enough:
            return {"right": self._enough}
        if self._walkers and self._is_trained:
            stale = self.done - self._gained
            if stale >= max(FEWEST, self._gained):
                return {"unseen": stale}
        return super().over()

    def progress(self, rows: tuple[Row, ...] = (), best: Solution | None = None) -> Progress:
        """As in `Stage`, with a note where it has nothing to do."""
        if not self._enough:
            return super().progress(rows, best)
        note = (
            f"No flips: {100 * self._enough:.1f}% of the training samples are right already, and "
            "what is left to gain on them is chance."
        )
        return Progress(self.name, 0, self.total, score=self.score, notes={"note": note})

    def step(self, map_tasks: MapTasks) -> list[Row]:
        """A walk of every island, or some rounds, a task an island."""
        return self._walk(map_tasks) if self._walkers else self._improve(map_tasks)

    def _walk(self, map_tasks: MapTasks) -> list[Row]:
        problem, offers = self._problem, self._offers
        walkers: list[Walker] = map_tasks(
            walk_on, [(problem, walker, offers) for walker in self._walkers]
        )
        done, rows, last = self.done + 1, list[Row](), self.done + 1 == self.total
        peak = best = None
        for walker, old in zip(walkers, self._walkers, strict=True):
            assert walker.best is not None  # it has walked
            after = problem.unseen(walker.best)
            assert after is not None  # as in `__init__`
            row: Row = {"evaluations": 1, "train_score": walker.score}
            row["score"] = float(problem.score(walker.best[None])[0])
            counts = _changes(problem.structure, old.best, walker.best, offers / problem.n)
            rows.append(row | {"unseen_score": after.likelihood} | counts)
            counts_now = self._is_trained or last  # an anneal is cold at its end alone
            highest = self._peak if peak is None else peak
            if counts_now and after.likelihood > highest:
                peak = after.likelihood
                if self._may_replace(after):
                    best = walker.best, row["score"]
        self.done, self._walkers = done, walkers
        if peak is not None:
            self._peak, self._gained = peak, done
        if best is not None:
            self.best, self.score = best
        return rows

    def _may_replace(self, after: Outcomes) -> bool:
        return not self._is_trained or not after.more_right(self._before).is_worse

    def _improve(self, map_tasks: MapTasks) -> list[Row]:
        numbers = range(self.done + 1, min(self.done + ROUNDS_A_TASK, self.total) + 1)
        problem, proposals = self._problem, self._config.proposals
        tasks = [
            (problem, to_bits(solution), proposals, [(self._seed, n, place) for n in numbers])
            for place, solution in enumerate(self._islands)
        ]
        islands: list[list[Round]] = map_tasks(flip_rounds, tasks)
        self.done = numbers[-1]
        self._islands = [from_bits(rounds[-1].bits, problem.n) for rounds in islands]
        rows: list[Row] = []
        for number, rounds in zip(numbers, zip(*islands, strict=True), strict=True):
            best = max(rounds, key=lambda done: done.score)
            if best.score > self.score:
                self.best, self.score = from_bits(best.bits, problem.n), best.score
            for place, done in enumerate(rounds):
                row: Row = {"step": number, "island": place, "evaluations": 1}
                row |= {"train_score": done.train_score, "score": done.score}
                rows.append(row | done.counts)
        return rows

    def state(self) -> State:
        """As in `Stage`."""
        if not self._walkers:
            return super().state() | {"islands": np.stack(self._islands)}
        walkers = [walker.state() for walker in self._walkers]
        walked = {"walkers": walkers, "peak": self._peak, "gained": self._gained}
        return super().state() | walked

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        if not self._walkers:
            self._islands = list(state["islands"])
            return
        for walker, its in zip(self._walkers, state["walkers"], strict=True):
            walker.load(its)
        self._peak, self._gained = state["peak"], state["gained"]


def offers_of(n: int, n_samples: int) -> int:
    """Flips that a walk is offered in a round: `SWEEPS_A_ROUND` of each sign, or some seconds."""
    return max(1, min(SWEEPS_A_ROUND * n, int(SAMPLES_A_ROUND / n_samples)))


def walk_on(problem: SampledProblem, walker: Walker, offers: int) -> Walker:
    """A copy of a walker that has been offered so many flips more, on all samples.

    Args:
        problem: one that is `whole`.
        walker: where it is; not modified.
        offers: how many.
    """
    whole, walker = problem.whole(), copy.deepcopy(walker)
    assert isinstance(whole, IncrementalProblem)
    while offers > 0 and not walker.stop():
        before = walker.evaluations
        walker.walk(whole, offers)
        if walker.evaluations == before:  # the next batch is longer
            break
        offers -= walker.evaluations - before
    walker.improvements.clear()
    return walker


def _changes(
    structure: Structure, before: Solution | None, after: Solution, sweeps: float
) -> dict[str, int]:
    """Flips tried, and made to come from one best to the next, by layer, in so many sweeps."""
    differ = np.ones(len(after), bool) if before is None else after != before
    counts = {"tried": round(sweeps * len(after)), "accepted": int(differ.sum())}
    for name, layer in structure.layers.items():
        inside = differ[layer]
        counts[f"tried_{name}"] = round(sweeps * len(inside))
        counts[f"accepted_{name}"] = int(inside.sum())
    return counts


def flip_rounds(
    problem: SampledProblem, bits: bytes, proposals: int, seeds: list[tuple[int, ...]]
) -> list[Round]:
    """Rounds on one island, one after the other: `improve`, and a score in full.

    Args:
        problem: what to maximise.
        bits: the solution to start from, as it travels.
        proposals: flips to try at most in a round.
        seeds: one for each round.
    """
    solution, rounds = from_bits(bits, problem.n), []
    for seed in seeds:
        solution, train_score, counts = improve(problem, solution, proposals, seed)
        score = float(problem.score(solution[None])[0])
        rounds.append(Round(to_bits(solution), score, train_score, counts))
    return rounds


def improve(
    problem: SampledProblem, solution: Solution, proposals: int, seed: tuple[int, ...]
) -> tuple[Solution, float, dict[str, int]]:
    """Flips what helps on two batches.

    On the first, gains rank the flips of each layer; the most promising are tried one after the
    other, and one is kept if it truly raises the score of both batches. Descent on one fixed batch
    lowers its loss and nothing else: it overfits at once.

    Args:
        problem: what to maximise.
        solution: [n] int8; not modified.
        proposals: flips to try at most.
        seed: decides the batches.

    Returns:
        The solution after it, its score on the accepting batch, and counts as in `Round`.

    Raises:
        RuntimeError: if an incremental score differs from its recomputation.
    """
    rng = np.random.default_rng(seed)
    chosen, judged = problem.sample(rng), problem.sample(rng)
    proposing, accepting = chosen.start(solution), judged.start(solution)
    promising = most_promising(proposing.gains(), problem.structure, proposals)
    kept = np.array([_try(proposing, accepting, index) for index in promising.tolist()], bool)
    verify(chosen, proposing)
    verify(judged, accepting)
    counts = {"tried": len(promising), "accepted": int(kept.sum())}
    for name, layer in problem.structure.layers.items():
        inside = (promising >= layer.start) & (promising < layer.stop)
        counts[f"tried_{name}"] = int(inside.sum())
        counts[f"accepted_{name}"] = int((inside & kept).sum())
    return accepting.solution, accepting.score, counts


def most_promising(
    gains: NDArray[np.float64], structure: Structure, proposals: int
) -> NDArray[np.int64]:
    """The flips of the highest gains above 0, as many of each layer as there are.

    Not of all layers together: predicted gains of early layers are too high beside the exact ones
    of late ones, which would never be tried.

    Args:
        gains: [n] of each flip, predicted or exact.
        structure: the layers; one of all signs where none are known.
        proposals: how many flips at most.

    Example:
        >>> layers = {"conv1": slice(0, 4), "linear": slice(4, 6)}
        >>> gains = np.array([9.0, 8.0, 7.0, 6.0, 0.2, 0.1])
        >>> most_promising(gains, Structure(layers), 4).tolist()
        [0, 4, 1, 5]
    """
    layers = structure.layers.values() or [slice(0, len(gains))]
    order = np.argsort(-gains, kind="stable")
    order = order[gains[order] > 0]
    ranked = [order[(order >= layer.start) & (order < layer.stop)] for layer in layers]
    in_turn = np.concatenate([np.arange(len(some)) for some in ranked])
    mixed: NDArray[np.int64] = np.concatenate(ranked)[np.argsort(in_turn, kind="stable")]
    return mixed[:proposals]


def _try(proposing: FlipState, accepting: FlipState, index: int) -> bool:
    """Flips a sign in both states if that raises both scores, else in neither."""
    before = proposing.score
    proposing.flip(index)
    if proposing.score <= before:
        proposing.flip(index)
        return False
    before = accepting.score
    accepting.flip(index)
    if accepting.score <= before:
        accepting.flip(index)
        proposing.flip(index)
        return False
    return True
