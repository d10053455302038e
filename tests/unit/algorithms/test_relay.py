"""The default hands the search on where it stands still."""

from __future__ import annotations

import numpy as np
import pytest

from evobin.algorithms import Pyramid, Relay, Sweeps
from evobin.errors import SettingError


def legs_of(relay: Relay, evaluations: int) -> list[int]:
    """Which leg asked for each evaluation of a function that is flat but for the first one."""
    legs = []
    while relay.evaluations < evaluations:
        asked = relay.ask()
        legs += [relay.leg] * len(asked)
        relay.tell(asked, np.zeros(len(asked)))
    return legs


def test_it_hands_on_to_the_model_then_to_the_pyramid_and_then_takes_turns() -> None:
    relay = Relay(10, 0, sweeps=3, model=5, turns=5)
    legs = np.array(legs_of(relay, 400))
    changes = np.flatnonzero(np.diff(legs, prepend=-1))
    assert legs[changes][:6].tolist() == [0, 1, 2, 0, 2, 0]
    # one evaluation finds the flat score; the model's batch of 100 is not cut
    assert np.diff(changes)[:5].tolist() == [31, 100, 50, 50, 50]


def test_who_finds_a_new_best_goes_on() -> None:
    relay = Relay(10, 0, sweeps=3, model=5, turns=5)
    legs_of(relay, 140)
    assert relay.leg == 2
    for score in range(1, 200):
        relay.tell(relay.ask(), np.array([float(score)]))
    assert relay.leg == 2


@pytest.mark.parametrize(("largest", "kind"), [(10, Pyramid), (9, Sweeps)])
def test_more_signs_than_a_pyramid_has_room_for_are_swept(
    monkeypatch: pytest.MonkeyPatch, largest: int, kind: type
) -> None:
    monkeypatch.setattr("evobin.algorithms.relay.LARGEST", largest)
    relay = Relay(10, 0, sweeps=3, model=5, turns=5)
    legs_of(relay, 300)
    assert type(relay._legs[2]) is kind


def test_wrong_settings_are_named() -> None:
    with pytest.raises(SettingError, match="`sweeps` must be from"):
        Relay(10, sweeps=0)
    with pytest.raises(SettingError, match="`turns` must be from"):
        Relay(10, turns=-1)
