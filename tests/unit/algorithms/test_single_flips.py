"""Annealing, tabu search and descent: settings, schedules, and what a step does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import evobin
from evobin.algorithms.annealing import Annealing
from evobin.algorithms.descent import Descent
from evobin.algorithms.single_flips import SingleFlips
from evobin.algorithms.tabu import Tabu
from evobin.errors import SettingError
from evobin.problems.qubo import QUBO


def random_qubo(n: int) -> QUBO:
    return QUBO(np.random.default_rng(n).integers(-9, 10, (n, n)))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Annealing, {"sweeps": -1}, "`sweeps` must be from 0 to 10000000, but it is -1"),
        (Annealing, {"hot": -1.0}, "`hot` must be from 0 to"),
        (Annealing, {"hot": 2.0}, "`cold` must be from 1e-100 to 2.0, but it is 0.0"),
        (Annealing, {"cold": 2.0}, "`cold` must be from 0 to 0.0, but it is 2.0"),
        (Annealing, {"hot": np.nan}, "`hot` must be from 0 to"),
        (Annealing, {"schedule": "steep"}, "`schedule` must be one of .*, but it is 'steep'"),
        (Tabu, {"tenure": 9}, "`tenure` must be from 0 to 8, but it is 9"),
        (Tabu, {"spread": -1}, "`spread` must be from 0 to"),
        (Tabu, {"steps": -1}, "`steps` must be from 0 to"),
        (Tabu, {"kick": 10}, "`kick` must be from 0 to 9, but it is 10"),
        (Descent, {"kick": 10}, "`kick` must be from 0 to 9, but it is 10"),
        (Descent, {"rule": "last"}, "`rule` must be one of .*, but it is 'last'"),
    ],
)
def test_settings_out_of_range_are_refused(
    kind: type[SingleFlips], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        kind(9, **settings)


def test_more_neighbours_than_memory_holds_are_refused_and_a_white_box_needs_none() -> None:
    n = 40_000
    search = Tabu(n, initial=np.ones(n))
    search.tell(search.ask(), np.zeros(1))
    with pytest.raises(SettingError, match="`tabu` looks at 40,000 neighbours of 40,000 signs at"):
        search.ask()
    box = QUBO.from_entries(n, np.arange(n), np.arange(n), np.full(n, -1))
    walked = Descent(n, initial=-np.ones(n), rule="steepest")
    walked.walk(box, 1 + 5 * n)
    assert walked.score == 5


@pytest.mark.parametrize("schedule", ["geometric", "linear"])
def test_temperatures_fall_from_hot_to_cold(schedule: str) -> None:
    search = Annealing(4, initial=np.ones(4), sweeps=5, schedule=schedule, hot=8.0, cold=0.5)
    search.tell(search.ask(), np.zeros(1))
    expected = (
        np.geomspace(8.0, 0.5, 5) if schedule == "geometric" else 1 / np.linspace(0.125, 2, 5)
    )
    np.testing.assert_allclose(search._temperatures, [*expected, 0.5])


def test_temperatures_come_from_the_changes_of_the_first_neighbours() -> None:
    search = Annealing(4, initial=np.ones(4))
    search.tell(search.ask(), np.array([1.0]))
    search.tell(search.ask(), np.array([1.0, -1.0, 3.0, 5.0]))  # 0, 2, 2, 4
    assert search.hot == pytest.approx(8 / 3 / 2 / np.log(2))
    assert search.cold == pytest.approx(8 / 30 / np.log(100))


def test_an_anneal_has_as_many_sweeps_as_fit_into_the_budget() -> None:
    search = Annealing(4, initial=np.ones(4))
    search.budget = 1 + 4 + 30
    while not search.stop():
        asked = search.ask()
        search.tell(asked, asked.sum(axis=1).astype(float))
    assert (search.sweeps, search.evaluations) == (7, 1 + 4 + 28)
    again = Annealing(4)
    again.load(search.state())
    assert again.sweeps == 7


@pytest.mark.parametrize("scores", [[0.0] * 4, [-np.inf] * 4])
def test_a_plain_without_slope_has_temperatures_too(scores: list[float]) -> None:
    search = Annealing(4, sweeps=3, initial=np.ones(4))
    search.tell(search.ask(), np.array(scores[:1]))
    search.tell(search.ask(), np.array(scores))
    while not search.stop():
        search.tell(search.ask(), np.array(scores[:1]))
    assert search.evaluations == 1 + 4 + 12


def test_a_cold_anneal_makes_no_step_down_and_a_hot_one_nearly_every_step() -> None:
    cold = Annealing(50, initial=np.ones(50), sweeps=1, hot=1e-9, cold=1e-9)
    hot = Annealing(50, initial=np.ones(50), sweeps=1, hot=1e9, cold=1e9)
    for search in (cold, hot):
        while not search.stop():
            asked = search.ask()
            search.tell(asked, asked.sum(axis=1).astype(float))
    assert (cold.level, hot.level) == (50, -50)


def test_tabu_takes_no_sign_back_while_it_is_barred() -> None:
    search = Tabu(12, 0, tenure=4, spread=0, steps=1000)
    box, flips, before = random_qubo(12), list[int](), None
    for _ in range(60):
        asked = search.ask()
        search.tell(asked, box.score(asked))
        if before is not None:
            flips += np.flatnonzero(before != search.present).tolist()
        before = search.present
    barred = [flips[at] in flips[max(at - 4, 0) : at] for at in range(len(flips))]
    news = len(search.improvements)
    assert len(flips) == 59
    assert sum(barred) <= news  # only for a new best


def test_descent_ends_each_climb_in_a_local_optimum_and_keeps_the_better() -> None:
    box = random_qubo(30)
    search = Descent(30, 0)
    levels: list[float] = []
    while len(levels) < 20:
        search.walk(box, 30)
        if len(search.waiting):
            assert box.start(search.base).gains().max() <= 0
            levels.append(search.base_level)
    assert levels == sorted(levels)
    assert levels[-1] == search.score


@pytest.mark.parametrize("kind", ["annealing", "tabu", "descent"])
def test_maximize_drives_the_walk_of_a_problem_as_that_of_a_function(kind: str) -> None:
    box = random_qubo(30)
    limits: dict[str, Any] = {"algorithm": kind, "max_evaluations": 4000, "seed": 1}
    walked = evobin.maximize(box, **limits)
    asked = evobin.maximize(box.score, 30, batch=True, **limits)
    np.testing.assert_array_equal(walked.solution, asked.solution)
    assert walked.evaluations == asked.evaluations == 4000
    histories = [found.history.drop(columns="seconds") for found in (asked, walked)]
    assert histories[0].equals(histories[1])
