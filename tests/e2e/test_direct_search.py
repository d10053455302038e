"""Direct search on samples of a fixed length, as a person runs it: from signs, and stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evobin
from evobin.cli.main import main
from evobin.core.stage import Progress
from evobin.training import side_by_side
from tests.builders import DataFolder

Capture = pytest.CaptureFixture[str]
SHAPE = evobin.Architecture(6, (evobin.ConvBlock(8, 1),), n_classes=3, frames=1)
TOML = "inputs = 6\nframes = 1\nclasses = 3\nlinear = [8]\n"
ARGV = [
    "search", "--data", "train.tsv", "--features", "features", "--architecture", "network.toml",
    "--test-share", "0.3", "--population.rounds", "0", "--flips.sweeps", "40", "--n-jobs", "1",
]  # fmt: skip
FROM_SIGNS = [*ARGV, "--ste.epochs", "0"]
ALONE = evobin.ExecutionConfig(n_jobs=1, report=False)
CHANCE = 0.5
"""More than a third of the labels, three standard errors above it."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """Vectors of three kinds that overlap, so that no network has nearly all right."""
    folder = DataFolder(tmp_path_factory.mktemp("home"))
    folder.features.mkdir()
    rng, centres = np.random.default_rng(0), 1.5 * np.array([[1, 0], [0, 1], [-1, -1]])
    for i in range(240):
        folder.save(f"v{i:03}.npy", rng.normal(np.tile(centres[i % 3], 3), 1.5))
    folder.write("train.tsv", *(f"v{i:03}.npy {i % 3}" for i in range(240)))
    (folder.root / "network.toml").write_text(TOML)
    return folder


@pytest.fixture(autouse=True)
def _in_home(home: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.root)


def config_of(home: DataFolder, out: Path, epochs: int) -> evobin.SearchConfig:
    return evobin.SearchConfig(
        home.data, home.features, architecture=SHAPE, out=out, test_share=0.3, n_jobs=1,
        report=False, ste=evobin.SteConfig(starts=1, epochs=epochs),
        population=evobin.PopulationConfig(rounds=0), flips=evobin.FlipConfig(sweeps=100),
    )  # fmt: skip


def flips_of(run: Path) -> pd.DataFrame:
    history = pd.read_csv(run / "history.csv").drop(columns="elapsed")
    return history[history["stage"] == "flips"]


class StopInFlips:
    """Observes a run, and stops it after some steps of its flips."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self, progress: Progress) -> None:
        self.left -= progress.stage == "flips" and progress.done > 0

    def is_time(self) -> bool:
        return self.left <= 0


def test_a_search_from_random_signs_beats_chance_and_has_a_report(
    tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "run"
    assert main([*FROM_SIGNS, "--out", str(out), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["parts"]["test"]["accuracy"] > CHANCE
    rows = flips_of(out)
    assert set(pd.read_csv(out / "history.csv")["stage"]) == {"flips"}
    assert len(rows) == 4 * 6 * 2  # 10 sweeps a round, five folds and all samples, two islands
    assert (rows["tried_linear1"] == 10 * (6 * 8 + 8)).all()
    page = (out / "report.html").read_text()
    assert "by layer" in page
    assert main(["report", str(out)]) == 0


@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize("steps", [1, 3])
def test_a_search_that_was_stopped_among_its_walks_goes_on_to_the_same_end(
    steps: int, epochs: int, home: DataFolder, tmp_path: Path
) -> None:
    whole, out, stop = tmp_path / "whole", tmp_path / "run", StopInFlips(steps)
    config = config_of(home, whole, epochs)
    evobin.search(config)
    with pytest.raises(evobin.Stopped, match="evobin resume"):
        evobin.search(replace(config, out=out), stop, stop.is_time)
    lanes = 5 if epochs else 6  # after training, folds say first whether flips pay
    assert len(flips_of(out)) == lanes * 2 * steps
    evobin.resume(out, ALONE)
    for name in ("result.txt", "model.evobin", "clips.csv", "summary.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    pd.testing.assert_frame_equal(flips_of(out), flips_of(whole), check_exact=True)


def test_resume_goes_on_with_a_search_from_random_signs(home: DataFolder, tmp_path: Path) -> None:
    stop, out = StopInFlips(1), tmp_path / "run"
    with pytest.raises(evobin.Stopped):
        evobin.search(config_of(home, out, 0), stop, stop.is_time)
    assert main(["resume", str(out), "--n-jobs", "1", "--quiet"]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["parts"]["test"]["accuracy"] > CHANCE


def test_a_search_that_does_nothing_is_refused(capsys: Capture) -> None:
    for nothing in ("--flips.rounds", "--flips.sweeps"):
        assert main([*FROM_SIGNS, nothing, "0"]) == 2
        told = capsys.readouterr().err
        assert "`ste.epochs` must be at least 1 for a search without flips, but it is 0; " in told


def test_where_training_has_nearly_all_right_a_line_says_that_there_are_no_flips(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "ENOUGH", 0.0)
    argv = [*ARGV, "--ste.starts", "1", "--ste.epochs", "1", "--no-report"]
    assert main([*argv, "--out", str(tmp_path / "words")]) == 0
    told = capsys.readouterr()
    assert "\nNo flips: " in told.err
    assert "of the training samples are right already" in " ".join(told.err.split())
    assert main([*argv, "--out", str(tmp_path / "lines"), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (flips,) = (line for line in lines if line["stage"] == "flips")
    assert flips["note"].startswith("No flips: ")
    assert flips["step"] == 0
    assert (tmp_path / "lines" / "result.txt").is_file()
