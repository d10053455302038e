"""Settings: frozen dataclasses whose field docstrings are the command line's help."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from evobin.checks import check_range
from evobin.errors import SettingError


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How training clips are varied each time they are drawn."""

    gain: float = 1.0
    """Spread of a random gain, in nepers: one constant added to a log-mel matrix."""
    equaliser: float = 0.25
    """Spread of a smooth random curve over the bands, in nepers: another room or microphone."""
    tract: float = 0.05
    """Spread of a random warp of all frequencies, relative: another vocal tract and pitch. Only
    64-band log-mel is warped."""
    tilt: float = 0.0
    """Spread of a random spectral tilt, in nepers at either end of the bands."""
    speed: float = 0.0
    """Spread of a random speed, relative; the pitch stays."""
    floor: float = 0.0
    """Share of crops with a random noise floor."""
    bands: float = 0.0
    """Share of crops with some neighbouring bands masked."""
    pauses: float = 0.0
    """Share of crops with some neighbouring frames masked."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_range("augment.gain", self.gain, 0, 100)
        check_range("augment.equaliser", self.equaliser, 0, 100)
        check_range("augment.tract", self.tract, 0, 0.3)
        check_range("augment.tilt", self.tilt, 0, 100)
        check_range("augment.speed", self.speed, 0, 0.3)
        check_range("augment.floor", self.floor, 0, 1)
        check_range("augment.bands", self.bands, 0, 1)
        check_range("augment.pauses", self.pauses, 0, 1)


@dataclass(frozen=True, slots=True)
class SteConfig:
    """Straight-through training of latent weights, whose signs are a solution."""

    starts: int = 8
    """Trainings side by side, from different random numbers, of which the best is kept."""
    epochs: int = 40
    """Passes over the training clips; 0 skips the stage."""
    batch: int = 32
    """Clips a step, an even number."""
    frames: int = 200
    """Frames of a random crop; shorter clips are repeated."""
    rates: tuple[float, ...] = (5e-3,)
    """First learning rates of Adam, taken in turn by the starts; they fall to 0 along a cosine."""
    spread: float = 0.1
    """Latent weights start uniform in [-spread, spread], or in that range of their sign."""
    average: float = 0.98
    """Decay a step of the running mean of the latents; its signs are the candidates."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_range("ste.starts", self.starts, 1, 10_000)
        check_range("ste.epochs", self.epochs, 0, 1_000_000)
        check_range("ste.batch", self.batch, 2, 65_536)
        if self.batch % 2:
            raise SettingError(f"`ste.batch` must be even, but it is {self.batch}.")
        check_range("ste.frames", self.frames, 1, 1_000_000)
        if not self.rates:
            raise SettingError("`ste.rates` must name at least one rate, but it is empty.")
        for rate in self.rates:
            check_range("ste.rates", rate, 0, 1)
        check_range("ste.spread", self.spread, 1e-6, 1)
        check_range("ste.average", self.average, 0, 1 - 1e-9)


@dataclass(frozen=True, slots=True)
class FlipConfig:
    """Bit-flip local search by exact increments."""

    rounds: int = 8
    """Rounds, each on freshly drawn clips; 0 skips the stage."""
    islands: int = 2
    """Independent searches side by side, of which the best one is kept."""
    clips: int = 256
    """Clips of the batch that proposes flips, and of the one that accepts them."""
    proposals: int = 200
    """Flips tried a round, the most promising first."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_range("flips.rounds", self.rounds, 0, 1_000_000)
        check_range("flips.islands", self.islands, 1, 10_000)
        check_range("flips.clips", self.clips, 2, 1_000_000)
        check_range("flips.proposals", self.proposals, 1, 100_000_000)


@dataclass(frozen=True, slots=True)
class PopulationConfig:
    """Population refinement: relatives are recombined, improved and selected."""

    rounds: int = 8
    """Rounds, a child an island each; 0 skips the stage."""
    islands: int = 2
    """Populations side by side, each with its own random numbers."""
    families: int = 1
    """Starts that islands descend from, the best ones; relatives alone can be recombined."""
    size: int = 3
    """Members an island."""
    moves: tuple[Literal["mean", "vote", "uniform", "units", "sample", "path", "blend"], ...] = (
        "mean",
        "units",
    )
    """Ways to make a child of its parents, one of them at random each time."""
    evaluations: int = 60
    """Mixtures that a blend scores, to find how much of which parent goes into each layer."""
    epochs: int = 8
    """Passes over the training clips to improve a child's latents by; 0 for none."""
    rate: float = 2e-3
    """First learning rate of that training."""
    proposals: int = 0
    """Flips tried to improve a child, the most promising first; 0 for none."""
    migrate: int = 2
    """Rounds between visits of the best to another island."""
    patience: int = 4
    """Rounds without a new best before an island is restarted from a kicked copy of its best."""
    kick: float = 0.01
    """Share of weights that a kick flips."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_range("population.rounds", self.rounds, 0, 1_000_000)
        check_range("population.islands", self.islands, 1, 10_000)
        check_range("population.families", self.families, 1, 10_000)
        check_range("population.size", self.size, 1, 10_000)
        check_range("population.epochs", self.epochs, 0, 1_000_000)
        check_range("population.rate", self.rate, 0, 1)
        check_range("population.proposals", self.proposals, 0, 100_000_000)
        check_range("population.evaluations", self.evaluations, 1, 1_000_000)
        check_range("population.migrate", self.migrate, 1, 1_000_000)
        check_range("population.patience", self.patience, 1, 1_000_000)
        check_range("population.kick", self.kick, 0, 1)
        if not self.moves:
            raise SettingError("`population.moves` must name at least one move, but it is empty.")

    @property
    def flips(self) -> bool:
        """Whether children are made or improved by flips."""
        return self.rounds > 0 and (self.proposals > 0 or "path" in self.moves)


@dataclass(frozen=True)
class DataConfig:
    """Labelled clips, and how they are parted."""

    data: Path | None = None
    """Clips to train on: a tsv file, one `<file name><tab><label 0 or 1>` a line. Without it,
    voices are synthesised."""
    features: Path | None = None
    """Folder of the feature files that the tsv files name: .npy, [t, 64], log-mel."""
    groups: Path | None = None
    """Who speaks: a tsv file, `<file name><tab><speaker>` and any further columns to report by.
    Clips are then parted by speaker."""
    valid: Path | None = None
    """Validation clips, a tsv file; without it, a share of the training clips is held out."""
    test: Path | None = None
    """Test clips, a tsv file; looked at once, at the end, for the final figure."""
    valid_share: float = 0.16
    """Share of the clips to hold out for validation."""
    test_share: float = 0.0
    """Share of the clips to hold out as a test part that no stage looks at."""

    def __post_init__(self) -> None:
        check_range("valid_share", self.valid_share, 0.001, 0.9)
        check_range("test_share", self.test_share, 0, 0.9)
        if self.test is not None and self.test_share > 0:
            raise SettingError("`test` and `test_share` exclude each other; name one of them.")
        if (self.data is None) != (self.features is None):
            given, missing = ("data", "features")[:: 1 if self.features is None else -1]
            raise SettingError(f"`{given}` needs `{missing}` as well; name both or neither.")
        for name in ("groups", "valid", "test", "test_share"):
            if self.data is None and getattr(self, name):
                raise SettingError(
                    f"`{name}` needs `data`; without it, synthesised voices are searched, and "
                    "they come in parts of their own."
                )


Backend = Literal["auto", "loky", "threading", "dask", "ray"]


@dataclass(frozen=True)
class ExecutionConfig:
    """Who does the work, and how often it is kept; no result depends on it."""

    n_jobs: int = -1
    """Workers, -1 for one a core; the result does not depend on it."""
    backend: Backend = "auto"
    """What the workers are: processes (loky), threads, or those of dask or ray, which need the
    extra of that name. Left to joblib (auto), it is loky."""
    scheduler: str | None = None
    """Address of a dask scheduler that runs already, as tcp://host:8786; without it, dask starts
    --n-jobs workers on this machine."""
    ray_address: str | None = None
    """Address of a ray cluster that runs already; without it, ray starts on this machine."""
    task_minutes: float | None = None
    """A worker that is longer at one task hangs: it is ended, and the task done again. By default
    twenty times the longest task so far, and at least two minutes."""
    checkpoint_seconds: float = 60.0
    """A run that is killed loses no more than this, and the step at hand."""
    report: bool = True
    """Write report.html into the run folder at the end."""

    def __post_init__(self) -> None:
        _check_n_jobs(self.n_jobs)
        if self.scheduler is not None and self.backend != "dask":
            raise SettingError("`scheduler` needs `backend` dask; name both or neither.")
        if self.ray_address is not None and self.backend != "ray":
            raise SettingError("`ray_address` needs `backend` ray; name both or neither.")
        if self.task_minutes is not None:
            check_range("task_minutes", self.task_minutes, 0.001, 1_000_000)
        check_range("checkpoint_seconds", self.checkpoint_seconds, 0, 1_000_000)


POLISH_RATES = (1e-3, 5e-3)
"""A good file needs the low rate, one that has lost most needs the high one; starts try both."""
Effort = Literal["quick", "standard", "thorough"]
"""How much to spend: about 3, 15 and 60 minutes on two cores for 2,000 clips."""


@dataclass(frozen=True)
class SearchConfig(ExecutionConfig, DataConfig):
    """From labelled clips to a result file; `of` has the budgets of an effort."""

    out: Path | None = None
    """Run folder, new or empty; by default runs/search-<date>-<time>."""
    seed: int = 0
    """Decides every random number: the same seed gives the same result file."""
    minutes: float | None = None
    """End after this time, cleanly, with the epoch or round at hand; the seed then no longer
    decides the result. Without it, the budgets of the stages are spent."""
    ste: SteConfig = field(default_factory=SteConfig)
    population: PopulationConfig = field(default_factory=PopulationConfig)
    flips: FlipConfig = field(default_factory=FlipConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        DataConfig.__post_init__(self)
        ExecutionConfig.__post_init__(self)
        check_range("seed", self.seed, 0, 2**63 - 1)
        # not in their own __post_init__: the CLI library would word its errors
        self.ste.check()
        self.population.check()
        self.flips.check()
        self.augment.check()
        if self.minutes is not None:
            check_range("minutes", self.minutes, 0, 1_000_000)

    @classmethod
    def of(cls, effort: Effort, **settings: Any) -> Self:
        """A configuration with the budgets of an effort.

        Args:
            effort: "quick", "standard" or "thorough".
            settings: other fields.

        Raises:
            SettingError: if there is no such effort, or a setting is out of range.

        Example:
            >>> SearchConfig.of("quick", seed=1).ste.starts
            2
        """
        if effort not in cls._efforts():
            raise SettingError(
                f"`effort` must be one of {', '.join(cls._efforts())}, but it is {effort!r}."
            )
        return cls(**cls._efforts()[effort] | settings)

    def plain(self) -> dict[str, Any]:
        """All settings as JSON has a notation for them; paths as they are from anywhere."""
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
        for name, value in plain.items():
            if dataclasses.is_dataclass(kinds.get(name)):
                inner = {key: tuple(x) if isinstance(x, list) else x for key, x in value.items()}
                settings[name] = kinds[name](**inner)
            elif value is not None and Path in typing.get_args(kinds.get(name)):
                settings[name] = Path(value)
            else:
                settings[name] = value
        return cls(**settings)

    @staticmethod
    def _efforts() -> dict[Effort, dict[str, Any]]:
        return {
            "quick": {
                "ste": SteConfig(starts=2),
                "population": PopulationConfig(rounds=2),
                "flips": FlipConfig(rounds=4),
            },
            "standard": {},
            "thorough": {
                "ste": SteConfig(starts=16, epochs=100),
                "population": PopulationConfig(rounds=25, islands=4, families=2),
                "flips": FlipConfig(rounds=30, islands=4),
            },
        }


@dataclass(frozen=True)
class PolishConfig(SearchConfig):
    """From a result file to one that is at least as good."""

    ste: SteConfig = field(default_factory=lambda: SteConfig(starts=4, rates=POLISH_RATES))

    @staticmethod
    def _efforts() -> dict[Effort, dict[str, Any]]:
        return {
            "quick": {
                "ste": SteConfig(starts=2, epochs=20, rates=POLISH_RATES),
                "population": PopulationConfig(rounds=2),
                "flips": FlipConfig(rounds=4),
            },
            "standard": {},
            "thorough": {
                "ste": SteConfig(starts=12, epochs=80, rates=POLISH_RATES),
                "population": PopulationConfig(rounds=25, islands=4, families=2),
                "flips": FlipConfig(rounds=30, islands=4),
            },
        }


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """How good a result file is on labelled clips."""

    data: Path
    """Labelled clips: a tsv file, one `<file name><tab><label 0 or 1>` a line."""
    features: Path
    """Folder of the feature files that the tsv file names: .npy, [t, 64], log-mel."""
    groups: Path | None = None
    """A tsv file, `<file name><tab><speaker>` and any further columns to report by."""
    n_jobs: int = -1
    """Threads, -1 for one a core; the answers do not depend on it."""

    def __post_init__(self) -> None:
        _check_n_jobs(self.n_jobs)


def _check_n_jobs(n_jobs: int) -> None:
    if n_jobs == 0:
        raise SettingError("`n_jobs` must be at least 1, or -1 for one a core, but it is 0.")
