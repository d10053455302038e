"""Looking into a result file and comparing two, as a person does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evobin.cli.main import main
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN_RESULT, DataFolder, cells, files_below, random_folder
from tests.unit.network.test_binary import random_network

CONV1, CONV2, CONV3, LINEAR = SPEAKER_SEX.layers
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.chdir(tmp_path)
    return random_folder(tmp_path / "in", samples=30)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Channels 3 and 5 of conv1 are equal, channels 0 and 1 of conv3 cancel each other out."""
    signs = random_network(SPEAKER_SEX).signs.copy()
    CONV1.weights(signs)[5], CONV1.bias(signs)[5] = CONV1.weights(signs)[3], CONV1.bias(signs)[3]
    CONV3.weights(signs)[1], CONV3.bias(signs)[1] = CONV3.weights(signs)[0], CONV3.bias(signs)[0]
    LINEAR.weights(signs)[0, :2] = [1, -1]
    path = tmp_path_factory.mktemp("planted") / "result.txt"
    BinaryNetwork(SPEAKER_SEX, signs).save(path)
    return path


def run(capsys: Capture, *argv: str) -> str:
    assert main(argv) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def words(out: str) -> str:
    return " ".join(out.split())


def test_inspect_shows_layers_and_duplicate_channels(planted: Path, capsys: Capture) -> None:
    out = run(capsys, "inspect", str(planted))
    signs = BinaryNetwork.load(planted).signs
    for layer in SPEAKER_SEX.layers:
        share, biases = (layer.weights(signs) > 0).mean(), (layer.bias(signs) > 0).mean()
        counts = [f"{layer.n_weights:,}", f"{layer.fan_in:,}", f"{share:.2%}", f"{biases:.2%}"]
        assert [layer.name, "x".join(map(str, layer.shape)), *counts] in cells(out)
    duplicates = (
        "duplicate channels: 1 with the filter and bias of an earlier one, 0 with those negated;"
    )
    assert f"conv1, {duplicates} 0 without influence" in words(out)
    assert f"conv3, {duplicates} 2 without influence" in words(out)
    assert "No channel has the filter" in run(capsys, "inspect", str(GOLDEN_RESULT))


def test_inspect_with_samples_counts_what_its_json_lists(
    planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    argv = ["inspect", str(planted), *samples.options, "--n-jobs", "1"]
    out, told = run(capsys, *argv), json.loads(run(capsys, *argv, "--json"))
    assert f"accuracy    {told['evaluation']['accuracy']:.2%}" in out
    for layer in ("conv1", "conv2", "conv3", "max"):
        rates = [row["rate"] for row in told["rates"] if row["layer"] == layer]
        negated = [row["negated"] for row in told["duplicate_channels"] if row["layer"] == layer]
        shares = [f"{value:.2%}" for value in (min(rates), np.median(rates), max(rates))]
        counts = [rates.count(0), rates.count(1), negated.count(False), negated.count(True)]
        assert [layer, *shares, *map(str, counts)] in cells(out)
    assert {"layer": "conv1", "channel": 5, "of": 3, "negated": False} in told["duplicate_channels"]
    for layer in told["looked_at"]:
        hanging = [row for row in told["hanging"] if row["layer"] == layer]
        right = sum((row["logit"] > 0) == row["label"] for row in hanging)
        counts = [len(hanging), right, len(hanging) - right]
        assert [layer, *map(str, counts)] in cells(out)
    assert "Every single flip of conv3, linear was tried" in words(out)


def test_inspect_names_channels_and_samples_when_asked_to(
    planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    out = run(capsys, "inspect", str(planted), *samples.options, "--verbose")
    assert "conv1 channel 5 equals 3" in out
    assert "conv1 channel 5 does the same as 3" in out
    assert "conv3 channel 1 cancels 0" in out
    assert "max saturated: " in out


def test_inspect_tries_every_flip_of_every_layer_when_asked_to(
    planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    samples.write("two.tsv", "c0.npy 0", "c1.npy 1")
    data = ["--data", str(samples.root / "two.tsv"), "--features", str(samples.features)]
    out = run(capsys, "inspect", str(planted), *data, "--every-flip", "--n-jobs", "1")
    assert "flip of conv1, conv2, conv3, linear was tried, for every clip." in words(out)
    assert "--every-flip" not in out


def test_diff_shows_weights_and_the_samples_that_its_json_lists(
    planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    signs = BinaryNetwork.load(planted).signs.copy()
    LINEAR.weights(signs)[:] *= -1
    BinaryNetwork(SPEAKER_SEX, signs).save("other.txt")
    argv = ["diff", str(planted), "other.txt", *samples.options]
    out, told = run(capsys, *argv), json.loads(run(capsys, *argv, "--json"))
    assert ["linear", "129", "128", "99.22%"] in cells(out)
    assert ["all", "369,153", "128", "0.03%"] in cells(out)
    (both, only_a), (only_b, neither) = told["agreement"]
    assert ["A right", str(both), str(only_a)] in cells(out)
    assert ["A wrong", str(only_b), str(neither)] in cells(out)
    n = only_a + only_b
    assert len(told["disagreements"]) == n > 20
    assert f"{n} clips on which A and B disagree" in out
    assert f"{n - 20} more; --json lists all." in out
    first = told["disagreements"][0]
    assert [str(value) for value in first.values()] in cells(out)


def test_diff_of_a_file_with_itself_differs_nowhere(
    planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    out = run(capsys, "diff", str(planted), str(planted), *samples.options)
    assert ["all", "369,153", "0", "0.00%"] in cells(out)
    assert "A and B predict the same label for every clip." in out
    assert "another place" not in out


def test_diff_says_which_channels_only_moved(planted: Path, capsys: Capture) -> None:
    signs = BinaryNetwork.load(planted).signs.copy()
    weights, bias, outgoing = CONV3.weights(signs), CONV3.bias(signs), LINEAR.weights(signs)[0]
    for array in (weights, bias, outgoing):
        array[[20, 30]] = array[[30, 20]]
    other = planted.with_name("moved.txt")
    BinaryNetwork(SPEAKER_SEX, signs).save(other)
    out = words(run(capsys, "diff", str(planted), str(other)))
    assert "in another place: 2 of conv3; put into A's order, 0 weights differ." in out


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["inspect", "nothing.txt"], "nothing.txt: cannot be read"),
        (["inspect", "in"], "in: cannot be read"),
        (["inspect", "empty.txt"], "empty.txt: is empty"),
        (["inspect", "RESULT", "--data", "no.tsv", "--features", "in/features"], "no.tsv: "),
        (
            ["inspect", "RESULT", "--data", "in/train.tsv", "--features", "no"],
            "no: is not a folder",
        ),
        (["diff", "RESULT", "empty.txt"], "empty.txt: is empty"),
        (["diff", "in/features/c0.npy", "RESULT"], "in/features/c0.npy, line 1: expected 1 or -1"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_files_with_problems_are_named_in_one_line(
    argv: list[str], told: str, as_json: bool, planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    Path("empty.txt").touch()
    before = files_below(Path())
    argv = [str(planted) if word == "RESULT" else word for word in argv]
    assert main([*argv, *["--json"] * as_json]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"evobin: {told}")
    assert captured.err.count("\n") == 1
    assert files_below(Path()) == before


def test_samples_whose_features_are_too_large_for_flips_are_named(
    planted: Path, samples: DataFolder, capsys: Capture
) -> None:
    samples.save("c3.npy", np.full((60, 64), 2e6, np.float32))
    assert main(["inspect", str(planted), *samples.options]) == 1
    assert "c3.npy" in capsys.readouterr().err
