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
        (Annealing, {"sweeps": 0}, "`sweeps` must be from 1 to 10000000, but it is 0"),
        (Annealing, {"hot": -1.0}, "`hot` must be from 1e-100 to"),
        (
            Annealing,
            {"hot": 2.0},
            "`hot` and `cold` must be set together, but they are 2.0 and None",
        ),
        (Annealing, {"cold": 2.0}, "must be set together, but they are None and 2.0; set both or"),
        (
            Annealing,
            {"hot": 2.0, "cold": 0.0},
            r"`cold` must be from 1e-100 to 1e\+100, but it is 0.0",
        ),
        (Annealing, {"hot": 2.0, "cold": 3.0}, "`cold` must be from 1e-100 to 2.0, but it is 3.0"),
        (Annealing, {"hot": np.nan}, "`hot` must be from 1e-100 to"),
        (Annealing, {"schedule": "steep"}, "`schedule` must be one of .*, but it is 'steep'"),
        (Tabu, {"tenure": 9}, "`tenure` must be from 0 to 8, but it is 9"),
        (Tabu, {"spread": -1}, "`spread` must be from 0 to"),
        (Tabu, {"steps": 0}, "`steps` must be from 1 to"),
        (Tabu, {"kick": 10}, "`kick` must be from 1 to 9, but it is 10"),
        (Descent, {"kick": 10}, "`kick` must be from 1 to 9, but it is 10"),
        (Descent, {"rule": "last"}, "`rule` must be one of .*, but it is 'last'"),
    ],
)
def test_settings_out_of_range_are_refused(
    kind: type[SingleFlips], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        kind(**settings).start(9)


@pytest.mark.parametrize("search", [Tabu(steps=9), Descent(), Annealing(sweeps=5)])
def test_more_neighbours_than_memory_holds_are_asked_for_in_parts(
    search: SingleFlips, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, found = random_qubo(20), []
    for limit in (2**24, 7 * 20 + 3, 1):
        monkeypatch.setattr("evobin.algorithms.single_flips.AT_ONCE", limit)
        search.start(20, 3)
        while search.evaluations < 1500 and not search.stop():
            asked = search.ask()
            assert len(asked) <= max(limit // 20, 1)
            asked = asked[: 1500 - search.evaluations]
            search.tell(asked, problem.score(asked))
        found.append((search.evaluations, search.score, search.present.tolist()))
    assert found[1:] == found[:1] * 2


def test_of_very_many_neighbours_some_are_asked_for_and_a_walk_looks_at_all() -> None:
    n = 40_000
    search = Tabu().start(n, initial=np.ones(n))
    search.tell(search.ask(), np.zeros(1))
    assert search.ask().shape == (2**24 // n, n)
    problem = QUBO.from_entries(n, np.arange(n), np.arange(n), np.full(n, -1))
    walked = Descent(rule="steepest").start(n, initial=-np.ones(n))
    walked.walk(problem, 1 + 5 * n)
    assert walked.score == 5


@pytest.mark.parametrize("schedule", ["geometric", "linear"])
def test_temperatures_fall_from_hot_to_cold(schedule: str) -> None:
    search = Annealing(sweeps=5, schedule=schedule, hot=8.0, cold=0.5)  # type: ignore[arg-type]
    search.start(4, initial=np.ones(4))
    search.tell(search.ask(), np.zeros(1))
    expected = (
        np.geomspace(8.0, 0.5, 5) if schedule == "geometric" else 1 / np.linspace(0.125, 2, 5)
    )
    np.testing.assert_allclose(search._temperatures, [*expected, 0.5])


def test_temperatures_come_from_the_changes_of_the_first_neighbours() -> None:
    search = Annealing().start(4, initial=np.ones(4))
    search.tell(search.ask(), np.array([1.0]))
    search.tell(search.ask(), np.array([1.0, -1.0, 3.0, 5.0]))  # 0, 2, 2, 4
    assert search.range[0] == pytest.approx(8 / 3 / 2 / np.log(2))
    assert search.range[1] == pytest.approx(8 / 30 / np.log(100))


@pytest.mark.parametrize(
    ("settings", "restart", "sweeps"),
    [({}, 0, 8), ({}, 1, 16), ({}, 2, 32), ({"sweeps": 7}, 0, 7), ({"sweeps": 7}, 2, 7)],
)
def test_each_restart_has_twice_the_sweeps_where_none_are_set(
    settings: dict[str, int], restart: int, sweeps: int
) -> None:
    search = Annealing(sweeps=settings.get("sweeps")).start(4, initial=np.ones(4), restart=restart)
    while not search.stop():
        asked = search.ask()
        search.tell(asked, asked.sum(axis=1).astype(float))
    assert (search.n_sweeps, search.evaluations) == (sweeps, 1 + 4 + 4 * sweeps)
    again = Annealing().start(4)
    again.load(search.state())
    assert again.n_sweeps == sweeps
    assert again.stop() == search.stop() != {}


def test_after_many_restarts_the_sweeps_double_no_more() -> None:
    assert Annealing().start(4, restart=1000).n_sweeps == 2**20


@pytest.mark.parametrize("scores", [[0.0] * 4, [-np.inf] * 4])
def test_a_plateau_has_temperatures_too(scores: list[float]) -> None:
    search = Annealing(sweeps=3).start(4, initial=np.ones(4))
    search.tell(search.ask(), np.array(scores[:1]))
    search.tell(search.ask(), np.array(scores))
    while not search.stop():
        search.tell(search.ask(), np.array(scores[:1]))
    assert search.evaluations == 1 + 4 + 12


def test_a_cold_anneal_makes_no_step_down_and_a_hot_one_nearly_every_step() -> None:
    cold = Annealing(sweeps=1, hot=1e-9, cold=1e-9).start(1000, initial=np.ones(1000))
    hot = Annealing(sweeps=1, hot=1e9, cold=1e9).start(1000, initial=np.ones(1000))
    for search in (cold, hot):
        while not search.stop():
            asked = search.ask()
            search.tell(asked, asked.sum(axis=1).astype(float))
    assert cold.level == 1000
    assert hot.level == pytest.approx(-1000 * 31 / 32, abs=30)


@pytest.mark.parametrize("n", [9, 14])
@pytest.mark.parametrize("algorithm", ["annealing", "default"])
def test_domain_walls_of_a_ring_meet(n: int, algorithm: str) -> None:
    """They would not if each flip that changes nothing was made: all would move in step."""
    places = np.arange(n)
    ring = evobin.Ising.from_entries(n, places, (places + 1) % n, np.full(n, -1.0))
    for seed in range(5):
        found = evobin.maximize(ring, algorithm=algorithm, max_evaluations=30_000, seed=seed)
        assert found.score == n


def test_tabu_takes_no_sign_back_while_it_is_barred() -> None:
    search = Tabu(tenure=4, spread=0, steps=1000).start(12, 0)
    problem, flips, before = random_qubo(12), list[int](), None
    for _ in range(60):
        asked = search.ask()
        search.tell(asked, problem.score(asked))
        if before is not None:
            flips += np.flatnonzero(before != search.present).tolist()
        before = search.present
    barred = [flips[at] in flips[max(at - 4, 0) : at] for at in range(len(flips))]
    news = len(search.improvements)
    assert len(flips) == 59
    assert sum(barred) <= news  # only for a new best


def test_descent_ends_each_climb_in_a_local_optimum_and_keeps_the_better() -> None:
    problem = random_qubo(30)
    search = Descent().start(30, 0)
    levels: list[float] = []
    while len(levels) < 20:
        search.walk(problem, 30)
        if len(search.waiting):
            assert problem.start(search.base).gains().max() <= 0
            levels.append(search.base_level)
    assert levels == sorted(levels)
    assert levels[-1] == search.score


@pytest.mark.parametrize("kind", ["annealing", "tabu", "descent"])
def test_maximize_drives_the_walk_of_a_problem_as_that_of_a_function(kind: str) -> None:
    problem = random_qubo(30)
    limits: dict[str, Any] = {"algorithm": kind, "max_evaluations": 4000, "seed": 1}
    walked = evobin.maximize(problem, **limits)
    asked = evobin.maximize(problem.score, n=30, batch=True, **limits)
    np.testing.assert_array_equal(walked.solution, asked.solution)
    assert walked.evaluations == asked.evaluations == 4000
    histories = [found.history.drop(columns="seconds") for found in (asked, walked)]
    assert histories[0].equals(histories[1])
