"""What a training sets itself, and that each of it can be set by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evobin.config import SteConfig
from evobin.core.samples import Samples
from evobin.errors import SettingError
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.presets import SPEAKER_SEX
from evobin.training.scales import (
    FEWEST_EPOCHS,
    LARGEST_BATCH,
    MOST_EPOCHS,
    SMALLEST_BATCH,
    Widths,
    default_batch,
    default_epochs,
    default_rate,
    default_widths,
    first_window,
    plan_of,
    size_of,
)
from tests.builders import planted_problem

DENSE = Architecture(64, (ConvBlock(100, 1), ConvBlock(36, 1)), 10, frames=1)


def test_log_mel_has_the_widths_that_it_always_had() -> None:
    roots = [layer.fan_in**0.5 for layer in SPEAKER_SEX.layers]
    for size in (5.0, 6.7, 9.0):
        widths = default_widths(SPEAKER_SEX, size)
        assert widths.windows == (4 * roots[0], roots[1], roots[2])
        assert widths.logit == roots[3]
    assert default_rate(SPEAKER_SEX) == 2e-3


def test_signs_have_a_first_window_of_half_the_root_of_the_fan_in() -> None:
    widths = default_widths(DENSE, 1.0)
    assert widths.windows == (4.0, 10.0)
    assert widths.logit == pytest.approx(0.53 * 36**0.6)


@pytest.mark.parametrize("factor", [2.0**-20, 0.5, 256.0])
def test_larger_features_have_a_first_window_as_much_larger(factor: float) -> None:
    for size in (0.4, 1.0, 3.0):
        assert first_window(factor * size) == factor * first_window(size)


def test_features_that_are_all_zero_have_a_window() -> None:
    assert first_window(0.0) == 1.0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_size_of_features_is_their_root_mean_square(kind: type, monkeypatch: Any) -> None:
    monkeypatch.setattr("evobin.core.samples.PIECE", 8)
    frames: NDArray[Any] = np.random.default_rng(0).normal(3.0, 2.0, (50, 4)).astype(kind)
    samples = Samples(frames, np.array([0, 20, 50]))
    assert size_of(samples) == pytest.approx(float(np.sqrt((frames.astype(float) ** 2).mean())))


def test_batch_and_epochs_keep_to_their_limits() -> None:
    for n in (1, 31, 32, 1_000, 10_000, 100_000, 10_000_000):
        batch = default_batch(n)
        assert SMALLEST_BATCH <= batch <= LARGEST_BATCH
        assert batch % 2 == 0
        assert FEWEST_EPOCHS <= default_epochs(n, batch) <= MOST_EPOCHS
        assert default_epochs(n, batch) <= default_epochs(max(1, n // 2), batch)


def test_samples_of_any_length_have_few_epochs_of_small_batches() -> None:
    plan = plan_of(SteConfig(), planted_problem())
    assert (plan.batch, plan.epochs, plan.smooth_epochs) == (32, 40, 10)


def test_everything_can_be_set_by_hand() -> None:
    problem = planted_problem()
    windows = tuple(float(number) for number in range(1, len(problem.architecture.blocks) + 1))
    config = SteConfig(
        epochs=7, batch=4, rates=(0.5, 0.25), spread=0.5, windows=windows, logit_width=3.0
    )
    plan = plan_of(config, problem)
    assert plan.widths == Widths(windows, 3.0)
    assert (plan.epochs, plan.batch, plan.rates, plan.spread) == (7, 4, (0.5, 0.25), 0.5)


def test_the_logit_width_of_a_problem_is_that_of_its_training() -> None:
    problem = replace(planted_problem(), logit_width=3.0)
    assert plan_of(SteConfig(), problem).widths.logit == 3.0
    assert problem.sample(np.random.default_rng(0)).logit_width == 3.0


def test_windows_of_another_number_than_blocks_are_refused() -> None:
    message = r"`ste.windows` must have one width for each of the \d blocks, but it has 5"
    with pytest.raises(SettingError, match=message):
        plan_of(SteConfig(windows=(1.0,) * 5), planted_problem())
