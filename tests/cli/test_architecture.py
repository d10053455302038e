"""Networks of any shape through `main`: from a TOML file to every answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import evobin
from evobin.cli.main import main
from tests.builders import THREE_KINDS, DataFolder, cells, three_kinds

Capture = pytest.CaptureFixture[str]
BUDGET = [
    "--ste.starts", "1", "--ste.epochs", "20", "--population.rounds", "1",
    "--population.epochs", "1", "--population.islands", "1", "--flips.rounds", "1",
    "--flips.islands", "1", "--flips.clips", "24", "--n-jobs", "1", "--quiet",
]  # fmt: skip
SHAPE = ["--architecture", "network.toml"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors of three kinds, and a run that has learnt them."""
    root = tmp_path_factory.mktemp("home")
    three_kinds(root)
    groups = (f"v{i:02}.npy p{i % 3}-{i // 6} s" for i in range(90))
    DataFolder(root).write("groups.tsv", "file patient site", *groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        data = ["--data", "train.tsv", "--features", "features", "--groups", "groups.tsv"]
        argv = ["search", *data, *SHAPE, "--test-share", "0.3", "--out", "run", *BUDGET]
        assert main(argv) == 0
    return root


@pytest.fixture(autouse=True)
def _in_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


DATA = ["--data", "train.tsv", "--features", "features"]


def refusal(capsys: Capture, argv: list[str]) -> str:
    """The one line of a command that must fail, without its prefix."""
    assert main(argv) in (1, 2)
    captured = capsys.readouterr()
    assert (captured.out, len(captured.err.splitlines())) == ("", 1)
    return captured.err.removeprefix("evobin: ")


def test_a_search_learns_three_kinds_of_vectors() -> None:
    summary = json.loads(Path("run/summary.json").read_text())
    assert summary["parts"]["test"]["accuracy"] > 0.8
    assert np.array(summary["parts"]["test"]["confusion"]).shape == (3, 3)
    assert [row["label"] for row in summary["parts"]["test"]["by_label"]] == [0, 1, 2]
    assert summary["note"] == "Split by group."
    head = Path("run/clips.csv").read_text().splitlines()[0]
    assert head == "file,label,answer,logit_0,logit_1,logit_2,part,speaker,site"


def test_the_page_of_a_run_speaks_of_no_voices() -> None:
    page = re.sub(r"<[^>]*>|augment\.\w+", " ", Path("run/report.html").read_text()).lower()
    for word in ("speaker", "voice", "band ", "bands", "mel", "spectrum", "label 1"):
        assert word not in page
    assert "linear1 16x6x1, linear2 8x16x1, linear3 3x8; 275 weights and biases; 3 classes" in page


@pytest.mark.parametrize("shape", [SHAPE, ["--architecture", "run"]])
def test_the_shape_is_a_file_or_a_run_folder(shape: list[str], capsys: Capture) -> None:
    assert main(["evaluate", "run/result.txt", *DATA, *shape]) == 0
    told = capsys.readouterr().out
    assert "samples by prediction" in " ".join(told.split())
    rows = [row for row in cells(told) if row[0] in ("0", "1", "2")]
    assert len(rows) == 6
    assert sum(int(row[i + 1]) for i, row in enumerate(rows[:3])) == sum(
        int(row[2]) for row in rows[3:]
    )


def test_answers_have_a_logit_a_class(capsys: Capture) -> None:
    names = ["features/v00.npy", "features/v01.npy"]
    assert main(["predict", "run/result.txt", *names, *SHAPE]) == 0
    network = evobin.BinaryNetwork.load("run/result.txt", evobin.load_architecture("network.toml"))
    for line, name in zip(capsys.readouterr().out.splitlines(), names, strict=True):
        file, label, *logits = line.split("\t")
        sample = np.load(name)[None]
        assert (file, [int(logit) for logit in logits]) == (
            name,
            network.logits([sample])[0].tolist(),
        )
        assert int(label) == network.predict([sample])[0]


def test_a_polish_goes_on_and_its_difference_is_told(capsys: Capture) -> None:
    argv = ["polish", "run/result.txt", *DATA, *SHAPE, "--out", "polished", *BUDGET]
    assert main(argv) == 0
    assert main(["diff", "run/result.txt", "polished/result.txt", *DATA, *SHAPE]) == 0
    rows = cells(capsys.readouterr().out)
    assert ["linear1", "112"] in [row[:2] for row in rows]
    assert main(["report", "run", "polished", "--out", "both.html"]) == 0


@pytest.mark.parametrize("flags", [[], ["--every-flip"], ["--verbose"], ["--json"]])
def test_a_result_is_looked_into(flags: list[str], capsys: Capture) -> None:
    assert main(["inspect", "run/result.txt", *DATA, *SHAPE, *flags]) == 0
    told = capsys.readouterr().out
    if flags == ["--json"]:
        assert [row["layer"] for row in json.loads(told)["layers"]] == [
            "linear1",
            "linear2",
            "linear3",
        ]
    else:
        assert "the logit of the label less the largest other" in told
        assert "after the max over time" not in told


def test_exports_are_of_the_shape_and_come_back(capsys: Capture) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    for kind in ("torch", "onnx", "c"):
        argv = ["export", "run/result.txt", "--format", kind, "--out", f"network.{kind}", *SHAPE]
        assert main(argv) == 0
    assert main(["import", "network.torch", "--out", "back.txt", *SHAPE]) == 0
    assert Path("back.txt").read_bytes() == Path("run/result.txt").read_bytes()
    assert "network.torch: holds 6 entries (" in refusal_of_import(capsys)


def refusal_of_import(capsys: Capture) -> str:
    capsys.readouterr()
    return refusal(capsys, ["import", "network.torch", "--out", "other.txt"])


def test_a_result_of_another_shape_hints_at_the_option(capsys: Capture) -> None:
    told = refusal(capsys, ["evaluate", "run/result.txt", *DATA])
    assert told.startswith("run/result.txt: expected 369,153 lines, found 275; the file may be for")
    assert told.endswith("for another architecture, which --architecture names.\n")


def test_samples_of_another_shape_are_named(capsys: Capture) -> None:
    np.save("wide.npy", np.zeros(7))
    told = refusal(capsys, ["predict", "run/result.txt", "wide.npy", *SHAPE])
    assert told == "wide.npy: must have shape [6] or [1, 6], but it has [7].\n"


def test_recordings_are_for_the_built_in_network(capsys: Capture) -> None:
    told = refusal(capsys, ["predict", "run/result.txt", "speech.wav", *SHAPE])
    assert told == "speech.wav: is no .npy file; only the built-in network takes recordings.\n"


def test_synthesised_voices_are_for_the_built_in_network(capsys: Capture) -> None:
    told = refusal(capsys, ["search", *SHAPE])
    assert told.startswith(
        "`architecture` needs `data`: the synthesised voices are for the built-in"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "inputs = 6\nlinear = [8]\nclases = 3",
            "there is no key `clases`; did you mean `classes`?",
        ),
        ("inputs = 6\nlinear = [8]", "`frames` is missing: without a global max, all samples have"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(text: str, told: str, capsys: Capture) -> None:
    Path("wrong.toml").write_text(text)
    argv = ["search", *DATA, "--architecture", "wrong.toml"]
    assert refusal(capsys, argv).startswith(f"wrong.toml: {told}")


def test_a_missing_file_is_told_in_one_line(capsys: Capture) -> None:
    for path, told in (
        ("none.toml", "none.toml: does not"),
        ("features", "features: holds no config.json; "),
    ):
        assert refusal(capsys, ["search", *DATA, "--architecture", path]).startswith(told)


def test_a_run_goes_on_without_the_toml_file(tmp_path: Path) -> None:
    (tmp_path / "network.toml").write_text(THREE_KINDS)
    shape = evobin.load_architecture(tmp_path / "network.toml")
    (tmp_path / "network.toml").unlink()
    config = evobin.SearchConfig(
        data=Path("train.tsv"), features=Path("features"), architecture=shape,
        ste=evobin.SteConfig(1, 3), flips=evobin.FlipConfig(0), n_jobs=1, out=tmp_path / "run",
        population=evobin.PopulationConfig(rounds=0), report=False, checkpoint_seconds=0,
    )  # fmt: skip
    steps: list[int] = []
    with pytest.raises(evobin.Stopped, match="evobin resume"):
        evobin.search(config, lambda progress: steps.append(0), lambda: len(steps) > 5)
    done = evobin.resume(tmp_path / "run", evobin.ExecutionConfig(n_jobs=1, report=False))
    assert done.network.architecture == shape
    assert evobin.write_report([done.folder]).name == "report.html"


def test_a_network_of_binary_inputs_goes_all_the_way(capsys: Capture) -> None:
    Path("signs").mkdir()
    Path("binary.toml").write_text(THREE_KINDS + "binary_inputs = true\n")
    for path in Path("features").iterdir():
        np.save(Path("signs") / path.name, np.where(np.load(path) > 0, 1, -1).astype(np.int8))
    data, shape = ["--data", "train.tsv", "--features", "signs"], ["--architecture", "binary.toml"]
    assert main(["search", *data, *shape, "--out", "binary", *BUDGET]) == 0
    assert main(["evaluate", "binary/result.txt", *data, "--architecture", "binary"]) == 0
    assert main(["inspect", "binary/result.txt", *data, *shape, "--every-flip"]) == 0
    for kind in ("torch", "c"):
        argv = ["export", "binary/result.txt", "--format", kind, "--out", f"binary.{kind}", *shape]
        assert main(argv) == 0
    assert "float" not in Path("binary.c").read_text()
    assert main(["import", "binary.torch", "--out", "same.txt", *shape]) == 0
    assert Path("same.txt").read_bytes() == Path("binary/result.txt").read_bytes()
    capsys.readouterr()
    answers = []
    for options in (["signs/v00.npy", *shape], ["signs/v00.npy", *SHAPE]):
        assert main(["predict", "binary/result.txt", *options]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]  # the same weights take the same features as real ones
    told = refusal(capsys, ["predict", "binary/result.txt", "features/v00.npy", *shape])
    assert "; features must be -1 or +1 where inputs are binary; binarise it first." in told
