"""What follows on the network that is validated, by how much time there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evobin.config import FlipConfig, PopulationConfig, SearchConfig, SteConfig
from evobin.core.samples import Dataset
from evobin.drive.pipeline import SearchPlan
from evobin.estimators import fitting
from evobin.estimators.budget import Clock, Job, Pace
from evobin.estimators.fitting import Fitted, Watch, fit_network
from evobin.training import flip_search
from tests.builders import classes_dataset, classes_problem

PLAN = SearchPlan(
    SteConfig(starts=2, epochs=4), PopulationConfig(rounds=0), FlipConfig(sweeps=20, islands=1), 0
)


@pytest.fixture
def everything() -> Dataset:
    return classes_dataset(240, 1)


@pytest.fixture(autouse=True)
def flips_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is right already, and as many sweeps as there may be."""
    monkeypatch.setattr(flip_search, "ENOUGH", 2.0)
    monkeypatch.setattr(fitting, "sweeps_that_paid", lambda *_: 20)


def fit(everything: Dataset | None, seconds: float | None = None) -> tuple[Fitted, list[Any]]:
    """Found in one process, and the stages in the order in which they began anew."""
    watch = Watch(Clock(seconds))
    config = SearchConfig(seed=0, n_jobs=1)
    found = fit_network(Job(classes_problem(), PLAN, 1), config, watch, everything)
    return found, [row["stage"] for row in watch.history if row["step"] == 1]


def test_without_an_end_both_networks_are_trained_at_once(everything: Dataset) -> None:
    found, stages = fit(everything)
    assert stages[:4] == ["ste"] * 4  # two starts each
    assert set(stages[4:]) == {"flips"}
    assert len(found.parts["train"].samples) == 240
    assert len(found.parts["valid"].samples) == 90
    alone, stages = fit(None)
    assert stages[:3] == ["ste", "ste", "flips"]
    assert len(alone.parts["train"].samples) == 150
    answers = [one.parts["valid"].samples["answer"] for one in (alone, found)]
    assert answers[0].equals(answers[1])


def paced(monkeypatch: pytest.MonkeyPatch, epoch: float) -> None:
    """An epoch that is measured to take so long, where the time stands still."""
    pace = Pace(epoch, 0.0, 4)
    monkeypatch.setattr(fitting, "in_time", lambda job, _: (job, pace))
    monkeypatch.setattr(fitting, "measured", lambda pace, *_: replace(pace, epoch=2 * pace.epoch))
    monkeypatch.setattr("time.monotonic", lambda: 0.0)


def test_while_there_is_time_whole_searches_of_all_samples_follow(
    everything: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced(monkeypatch, 1.0)  # then 2 * 240 / 150, and twice as long each time
    _, stages = fit(everything, seconds=50.0)
    assert stages == ["ste", "flips"] + ["ste", "ste", "flips"] + ["ste", "flips"] * 3


def test_where_there_is_no_time_for_a_training_flips_go_on_with_all_samples(
    everything: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    paced(monkeypatch, 3.0)
    found, stages = fit(everything, seconds=5.0)
    assert stages == ["ste", "flips", "flips"]
    validated = found.parts["valid"].accuracy
    assert found.parts["train"].accuracy >= validated - 0.1


def test_where_there_is_no_time_at_all_the_validated_network_is_handed_out(
    everything: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "sweeps_that_paid", lambda *_: 0)
    paced(monkeypatch, 5.0)
    found, stages = fit(everything, seconds=5.0)
    assert stages == ["ste", "flips"]
    valid = classes_problem().valid
    predictions = found.network.logits(valid.samples).argmax(axis=1)
    np.testing.assert_array_equal(predictions, found.parts["valid"].samples["answer"])
