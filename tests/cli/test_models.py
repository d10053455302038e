"""Model files through `main`: every command that takes a result file takes one in its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evobin
from evobin.cli.main import main
from evobin.core.calibration import temperature_of
from evobin.models.model import Model
from tests.builders import GOLDEN_RESULT, files_below, three_kinds, voices_folder
from tests.cli.calls import Capture, answer

BUDGET = [
    "--ste.starts", "1", "--ste.epochs", "10", "--population.rounds", "0", "--flips.sweeps", "0",
    "--n-jobs", "1", "--quiet", "--no-report",
]  # fmt: skip
SHAPE = ["--architecture", "network.toml"]
DATA = ["--data", "train.tsv", "--features", "features"]
NAMES = ["adelie", "chinstrap", "gentoo"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of three kinds, a run, and a classifier's model of them with an encoder."""
    root = tmp_path_factory.mktemp("home")
    x = three_kinds(root)
    model = evobin.BinaryClassifier((8,), effort="quick", search=False, n_jobs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        model.fit(x, np.array(NAMES)[np.arange(90) % 3]).save("table.evobin")
        argv = ["search", *DATA, *SHAPE, "--test-share", "0.3", "--out", "run", *BUDGET]
        assert main(argv) == 0
    return root


@pytest.fixture(autouse=True)
def _in_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def refusal(capsys: Capture, *argv: str) -> str:
    """The one line of a command that must fail and write nothing, without its prefix."""
    capsys.readouterr()
    before = files_below(Path())
    assert main(argv) == 1
    captured = capsys.readouterr()
    assert (captured.out, len(captured.err.splitlines())) == ("", 1)
    assert files_below(Path()) == before
    return captured.err.removeprefix("evobin: ")


def test_a_search_leaves_a_model_that_says_how_it_came_about() -> None:
    model = evobin.load("run/model.evobin")
    shape = evobin.load_architecture("network.toml")
    assert model.network.architecture == shape
    result = evobin.BinaryNetwork.load("run/result.txt", shape)
    assert np.array_equal(model.network.signs, result.signs)
    assert model.classes.tolist() == [0, 1, 2]
    clips = pd.read_csv("run/clips.csv").query("part == 'valid'")
    logits = clips[["logit_0", "logit_1", "logit_2"]].to_numpy()
    assert model.temperature == temperature_of(logits, clips["label"].to_numpy())
    summary = json.loads(Path("run/summary.json").read_text())
    assert model.report["parts"] == summary["parts"]
    assert (model.report["command"], model.report["settings"]["seed"]) == ("search", 0)
    config = json.loads(Path("run/config.json").read_text())
    assert model.report["samples_sha256"] == config["clips"]
    assert model.report["settings"]["ste"] == config["ste"]
    assert str(Path.cwd()) not in json.dumps(model.report)  # nobody's folders


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", *DATA],
        ["evaluate", *DATA, "--json"],
        ["inspect"],
        ["inspect", *DATA, "--json"],
        ["predict", "features/v00.npy", "features/v01.npy"],
    ],
)
def test_a_model_file_needs_no_shape_and_answers_as_its_result_file(
    command: list[str], capsys: Capture
) -> None:
    name, *rest = command
    expected = answer(capsys, name, "run/result.txt", *rest, *SHAPE)
    assert answer(capsys, name, "run/model.evobin", *rest) == expected
    assert answer(capsys, name, "run/model.evobin", *rest, *SHAPE) == expected
    assert answer(capsys, name, "run/model.evobin", *rest, "--architecture", "run") == expected


@pytest.mark.parametrize("kind", ["torch", "onnx", "c"])
def test_exports_of_a_model_file_are_those_of_its_result_file(
    kind: str, capsys: Capture, tmp_path: Path
) -> None:
    pytest.importorskip("onnx" if kind == "onnx" else "torch")
    for name, more in (("result.txt", SHAPE), ("model.evobin", [])):
        out = str(tmp_path / name)
        assert answer(capsys, "export", f"run/{name}", "--format", kind, "--out", out, *more)
    made = [(tmp_path / name).read_bytes() for name in ("result.txt", "model.evobin")]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    "pair",
    [
        ["run/model.evobin", "run/model.evobin"],
        ["run/model.evobin", "run/result.txt"],
        ["run/result.txt", "run/model.evobin"],
    ],
)
def test_a_result_file_is_compared_with_a_model_file_in_its_shape(
    pair: list[str], capsys: Capture
) -> None:
    expected = answer(capsys, "diff", "run/result.txt", "run/result.txt", *DATA, *SHAPE)
    assert answer(capsys, "diff", *pair, *DATA) == expected


def test_models_of_two_shapes_are_not_compared(capsys: Capture) -> None:
    told = refusal(capsys, "diff", "run/model.evobin", "table.evobin")
    assert told.startswith("run/model.evobin: is a model of another architecture than")


def test_a_polish_of_a_model_file_is_that_of_its_result_file(
    capsys: Capture, tmp_path: Path
) -> None:
    for name, more in (("result.txt", SHAPE), ("model.evobin", [])):
        out = str(tmp_path / name)
        told = answer(capsys, "polish", f"run/{name}", *DATA, *more, "--out", out, *BUDGET)
        assert f"model       {out}/model.evobin" in told.splitlines()
    for name in ("result.txt", "model.evobin"):
        made = [(tmp_path / run / name).read_bytes() for run in ("result.txt", "model.evobin")]
        assert made[0] == made[1]
    report = evobin.load(tmp_path / "model.evobin" / "model.evobin").report
    assert report["command"] == "polish"
    assert report["before"]["accuracy"] <= report["parts"]["valid"]["accuracy"]


OTHER = "inputs = 6\nframes = 1\nclasses = 3\nlinear = [9]\n"


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", *DATA], ["inspect"], ["predict", "features/v00.npy"],
        ["diff", "run/result.txt"], ["polish", *DATA, "--out", "p"],
        ["export", "--format", "c", "--out", "n.c"],
    ],
)  # fmt: skip
def test_a_shape_that_disagrees_with_the_model_file_is_an_error(
    command: list[str], capsys: Capture
) -> None:
    Path("other.toml").write_text(OTHER)
    name, *rest = command
    told = refusal(capsys, name, "run/model.evobin", *rest, "--architecture", "other.toml")
    assert told.startswith("run/model.evobin: is a model of another architecture than the one that")


@pytest.mark.parametrize("command", ["evaluate", "inspect", "predict", "polish", "export", "diff"])
def test_a_damaged_model_file_is_told_in_one_line(command: str, capsys: Capture) -> None:
    Path("cut.evobin").write_bytes(Path("run/model.evobin").read_bytes()[:100])
    more = {
        "evaluate": DATA, "inspect": [], "predict": ["features/v00.npy"],
        "diff": ["run/result.txt"], "polish": [*DATA, "--out", "p"],
        "export": ["--format", "c", "--out", "n.c"],
    }  # fmt: skip
    told = refusal(capsys, command, "cut.evobin", *more[command])
    assert told.startswith("cut.evobin: is damaged or no model file: File is not a zip file; copy")
    assert not Path("p").exists()


def test_a_model_with_an_encoder_takes_raw_features(capsys: Capture) -> None:
    model = evobin.load("table.evobin")
    names = sorted(map(str, Path("features").iterdir()))
    x = np.array([np.load(name) for name in names])
    expected, logits = model.predict(x).tolist(), model.decision_function(x).tolist()
    lines = answer(capsys, "predict", "table.evobin", *names).splitlines()
    found: list[Any] = [line.split("\t") for line in lines]
    assert [row[1] for row in found] == expected
    assert [[int(logit) for logit in row[2:]] for row in found] == logits
    figures = json.loads(answer(capsys, "evaluate", "table.evobin", *DATA, "--json"))
    assert figures["accuracy"] == model.score(x, np.array(NAMES)[np.arange(90) % 3]) > 0.8
    told = json.loads(answer(capsys, "inspect", "table.evobin", *DATA, "--json"))
    assert told["evaluation"]["accuracy"] == figures["accuracy"]
    told = answer(capsys, "diff", "table.evobin", "table.evobin", *DATA)
    assert f"{figures['right']}" in told


def test_raw_features_of_another_shape_are_refused_by_name(capsys: Capture) -> None:
    np.save("wide.npy", np.zeros(7))
    told = refusal(capsys, "predict", "table.evobin", "wide.npy")
    assert told == "wide.npy: must have shape [6] or [1, 6], but it has [7].\n"


def test_a_model_with_an_encoder_is_exported_with_it_or_not_at_all(capsys: Capture) -> None:
    answer(capsys, "export", "table.evobin", "--format", "c", "--out", "table.c")
    assert "int predict(const float *x, int t)" in Path("table.c").read_text()
    told = refusal(capsys, "export", "table.evobin", "--format", "torch", "--out", "table.pt")
    assert told.startswith("table.pt: a state dict cannot hold the network's encoder; export it as")


def test_a_polish_keeps_encoder_and_classes_and_goes_on_after_a_stop(
    capsys: Capture, tmp_path: Path
) -> None:
    config = evobin.PolishConfig(
        data=Path("train.tsv"), features=Path("features"), n_jobs=1, report=False,
        ste=evobin.SteConfig(1, 3), flips=evobin.FlipConfig(0), checkpoint_seconds=0,
        population=evobin.PopulationConfig(rounds=0), out=tmp_path / "whole",
    )  # fmt: skip
    evobin.polish("table.evobin", config)
    steps: list[int] = []
    stopped = evobin.PolishConfig(**{**vars(config), "out": tmp_path / "run"})
    with pytest.raises(evobin.Stopped, match="evobin resume"):
        evobin.polish("table.evobin", stopped, lambda _: steps.append(0), lambda: len(steps) > 4)
    assert main(["resume", str(tmp_path / "run"), "--n-jobs", "1", "--quiet", "--no-report"]) == 0
    for name in ("result.txt", "model.evobin", "summary.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    before, after = evobin.load("table.evobin"), evobin.load(tmp_path / "run" / "model.evobin")
    assert after.classes.tolist() == NAMES
    assert after.encoder is not None
    assert before.encoder is not None
    assert after.encoder.to_plain() == before.encoder.to_plain()
    figures = json.loads(
        answer(capsys, "evaluate", str(tmp_path / "run" / "model.evobin"), *DATA, "--json")
    )
    assert figures["accuracy"] > 0.8


def test_an_import_writes_a_model_file_where_its_name_says_so(capsys: Capture) -> None:
    pytest.importorskip("torch")
    answer(capsys, "export", "run/model.evobin", "--format", "torch", "--out", "back.pt")
    told = answer(capsys, "import", "back.pt", "--out", "back.evobin", *SHAPE)
    assert told == "model       back.evobin\n"
    back = evobin.load("back.evobin")
    assert np.array_equal(back.network.signs, evobin.load("run/model.evobin").network.signs)


def test_the_built_in_network_takes_recordings_as_a_model_too(
    capsys: Capture, tmp_path: Path
) -> None:
    pytest.importorskip("soundfile")
    Model(evobin.BinaryNetwork.load(GOLDEN_RESULT)).save(tmp_path / "m.evobin")
    main(["voices", str(tmp_path / "made"), "--recordings", "--speakers", "20"])
    wav = str(next((tmp_path / "made").rglob("*.wav")))
    expected = answer(capsys, "predict", str(GOLDEN_RESULT), wav)
    assert answer(capsys, "predict", str(tmp_path / "m.evobin"), wav) == expected
    told = refusal(capsys, "predict", "table.evobin", wav)
    assert told.endswith("is no .npy file; only the built-in network takes recordings.\n")


def test_a_polish_that_does_nothing_leaves_the_signs_and_a_small_model(tmp_path: Path) -> None:
    samples = voices_folder(tmp_path / "voices")
    Model(evobin.BinaryNetwork.load(GOLDEN_RESULT)).save(tmp_path / "m.evobin")
    budget = ["--ste.epochs", "0", "--population.rounds", "0", "--flips.rounds", "0", "--no-report"]
    out = ["--out", str(tmp_path / "run"), "--quiet", "--n-jobs", "1"]
    assert main(["polish", str(tmp_path / "m.evobin"), *samples.options, *budget, *out]) == 0
    assert (tmp_path / "run" / "result.txt").read_bytes() == GOLDEN_RESULT.read_bytes()
    size = (tmp_path / "run" / "model.evobin").stat().st_size
    assert size < 60_000
    text = (tmp_path / "run" / "model.evobin").read_bytes()
    assert not re.search(rb"\d{4}-\d\d-\d\d", text)  # no dates
