"""The default hands the search on where it stands still."""

from __future__ import annotations

import numpy as np
import pytest

from evobin.algorithms import Portfolio, Pyramid, Sweeps
from evobin.errors import SettingError


def legs_of(search: Portfolio, evaluations: int) -> list[int]:
    """Which leg asked for each evaluation of a function that is flat but for the first one."""
    legs = []
    while search.evaluations < evaluations:
        asked = search.ask()
        legs += [search.leg] * len(asked)
        search.tell(asked, np.zeros(len(asked)))
    return legs


def test_it_hands_on_to_the_model_then_to_the_pyramid_and_then_takes_turns() -> None:
    search = Portfolio(sweeps=3, model=5, turns=5).start(10, 0)
    legs = np.array(legs_of(search, 600))
    changes = np.flatnonzero(np.diff(legs, prepend=-1))
    assert legs[changes][:6].tolist() == [0, 1, 2, 0, 2, 0]
    # one evaluation finds the flat score; the model's batch of 100 is not cut
    assert np.diff(changes)[:5].tolist() == [31, 100, 50, 50, 200]


def test_who_finds_a_new_best_goes_on() -> None:
    search = Portfolio(sweeps=3, model=5, turns=5).start(10, 0)
    legs_of(search, 140)
    assert search.leg == 2
    for score in range(1, 200):
        search.tell(search.ask(), np.array([float(score)]))
    assert search.leg == 2


@pytest.mark.parametrize(("largest", "kind"), [(10, Pyramid), (9, Sweeps)])
def test_more_signs_than_a_pyramid_has_room_for_are_swept(
    monkeypatch: pytest.MonkeyPatch, largest: int, kind: type
) -> None:
    monkeypatch.setattr("evobin.algorithms.portfolio.LARGEST", largest)
    search = Portfolio(sweeps=3, model=5, turns=5).start(10, 0)
    legs_of(search, 300)
    assert type(search._legs[2]) is kind


def test_wrong_settings_are_named() -> None:
    with pytest.raises(SettingError, match="`sweeps` must be from"):
        Portfolio(sweeps=0)
    with pytest.raises(SettingError, match="`turns` must be from"):
        Portfolio(turns=-1)


@pytest.mark.parametrize(("largest", "waits"), [(10, 1_000), (9, 100)])
def test_without_a_pyramid_it_stops_sooner(
    monkeypatch: pytest.MonkeyPatch, largest: int, waits: int
) -> None:
    monkeypatch.setattr("evobin.algorithms.portfolio.LARGEST", largest)
    search = Portfolio().start(10, 0)
    while not search.stop():
        asked = search.ask()
        search.tell(asked, np.zeros(len(asked)))
    assert search.stop() == {"stagnation": search.evaluations - 1}
    assert 10 * waits <= search.evaluations <= 10 * waits + 100
