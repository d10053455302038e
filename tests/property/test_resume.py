"""A run that was stopped anywhere and gone on with ends as one that was not."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evobin
from evobin.commands import run
from evobin.config import ExecutionConfig, SearchConfig
from evobin.core.state import State
from evobin.drive.recorder import RunRecorder
from evobin.errors import EvobinError, Stopped, WorkersError
from evobin.network.result_file import read_signs
from evobin.results.run import RunResult
from evobin.runs import RunFolder
from evobin.runs.checkpoint import from_bytes, to_bytes
from evobin.training.population import Refinement
from tests.builders import GOLDEN_RESULT, DataFolder, files_below, random_folder

STEPS = 6
ALONE = ExecutionConfig(n_jobs=1, report=False)


@pytest.fixture(autouse=True, scope="module")
def _round_by_round() -> Iterator[None]:
    """Every round of flips is a step, as every epoch is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("evobin.training.flip_search.ROUNDS_A_TASK", 1)
        yield


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return random_folder(tmp_path_factory.mktemp("clips"), samples=12)


def config_of(samples: DataFolder, out: Path, kind: type[SearchConfig] = SearchConfig) -> Any:
    return kind(
        data=samples.data,
        features=samples.features,
        groups=samples.groups,
        out=out,
        n_jobs=1,
        seed=4,
        report=False,
        ste=evobin.SteConfig(starts=2, epochs=2, smooth=0.5, batch=4, frames=57),
        population=evobin.PopulationConfig(rounds=2, epochs=1, size=2, migrate=1),
        flips=evobin.FlipConfig(rounds=2, clips=4, proposals=10),
    )


class StopAt:
    """Says yes when it is asked for the n-th time: before the first step, then behind each."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


def begin(kind: str, samples: DataFolder, out: Path, stop: Any = None) -> RunResult:
    if kind == "search":
        return evobin.search(config_of(samples, out), stop=stop)
    return evobin.polish(GOLDEN_RESULT, config_of(samples, out, evobin.PolishConfig), stop=stop)


def history(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / "history.csv").drop(columns="elapsed")


@pytest.fixture(scope="module", params=["search", "polish"])
def whole(
    request: pytest.FixtureRequest, samples: DataFolder, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The kind of a run, and the folder of one that was not interrupted."""
    out = tmp_path_factory.mktemp(request.param) / "run"
    begin(request.param, samples, out)
    return request.param, out


def assert_same(one: Path, other: Path) -> None:
    assert files_below(one) == files_below(other)
    for name in ("result.txt", "model.evobin", "clips.csv", "channels.csv", "summary.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    pd.testing.assert_frame_equal(history(one), history(other), check_exact=True)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 7])
def test_a_stopped_run_goes_on_to_the_same_end(
    n: int, whole: tuple[str, Path], samples: DataFolder, tmp_path: Path
) -> None:
    kind, expected = whole
    with pytest.raises(Stopped, match=rf"`evobin resume {tmp_path}/run` goes on"):
        begin(kind, samples, tmp_path / "run", StopAt(n))
    left = files_below(tmp_path / "run")
    assert "checkpoint" in left
    assert "summary.json" not in left
    assert "lock" not in left
    if n > 1 or kind == "polish":
        read_signs(tmp_path / "run" / "result.txt", evobin.SPEAKER_SEX.n_weights)
    done = evobin.resume(tmp_path / "run", ALONE)
    assert done.folder == tmp_path / "run"
    assert (done.start is not None) == (kind == "polish")
    assert_same(tmp_path / "run", expected)


def test_a_run_that_is_stopped_behind_every_step_gets_there_too(
    whole: tuple[str, Path], samples: DataFolder, tmp_path: Path
) -> None:
    kind, expected = whole
    with pytest.raises(Stopped):
        begin(kind, samples, tmp_path / "run", StopAt(2))
    for _ in range(STEPS - 1):
        with pytest.raises(Stopped):
            evobin.resume(tmp_path / "run", ALONE, stop=StopAt(2))
    evobin.resume(tmp_path / "run", ALONE)
    assert_same(tmp_path / "run", expected)


@pytest.fixture
def stopped(samples: DataFolder, tmp_path: Path) -> Path:
    """A search that was stopped behind its third step, with two checkpoints."""
    config = replace(config_of(samples, tmp_path / "run"), checkpoint_seconds=0)
    with pytest.raises(Stopped):
        evobin.search(config, stop=StopAt(4))
    return tmp_path / "run"


@pytest.fixture(scope="module")
def searched(samples: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("searched") / "run"
    begin("search", samples, out)
    return out


@pytest.mark.parametrize("damage", ["half", "byte", "gone", "empty"])
def test_from_a_damaged_checkpoint_a_run_goes_back_to_the_one_before_it(
    damage: str, stopped: Path, searched: Path
) -> None:
    path = stopped / "checkpoint"
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        data[len(data) // 2] ^= 1
        kinds = {"half": bytes(data[: len(data) // 2]), "byte": bytes(data), "empty": b""}
        path.write_bytes(kinds[damage])
    notes: list[str] = []
    evobin.resume(
        stopped, ALONE, observer=lambda progress: notes.append(progress.notes.get("note", ""))
    )
    assert notes[0].startswith(f"{path}: ")
    assert notes[0].endswith("Going on from the checkpoint before it.")
    assert_same(stopped, searched)


def test_without_a_whole_checkpoint_nothing_is_done(stopped: Path) -> None:
    for name in ("checkpoint", "checkpoint.old"):
        (stopped / name).write_bytes(b"evobin checkpoint 2 sha256 00\n")
    before = files_below(stopped)
    with pytest.raises(EvobinError, match=r"(is damaged.*){2}Nothing is left to continue from"):
        evobin.resume(stopped, ALONE)
    assert files_below(stopped) == before


def test_a_finished_run_a_foreign_folder_and_none_are_refused(
    searched: Path, tmp_path: Path
) -> None:
    for path, told in (
        (searched, r"the run is finished; its result is .*result\.txt"),
        (tmp_path, "holds no checkpoint; name the folder of a run"),
        (tmp_path / "none", "is no folder; name a run folder"),
    ):
        with pytest.raises(EvobinError, match=f"{path}: {told}"):
            evobin.resume(path)
    assert files_below(tmp_path) == []


def test_other_samples_are_refused(stopped: Path, samples: DataFolder) -> None:
    path = samples.features / "c0.npy"
    before = path.read_bytes()
    try:
        np.save(path, np.load(path) + np.float16(1))
        with pytest.raises(EvobinError, match="the clips are not those that the run began with"):
            evobin.resume(stopped, ALONE)
    finally:
        path.write_bytes(before)


def test_another_version_is_refused(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "version", lambda name: "99")
    with pytest.raises(EvobinError, match=r"was begun by evobin .*, and this is 99; resume it"):
        evobin.resume(stopped, ALONE)


def test_a_checkpoint_that_evobin_did_not_write_is_refused(stopped: Path) -> None:
    whole = from_bytes((stopped / "checkpoint").read_bytes())
    for change in ({"command": "erase"}, {"versions": 1}, {"config": {"unheard_of": 1}}):
        (stopped / "checkpoint").write_bytes(to_bytes(whole | change))
        with pytest.raises(EvobinError, match="its checkpoint is not as evobin writes it"):
            evobin.resume(stopped, ALONE)


def test_a_folder_that_was_moved_goes_on(stopped: Path, searched: Path, tmp_path: Path) -> None:
    shutil.move(stopped, tmp_path / "elsewhere")
    evobin.resume(tmp_path / "elsewhere", ALONE)
    assert_same(tmp_path / "elsewhere", searched)


def test_the_config_file_holds_every_setting_versions_and_the_samples_fingerprint(
    searched: Path, samples: DataFolder
) -> None:
    written = json.loads((searched / "config.json").read_text())
    assert written.pop("command") == "search"
    assert set(written.pop("versions")) == {"evobin", "numpy", "numba"}
    assert len(written.pop("clips")) == 64
    assert SearchConfig.from_plain(written) == config_of(samples, searched)


def test_where_workers_are_lost_for_good_the_last_step_is_kept(
    samples: DataFolder, searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = Refinement.tasks

    def lose(stage: Any) -> Any:
        if stage.done == 1:
            raise WorkersError("workers were lost.")
        return tasks(stage)

    with monkeypatch.context() as patched:
        patched.setattr(Refinement, "tasks", lose)
        with pytest.raises(WorkersError, match=r"workers were lost\. .*resume .*run` goes on\."):
            begin("search", samples, tmp_path / "run")
    steps: list[Any] = []
    keep = RunRecorder._keep

    def count(keeper: RunRecorder, stage: Any) -> None:
        steps.append(stage)
        keep(keeper, stage)

    monkeypatch.setattr(RunRecorder, "_keep", count)
    evobin.resume(tmp_path / "run", ALONE)
    assert len(steps) == 3  # a round of the population and two of flips: nothing twice
    assert_same(tmp_path / "run", searched)


def test_a_checkpoint_is_written_when_the_next_step_would_end_too_late(
    samples: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[float] = []
    write = RunFolder.write_checkpoint

    def count(folder: RunFolder, state: State) -> None:
        written.append(state["elapsed"])
        write(folder, state)

    monkeypatch.setattr(RunFolder, "write_checkpoint", count)
    for seconds, expected in ((0, 1 + STEPS), (1e6, 1)):
        written.clear()
        config = config_of(samples, tmp_path / str(seconds))
        evobin.search(replace(config, checkpoint_seconds=seconds))
        assert len(written) == expected


def test_a_disk_that_fills_up_leaves_a_checkpoint_to_go_on_from(
    samples: DataFolder, searched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = RunFolder.write_checkpoint, 0

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_third_to_full_disk(folder: RunFolder, state: State) -> None:
        nonlocal calls
        calls += 1
        with monkeypatch.context() as patched:
            if calls == 3:
                patched.setattr(os, "fsync", full)
            write(folder, state)

    config = replace(config_of(samples, tmp_path / "run"), checkpoint_seconds=0)
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "write_checkpoint", write_third_to_full_disk)
        with pytest.raises(EvobinError, match=r"run/checkpoint: cannot be written \(No space left"):
            evobin.search(config)
    assert "lock" not in files_below(tmp_path / "run")
    evobin.resume(tmp_path / "run", ALONE)
    assert_same(tmp_path / "run", searched)
