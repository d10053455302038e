"""A fit: the stages of a search on arrays, in memory, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import parallel
from evobin.config import AugmentConfig, SearchConfig
from evobin.core.problem import Solution
from evobin.core.samples import Dataset, Samples
from evobin.core.scores import accuracy_of
from evobin.core.stage import Progress, Row
from evobin.drive.budget import planned
from evobin.drive.driver import Driver
from evobin.drive.fold_problems import FoldProblems
from evobin.drive.folded import FoldedSearch
from evobin.drive.pipeline import SearchPlan, run_stages, walk_from
from evobin.estimators.budget import (
    Clock,
    Job,
    Pace,
    first_of,
    has_time,
    in_time,
    measured,
    some_of,
    within,
    without_validation,
)
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.evaluation import Evaluation
from evobin.results.run import USES
from evobin.results.search import SearchResult
from evobin.training.walks import sweeps_that_paid

VALIDATED, VALIDATED_ALONE = 0.8, 0.5
"""Share of the seconds for the network that is validated: with flips, which go on with all samples
from there where there is no time for another training, and without, where that begins anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What a fit leaves.

    Attributes:
        network: the one that is handed out.
        parts: its predictions for "train", or some of it where seconds count; and for "valid" those
            of the network that was validated.
        history: a row for each step of each start or island.
        is_of_all: whether `network` has seen the validation part since.
    """

    network: BinaryNetwork
    parts: dict[str, Evaluation]
    history: list[Row]
    is_of_all: bool


@dataclass(slots=True, eq=False)
class Watch:
    """Sees every step: keeps the history, and shows it.

    Attributes:
        clock: when a fit has to end.
        show: called with each progress.
        history: the rows of all steps.
        n_scored: samples that scores are of; 0 where these are accuracies.
    """

    clock: Clock
    show: Callable[[Progress], None] | None = None
    history: list[Row] = field(default_factory=list)
    n_scored: int = 0

    def __call__(self, progress: Progress) -> None:
        """Takes note of a step that was done, or of a stage that begins."""
        self.clock.watch(progress)
        if progress.rows:
            best: Row = {"elapsed": round(self.clock.elapsed, 3)}
            if self.n_scored:
                best["best_accuracy"] = accuracy_of(progress.score, self.n_scored)
            elif np.isfinite(progress.score):
                best["best_accuracy"] = progress.score
            rows = tuple(self._told(row) | best for row in progress.rows)
            self.history += rows
            progress = replace(progress, rows=rows)
        if self.show is not None:
            self.show(progress)

    def _told(self, row: Row) -> Row:
        if not self.n_scored:
            return row
        return row | {"selection_accuracy": accuracy_of(row["score"], self.n_scored)}


def dataset_of(samples: Samples, labels: NDArray[np.int8], groups: NDArray[Any] | None) -> Dataset:
    """Samples, named by their places; not copied."""
    names = tuple(map(str, range(len(samples))))
    table = None if groups is None else pd.DataFrame({"speaker": groups.astype(str)})
    return Dataset(names, samples, labels, table)


def problem_of(
    architecture: Architecture, train: Dataset, valid: Dataset, config: SearchConfig
) -> SampledNetworkProblem:
    """What is maximised: trained on one part of the samples, scored on the other.

    Where lengths differ, crops are as long as half of the training samples, and not varied: how
    they may be is known of log-mel alone.
    """
    frames = max(architecture.min_frames, int(np.median(train.samples.lengths)))
    return SampledNetworkProblem(
        architecture,
        train,
        valid,
        AugmentConfig(gain=0, equaliser=0, tract=0),
        frames=frames,
        batch_size=config.flips.clips,
        n_threads=parallel.worker_count(config.n_jobs),
    )


def job_of(
    problem: SampledNetworkProblem, plan: SearchPlan, config: SearchConfig, start: Solution | None
) -> Job:
    """What to search from signs, random ones if None; on crops where lengths differ."""
    if problem.architecture.frames is None:
        problem = problem.with_views(np.random.default_rng(plan.seeds["views"]))
        plan = replace(plan, ste=replace(plan.ste, frames=problem.frames))
    if start is not None:
        problem = problem.guarded(start)
    return Job(problem, plan, parallel.worker_count(config.n_jobs), start)


def fit_network(job: Job, config: SearchConfig, watch: Watch, everything: Dataset | None) -> Fitted:
    """Does the stages of a plan, on workers where that is quicker, as far as there is time.

    Args:
        job: what to maximise, and what the stages are to do. Where it has a start, what is handed
            out has no fewer of the samples right that candidates are compared by, beyond noise.
        config: the workers.
        watch: what sees the steps, and knows when to end.
        everything: all samples, for a network that none are held out of in the end; None to hand
            out the one that is validated.

    Raises:
        EvobinError: if workers are lost again and again.
    """
    problem, clock = job.problem, watch.clock
    with ExitStack() as stack:
        stack.enter_context(parallel.one_blas_thread())
        job, pace = in_time(job, clock)
        config = replace(config, n_jobs=job.n_workers)
        workers = stack.enter_context(parallel.WorkersOnDemand(config))
        host = Driver(workers.map, watch, clock.is_over)
        searches = _Searches(host, workers.share, watch)
        if not clock.is_set:
            validated, solution = _by_effort(job, host, workers.share, everything)
        elif everything is None:
            solution = validated = searches.best_of(job, pace)
        else:
            validated, solution = searches.on_all(job, pace, everything)
    n_threads = problem.n_threads
    train = problem.train if everything is None else everything
    train = some_of(train, len(problem.valid)) if clock.is_set else train
    network = BinaryNetwork(problem.architecture, solution)
    parts = {
        "train": Evaluation.of(network, train, n_threads),
        "valid": Evaluation.of(
            BinaryNetwork(problem.architecture, validated), problem.valid, n_threads
        ),
    }
    return Fitted(network, parts, watch.history, everything is not None)


def _by_effort(
    job: Job, host: Driver, share: Callable[[object], None], everything: Dataset | None
) -> tuple[Solution, Solution]:
    """A solution that is validated and one to hand out, as `evobin search` finds them."""
    part = replace(job.problem, varied=None, guard=None)
    whole = None if everything is None else replace(part, train=everything, valid=everything)
    problems = FoldProblems((part,), whole)
    plan = replace(job.plan, ste=planned(job.plan.ste, problems.every))
    for problem in problems.every:
        share(problem)
    standing = FoldedSearch(problems, plan, job.start).run(host)
    return standing.told[0] if whole else standing.handed_out, standing.handed_out


@dataclass(slots=True, eq=False)
class _Searches:
    """Searches one after the other, each with other random numbers."""

    host: Driver
    share: Callable[[object], None]
    watch: Watch
    done: int = 0
    shared: SampledNetworkProblem | None = None

    def best_of(self, job: Job, pace: Pace, known: Sequence[Solution] = ()) -> Solution:
        """The best of what is known and of as many as there is time for, of one at least.

        They are compared by what the validation samples are worth, which says more than how many
        are right: a search has looked at that.
        """
        found = list(known)
        while not found or has_time(pace, self.watch.clock):
            result, pace = self._one(job, pace)
            found.append(result.solution)
        if len(found) == 1:
            return found[0]
        return max(found, key=lambda solution: job.problem.unseen(solution).value)

    def on_all(self, job: Job, pace: Pace, everything: Dataset) -> tuple[Solution, Solution]:
        """A solution that is validated, and one of all samples by what that has taught.

        The first search says how many sweeps of flips pay. Those that follow on all samples have as
        many. Where there is no time for a whole training, the first of them is by flips alone, from
        the solution that is validated.
        """
        with self.watch.clock.part(VALIDATED if job.plan.flips.rounds else VALIDATED_ALONE):
            result, pace = self._one(first_of(job) if self.watch.clock.is_set else job, pace)
        validated = result.solution
        sweeps = sweeps_that_paid(result, job.problem)
        job, pace = without_validation(job, everything, pace, sweeps)
        known = []
        if self.watch.clock.is_set and not has_time(pace, self.watch.clock, trainings=1):
            known = [validated]
            if job.plan.flips.rounds:
                self._share(job.problem)
                known = [walk_from(validated, job.problem, job.plan, self.host).solution]
        return validated, self.best_of(job, pace, known)

    def _one(self, job: Job, pace: Pace) -> tuple[SearchResult, Pace]:
        """The next search, and the pace that it had."""
        plan = job.plan.reseeded(self.done) if self.done else job.plan
        now = within(replace(job, plan=plan), pace, self.watch.clock)
        self._share(now.problem)
        kept = {} if now.start is None else {"start": now.start}
        result = run_stages(now.problem, now.plan, self.host, kept)
        self.done += 1
        return result, measured(pace, now, self.watch.clock)

    def _share(self, problem: SampledNetworkProblem) -> None:
        """Sends a problem to the workers once, and says what scores are of from now on."""
        if problem is not self.shared:
            self.share(problem)
            self.shared = problem
        self.watch.n_scored = problem.n_scored


def report_of(fitted: Fitted, note: str) -> dict[str, Any]:
    """What was validated on what, as plain values."""
    uses = dict(USES)
    if fitted.is_of_all:
        uses["valid"] += "; by a network without them, before all samples were trained on"
    parts = {name: part.summary() | {"use": uses[name]} for name, part in fitted.parts.items()}
    return {"note": note, "parts": parts, "history": fitted.history}
