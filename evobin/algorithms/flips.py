"""Bit-flip local search: propose on one batch, accept on another that was drawn afresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evobin.algorithms.base import Host, Outcome, Progress
from evobin.config import FlipConfig
from evobin.evaluation import AnyProblem, FlipState, Solution


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """What one round on one island did.

    Attributes:
        solution: [n] int8, the island's solution behind it.
        tried: flips tried.
        accepted: flips kept.
    """

    solution: Solution
    tried: int
    accepted: int


def local_search(
    problem: AnyProblem,
    start: Solution,
    config: FlipConfig,
    seed: int,
    host: Host | None = None,
) -> Outcome:
    """Flips single signs while that helps on clips that did not propose the flip.

    All islands begin with `start` and differ in the batches that they draw. After each round
    their solutions are scored in full; the best one of all rounds is returned. With a round as
    the task of a worker, the result depends on the seed alone.

    Args:
        problem: what to maximise.
        start: [n] int8; not modified.
        config: rounds, islands and proposals.
        seed: decides every random number.
        host: runs the islands' rounds, and is told after each.

    Returns:
        The best solution by `problem.score`; `start` if none was better.

    Raises:
        SettingError: if a setting is out of range.
        RuntimeError: if an incremental score differs from its recomputation.
    """
    config.check()
    host = host or Host()
    best, score = start, float(problem.score(start[None])[0])
    islands = [start] * config.islands
    history: list[dict[str, Any]] = []
    for number in range(1, config.rounds + 1):
        tasks = [
            (problem, solution, config.proposals, (seed, number, island))
            for island, solution in enumerate(islands)
        ]
        rounds: list[Round] = host.map_tasks(flip_round, tasks)
        islands = [done.solution for done in rounds]
        scores = problem.score(np.stack(islands))
        found = None
        if scores.max() > score:
            found = best = islands[int(scores.argmax())]
            score = float(scores.max())
        figures = {"stage": "flips", "step": number, "score": float(scores.max()), "best": score}
        figures["tried"] = sum(done.tried for done in rounds)
        figures["accepted"] = sum(done.accepted for done in rounds)
        history.append(figures)
        host.observer(Progress("flips", number, config.rounds, figures, found))
        if host.is_over():
            break
    return Outcome(best, score, tuple(history))


def flip_round(
    problem: AnyProblem, solution: Solution, proposals: int, seed: tuple[int, ...]
) -> Round:
    """One round on one island.

    Two batches are drawn. On the first, gains rank all flips; the most promising are tried one
    after the other, and one is kept if it truly raises the score of both batches. Descent on one
    fixed batch lowers its loss and nothing else: it overfits at once.

    Args:
        problem: what to maximise.
        solution: [n] int8; not modified.
        proposals: flips to try at most.
        seed: decides the batches.

    Raises:
        RuntimeError: if an incremental score differs from its recomputation.
    """
    rng = np.random.default_rng(seed)
    proposing = problem.start(solution, problem.draw(rng))
    accepting = problem.start(solution, problem.draw(rng))
    gains = proposing.gains()
    promising = np.argsort(-gains, kind="stable")[:proposals]
    promising = promising[gains[promising] > 0]
    accepted = sum(_try(proposing, accepting, index) for index in promising.tolist())
    proposing.verify()
    accepting.verify()
    return Round(accepting.solution, len(promising), accepted)


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
