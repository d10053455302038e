"""Which samples: to search on, to measure by, to look at, to make of recordings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evobin.checks import check_settings, setting
from evobin.config.execution import check_n_jobs
from evobin.errors import SettingError
from evobin.network.architecture import MAX_FAN_IN, Architecture
from evobin.network.presets import SPEAKER_SEX, is_named, preset_of

ARRAYS = ".npz"
TABLE_ENDINGS = (".csv", ".parquet", ARRAYS)
"""How the name of a file ends that is a table where no features are named."""
HIDDEN, BITS = (32,), 7
"""Of a network for a table, where nothing else is asked for."""
_OF_A_TABLE = ("label", "group", "drop", "categorical", "hidden", "bits")
_OF_COLUMNS = ("label", "group", "drop", "categorical")


@dataclass(frozen=True)
class DataConfig:
    """Labelled samples, and how they are split."""

    data: Path | None = None
    """Samples to train on. With --label a table, one sample a row: csv or tsv with a header, or
    parquet. An npz file of arrays X, y and perhaps groups. Or, with --features, a tsv file, one
    `<file name><tab><label>` a line, label 0 or 1, of the built-in network also male or female (of
    n classes 0 to n - 1). Without it, voices are synthesised."""
    features: Path | None = None
    """Folder of the feature files that the tsv files name: .npy, [t, 64], log-mel; for another
    --architecture [frames, inputs], or [inputs] where it has one frame."""
    groups: Path | None = None
    """Who speaks, or what else belongs together: a tsv file, `<file name><tab><speaker>` and any
    further columns to report by. Samples are then split by speaker."""
    valid: Path | None = None
    """Validation samples, a file as --data; without it, samples of --data are held out by turns:
    see --folds."""
    test: Path | None = None
    """Test samples, a file as --data; looked at once, at the end, for the final figure."""
    folds: int | None = setting(None, 1, 20)
    """Parts of the samples. A network is trained without each and answers it, which gives the
    accuracy that is told and decides what pays; the network that is handed out is then trained on
    all. By default 5 where there are fewer than 100 groups or 5,000 samples, else 1: one part,
    --valid-share of the samples."""
    valid_share: float = setting(0.16, 0.001, 0.9)
    """Share of the samples to hold out where there is one fold."""
    test_share: float = setting(0.0, 0, 0.9)
    """Share of the samples to hold out as a test split that no stage looks at."""
    architecture: Architecture = SPEAKER_SEX
    """Shape of the network: a TOML file, as the help of search shows; or a run folder, for the
    network of that run. By default the built-in one, for a speaker's sex; for a table --hidden and
    the columns decide. A model file that is polished has its own."""
    label: str | None = None
    """Name of the column of a table that holds the classes, numbers or words."""
    hidden: tuple[int, ...] = setting((), 1, MAX_FAN_IN)
    """Widths of the hidden layers of a network for a table; 32 by default."""
    group: str | None = None
    """Name of the column of a table that says which rows belong together, such as a person; the
    table is then split by it."""
    drop: tuple[str, ...] = ()
    """Names of columns of a table to leave out, such as a number of the row."""
    categorical: tuple[str, ...] = ()
    """Names of columns of a table that are categories though they hold numbers. Columns of words
    are categories anyway."""
    bits: int | None = setting(None, 1, 32)
    """Signs that a column of numbers becomes, at most; 7 by default."""

    def __post_init__(self) -> None:
        _check_architecture(self.architecture)
        check_settings(self)
        if self.test is not None and self.test_share > 0:
            raise SettingError("`test` and `test_share` exclude each other; name one of them.")
        if self.valid is not None and (self.folds or 1) > 1:
            raise SettingError("`valid` and `folds` exclude each other; name one of them.")
        _check_source(self)
        if self.hidden and is_named(self.architecture):
            raise SettingError("`hidden` and `architecture` exclude each other; name one of them.")
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

    @property
    def is_table(self) -> bool:
        """Whether `data` is a table, and no list of files."""
        return _is_table(self)


@dataclass(frozen=True, slots=True)
class ClipsConfig:
    """Labelled samples to see what networks do on them; without any, only weights are looked at."""

    data: Path | None = None
    """Labelled samples: a table (csv, parquet, npz, or tsv with --label), or, with --features, a
    tsv file, one `<file name><tab><label>` a line."""
    features: Path | None = None
    """Folder of the feature files that the tsv file names: .npy, [t, 64], log-mel."""
    groups: Path | None = None
    """Who speaks, or what else belongs together: a tsv file, `<file name><tab><speaker>`."""
    n_jobs: int = -1
    """Threads, -1 for one a core; the predictions do not depend on it."""
    architecture: Architecture = SPEAKER_SEX
    """Shape of a result file's network: the TOML file that it was searched with, or its run
    folder. By default the built-in one, for a speaker's sex. A model file has its own."""
    label: str | None = None
    """Name of the column of a table that holds the classes; by default the one that the model was
    searched with."""
    group: str | None = None
    """Name of the column of a table that says which rows belong together."""
    drop: tuple[str, ...] = ()
    """Names of columns of a table to leave out, beside those that the search left out."""

    def __post_init__(self) -> None:
        check_n_jobs(self.n_jobs)
        _check_architecture(self.architecture)
        _check_source(self)
        if self.data is None and self.groups is not None:
            raise SettingError("`groups` needs `data`; name both or neither.")

    @property
    def is_table(self) -> bool:
        """Whether `data` is a table, and no list of files."""
        return _is_table(self)


@dataclass(frozen=True, slots=True)
class EvaluateConfig(ClipsConfig):
    """How good a result file is on labelled samples."""

    data: Path = field()  # without a default
    """Labelled samples: a table (csv, parquet, npz, or tsv with --label), or, with --features, a
    tsv file, one `<file name><tab><label>` a line."""
    features: Path | None = None
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


def _is_table(config: DataConfig | ClipsConfig) -> bool:
    data = config.data
    if data is None or config.features is not None:
        return False
    return config.label is not None or data.suffix.lower() in TABLE_ENDINGS


def _check_source(config: DataConfig | ClipsConfig) -> None:
    """Raises SettingError unless the settings are of one kind of data: a table, files, or none."""
    data, features = config.data, config.features
    _check_roles(config)
    given = [name for name in _OF_A_TABLE if getattr(config, name, None)]
    if given and (data is None or features is not None):
        found = "`data` is not named" if data is None else "`features` makes `data` a list of files"
        raise SettingError(f"`{given[0]}` is for a table, but {found}; name one of them.")
    if data is None and features is not None:
        raise SettingError("`features` needs `data` as well; name both or neither.")
    if data is None or features is not None:
        return
    if not _is_table(config):
        raise SettingError(
            "`data` needs `features`, the folder of the files that it lists, or `label`, the "
            "column of classes where it is a table; name one of them."
        )
    if config.groups is not None:
        raise SettingError("`groups` is for lists of files; name the column of a table by `group`.")
    if data.suffix.lower() == ARRAYS and (named := [name for name in given if name in _OF_COLUMNS]):
        raise SettingError(
            f"`{named[0]}` names a column, but an npz file has arrays, X, y and groups; leave it "
            "out, or name a table."
        )


def _check_roles(config: DataConfig | ClipsConfig) -> None:
    """Raises SettingError where one column is named for two purposes."""
    roles: dict[str, str] = {}
    for role in _OF_COLUMNS:
        named = getattr(config, role, None) or ()
        for column in (named,) if isinstance(named, str) else named:
            if roles.setdefault(column, role) != role:
                raise SettingError(
                    f"`{roles[column]}` and `{role}` both name the column {column!r}; a column has "
                    "one use."
                )
