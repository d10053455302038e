"""The main job as a person runs it: a real process, in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.core.evidence import interval_of
from evobin.network.binary import BinaryNetwork
from tests.builders import DataFolder, files_below, small_voices, voices_folder

STAGES = [
    "--ste.starts",
    "2",
    "--ste.epochs",
    "3",
    "--population.rounds",
    "1",
    "--flips.rounds",
    "2",
]
BUDGET = [*STAGES, "--population.epochs", "1", "--flips.clips", "8"]
FILES = [
    "channels.csv",
    "clips.csv",
    "config.json",
    "history.csv",
    "model.evobin",
    "report.html",
    "result.txt",
    "summary.json",
]


@dataclass(frozen=True)
class Run:
    """A finished process, and the three folders that it could write to."""

    done: subprocess.CompletedProcess[str]
    cwd: Path
    scratch: Path

    @property
    def out(self) -> Path:
        return self.cwd / "run"

    def json(self, name: str) -> Any:
        return json.loads((self.out / name).read_text())


def run(root: Path, command: str, *options: str) -> Run:
    cwd, scratch = root / "cwd", root / "scratch"
    cwd.mkdir(parents=True)
    scratch.mkdir()
    argv = [sys.executable, "-W", "error", "-m", "evobin", command, *options]
    environment = os.environ | {"TMPDIR": str(scratch)}
    done = subprocess.run(
        argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return Run(done, cwd, scratch)


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return voices_folder(tmp_path_factory.mktemp("voices"))


@pytest.fixture(scope="module")
def runs(samples: DataFolder, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """The same search with one worker and with two."""
    options = [
        *samples.options,
        "--groups",
        str(samples.groups),
        "--test-share",
        "0.2",
        "--seed",
        "3",
    ]
    options += ["--flips.proposals", "20", "--out", "run", *BUDGET]
    root = tmp_path_factory.mktemp("runs")
    return [run(root / n, "search", *options, "--n-jobs", n) for n in ("1", "2")]


def test_the_result_file_is_the_same_whatever_the_number_of_workers(runs: list[Run]) -> None:
    serial, spread = ((run.out / "result.txt").read_bytes() for run in runs)
    assert serial == spread
    assert serial.count(b"\n") == 369_153
    assert set(serial.split()) == {b"1", b"-1"}
    for name in ("channels.csv", "clips.csv", "summary.json"):
        assert (runs[0].out / name).read_bytes() == (runs[1].out / name).read_bytes()
    first, second = (pd.read_csv(run.out / "history.csv").drop(columns="elapsed") for run in runs)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_nothing_is_written_outside_the_run_folder(runs: list[Run]) -> None:
    for run in runs:
        assert files_below(run.out) == FILES
        assert list(run.cwd.iterdir()) == [run.out]
        assert list(run.scratch.iterdir()) == []


def test_the_summary_equals_a_recomputation_from_the_result_file(
    runs: list[Run], samples: DataFolder
) -> None:
    network = BinaryNetwork.load(runs[1].out / "result.txt")
    table = pd.read_csv(runs[1].out / "clips.csv")
    parts = runs[1].json("summary.json")["parts"]
    assert list(parts) == ["train", "valid", "test"]
    labels = dict(zip(small_voices().names, small_voices().labels, strict=True))
    for name, figures in parts.items():
        rows = table[table["part"] == name]
        logits = rows["logit"].to_numpy()
        if name != "valid":  # each answered by a network of its fold
            files = [np.load(samples.features / file) for file in rows["file"]]
            assert logits.tolist() == [network.logits([file])[0] for file in files]
        truth = np.array([labels[file] for file in rows["file"]])
        right = int(((logits > 0) == (truth == 1)).sum())
        assert rows["label"].tolist() == truth.tolist()
        assert rows["answer"].tolist() == (logits > 0).astype(int).tolist()
        assert (figures["clips"], figures["right"]) == (len(rows), right)
        assert figures["accuracy"] == right / len(rows)
        speakers = np.unique(rows["speaker"], return_inverse=True)[1]
        assert figures["interval"] == list(interval_of((logits > 0) == (truth == 1), speakers))
        assert figures["margin"] == pytest.approx(np.where(truth == 1, logits, -logits).mean())
        assert figures["speakers"] == rows["speaker"].nunique()
        for label in (0, 1):
            positive = int((logits[truth == label] > 0).sum())
            assert figures["confusion"][label] == [int((truth == label).sum()) - positive, positive]


def test_every_labelled_sample_is_held_out_once_and_trained_on_in_the_end(runs: list[Run]) -> None:
    table = pd.read_csv(runs[0].out / "clips.csv")
    files = {part: sorted(rows["file"]) for part, rows in table.groupby("part")}
    assert files["train"] == files["valid"]
    assert sorted([*files["train"], *files["test"]]) == sorted(small_voices().names)
    kept = set(table.query("part == 'test'")["speaker"])
    assert not kept & set(table.query("part != 'test'")["speaker"])
    assert all(set(labels) == {0, 1} for _, labels in table.groupby("part")["label"])


def test_the_history_has_a_row_a_fold_and_step_and_tells_what_folds_hold_out(
    runs: list[Run],
) -> None:
    history = pd.read_csv(runs[0].out / "history.csv")
    steps = history.groupby(["stage", "step"], sort=False)["fold"].agg(list)
    folds = ["1", "2", "3", "4", "5"]
    assert steps[:3].index.tolist() == [("ste", step) for step in (1, 2, 3)]
    assert all(step == [fold for fold in [*folds, "all"] for _ in "ab"] for step in steps[:3])
    assert steps["population", 1][:5] == folds
    for stage in ("population", "flips"):  # once more on all samples, where they pay
        assert set(history["fold"][history["stage"] == stage]) >= set(folds)
    verdicts = {one["what"]: one["pays"] for one in runs[0].json("summary.json")["verdicts"]}
    assert set(verdicts) == {"Population refinement", "Bit flips"}
    assert ("all" in set(history.query("stage == 'flips'")["fold"])) == verdicts["Bit flips"]
    assert history["elapsed"].is_monotonic_increasing
    assert history["best_accuracy"].dropna().between(0, 1).all()


def test_the_config_file_holds_what_was_asked(runs: list[Run], samples: DataFolder) -> None:
    config = runs[0].json("config.json")
    assert config["command"] == "search"
    assert config["data"] == str(samples.data)
    assert (config["seed"], config["test_share"], config["n_jobs"]) == (3, 0.2, 1)
    assert (config["ste"]["epochs"], config["flips"]["proposals"]) == (3, 20)
    assert set(config["versions"]) == {"evobin", "numpy", "numba"}


def test_the_figures_that_are_shown_are_those_of_the_summary(runs: list[Run]) -> None:
    note, *shown = runs[0].done.stdout.splitlines()
    assert note == "Split by speaker."
    parts = runs[0].json("summary.json")["parts"]
    for line, name in zip(shown, ("train", "valid", "test"), strict=False):
        assert f" {parts[name]['accuracy']:.2%} " in line
        assert f"{parts[name]['clips']} clips of {parts[name]['speakers']} speakers" in line
    assert "looked at once" in shown[2]
    assert "3/3" in runs[0].done.stderr


def test_another_seed_gives_another_result(
    runs: list[Run], samples: DataFolder, tmp_path: Path
) -> None:
    budget = [
        "--ste.starts",
        "2",
        "--ste.epochs",
        "1",
        "--population.rounds",
        "0",
        "--flips.rounds",
        "0",
        "--no-report",
    ]
    options = [*budget, "--n-jobs", "1", "--out", "run"]
    seeds = [run(tmp_path / s, "search", *samples.options, *options, "--seed", s) for s in "12"]
    results = [(run.out / "result.txt").read_bytes() for run in (*seeds, runs[0])]
    assert len(set(results)) == 3


@pytest.mark.slow
def test_without_data_voices_are_synthesised_and_learnt(tmp_path: Path) -> None:
    stages = [
        "--ste.starts",
        "2",
        "--ste.epochs",
        "12",
        "--population.rounds",
        "0",
        "--flips.rounds",
        "0",
    ]
    budget = [*stages, "--n-jobs", "2", "--out", "run"]
    found = run(tmp_path, "search", *budget)
    parts = found.json("summary.json")["parts"]
    assert [parts[name]["clips"] for name in parts] == [1356, 1356, 408]
    assert parts["test"]["accuracy"] > 0.8
    assert files_below(found.out) == FILES
    assert list(found.scratch.iterdir()) == []
