"""Settings of the stages of a run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from evobin.checks import check_settings, setting
from evobin.errors import SettingError


@dataclass(frozen=True, slots=True)
class AugmentConfig:
    """How training samples are varied each time they are drawn."""

    gain: float = setting(1.0, 0, 100)
    """Spread of a random gain, in nepers: one constant added to a log-mel matrix."""
    equaliser: float = setting(0.25, 0, 100)
    """Spread of a smooth random curve over the bands, in nepers: another room or microphone."""
    tract: float = setting(0.05, 0, 0.3)
    """Spread of a random warp of all frequencies, relative: another vocal tract and pitch. Only
    64-band log-mel is warped."""
    tilt: float = setting(0.0, 0, 100)
    """Spread of a random spectral tilt, in nepers at either end of the bands."""
    speed: float = setting(0.0, 0, 0.3)
    """Spread of a random speed, relative; the pitch stays."""
    floor: float = setting(0.0, 0, 1)
    """Share of crops with a random noise floor."""
    bands: float = setting(0.0, 0, 1)
    """Share of crops with some neighbouring bands masked."""
    pauses: float = setting(0.0, 0, 1)
    """Share of crops with some neighbouring frames masked."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_settings(self, "augment.")

    def doubled(self) -> AugmentConfig:
        """Every variation twice as strong, as far as it can be."""
        doubled = {
            one.name: min(2 * getattr(self, one.name), one.metadata["limits"]["high"])
            for one in fields(self)
        }
        return AugmentConfig(**doubled)


@dataclass(frozen=True, slots=True)
class SteConfig:
    """Straight-through training of latent weights, whose signs are a solution."""

    samples: int = setting(500_000, 1, 10**12)
    """Samples that all trainings see together, where `starts` and `epochs` do not say it; of a
    small network, which takes less time for each, more of them."""
    starts: int | None = setting(None, 1, 10_000)
    """Trainings side by side, from different random numbers, of which the one is kept that does
    best on what it was trained on. By default 1, or as many as `samples` allows where samples have
    a fixed length, at most 4."""
    epochs: int | None = setting(None, 0, 1_000_000)
    """Passes over the training samples; with 0, a search begins with random signs. By default as
    many as `samples` allows; where samples have a fixed length, no more than pay."""
    lengths: tuple[float, ...] = setting((1.0,), 0.01, 1_000)
    """Trainings so many times as long, of which the folds choose one."""
    smooth: float = setting(0.25, 0, 0.75)
    """Share of the epochs, the first ones, with real weights and tanh instead of signs; the weights
    are then cut to their signs; 0 for none. A polish begins with signs and has none."""
    batch: int | None = setting(None, 2, 65_536)
    """Samples a step, an even number. By default 32, or more where there are very many samples of a
    fixed length, at most 128."""
    frames: int = setting(200, 1, 1_000_000)
    """Frames of a random crop; shorter samples are repeated."""
    rates: tuple[float, ...] = setting((), 0, 1)
    """First learning rates of Adam, taken in turn by the starts; they fall to 0 along a cosine.
    Where none is named, 5e-3 for fan-ins to 490 and without smooth epochs, else less."""
    spread: float = setting(0.1, 1e-6, 1)
    """Latent weights start uniform in [-spread, spread], or in that range of their sign."""
    windows: tuple[float, ...] = setting((), 1e-3, 1e9)
    """Widths of the straight-through windows, one for each block, in units of its sums. Where none
    is named, they follow from the fan-ins and from the size of the features."""
    logit_width: float | None = setting(None, 0.25, 1_000_000)
    """Probabilities are those of the logits divided by this, in all stages. By default it follows
    from the number of hidden units and classes."""
    average: float = setting(0.98, 0, 1 - 1e-9)
    """Decay a step of the running mean of the latents; its signs are the candidates."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_settings(self, "ste.")
        if self.batch is not None and self.batch % 2:
            raise SettingError(f"`ste.batch` must be even, but it is {self.batch}.")


@dataclass(frozen=True, slots=True)
class FlipConfig:
    """Direct search by exact flips."""

    rounds: int = setting(4, 0, 1_000_000)
    """Rounds, each on freshly drawn samples; 0 skips the stage, for any samples."""
    sweeps: int = setting(800, 0, 10_000_000)
    """Where samples have a fixed length, instead of rounds: how often each flip is offered, on all
    samples. After training it ends sooner, when the samples held out gain no more."""
    islands: int = setting(2, 1, 10_000)
    """Independent searches side by side, of which the best one is kept."""
    clips: int = setting(256, 2, 1_000_000)
    """Samples of the batch that proposes flips in a round, and of the one that accepts them."""
    proposals: int = setting(200, 1, 100_000_000)
    """Flips tried a round, the most promising of each layer first."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_settings(self, "flips.")


@dataclass(frozen=True, slots=True)
class PopulationConfig:
    """Population refinement: relatives are recombined, improved and selected."""

    rounds: int = setting(8, 0, 1_000_000)
    """Rounds, a child an island each; 0 skips the stage."""
    islands: int = setting(2, 1, 10_000)
    """Populations side by side, each with its own random numbers."""
    families: int = setting(1, 1, 10_000)
    """Starts that islands descend from, the best ones; relatives alone can be recombined."""
    size: int = setting(3, 1, 10_000)
    """Members an island."""
    moves: tuple[Literal["mean", "vote", "uniform", "units", "sample", "path", "blend"], ...] = (
        "mean",
        "units",
    )
    """Ways to make a child of its parents, one of them at random each time."""
    evaluations: int = setting(60, 1, 1_000_000)
    """Mixtures that a blend scores, to find how much of each parent goes into each layer."""
    epochs: int = setting(8, 0, 1_000_000)
    """Passes over the training samples to improve a child's latents by; 0 for none."""
    rate: float = setting(2e-3, 0, 1)
    """First learning rate of that training."""
    proposals: int = setting(0, 0, 100_000_000)
    """Flips tried to improve a child, the most promising first; 0 for none."""
    migrate: int = setting(2, 1, 1_000_000)
    """Rounds between visits of the best to another island."""
    patience: int = setting(4, 1, 1_000_000)
    """Rounds without a new best before an island is restarted from a kicked copy of its best."""
    kick: float = setting(0.01, 0, 1)
    """Share of weights that a kick flips."""

    def check(self) -> None:
        """Raises SettingError if a value is out of range."""
        check_settings(self, "population.")
        if not self.moves:
            raise SettingError("`population.moves` must name at least one move, but it is empty.")

    @property
    def flips(self) -> bool:
        """Whether children are made or improved by flips."""
        return self.rounds > 0 and (self.proposals > 0 or "path" in self.moves)
