"""Settings of a whole search or polish: data, stages, budgets."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from evobin.checks import check_choice, setting
from evobin.config.data import DataConfig
from evobin.config.execution import ExecutionConfig
from evobin.config.stages import AugmentConfig, FlipConfig, PopulationConfig, SteConfig
from evobin.errors import SettingError
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX

POLISH_RATES = (1e-3, 5e-3)
"""A good file needs the low rate, a bad one the high rate; the starts try both."""
Effort = Literal["quick", "standard", "thorough"]
"""How much to spend: about 2, 6 and 30 minutes on two cores, for 200 samples or for 20,000."""

_SAMPLES: dict[Effort, int] = {"quick": 170_000, "standard": 500_000, "thorough": 2_500_000}
_BUDGETS: dict[Effort, dict[str, Any]] = {
    "quick": {"folds": 1, "flips": FlipConfig(rounds=4, sweeps=300)},
    "standard": {},
    "thorough": {
        "population": PopulationConfig(),
        "flips": FlipConfig(rounds=30, sweeps=4_000, islands=4),
    },
}
"""What an effort sets besides `ste`, which search and polish set differently."""


NO_POPULATION = PopulationConfig(rounds=0)


@dataclass(frozen=True)
class SearchConfig(ExecutionConfig, DataConfig):
    """From labelled samples to a result file; `of` has the budgets of an effort."""

    trainings: ClassVar[Mapping[Effort, SteConfig]] = {  # of each effort
        "quick": SteConfig(samples=_SAMPLES["quick"]),
        "standard": SteConfig(),
        "thorough": SteConfig(samples=_SAMPLES["thorough"], lengths=(1.0, 3.0)),
    }

    out: Path | None = None
    """Run folder, new or empty; by default runs/search-<date>-<time>."""
    seed: int = setting(0, 0, 2**63 - 1)
    """Decides every random number: the same seed gives the same result file."""
    minutes: float | None = setting(None, 0, 1_000_000)
    """End after this time, cleanly, with the current step (an epoch, a round, four rounds of
    flips); the seed then no longer decides the result. Without it, the budgets of the stages are
    spent."""
    ste: SteConfig = field(default_factory=SteConfig)
    refit: bool = True
    """Train the network that is handed out on all labelled samples; without it, that of the first
    fold is, and its figures are of that fold."""
    population: PopulationConfig = NO_POPULATION
    flips: FlipConfig = field(default_factory=FlipConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        DataConfig.__post_init__(self)
        ExecutionConfig.__post_init__(self)
        # not in their own __post_init__: the CLI library would word its errors
        self.ste.check()
        self.population.check()
        self.flips.check()
        self.augment.check()

    @classmethod
    def of(cls, effort: Effort, **settings: Any) -> Self:
        """A configuration with the budgets of an effort, and other settings.

        Raises:
            SettingError: if there is no such effort, or a setting is out of range.

        Example:
            >>> SearchConfig.of("quick", seed=1).ste.samples
            170000
        """
        check_choice("effort", effort, _BUDGETS)
        return cls(**{"ste": cls.trainings[effort]} | _BUDGETS[effort] | settings)

    def plain(self) -> dict[str, Any]:
        """All settings as JSON values; paths are absolute."""
        return {
            name: str(value.absolute()) if isinstance(value, Path) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The settings that `plain` gave.

        Raises:
            TypeError: if there are others, or some are missing.
        """
        kinds = typing.get_type_hints(cls)
        settings: dict[str, Any] = {}
        shape = plain.get("architecture")
        architecture = SPEAKER_SEX if shape is None else Architecture.from_plain(shape)
        for name, value in plain.items():
            if kinds.get(name) is Architecture:
                settings[name] = Architecture.from_plain(value)
            elif dataclasses.is_dataclass(kinds.get(name)):
                inner = {key: tuple(x) if isinstance(x, list) else x for key, x in value.items()}
                if name == "ste":
                    inner = _old_scales(architecture) | inner
                settings[name] = kinds[name](**inner)
            elif value is not None and Path in typing.get_args(kinds.get(name)):
                settings[name] = Path(value)
            elif isinstance(value, list):
                settings[name] = tuple(value)
            else:
                settings[name] = value
        return cls(**settings)


def _old_scales(architecture: Architecture) -> dict[str, Any]:
    """What `ste` had in runs that were begun before it could be set."""
    first, *roots = (layer.fan_in**0.5 for layer in architecture.layers)
    windows = (4.0 * first, *roots[:-1])
    return {"smooth": 0.0, "windows": windows, "logit_width": roots[-1]}


@dataclass(frozen=True)
class PolishConfig(SearchConfig):
    """From a result file to one that is not worse beyond noise."""

    trainings: ClassVar[Mapping[Effort, SteConfig]] = {
        effort: SteConfig(samples=samples, smooth=0, rates=POLISH_RATES)
        for effort, samples in _SAMPLES.items()
    }

    keep_data: Path | None = None
    """Samples that the file was trained on, a file as --data: every network is trained on them
    too, so that what it knows is not lost, and none is told or chosen by them."""
    keep_features: Path | None = None
    """Folder of the feature files that --keep-data names; by default --features."""
    ste: SteConfig = trainings["standard"]

    def __post_init__(self) -> None:
        SearchConfig.__post_init__(self)
        if self.keep_data is None and self.keep_features is not None:
            raise SettingError("`keep_features` needs `keep_data`; name both or neither.")
        if self.keep_data is not None and (self.data is None or self.is_table):
            raise SettingError(
                "`keep_data` is for lists of files, but `data` names none; add the rows of the old "
                "table to the new one."
            )
