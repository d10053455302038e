"""Settings of the stages of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evobin.checks import check_range
from evobin.errors import SettingError

AUGMENT_LIMITS = {
    "gain": 100,
    "equaliser": 100,
    "tract": 0.3,
    "tilt": 100,
    "speed": 0.3,
    "floor": 1,
    "bands": 1,
    "pauses": 1,
}
"""The largest value of each variation of training samples; none may be below 0."""


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How training samples are varied each time they are drawn."""

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
        for name, limit in AUGMENT_LIMITS.items():
            check_range(f"augment.{name}", getattr(self, name), 0, limit)

    def doubled(self) -> AugmentConfig:
        """Every variation twice as strong, as far as it can be."""
        limits = AUGMENT_LIMITS.items()
        return AugmentConfig(**{name: min(2 * getattr(self, name), most) for name, most in limits})


@dataclass(frozen=True, slots=True)
class SteConfig:
    """Straight-through training of latent weights, whose signs are a solution."""

    starts: int = 8
    """Trainings side by side, from different random numbers, of which the best is kept."""
    epochs: int = 40
    """Passes over the training samples; 0 skips the stage."""
    smooth: float = 0.25
    """Share of the epochs, the first ones, with real weights and tanh instead of signs; the weights
    are then cut to their signs; 0 for none. A polish begins with signs and has none."""
    batch: int = 32
    """Samples a step, an even number."""
    frames: int = 200
    """Frames of a random crop; shorter samples are repeated."""
    rates: tuple[float, ...] = ()
    """First learning rates of Adam, taken in turn by the starts; they fall to 0 along a cosine.
    Where none is named, 2e-3 after smooth epochs, and 5e-3 without."""
    spread: float = 0.1
    """Latent weights start uniform in [-spread, spread], or in that range of their sign."""
    average: float = 0.98
    """Decay a step of the running mean of the latents; its signs are the candidates."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_range("ste.starts", self.starts, 1, 10_000)
        check_range("ste.epochs", self.epochs, 0, 1_000_000)
        check_range("ste.smooth", self.smooth, 0, 0.75)
        check_range("ste.batch", self.batch, 2, 65_536)
        if self.batch % 2:
            raise SettingError(f"`ste.batch` must be even, but it is {self.batch}.")
        check_range("ste.frames", self.frames, 1, 1_000_000)
        for rate in self.rates:
            check_range("ste.rates", rate, 0, 1)
        check_range("ste.spread", self.spread, 1e-6, 1)
        check_range("ste.average", self.average, 0, 1 - 1e-9)

    @property
    def smooth_epochs(self) -> int:
        """How many epochs have real weights."""
        return int(self.smooth * self.epochs)

    @property
    def first_rates(self) -> tuple[float, ...]:
        """`rates`, or the one that is taken where none is named."""
        return self.rates or ((2e-3,) if self.smooth_epochs else (5e-3,))


@dataclass(frozen=True, slots=True)
class FlipConfig:
    """Bit-flip local search by exact increments."""

    rounds: int = 8
    """Rounds, each on freshly drawn samples; 0 skips the stage."""
    islands: int = 2
    """Independent searches side by side, of which the best one is kept."""
    clips: int = 256
    """Samples of the batch that proposes flips, and of the one that accepts them."""
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
    """Mixtures that a blend scores, to find how much of each parent goes into each layer."""
    epochs: int = 8
    """Passes over the training samples to improve a child's latents by; 0 for none."""
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
