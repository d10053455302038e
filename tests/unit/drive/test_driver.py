"""What the driver does around the steps of a stage."""

from __future__ import annotations

import numpy as np
import pytest

from evobin.config import FlipConfig
from evobin.core.stage import Progress
from evobin.drive.driver import Driver
from evobin.training.flip_search import FlipSearch
from tests.builders import NoisyProblem


@pytest.mark.parametrize(("rounds", "expected"), [(1, [0, "prepared", 1]), (0, [0])])
def test_a_stage_is_shown_before_what_it_needs_is_prepared_if_it_has_a_step(
    rounds: int, expected: list[int | str]
) -> None:
    seen: list[int | str] = []
    problem = NoisyProblem(np.arange(1.0, 9.0))
    config = FlipConfig(rounds=rounds, islands=1, proposals=4)
    stage = FlipSearch(problem, np.ones(8, np.int8), config, 0)

    def watch(progress: Progress) -> None:
        seen.append(progress.done)

    Driver(observer=watch).run(stage, lambda: seen.append("prepared"))
    assert seen == expected
