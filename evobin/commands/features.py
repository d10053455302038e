"""From recordings to a data set: feature files, and tables of labels and speakers."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from evobin import files
from evobin.audio.log_mel import HOP, SAMPLE_RATE
from evobin.audio.recordings import Converted, convert, need_packages
from evobin.config import ExecutionConfig, FeaturesConfig
from evobin.core.stage import Observer, Progress
from evobin.data.corpus import Corpus, survey
from evobin.data.listings import Columns
from evobin.drive.driver import ignore
from evobin.errors import EvobinError, several
from evobin.network.presets import SPEAKER_SEX
from evobin.parallel import Workers, worker_count

DATA, GROUPS, FEATURES = "train.tsv", "speakers.tsv", "features"
UNFINISHED = "features.unfinished"
SCRATCH = ".workers"
TASK_BYTES = 2_000_000  # of audio files: a minute of speech, a quarter of a second of work
TASK_MINUTES = 60.0  # the longest recording takes one or two, those before it perhaps a second
ROUND = 8  # tasks a worker between two looks at the progress

Task = list[tuple[str, Path]]
"""Recordings to convert: name, file."""


@dataclass(frozen=True, slots=True)
class WrittenFeatures:
    """What recordings became: a data set in a folder.

    Attributes:
        folder: where it is.
        names: of the clips, below `features`.
        recordings: how many.
        seconds: of all clips.
        data: the labels of the clips; None if they are not known.
        groups: who speaks in them; None if that is not known.
        notes: what was left out, and what the labels mean; sentences for the user.
        skipped: what is wrong with recordings that `skip_bad` left out.
    """

    folder: Path
    names: tuple[str, ...]
    recordings: int
    seconds: float
    data: Path | None
    groups: Path | None
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def features(self) -> Path:
        """The folder of the feature files."""
        return self.folder / FEATURES


def write_features(
    audio: Sequence[str | Path], config: FeaturesConfig, observer: Observer | None = None
) -> WrittenFeatures:
    r"""Computes the log-mel features of recordings, and lists their labels and speakers.

    All of them or none, but for those that `config.skip_bad` leaves out: the folder is left as it
    was if anything is wrong, or at an interrupt.

    Args:
        audio: audio files, and folders, which are searched with all below them.
        config: where to, what is known of the recordings, and how they are cut.
        observer: called after every few recordings.

    Raises:
        EvobinError: if recordings or tables have problems, or the folder cannot be written.

    Example:
        >>> import tempfile, soundfile
        >>> import numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "in" / "female").mkdir(parents=True)
        >>> noise = np.random.default_rng(0).normal(0, 0.1, 96_000)
        >>> soundfile.write(folder / "in" / "female" / "a.wav", noise, 16_000)
        >>> config = FeaturesConfig(folder / "out", clip_seconds=5.0)
        >>> write_features([folder / "in"], config).names
        ('female/a-1.npy', 'female/a-2.npy')
        >>> (folder / "out" / "train.tsv").read_text()
        'female/a-1.npy\t1\nfemale/a-2.npy\t1\n'
    """
    need_packages("features")
    if not audio:
        raise EvobinError("features: no recording is named; name a file or a folder.")
    files.check_output_folder(config.out)
    corpus = survey(
        [Path(named) for named in audio],
        config.labels,
        config.groups,
        Columns(config.file_column, config.label_column, config.speaker_column),
        only_labelled=config.only_labelled,
    )
    with _all_or_nothing(config.out) as folder:
        done = _convert_all(corpus, folder, config, observer or ignore)
        skipped = tuple(one.problem for one in done if one.problem is not None)
        if skipped:
            rows = [row for row, one in enumerate(done) if one.problem is None]
            total = len(corpus.recordings)
            note = f"Left out: {len(skipped)} of {total} recordings that have problems."
            corpus = corpus.subset(rows, note)
        clips = [one.clips for one in done if one.problem is None]
        data, groups = _write_tables(corpus, clips, config.out)
    names = [[name for name, _ in of_one] for of_one in clips]
    frames = sum(n_frames for of_one in clips for _, n_frames in of_one)
    return WrittenFeatures(
        folder=config.out,
        names=tuple(chain.from_iterable(names)),
        recordings=len(clips),
        seconds=frames * HOP / SAMPLE_RATE,
        data=data,
        groups=groups,
        notes=(*corpus.notes, *([corpus.label_note] if corpus.label_note else [])),
        skipped=skipped,
    )


@contextlib.contextmanager
def _all_or_nothing(out: Path) -> Iterator[Path]:
    """A folder for features inside `out`, which gets its name when all is done, or is removed."""
    is_new = not out.exists()
    files.make_output_folder(out)
    unfinished = out / UNFINISHED
    with files.writing(unfinished):
        unfinished.mkdir()  # fails if another process was faster
    try:
        yield unfinished
        os.sync()  # once: file by file it takes longer than all the rest
        with files.writing(out / FEATURES):
            unfinished.rename(out / FEATURES)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        with contextlib.suppress(OSError):  # the first error is the one to report
            for table in (DATA, GROUPS):
                (out / table).unlink(missing_ok=True)
            if is_new:
                out.rmdir()
        raise


def _convert_all(
    corpus: Corpus, folder: Path, config: FeaturesConfig, observer: Observer
) -> list[Converted]:
    """What became of each recording; its clips are written."""
    total = len(corpus.recordings)
    tasks = list(_tasks(corpus))
    n_jobs = min(worker_count(config.n_jobs), len(tasks))
    done: list[Converted] = []
    observer(Progress("audio", 0, total))
    execution = ExecutionConfig(n_jobs=n_jobs, task_minutes=TASK_MINUTES)
    with Workers(execution, folder / SCRATCH) as workers:
        for first in range(0, len(tasks), ROUND * n_jobs):
            arguments = [
                (task, folder, config, SPEAKER_SEX.min_frames)
                for task in tasks[first : first + ROUND * n_jobs]
            ]
            done += chain.from_iterable(workers.map(convert, arguments))
            observer(Progress("audio", len(done), total))
    problems = [one.problem for one in done if one.problem is not None]
    if config.skip_bad and len(problems) < total:
        problems = []
    problems += _twice(corpus, done)
    if problems:
        raise several(f"{len(problems)} of {total} recordings have problems", problems)
    return done


def _tasks(corpus: Corpus) -> Iterator[Task]:
    """Recordings in order, as many as make a task worth sending."""
    task: Task = []
    size = 0
    for name, path in corpus.recordings.items():
        task.append((name, path))
        with contextlib.suppress(OSError):  # whoever reads it will say so
            size += path.stat().st_size
        if size >= TASK_BYTES:
            yield task
            task, size = [], 0
    if task:
        yield task


def _twice(corpus: Corpus, done: list[Converted]) -> list[str]:
    """Parts that have the name of another recording's clip: a-1.wav, and the first of a.wav."""
    taken: dict[str, Path] = {}
    problems = []
    for path, (clips, _) in zip(corpus.recordings.values(), done, strict=True):
        for name, _ in clips:
            other = taken.setdefault(name, path)
            if other is not path:
                problems.append(
                    f"{path}: would be {name}, and so would a part of {other}; rename one."
                )
    return problems


def _write_tables(
    corpus: Corpus, clips: list[list[tuple[str, int]]], out: Path
) -> tuple[Path | None, Path | None]:
    """A row a clip, its name and the fields of its recording: of labels and groups, if known."""
    data = groups = None
    if corpus.labels is not None:
        data = out / DATA
        _write_table(data, [], [[str(label)] for label in corpus.labels], clips)
    if corpus.groups is not None:
        groups = out / GROUPS
        header = ["file", *corpus.groups.columns]
        _write_table(groups, [header], corpus.groups.to_numpy().tolist(), clips)
    return data, groups


def _write_table(
    path: Path, header: list[list[str]], rows: list[list[str]], clips: list[list[tuple[str, int]]]
) -> None:
    lines = [[name, *row] for row, of_one in zip(rows, clips, strict=True) for name, _ in of_one]
    files.write_text(path, "".join("\t".join(line) + "\n" for line in [*header, *lines]))
