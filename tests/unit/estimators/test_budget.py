from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from evobin.config import AugmentConfig, FlipConfig, PopulationConfig, SteConfig
from evobin.core.samples import Dataset, Samples
from evobin.core.stage import Progress
from evobin.drive.pipeline import SearchPlan
from evobin.estimators.budget import Clock, Job, Pace, has_time, in_time, some_of, within
from evobin.network.architecture import Architecture, ConvBlock
from evobin.problems.sampled_network import SampledNetworkProblem

PLAN = SearchPlan(SteConfig(starts=8, epochs=40), PopulationConfig(), FlipConfig(), 0)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still."""
    moment = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def problem() -> SampledNetworkProblem:
    rng = np.random.default_rng(0)

    def part(n: int) -> Dataset:
        x = rng.choice(np.array([-1, 1], np.int8), (n, 6))
        samples = Samples(x, np.arange(n + 1))
        return Dataset(tuple(map(str, range(n))), samples, (x[:, 0] > 0).astype(np.int8), None)

    shape = Architecture(6, (ConvBlock(4, 1),), frames=1, binary_inputs=True)
    return SampledNetworkProblem(shape, part(400), part(100), AugmentConfig(), 1, 16)


def paced(problem: SampledNetworkProblem, seconds: float, epoch: float, n_workers: int = 2) -> Job:
    """What is done in so many seconds if an epoch of 40, and a step of flips, take so long."""
    return within(Job(problem, PLAN, n_workers), Pace(epoch, epoch, 40), Clock(seconds))


def test_without_an_end_nothing_changes(problem: SampledNetworkProblem) -> None:
    job, clock = Job(problem, PLAN, 2), Clock(None)
    same, pace = in_time(job, clock)
    assert same is job
    assert within(job, pace, clock) is job
    assert clock.left == math.inf
    assert not clock.is_over()
    assert not has_time(pace, clock)


def test_with_time_enough_the_whole_effort_is_done(
    problem: SampledNetworkProblem, now: list[float]
) -> None:
    job = paced(problem, 1000.0, 0.1)
    assert job.plan == dataclasses.replace(PLAN, ste=SteConfig(starts=8, epochs=40))
    assert job.problem is problem
    assert has_time(Pace(0.1, 0.1, 40), Clock(1000.0))


def test_fewer_starts_come_before_fewer_epochs(
    problem: SampledNetworkProblem, now: list[float]
) -> None:
    found = []
    for seconds in (400.0, 160.0, 80.0):
        ste = paced(problem, seconds, 2.0).plan.ste
        found.append((ste.starts, ste.epochs))
    assert found == [(4, 40), (2, 40), (2, 21)]
    assert has_time(Pace(2.0, 2.0, 40), Clock(34.0))
    assert not has_time(Pace(2.0, 2.0, 40), Clock(33.0))
    assert not has_time(Pace(2.0, 2.0, 40), Clock(133.0), trainings=1)


def test_a_short_time_is_of_few_samples_and_without_flips(
    problem: SampledNetworkProblem, now: list[float]
) -> None:
    job = paced(problem, 10.0, 20.0, 1)
    assert (job.plan.ste.starts, job.plan.ste.epochs) == (1, 1)
    assert job.plan.flips.rounds == 0
    assert len(job.problem.train) == pytest.approx(0.45 * 400, abs=2)
    assert set(job.problem.train.labels.tolist()) == {0, 1}


def test_the_clock_is_over_where_another_step_would_end_too_late(now: list[float]) -> None:
    clock = Clock(10.0)
    clock.watch(Progress("ste", 0, 4))
    for now[0], is_over in ((3.0, False), (6.0, False), (9.0, True)):
        clock.watch(Progress("ste", 1, 4, ({},)))
        assert clock.is_over() == is_over
    clock.watch(Progress("flips", 0, 4))
    assert not clock.is_over()


def test_a_real_trial_takes_seconds_of_both_kinds(problem: SampledNetworkProblem) -> None:
    clock = Clock(5.0)
    job, pace = in_time(Job(problem, PLAN, 2), clock)
    assert job.n_workers == job.plan.flips.islands == 1  # processes take too long to start
    assert job.plan.population.rounds == 0
    assert pace.epoch > 0
    assert pace.flips > 0
    assert (within(job, pace, clock).plan.ste.starts or 0) >= 1


def test_some_of_a_data_set_are_from_all_over_it(problem: SampledNetworkProblem) -> None:
    assert some_of(problem.valid, 100) is problem.valid
    assert some_of(problem.valid, 3).names == ("0", "49", "99")
