"""A fit: the stages of a search on arrays, in memory, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import parallel
from evobin.config import AugmentConfig, SearchConfig
from evobin.core.problem import Solution
from evobin.core.samples import Dataset, Frames, Samples
from evobin.core.scores import accuracy_of
from evobin.core.stage import Progress, Row
from evobin.drive.driver import Driver
from evobin.drive.pipeline import SearchPlan, run_stages
from evobin.estimators.budget import Clock, Job, Pace, has_time, in_time, measured, some_of, within
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.evaluation import Evaluation
from evobin.results.run import USES


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What a fit leaves.

    Attributes:
        network: the one that was chosen.
        parts: its predictions by part: "train", or some of it where seconds count, and "valid".
        history: a row for each step of each start or island.
    """

    network: BinaryNetwork
    parts: dict[str, Evaluation]
    history: list[Row]


@dataclass(slots=True, eq=False)
class _Watch:
    """Sees every step: keeps the history, and shows it."""

    clock: Clock
    n_scored: int
    show: Callable[[Progress], None] | None
    history: list[Row]

    def __call__(self, progress: Progress) -> None:
        self.clock.watch(progress)
        if progress.rows:
            best = {
                "elapsed": round(self.clock.elapsed, 3),
                "best_accuracy": accuracy_of(progress.score, self.n_scored),
            }
            rows = tuple(
                row | {"selection_accuracy": accuracy_of(row["score"], self.n_scored)} | best
                for row in progress.rows
            )
            self.history += rows
            progress = replace(progress, rows=rows)
        if self.show is not None:
            self.show(progress)


def samples_of(features: NDArray[Any]) -> Samples:
    """[n, features] of a type that `Samples` has, as samples of one frame."""
    frames: Frames = np.ascontiguousarray(features)
    return Samples(frames, np.arange(len(features) + 1, dtype=np.int64))


def dataset_of(
    features: NDArray[Any],
    labels: NDArray[np.int8],
    groups: NDArray[Any] | None,
    rows: NDArray[np.intp],
) -> Dataset:
    """Some samples of an array, named by their rows."""
    names = tuple(map(str, rows.tolist()))
    table = None if groups is None else pd.DataFrame({"speaker": groups[rows].astype(str)})
    return Dataset(names, samples_of(features[rows]), labels[rows], table)


def problem_of(
    architecture: Architecture, train: Dataset, valid: Dataset, config: SearchConfig
) -> SampledNetworkProblem:
    """What is maximised: trained on one part of the samples, scored on the other."""
    return SampledNetworkProblem(
        architecture,
        train,
        valid,
        AugmentConfig(),
        frames=1,
        batch_size=config.flips.clips,
        n_threads=parallel.worker_count(config.n_jobs),
    )


def fit_network(
    problem: SampledNetworkProblem,
    plan: SearchPlan,
    config: SearchConfig,
    clock: Clock,
    show: Callable[[Progress], None] | None,
) -> Fitted:
    """Does the stages of a plan, on workers where that is quicker, as far as there is time.

    Args:
        problem: what to maximise.
        plan: what the stages are to do.
        config: the workers.
        clock: when to end.
        show: called with each progress.

    Raises:
        EvobinError: if workers are lost again and again.
    """
    job = Job(problem, plan, parallel.worker_count(config.n_jobs))
    with ExitStack() as stack:
        stack.enter_context(parallel.one_blas_thread())
        job, pace = in_time(job, clock)
        config = replace(config, n_jobs=job.n_workers)
        workers = stack.enter_context(parallel.WorkersOnDemand(config))
        watch = _Watch(clock, problem.n_scored, show, [])
        host = Driver(workers.map, watch, clock.is_over)
        solution = _best_of(job, pace, clock, host, workers.share)
    network = BinaryNetwork(problem.architecture, solution)
    train = some_of(problem.train, len(problem.valid)) if clock.is_set else problem.train
    named = {"train": train, "valid": problem.valid}
    parts = {name: Evaluation.of(network, part, problem.n_threads) for name, part in named.items()}
    return Fitted(network, parts, watch.history)


def _best_of(
    job: Job, pace: Pace, clock: Clock, host: Driver, share: Callable[[object], None]
) -> Solution:
    """The best of as many searches as there is time for, one where there is no end.

    They are compared by the likelihood of the validation labels, which says more than how many are
    right: a search has looked at that.
    """
    found: list[Solution] = []
    while not found or has_time(pace, clock):
        plan = job.plan if not found else job.plan.reseeded(len(found))
        now = within(replace(job, plan=plan), pace, clock)
        if not found or now.problem is not job.problem:
            share(now.problem)
        found.append(run_stages(now.problem, now.plan, host).solution)
        pace = measured(pace, now, clock)
    if len(found) == 1:
        return found[0]
    return max(found, key=lambda solution: job.problem.unseen(solution).value)


def report_of(fitted: Fitted, note: str) -> dict[str, Any]:
    """What was validated on what, as plain values."""
    parts = {name: part.summary() | {"use": USES[name]} for name, part in fitted.parts.items()}
    return {"note": note, "parts": parts, "history": fitted.history}
