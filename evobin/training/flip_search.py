"""Bit-flip local search: propose on one batch, accept on another fresh one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.config import FlipConfig
from evobin.core.problem import FlipState, SampledProblem, Solution, Structure, verify
from evobin.core.solutions import from_bits, to_bits
from evobin.core.stage import Progress, RoundStage, Row
from evobin.core.state import State

ROUNDS_A_TASK = 4
"""Islands wait for each other after this many rounds, not after each: a round takes 0.5 to 0.9 s,
and waiting for the slower one cost a tenth of the time of two workers."""
ENOUGH = 0.99
"""Share of the samples that is right where search has nothing left to gain but by chance."""


class FlipStage(RoundStage):
    """What searches by single flips share: a start that has nearly all right is left as it is.

    Args:
        problem: what to maximise.
        start: [n] int8; not modified.
        config: how much to do.

    Raises:
        SettingError: if a setting is out of range.
    """

    name = "flips"

    def __init__(self, problem: SampledProblem, start: Solution, config: FlipConfig) -> None:
        config.check()
        self._problem, self._config = problem, config
        self.best, self.score = start, float(problem.score(start[None])[0])
        self._begin_at(start)

    @property
    @abstractmethod
    def newest(self) -> Solution:
        """[n] int8, what the search has come to by the samples that it looks at, and no others."""

    @property
    def right(self) -> float:
        """Share of the samples to search on that the start has right; 0 where it is not known."""
        return self._right

    @property
    def _enough(self) -> float:
        """The same where that leaves nothing to gain, else 0."""
        return self._right if self._right >= ENOUGH else 0.0

    def _begin_at(self, start: Solution) -> None:
        """Takes note of what the start makes of the samples."""
        self._start, seen = start, self._problem.seen(start)
        self._n_seen = 0 if seen is None else len(seen.right)
        self._right = 0.0 if seen is None else seen.accuracy

    def state(self) -> State:
        """As in `Stage`."""
        return super().state() | {"start": self._start}

    def load(self, state: State) -> None:
        """As in `Stage`; what goes on was made with the best so far for a start."""
        super().load(state)
        self._begin_at(state["start"])

    def over(self) -> dict[str, Any]:
        """As in `Stage`, and where there is nothing to gain."""
        return {"right": self._enough} if self._enough else super().over()

    def progress(self, rows: tuple[Row, ...] = (), best: Solution | None = None) -> Progress:
        """As in `Stage`, with a note where it has nothing to do."""
        if not self._enough:
            return super().progress(rows, best)
        notes = {"note": nothing_to_gain(self._enough)}
        return Progress(self.name, 0, self.total, score=self.score, notes=notes)


def nothing_to_gain(right: float) -> str:
    """Why flips are left out where such a share of the samples is right."""
    return (
        f"No flips: {100 * right:.1f}% of the training samples are right already, and what is left "
        "to gain on them is chance."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """The result of one round on one island."""

    bits: bytes  # the island's solution after it, as bits
    score: float  # of that, in full
    train_score: float  # of that, on the accepting batch
    counts: dict[str, int]  # flips, in all and by layer: tried, accepted, tried_conv1, and so on


class FlipSearch(FlipStage):
    """Bit-flip local search as a stage, some rounds of all islands a step.

    Flips single signs while that helps on samples that did not propose the flip. All islands begin
    with `start` and differ in the batches that they draw. After each round their solutions are
    scored in full; the best one of all rounds is kept.

    Args:
        problem: what to maximise.
        start: [n] int8; not modified.
        config: rounds, islands and proposals.
        seed: decides every random number.

    Raises:
        SettingError: if a setting is out of range.
    """

    def __init__(
        self, problem: SampledProblem, start: Solution, config: FlipConfig, seed: int
    ) -> None:
        super().__init__(problem, start, config)
        self.total, self._seed = config.rounds, seed
        self._islands, self._leader = [start] * config.islands, 0

    @property
    def function(self) -> Callable[..., list[Round]]:
        """As in `RoundStage`."""
        return flip_rounds

    def tasks(self) -> list[tuple[Any, ...]]:
        """Some rounds on every island, a task an island."""
        proposals = self._config.proposals
        return [
            (
                self._problem,
                to_bits(solution),
                proposals,
                [(self._seed, n, place) for n in self._numbers],
            )
            for place, solution in enumerate(self._islands)
        ]

    @property
    def _numbers(self) -> range:
        """Those of the rounds of the next step."""
        return range(self.done + 1, min(self.done + ROUNDS_A_TASK, self.total) + 1)

    @property
    def newest(self) -> Solution:
        """As in `FlipStage`."""
        return self._islands[self._leader]

    def take(self, results: list[list[Round]]) -> list[Row]:
        """As in `RoundStage`."""
        problem, numbers = self._problem, self._numbers
        self.done = numbers[-1]
        self._islands = [from_bits(rounds[-1].bits, problem.n) for rounds in results]
        self._leader = int(np.argmax([rounds[-1].train_score for rounds in results]))
        rows: list[Row] = []
        for number, rounds in zip(numbers, zip(*results, strict=True), strict=True):
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
        return super().state() | {"islands": np.stack(self._islands), "leader": self._leader}

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        self._islands, self._leader = list(state["islands"]), state["leader"]


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
