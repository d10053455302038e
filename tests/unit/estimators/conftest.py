from __future__ import annotations

import pytest

from evobin.config import FlipConfig, PopulationConfig, SteConfig
from evobin.config import runs as settings
from evobin.estimators import budget


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The efforts take a moment; "thorough" is the one that trains."""
    ste = SteConfig(starts=2, epochs=4)
    trainings = {"standard": ste, "quick": ste, "thorough": SteConfig(starts=2, epochs=40)}
    relatives, flips = (
        PopulationConfig(rounds=1, epochs=1),
        FlipConfig(rounds=1, sweeps=20, clips=16),
    )
    for config in (settings.SearchConfig, settings.PolishConfig):
        monkeypatch.setattr(config, "trainings", trainings)
    starts = {effort: (ste, ste) for effort, ste in trainings.items()}
    monkeypatch.setattr(budget, "_STARTS", starts)
    monkeypatch.setattr(budget, "_POPULATIONS", dict.fromkeys(trainings, relatives))
    monkeypatch.setattr(settings, "_BUDGETS", {effort: {"flips": flips} for effort in trainings})
