from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from evobin.errors import EvobinError
from evobin.network.result_file import read_signs
from evobin.runs import RunFolder, default_path
from tests.builders import files_below

SIGNS = np.array([1, -1, -1], np.int8)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    with RunFolder.create(tmp_path / "runs" / "first") as made:
        yield made


def test_a_new_run_folder_is_made_with_its_parents_and_is_empty(folder: RunFolder) -> None:
    assert folder.path.is_dir()
    assert [path.name for path in folder.path.iterdir()] == ["lock"]


def test_a_folder_that_is_empty_is_taken_and_one_that_is_not_is_refused(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as folder:
        folder.write_result(SIGNS)
    with pytest.raises(EvobinError, match="exists and is not empty; name another folder with"):
        RunFolder.create(tmp_path)
    assert read_signs(tmp_path / "result.txt", 3).tolist() == SIGNS.tolist()


def test_a_run_that_writes_nothing_leaves_no_folder_but_those_that_were_there(
    tmp_path: Path,
) -> None:
    for path in (tmp_path / "runs" / "new" / "first", tmp_path):
        with RunFolder.create(path):
            pass
        assert tmp_path.is_dir()
        assert files_below(tmp_path) == []
    with RunFolder.create(tmp_path / "runs" / "second") as folder:
        folder.write_result(SIGNS)
    assert files_below(tmp_path) == ["runs", "runs/second", "runs/second/result.txt"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(EvobinError, match=r"run: cannot be written \(.*; .* name another path"):
        RunFolder.create(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_the_result_is_replaced_by_a_better_one(folder: RunFolder) -> None:
    folder.write_result(SIGNS)
    folder.write_result(-SIGNS)
    assert folder.result == folder.path / "result.txt"
    assert read_signs(folder.result, 3).tolist() == [-1, 1, 1]


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: folder.write_result(-SIGNS),
        lambda folder: folder.write_history([{"step": 2}]),
        lambda folder: folder.write_table("clips.csv", pd.DataFrame({"file": ["b"]})),
        lambda folder: folder.write_table("channels.csv", pd.DataFrame({"rate": [0.5]})),
        lambda folder: folder.write_summary({"accuracy": 1.0}),
        lambda folder: folder.write_config({"seed": 2}),
    ],
)
def test_a_write_that_fails_leaves_the_old_file_whole(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    folder.write_result(SIGNS)
    folder.write_history([{"step": 1}])
    folder.write_table("clips.csv", pd.DataFrame({"file": ["a"]}))
    folder.write_table("channels.csv", pd.DataFrame({"rate": [0.25]}))
    folder.write_summary({"accuracy": 0.5})
    folder.write_config({"seed": 1})
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}

    def full(_file: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvobinError, match=r"cannot be written \(No space left on device\)"):
        write(folder)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_the_history_is_read_back_by_pandas_number_for_number(folder: RunFolder) -> None:
    rows = [
        {"stage": "ste", "step": 1, "loss": 0.1 + 0.2, "score": 1 / 3},
        {"stage": "flips", "step": 1, "score": 0.5, "tried": 7, "accepted": 0},
    ]
    folder.write_history(rows)
    table = pd.read_csv(folder.path / "history.csv")
    assert table["stage"].tolist() == ["ste", "flips"]
    assert table["loss"][0] == 0.1 + 0.2
    assert table["score"][0] == 1 / 3
    assert np.isnan(table["loss"][1])
    assert table["accepted"][1] == 0


def test_the_samples_are_read_back_by_pandas_whatever_their_names(folder: RunFolder) -> None:
    samples = pd.DataFrame({"file": ['a,"b".npy', "ü\u2028.npy"], "label": [0, 1], "part": "train"})
    folder.write_table("clips.csv", samples)
    pd.testing.assert_frame_equal(pd.read_csv(folder.path / "clips.csv"), samples)


def test_the_summary_is_json(folder: RunFolder) -> None:
    folder.write_summary({"parts": {"test": {"accuracy": 0.1 + 0.2}}})
    written = json.loads((folder.path / "summary.json").read_text())
    assert written == {"parts": {"test": {"accuracy": 0.1 + 0.2}}}


def test_the_default_folder_is_named_by_verb_and_time() -> None:
    path = default_path("polish")
    assert path.parent == Path("runs")
    assert re.fullmatch(r"polish-\d{8}-\d{6}", path.name)
