from __future__ import annotations

import pytest

from evobin.config import FlipConfig, PopulationConfig, SteConfig
from evobin.config import runs as settings


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The efforts take a moment; "thorough" is the one that trains."""
    ste = SteConfig(starts=2, epochs=4)
    trainings = {"standard": ste, "quick": ste, "thorough": SteConfig(starts=1, epochs=20)}
    relatives, flips = (
        PopulationConfig(rounds=1, epochs=1),
        FlipConfig(rounds=1, sweeps=20, clips=16),
    )
    monkeypatch.setattr(settings.SearchConfig, "trainings", trainings)
    monkeypatch.setattr(settings.PolishConfig, "trainings", trainings)
    budget = {"population": relatives, "flips": flips}
    monkeypatch.setattr(settings, "_BUDGETS", dict.fromkeys(trainings, budget))
