"""Which samples: to search on, to measure by, to look at, to make of recordings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evobin.checks import check_settings, setting
from evobin.config.execution import check_n_jobs
from evobin.errors import SettingError
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX, preset_of


@dataclass(frozen=True)
class DataConfig:
    """Labelled samples, and how they are split."""

    data: Path | None = None
    """Samples to train on: a tsv file, one `<file name><tab><label>` a line, label 0 or 1, of the
    built-in network also male or female (of n classes 0 to n - 1). Without it, voices are
    synthesised."""
    features: Path | None = None
    """Folder of the feature files that the tsv files name: .npy, [t, 64], log-mel; for another
    --architecture [frames, inputs], or [inputs] where it has one frame."""
    groups: Path | None = None
    """Who speaks, or what else belongs together: a tsv file, `<file name><tab><speaker>` and any
    further columns to report by. Samples are then split by speaker."""
    valid: Path | None = None
    """Validation samples, a tsv file; without it, a share of the training samples is held out."""
    test: Path | None = None
    """Test samples, a tsv file; looked at once, at the end, for the final figure."""
    valid_share: float = setting(0.16, 0.001, 0.9)
    """Share of the samples to hold out for validation."""
    test_share: float = setting(0.0, 0, 0.9)
    """Share of the samples to hold out as a test split that no stage looks at."""
    architecture: Architecture = SPEAKER_SEX
    """Shape of the network: a TOML file, as the help of search shows; or a run folder, for the
    network of that run. By default the built-in one, for a speaker's sex. A model file that is
    polished has its own."""

    def __post_init__(self) -> None:
        _check_architecture(self.architecture)
        check_settings(self)
        if self.test is not None and self.test_share > 0:
            raise SettingError("`test` and `test_share` exclude each other; name one of them.")
        _check_pair(self.data, self.features)
        if self.data is None and not preset_of(self.architecture).has_voices:
            raise SettingError(
                "`architecture` needs `data`: the synthesised voices are for the built-in network."
            )
        for name in ("groups", "valid", "test", "test_share"):
            if self.data is None and getattr(self, name):
                raise SettingError(
                    f"`{name}` needs `data`; without it, synthesised voices are searched, and "
                    "they come in parts of their own."
                )


@dataclass(frozen=True, slots=True)
class ClipsConfig:
    """Labelled samples to see what networks do on them; without any, only weights are looked at."""

    data: Path | None = None
    """Labelled samples: a tsv file, one `<file name><tab><label>` a line."""
    features: Path | None = None
    """Folder of the feature files that the tsv file names: .npy, [t, 64], log-mel."""
    groups: Path | None = None
    """Who speaks, or what else belongs together: a tsv file, `<file name><tab><speaker>`."""
    n_jobs: int = -1
    """Threads, -1 for one a core; the predictions do not depend on it."""
    architecture: Architecture = SPEAKER_SEX
    """Shape of a result file's network: the TOML file that it was searched with, or its run
    folder. By default the built-in one, for a speaker's sex. A model file has its own."""

    def __post_init__(self) -> None:
        check_n_jobs(self.n_jobs)
        _check_architecture(self.architecture)
        _check_pair(self.data, self.features)
        if self.data is None and self.groups is not None:
            raise SettingError("`groups` needs `data`; name both or neither.")


@dataclass(frozen=True, slots=True)
class EvaluateConfig(ClipsConfig):
    """How good a result file is on labelled samples."""

    data: Path = field()  # without a default
    """Labelled samples: a tsv file, one `<file name><tab><label>` a line."""
    features: Path = field()
    """Folder of the feature files that the tsv file names: .npy, [t, 64], log-mel."""
    groups: Path | None = None
    """A tsv file, `<file name><tab><speaker>` and any further columns to report by."""


@dataclass(frozen=True, slots=True)
class FeaturesConfig:
    """What becomes of recordings."""

    out: Path
    """Folder, new or empty: features/*.npy, and train.tsv and speakers.tsv where they are known."""
    labels: Path | None = None
    """A table of labels, a line a recording or a line a speaker: male and female, m and f, 0 and 1
    (1 is female), or Common Voice's words. Tabs, commas, | or spaces stand between fields; VCTK's
    speaker-info.txt, LibriSpeech's SPEAKERS.TXT, Common Voice's tsv files and Kaldi's spk2gender
    are read as they are. Files are named by the end of their path, with or without the suffix.
    Without a table, folders named male and female, m and f, or 0 and 1 decide."""
    groups: Path | None = None
    """A table, `<audio file><tab><speaker>` and any further columns, or Kaldi's utt2spk, for
    speakers.tsv. It is not needed where --labels has a line a speaker or a column of speakers."""
    file_column: str | None = None
    """Name of the column of audio files, where the header of a table does not call it file or path;
    of --groups too."""
    label_column: str | None = None
    """Name of the column of labels, where the header does not call it label, gender or sex."""
    speaker_column: str | None = None
    """Name of the column of speakers, where the header does not call it speaker or client_id; of
    --groups too."""
    only_labelled: bool = False
    """Take only recordings that the tables name and whose label is known; say how many are left
    out."""
    skip_bad: bool = False
    """Leave out recordings that are damaged, silent, too short or too long, and name each on
    stderr; by default they are problems, and nothing is written."""
    trim: bool = False
    """Cut off silence at the beginning and at the end, but for 0.1 s."""
    clip_seconds: float | None = setting(None, 1.2, 1_000_000)
    """Cut recordings that are longer into equal parts of at most this, at least 1.2 s."""
    n_jobs: int = -1
    """Processes, -1 for one a core; the features do not depend on it."""

    def __post_init__(self) -> None:
        check_n_jobs(self.n_jobs)
        check_settings(self)
        if self.label_column is not None and self.labels is None:
            raise SettingError("`label_column` needs `labels`; name both or neither.")
        if self.labels is None and self.groups is None:
            for name in ("file_column", "speaker_column"):
                if getattr(self, name) is not None:
                    raise SettingError(f"`{name}` needs `labels` or `groups`; name a table.")


def _check_architecture(architecture: Architecture) -> None:
    if not isinstance(architecture, Architecture):
        raise TypeError(
            f"`architecture` must be an Architecture, but it is a {type(architecture).__name__}; "
            "read a file with `load_architecture`."
        )


def _check_pair(data: Path | None, features: Path | None) -> None:
    if (data is None) != (features is None):
        given, missing = ("data", "features")[:: 1 if features is None else -1]
        raise SettingError(f"`{given}` needs `{missing}` as well; name both or neither.")
