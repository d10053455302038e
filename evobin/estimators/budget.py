"""Seconds for a fit: what to do in them, and when to end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from evobin.algorithms import Descent
from evobin.checks import check_choice
from evobin.config import Effort, PopulationConfig, SteConfig
from evobin.config.runs import POLISH_RATES
from evobin.core.problem import Solution
from evobin.core.samples import Dataset
from evobin.core.stage import Progress
from evobin.drive.pipeline import SearchPlan, compile_training, compile_walks
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.scales import Plan, plan_of
from evobin.training.ste import Pretraining, begin, train_epoch
from evobin.training.walks import offers_of, walk_on

_STARTS: dict[Effort, tuple[SteConfig, SteConfig]] = {  # from random signs, and from given ones
    "quick": (SteConfig(starts=2), SteConfig(starts=2, epochs=20, smooth=0, rates=POLISH_RATES)),
    "standard": (SteConfig(starts=8), SteConfig(starts=4, smooth=0, rates=POLISH_RATES)),
    "thorough": (
        SteConfig(starts=16, epochs=100),
        SteConfig(starts=12, epochs=80, smooth=0, rates=POLISH_RATES),
    ),
}
_POPULATIONS: dict[Effort, PopulationConfig] = {
    "quick": PopulationConfig(rounds=2),
    "standard": PopulationConfig(),
    "thorough": PopulationConfig(rounds=25, islands=4, families=2),
}
TRAINING = 0.6
"""Share of the seconds, where there is search."""
SURE = 0.9
"""Share of the seconds that is planned for: steps take longer than measured where others work, and
a training that is cut off has a learning rate that never came down."""
OFFERS, DOWN = 500, 10_000
"""Flips offered in the trial of a walk, and on the way to where it begins."""
CONTENTION = 1.3
"""How much longer a task takes where all cores work on one."""
START_SECONDS = 3.0
"""What it takes to start processes, several times as much where the machine is busy."""
LEAST_FOR_WORKERS = 60.0
"""Seconds below which a fit starts none: its only process then shares a batch among threads."""
TRIAL, TRIALS = 1024, 3
"""Samples of a trial whose time is measured, and how many trials: the quickest counts."""


def stages_of(effort: Effort, *, has_start: bool) -> dict[str, SteConfig | PopulationConfig]:
    """What an effort is at most, where seconds count: those of `SearchConfig` are of work."""
    check_choice("effort", effort, _STARTS)
    return {"ste": _STARTS[effort][has_start], "population": _POPULATIONS[effort]}


class Clock:
    """When a fit has to end, and how long its steps take.

    Args:
        seconds: from now; None for no end.
    """

    def __init__(self, seconds: float | None) -> None:
        self._began = self._last = time.monotonic()
        self._end = math.inf if seconds is None else self._began + seconds
        self._step = 0.0
        self._spent: dict[str, tuple[float, int]] = {}

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
        """Ends the search so much earlier, or later again."""
        self._end -= seconds

    @contextmanager
    def part(self, share: float) -> Iterator[None]:
        """Ends what happens in here after a share of what is left."""
        rest = (1 - share) * max(0.0, self.left) if self.is_set else 0.0
        self.reserve(rest)
        yield
        self.reserve(-rest)

    def watch(self, progress: Progress) -> None:
        """Takes note of a step that was done, or of a stage that begins."""
        now = time.monotonic()
        self._step, self._last = (now - self._last if progress.rows else 0.0), now
        if progress.rows:
            seconds, steps = self._spent.get(progress.stage, (0.0, 0))
            self._spent[progress.stage] = seconds + self._step, steps + 1

    def step_of(self, stage: str) -> float | None:
        """Mean seconds of a stage's steps since the last time it was asked; None without one."""
        seconds, steps = self._spent.pop(stage, (0.0, 0))
        return seconds / steps if steps else None

    def is_over(self) -> bool:
        """Whether another step as long as the last one would end too late."""
        return self.left <= self._step


@dataclass(frozen=True, slots=True)
class Job:
    """What to search, how, by how many workers, and from which signs; random ones if None."""

    problem: SampledNetworkProblem
    plan: SearchPlan
    n_workers: int
    start: Solution | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds: an epoch of one start, and a step of flips of all islands.

    Attributes:
        epochs: those of a whole training.
    """

    epoch: float
    flips: float
    epochs: int


def in_time(job: Job, clock: Clock) -> tuple[Job, Pace]:
    """Compiles what a job needs, measures its pace, and chooses the workers for its time.

    Without an end of the clock the job stays as it is.
    """
    if not clock.is_set:
        return job, Pace(0.0, 0.0, 1)
    problem, plan, n_workers = job.problem, job.plan, job.n_workers
    if problem.architecture.frames is None:  # no walks, whose steps could be measured
        plan = replace(plan, flips=replace(plan.flips, rounds=0))
    compile_training(problem, plan.ste, smooth=True)
    if clock.left < LEAST_FOR_WORKERS:
        n_workers = 1
    training = plan_of(plan.ste, problem)
    epoch, score = _pace(problem, training, n_workers)
    flips = _flip_seconds(problem) if plan.flips.rounds > 0 else 0.0
    clock.reserve(2 * score + 0.02 * clock.left)  # the figures at the end
    if n_workers > 1:
        clock.reserve(START_SECONDS)
        epoch *= CONTENTION
    # restarts and walks, which know when they pay, are worth more in a short time than relatives
    population = replace(plan.population, rounds=0)
    islands = replace(plan.flips, islands=n_workers)
    plan = replace(plan, population=population, flips=islands)
    job = replace(job, problem=problem, plan=plan, n_workers=n_workers)
    return job, Pace(epoch + score, flips, training.epochs)


def within(job: Job, pace: Pace, clock: Clock) -> Job:
    """The same job, made so small that it should be done when the clock says so.

    Fewer starts come first, then fewer epochs, then fewer samples: the learning rate then still
    falls to 0 in time. Flips are left out where a step takes too long. The pace is measured, so the
    result depends on the machine.
    """
    if not clock.is_set:
        return job
    plan, left = job.plan, SURE * max(0.0, clock.left)
    flips = plan.flips
    if flips.rounds > 0 and pace.flips > (1 - TRAINING) * left:
        flips = replace(flips, rounds=0)
    seconds = left * (TRAINING if flips.rounds > 0 else 1.0)
    whole = replace(plan.ste, epochs=pace.epochs)
    ste, share = _shrunk(whole, seconds / pace.epoch, job.n_workers)
    plan = replace(plan, ste=ste, flips=flips)
    return replace(job, problem=_part_of(job.problem, share, plan.seed), plan=plan)


def measured(pace: Pace, job: Job, clock: Clock) -> Pace:
    """The pace of a job that was done, which a trial before it can only guess."""
    step = clock.step_of(Pretraining.name)
    turns = -(-(job.plan.ste.starts or 1) // job.n_workers)
    return pace if step is None else replace(pace, epoch=step / turns)


def first_of(job: Job) -> Job:
    """The job with one start a worker, where the seconds are for what comes after."""
    ste = replace(job.plan.ste, starts=min(job.plan.ste.starts or 1, job.n_workers))
    return replace(job, plan=replace(job.plan, ste=ste))


def without_validation(job: Job, everything: Dataset, pace: Pace, sweeps: int) -> tuple[Job, Pace]:
    """The job without samples that are held out, and with so many sweeps of flips; its pace.

    Candidates are then compared by the samples that they have seen, of which there are most.
    """
    problem = replace(job.problem, train=everything, valid=everything, varied=None, guard=None)
    if job.start is not None:
        problem = problem.guarded(job.start)
    flips = replace(job.plan.flips, sweeps=sweeps, rounds=job.plan.flips.rounds if sweeps else 0)
    more = len(everything) / len(job.problem.train)
    pace = replace(pace, epoch=pace.epoch * more, flips=pace.flips * more)
    return replace(job, problem=problem, plan=replace(job.plan, flips=flips)), pace


def has_time(pace: Pace, clock: Clock, trainings: float = 0.25) -> bool:
    """Whether there is time for a part of another training at least, and what follows it."""
    return clock.is_set and clock.left * TRAINING > pace.epoch * pace.epochs * trainings


def _pace(problem: SampledNetworkProblem, plan: Plan, n_workers: int) -> tuple[float, float]:
    """Seconds of an epoch of one start, and of a score, by a trial on some of the samples."""
    train, valid = some_of(problem.train, TRIAL), some_of(problem.valid, TRIAL)
    n_threads = problem.n_threads if n_workers == 1 else 1
    trial = replace(problem, train=train, valid=valid, n_threads=n_threads)
    epoch = train_epoch(trial, plan, begin(trial, plan, (0, 0), None), 0)  # has buffers to get
    seconds = []
    for _ in range(TRIALS):
        began = time.monotonic()
        train_epoch(trial, plan, epoch.training, 0)
        trained = time.monotonic()
        trial.score(epoch.candidate[None])
        seconds.append((trained - began, time.monotonic() - trained))
    whole, score = np.min(seconds, axis=0).tolist()
    passed = max(whole - score, 1e-6)
    return passed * len(problem.train) / len(train), score * len(problem.valid) / len(valid)


def some_of(dataset: Dataset, n: int) -> Dataset:
    """At most `n` of its samples, from all over it."""
    if len(dataset) <= n:
        return dataset
    return dataset.subset(np.linspace(0, len(dataset) - 1, n).astype(np.intp))


def _shrunk(config: SteConfig, epochs: float, n_workers: int) -> tuple[SteConfig, float]:
    """Settings for so many epochs of each worker, and the share of the samples they are of."""
    asked, most = config.epochs or 1, config.starts or 1
    turns = min(-(-most // n_workers), max(1, int(epochs // asked)))
    each = max(1, min(asked, int(epochs // turns)))
    starts = min(most, turns * n_workers)
    return replace(config, starts=starts, epochs=each), min(1.0, epochs)


def _flip_seconds(problem: SampledNetworkProblem) -> float:
    """Seconds of a step of walks, by a few offers.

    They begin near a local optimum of some of the samples, as walks do after training: from random
    signs every third flip is made, which takes several times as long as a look.
    """
    compile_walks(problem)
    few = replace(problem, train=some_of(problem.train, TRIAL))
    solution = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), problem.n)
    start = walk_on(few, Descent(rule="first").start(problem.n, 0, solution), DOWN).best
    seconds: list[float] = []
    for offers in (OFFERS, OFFERS, 3 * OFFERS):  # what is laid out once is, after the first
        walker, began = Descent(rule="first").start(problem.n, 0, start), time.monotonic()
        walk_on(problem, walker, offers)
        seconds.append(time.monotonic() - began)
    each = max(0.0, seconds[2] - seconds[1]) / (2 * OFFERS)
    return seconds[1] + each * offers_of(problem.n, len(problem.train))


def _part_of(problem: SampledNetworkProblem, share: float, seed: int) -> SampledNetworkProblem:
    """The problem with a random share of its training samples, some of each label."""
    if share >= 1.0:
        return problem
    rng, rows = np.random.default_rng(seed), []
    for label in np.unique(problem.train.labels):
        members = np.flatnonzero(problem.train.labels == label)
        rows.append(rng.choice(members, max(1, int(share * len(members))), replace=False))
    return replace(problem, train=problem.train.subset(np.sort(np.concatenate(rows))))
