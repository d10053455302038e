"""How much an effort is: the same work, whatever the sizes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evobin.config import PolishConfig, SearchConfig, SteConfig
from evobin.config.runs import Effort
from evobin.data.splits import fold_count
from evobin.drive.budget import planned, products_of
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.presets import SPEAKER_SEX

SMALL = Architecture(64, (ConvBlock(16, 1),), n_classes=10, frames=1, binary_inputs=True)


def problems(n: int, folds: int, architecture: Architecture = SPEAKER_SEX) -> Any:
    """What is trained on: each fold's other samples, and all of them; 16% where there is one."""
    held = 1 / folds if folds > 1 else 0.16
    sizes = [round(n * (1 - held))] * folds + [n]
    return [SimpleNamespace(train=range(size), architecture=architecture) for size in sizes]


def samples_of(plan: SteConfig, parts: Any) -> float:
    """Samples that all trainings see."""
    assert plan.epochs is not None
    assert plan.starts is not None
    passes = sum(len(one.train) for one in parts) * plan.starts
    return passes * plan.epochs * sum(plan.lengths)


@pytest.mark.parametrize("kind", [SearchConfig, PolishConfig])
@pytest.mark.parametrize("effort", ["quick", "standard", "thorough"])
@pytest.mark.parametrize("n", [200, 2_000, 20_000])
def test_an_effort_is_the_same_work_for_any_number_of_samples(
    n: int, effort: Effort, kind: type[SearchConfig]
) -> None:
    config = kind.of(effort)
    parts = problems(n, fold_count(config.folds, n, n // 10))
    plan = planned(config.ste, parts)
    done, asked = samples_of(plan, parts), config.ste.samples
    if plan.epochs == 4:  # the fewest that a training has
        assert asked < done
    elif plan.epochs == 500:  # the most
        assert done <= asked
    else:
        assert done == pytest.approx(asked, rel=0.15)


def test_a_training_has_four_epochs_of_however_many_samples() -> None:
    plan = planned(SearchConfig().ste, problems(100_000, 1))
    assert plan.epochs == 4
    assert plan.starts == 1


def test_a_small_network_has_the_epochs_that_pay_and_as_many_starts_as_there_is_time_for() -> None:
    plan = planned(SearchConfig().ste, problems(1_500, 5, SMALL))
    assert (plan.epochs, plan.starts) == (131, 4)
    many = planned(SearchConfig().ste, problems(1_000_000, 1, SMALL))
    assert (plan.epochs or 0) > (many.epochs or 0) >= 4
    assert many.starts == 1


def test_what_is_set_by_hand_stays() -> None:
    ste = SteConfig(starts=3, epochs=7)
    assert planned(ste, problems(2_000, 5)) == ste
    assert planned(SteConfig(epochs=0), problems(2_000, 5)).starts == 1
    halved = planned(SteConfig(starts=2), problems(2_000, 5)).epochs
    assert halved == pytest.approx(
        (planned(SteConfig(), problems(2_000, 5)).epochs or 0) / 2, abs=1
    )


def test_every_rate_and_length_is_work() -> None:
    one = planned(SteConfig(), problems(2_000, 5))
    both = planned(SteConfig(rates=(1e-3, 5e-3)), problems(2_000, 5))
    longer = planned(SteConfig(lengths=(1, 3)), problems(2_000, 5))
    assert (both.starts, longer.starts) == (2, 1)
    assert both.epochs == pytest.approx((one.epochs or 0) / 2, abs=1)
    assert longer.epochs == pytest.approx((one.epochs or 0) / 4, abs=1)


def test_products_are_those_of_the_layers() -> None:
    one = Architecture(3, (ConvBlock(5, 2, 2), ConvBlock(7, 2)))
    base = products_of(one, 9) - (8 * 5 * 3 * 2 + 3 * 7 * 5 * 2 + 7)  # 8 positions, 4 pooled, 3
    assert products_of(SMALL, 1) == base + 64 * 16 + 16 * 10
