"""Seconds for a fit: what to do in them, and when to end."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from evobin.config import SteConfig
from evobin.core.samples import Dataset
from evobin.core.stage import Progress
from evobin.drive.pipeline import SearchPlan, compile_flips, compile_training
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.flip_search import ROUNDS_A_TASK, improve
from evobin.training.scales import Plan, plan_of
from evobin.training.ste import begin, train_epoch

TRAINING, POPULATION, FLIPS = 0.5, 0.3, 0.2
"""Shares of the seconds, where all three stages are asked for."""
CONTENTION = 1.3
"""How much longer a task takes where all cores work on one."""
START_SECONDS = 3.0
"""What it takes to start processes, several times as much where the machine is busy."""
LEAST_FOR_WORKERS = 60.0
"""Seconds below which a fit starts none: its only process then shares a batch among threads."""
TRIAL = 1024
"""Samples of the trial whose time is measured."""


class Clock:
    """When a fit has to end, and how long its steps take.

    Args:
        seconds: from now; None for no end.
    """

    def __init__(self, seconds: float | None) -> None:
        self._began = self._last = time.monotonic()
        self._end = math.inf if seconds is None else self._began + seconds
        self._step = 0.0

    @property
    def is_set(self) -> bool:
        """Whether there is an end."""
        return self._end < math.inf

    @property
    def elapsed(self) -> float:
        """Seconds since the fit began."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds until the search has to end."""
        return self._end - time.monotonic()

    def reserve(self, seconds: float) -> None:
        """Ends the search so much earlier."""
        self._end -= seconds

    def watch(self, progress: Progress) -> None:
        """Takes note of a step that was done, or of a stage that begins."""
        now = time.monotonic()
        self._step, self._last = (now - self._last if progress.rows else 0.0), now

    def is_over(self) -> bool:
        """Whether another step as long as the last one would end too late."""
        return self.left <= self._step


@dataclass(frozen=True, slots=True)
class Job:
    """What to search, how, and by how many workers."""

    problem: SampledNetworkProblem
    plan: SearchPlan
    n_workers: int


def within(job: Job, clock: Clock) -> Job:
    """The same job, made so small that it should be done when the clock says so.

    Fewer starts come first, then fewer epochs, then fewer samples: the learning rate then still
    falls to 0 in time. Stages that do not fit in are left out. How long an epoch takes is
    measured, so the result depends on the machine.
    """
    if not clock.is_set:
        return job
    problem, plan, n_workers = job.problem, job.plan, job.n_workers
    compile_training(problem, plan.ste, smooth=True)
    if clock.left < LEAST_FOR_WORKERS:
        n_workers = 1
    training = plan_of(plan.ste, problem)
    epoch, score = _pace(problem, training, n_workers)
    clock.reserve(2 * score + 0.02 * clock.left)  # the figures at the end
    if n_workers > 1:
        clock.reserve(START_SECONDS)
        epoch *= CONTENTION
    has_search = plan.population.rounds > 0 or plan.flips.rounds > 0
    seconds = max(0.0, clock.left) * (TRAINING if has_search else 1.0)
    whole = replace(plan.ste, epochs=training.epochs)
    ste, share = _shrunk(whole, seconds / (epoch + score), n_workers)
    population = replace(plan.population, rounds=_rounds(plan, epoch + score, clock, n_workers))
    flips = plan.flips
    if flips.rounds > 0:
        step = _flip_seconds(problem) * -(-flips.islands // n_workers)
        flips = replace(flips, rounds=flips.rounds * (step < FLIPS * clock.left))
    plan = replace(plan, ste=ste, population=population, flips=flips)
    return Job(_part_of(problem, share, plan.seed), plan, n_workers)


def _pace(problem: SampledNetworkProblem, plan: Plan, n_workers: int) -> tuple[float, float]:
    """Seconds of an epoch of one start, and of a score, by a trial on some of the samples."""
    train, valid = some_of(problem.train, TRIAL), some_of(problem.valid, TRIAL)
    n_threads = problem.n_threads if n_workers == 1 else 1
    trial = replace(problem, train=train, valid=valid, n_threads=n_threads)
    training = begin(trial, plan, (0, 0), None)
    began = time.monotonic()
    epoch = train_epoch(trial, plan, training, 0)
    trained = time.monotonic()
    trial.score(epoch.candidate[None])
    score = time.monotonic() - trained
    passed = max(trained - began - score, 1e-6)
    return passed * len(problem.train) / len(train), score * len(problem.valid) / len(valid)


def some_of(dataset: Dataset, n: int) -> Dataset:
    """At most `n` of its samples, from all over it."""
    if len(dataset) <= n:
        return dataset
    return dataset.subset(np.linspace(0, len(dataset) - 1, n).astype(np.intp))


def _shrunk(config: SteConfig, epochs: float, n_workers: int) -> tuple[SteConfig, float]:
    """Settings for so many epochs of each worker, and the share of the samples they are of."""
    asked = config.epochs or 1
    turns = min(-(-config.starts // n_workers), max(1, int(epochs // asked)))
    each = max(1, min(asked, int(epochs // turns)))
    starts = min(config.starts, turns * n_workers)
    return replace(config, starts=starts, epochs=each), min(1.0, epochs)


def _rounds(plan: SearchPlan, epoch: float, clock: Clock, n_workers: int) -> int:
    """Rounds of the population that its share of the seconds is enough for."""
    population = plan.population
    seconds = max(1, population.epochs) * epoch * -(-population.islands // n_workers)
    return min(population.rounds, int(POPULATION * max(0.0, clock.left) // seconds))


def _flip_seconds(problem: SampledNetworkProblem) -> float:
    """Seconds of a step of flips on an island; tries take about as long as what is before them."""
    rng = np.random.default_rng(0)
    solution = rng.choice(np.array([-1, 1], np.int8), problem.n)
    compile_flips(problem, solution)
    began = time.monotonic()
    improve(problem, solution, 1, (0,))
    return 2 * ROUNDS_A_TASK * (time.monotonic() - began)


def _part_of(problem: SampledNetworkProblem, share: float, seed: int) -> SampledNetworkProblem:
    """The problem with a random share of its training samples, some of each label."""
    if share >= 1.0:
        return problem
    rng, rows = np.random.default_rng(seed), []
    for label in np.unique(problem.train.labels):
        members = np.flatnonzero(problem.train.labels == label)
        rows.append(rng.choice(members, max(1, int(share * len(members))), replace=False))
    return replace(problem, train=problem.train.subset(np.sort(np.concatenate(rows))))
