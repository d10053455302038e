"""Every command as a person calls it, in this process where that is enough."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from evobin.cli.main import COMMANDS, main
from evobin.commands import voices
from evobin.core.evidence import interval_of
from evobin.core.scores import wilson_interval
from evobin.errors import EvobinError
from evobin.network.binary import BinaryNetwork
from evobin.report import page
from tests.builders import (
    GOLDEN,
    GOLDEN_RESULT,
    DataFolder,
    cells,
    files_below,
    small_voices,
    voices_folder,
)

NO_POPULATION = ["--population.rounds", "0"]
STE = ["--ste.starts", "2", "--ste.epochs", "1"]
SHORT = [*STE, *NO_POPULATION, "--flips.rounds", "0", "--n-jobs", "1", "--no-report"]
FINISHED = [
    "channels.csv", "clips.csv", "config.json", "history.csv", "model.evobin", "result.txt",
    "summary.json",
]  # fmt: skip
FLIPS = ["--flips.rounds", "1", "--flips.clips", "8", "--flips.proposals", "5"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return voices_folder(tmp_path_factory.mktemp("voices"))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def exit_code(*argv: str) -> Any:
    with pytest.raises(SystemExit, match=r"\d") as caught:
        main(argv)
    return caught.value.code


def run(capsys: Capture, *argv: str) -> tuple[str, str]:
    assert main(argv) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def logits_of(folder: DataFolder, names: list[str], result: Path = GOLDEN_RESULT) -> Any:
    network = BinaryNetwork.load(result)
    return np.array([network.logits([np.load(folder.features / name)])[0] for name in names])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_shows_an_example_and_every_option(command: str, capsys: Capture) -> None:
    assert exit_code(command, "--help") == 0
    out = capsys.readouterr().out
    assert f"Example: evobin {command}" in " ".join(out.split())
    options = re.findall(r"--[a-z][a-z.-]+", out)
    assert "--help" in options
    assert "{None}" not in out
    assert "tyro" not in out.lower()


def test_help_lists_every_command(capsys: Capture) -> None:
    assert exit_code("--help") == 0
    out = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n  {command} " in out
    assert "First steps:" in out


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seed", "-1", "`seed` must be from 0"),
        ("--n-jobs", "0", "`n_jobs` must be at least 1, or -1"),
        ("--valid-share", "1.5", "`valid_share` must be from 0.001 to 0.9"),
        ("--ste.batch", "33", "`ste.batch` must be even, but it is 33"),
        ("--ste.epochs", "-1", "`ste.epochs` must be from 0"),
        ("--ste.frames", "56", "`ste.frames` must be from 57"),
        ("--flips.islands", "0", "`flips.islands` must be from 1"),
        ("--augment.gain", "nan", "`augment.gain` must be from 0 to 100, but it is nan"),
    ],
)
def test_a_setting_out_of_range_exits_with_2_and_is_named(
    option: str, value: str, message: str, capsys: Capture
) -> None:
    try:
        code: Any = main(["search", "--quiet", option, value])
    except SystemExit as stop:  # the CLI library's own way
        code = stop.code
    captured = capsys.readouterr()
    told = " ".join(re.sub("[│╭╮╰╯─]", " ", captured.err).split())
    assert code == 2
    assert message in told
    assert "Traceback" not in told
    assert "tyro" not in told
    assert files_below(Path()) == []


def test_negative_seed_and_no_jobs_are_refused_by_the_other_commands(
    samples: DataFolder, capsys: Capture
) -> None:
    assert main(["voices", "out", "--seed", "-1"]) == 2
    assert main(["evaluate", str(GOLDEN_RESULT), *samples.options, "--n-jobs", "0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("`")[1] for line in lines] == ["seed", "n_jobs"]
    assert files_below(Path()) == []


def test_evaluate_agrees_with_an_independent_computation(
    samples: DataFolder, capsys: Capture
) -> None:
    groups = ["--groups", str(samples.groups)]
    out, err = run(capsys, "evaluate", str(GOLDEN_RESULT), *samples.options, *groups)
    voices = small_voices()
    answers = logits_of(samples, list(voices.names)) > 0
    right = answers == (voices.labels == 1)
    speakers = np.unique(voices.table["speaker"], return_inverse=True)[1]
    share, (low, high) = right.mean(), interval_of(right, speakers)
    assert out.splitlines()[0] == (
        f"accuracy    {share:.2%}  (95% interval {low:.2%} to {high:.2%}; 40 clips of 20 speakers)"
    )
    rows = cells(out)
    for label in (0, 1):
        of_label = answers[voices.labels == label]
        assert [str(label), str((~of_label).sum()), str(of_label.sum())] in rows
    for room, members in voices.table.groupby("room").indices.items():
        n, k = len(members), int(right[members].sum())
        low, high = wilson_interval(k, n)
        assert [room, str(n), str(k), f"{k / n:.2%}", f"{low:.2%} to {high:.2%}"] in rows
    assert err == ""


def test_evaluate_accepts_samples_of_one_label(samples: DataFolder, capsys: Capture) -> None:
    names = [
        n for n, label in zip(small_voices().names, small_voices().labels, strict=True) if label
    ]
    data = Path("ones.tsv")
    data.write_text("".join(f"{name}\t1\n" for name in names))
    options = ["--data", str(data), "--features", str(samples.features), "--n-jobs", "1"]
    out, _ = run(capsys, "evaluate", str(GOLDEN_RESULT), *options)
    ones = int((logits_of(samples, names) > 0).sum())
    assert ["0", "0", "0"] in cells(out)
    assert ["1", str(len(names) - ones), str(ones)] in cells(out)


@pytest.mark.parametrize("column", ["file", "label", "answer", "logit", "right", "clips", "part"])
def test_a_column_of_the_groups_file_may_have_any_name(
    samples: DataFolder, capsys: Capture, column: str
) -> None:
    groups = Path("groups.tsv")
    groups.write_text(samples.groups.read_text().replace("room", column, 1))
    options = [*samples.options, "--groups", str(groups), "--n-jobs", "1"]
    out, _ = run(capsys, "evaluate", str(GOLDEN_RESULT), *options)
    assert f"by {column}" in out


def test_predict_answers_the_golden_inputs_in_their_order(capsys: Capture) -> None:
    expected = pd.read_csv(GOLDEN / "expected.tsv", sep="\t").iloc[::-1]
    files = [str(GOLDEN / "features" / name) for name in expected["file"]]
    out, err = run(capsys, "predict", str(GOLDEN_RESULT), *files)
    rows = zip(files, expected["label"], expected["logit"], strict=True)
    assert out == "".join(f"{file}\t{label}\t{logit}\n" for file, label, logit in rows)
    assert err == ""


def test_polish_is_never_worse_than_the_file_and_does_not_touch_it(
    samples: DataFolder, capsys: Capture
) -> None:
    before = GOLDEN_RESULT.read_bytes()
    groups = ["--groups", str(samples.groups)]
    argv = ["polish", str(GOLDEN_RESULT), *samples.options, *groups, "--out", "run", *SHORT, *FLIPS]
    out, _ = run(capsys, *argv)
    assert GOLDEN_RESULT.read_bytes() == before
    table = pd.read_csv("run/clips.csv")
    held = table[table["part"] == "valid"]
    assert sorted(held["file"]) == sorted(small_voices().names)
    labels = held["label"].to_numpy()
    start = float(np.mean((logits_of(samples, list(held["file"])) > 0) == labels))
    assert np.mean(held["answer"] == labels) >= start
    trained = table[table["part"] == "train"]
    logits = logits_of(samples, list(trained["file"]), Path("run/result.txt"))
    np.testing.assert_array_equal(logits, trained["logit"])
    told = (
        rf"^before      {start:.2%}  .*the file as it was, which may have been trained on them\)$"
    )
    assert re.search(told, out, re.MULTILINE)
    assert json.loads(Path("run/summary.json").read_text())["before"]["accuracy"] == start


def test_polish_without_a_budget_writes_the_file_as_it_was(
    samples: DataFolder, capsys: Capture
) -> None:
    budget = [*SHORT, "--ste.epochs", "0", "--quiet"]
    out, _ = run(capsys, "polish", str(GOLDEN_RESULT), *samples.options, "--out", "run", *budget)
    assert Path("run/result.txt").read_bytes() == GOLDEN_RESULT.read_bytes()
    assert "the file is as it was." in out


def test_quiet_shows_the_figures_and_nothing_on_stderr(
    samples: DataFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    out, err = run(capfd, "search", *samples.options, "--out", "run", *SHORT, *FLIPS, "--quiet")
    assert err == ""
    assert out.splitlines()[-1] == "result      run/result.txt"
    assert pd.read_csv("run/history.csv")["stage"].unique().tolist() == ["ste", "flips"]


def test_with_json_stdout_holds_an_object_a_step_and_the_figures_at_the_end(
    samples: DataFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    argv = ["search", *samples.options, "--out", "run", *SHORT, *FLIPS, "--json"]
    out, err = run(capfd, *argv)
    *steps, done = [json.loads(line) for line in out.splitlines()]
    assert err == ""
    assert [(line["stage"], line["step"], line["steps"]) for line in steps] == [
        ("data", 0, 1), ("data", 1, 1), ("ste", 0, 1), ("ste", 1, 1), ("flips", 0, 1),
        ("flips", 1, 1), ("flips", 1, 1),
    ]  # fmt: skip
    assert steps[-1]["note"].startswith("Bit flips: ")
    history = pd.read_csv("run/history.csv")
    rows = pd.DataFrame([row for line in steps for row in line["rows"]])
    np.testing.assert_allclose(rows["score"], history["score"])
    summary = json.loads(Path("run/summary.json").read_text())
    assert done["parts"] == summary["parts"]
    assert (done["folder"], done["result"]) == ("run", "run/result.txt")
    assert done["model"] == "run/model.evobin"
    assert steps[-1]["best_accuracy"] == history["best_accuracy"].iloc[-1]


def test_evaluate_with_json_prints_the_figures_of_the_tables(
    samples: DataFolder, capsys: Capture
) -> None:
    options = [*samples.options, "--groups", str(samples.groups)]
    out, _ = run(capsys, "evaluate", str(GOLDEN_RESULT), *options, "--json")
    assert out.count("\n") == 1
    figures = json.loads(out)
    names = list(small_voices().names)
    right = (logits_of(samples, names) > 0) == (small_voices().labels == 1)
    assert (figures["clips"], figures["right"], figures["speakers"]) == (40, int(right.sum()), 20)
    assert sum(row["right"] for row in figures["by"]["room"]) == figures["right"]


def test_the_clock_ends_a_run_behind_the_step_at_hand(samples: DataFolder, capsys: Capture) -> None:
    budget = [
        "--ste.starts",
        "1",
        "--ste.epochs",
        "500",
        "--n-jobs",
        "1",
        "--minutes",
        "0.01",
        "--no-report",
    ]
    out, err = run(capsys, "search", *samples.options, "--out", "run", *budget)
    history = pd.read_csv("run/history.csv")
    assert set(history["stage"]) == {"ste"}
    assert 1 <= len(history) < 100
    assert "population" not in err
    assert out.splitlines()[-1] == "result      run/result.txt"


def test_an_effort_shows_its_budgets_and_a_budget_overrides_it(
    samples: DataFolder, capsys: Capture
) -> None:
    for argv, expected in (
        (["--effort", "quick"], 170_000),
        (["--effort=thorough"], 2_500_000),
        ([], 500_000),
    ):
        assert exit_code("search", *argv, "--help") == 0
        out = " ".join(re.sub("[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
        text = re.search(r"--ste\.samples INT .*?\(default: (\d+)\)", out)
        assert text is not None
        assert int(text[1]) == expected
    budget = ["--effort", "quick", *SHORT, "--ste.starts", "1", "--quiet"]
    run(capsys, "search", *samples.options, "--out", "run", *budget)
    config = json.loads(Path("run/config.json").read_text())
    assert (config["ste"]["starts"], config["ste"]["epochs"]) == (1, 1)


def test_an_effort_that_does_not_exist_is_wrong_usage(capsys: Capture) -> None:
    assert exit_code("search", "--effort", "long") == 2
    assert "'quick', 'standard', 'thorough'" in " ".join(capsys.readouterr().err.split())


def test_progress_goes_to_stderr_and_the_default_folder_is_below_runs(
    samples: DataFolder, capsys: Capture
) -> None:
    out, err = run(capsys, "search", *samples.options, *SHORT)
    assert re.search(r"s  straight-through training 1/1.*  held out \d.*, loss \d", err)
    (folder,) = Path("runs").iterdir()
    assert re.fullmatch(r"search-\d{8}-\d{6}", folder.name)
    assert out.splitlines()[-1] == f"result      {folder}/result.txt"
    assert files_below(folder) == FINISHED


@pytest.mark.parametrize("groups", [True, False])
def test_the_accuracy_that_progress_tells_is_of_the_samples_that_folds_hold_out(
    groups: bool, samples: DataFolder, capsys: Capture
) -> None:
    more = ["--groups", str(samples.groups)] if groups else []
    out, err = run(capsys, "search", *samples.options, *more, *SHORT, "--out", "run")
    for told in (out, err):
        assert ("Split by speaker." in told) == groups
        assert ("speakers may be shared" in told) != groups
    held = json.loads(Path("run/summary.json").read_text())["parts"]["valid"]
    told = pd.read_csv("run/history.csv")["best_accuracy"].iloc[-1]
    assert told == pytest.approx(held["accuracy"])
    assert f"held out {told:.3f}, " in err


def test_a_run_ends_with_its_report(samples: DataFolder, capsys: Capture) -> None:
    out, err = run(capsys, "search", *samples.options, "--out", "run", *SHORT, "--report")
    assert "report      run/report.html" in out.splitlines()
    assert "report 1/1" in err
    assert '<td data-column="accuracy"' in Path("run/report.html").read_text()


def test_a_report_that_fails_does_not_lose_the_run(
    samples: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(page, "page_of", no_page)
    out, err = run(capsys, "search", *samples.options, "--out", "run", *SHORT, "--report")
    assert out.splitlines()[-1] == "result      run/result.txt"
    assert "There is no report: no page is made" in err
    assert files_below(Path("run")) == FINISHED


def no_page(*_arguments: Any) -> NoReturn:
    raise EvobinError("no page is made")


def interrupted(*_arguments: Any) -> NoReturn:
    raise KeyboardInterrupt


def test_a_run_that_is_interrupted_at_its_report_is_finished(
    samples: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(page, "page_of", interrupted)
    argv = ["search", *samples.options, "--out", "run", *SHORT, "--report", "--quiet"]
    assert main(argv) == 130
    told = "evobin: interrupted; the run is finished, and `evobin report run` shows it.\n"
    assert capsys.readouterr().err == told
    assert files_below(Path("run")) == FINISHED


def test_report_writes_a_page_and_says_where(capsys: Capture) -> None:
    Path("run").mkdir()
    Path("run/config.json").write_text("{}")
    assert run(capsys, "report", "run") == ("run/report.html\n", "")
    assert run(capsys, "report", "run", "--out", "page.html") == ("page.html\n", "")
    assert run(capsys, "report", "run", "run") == ("report.html\n", "")
    assert files_below(Path()) == [
        "page.html", "report.html", "run", "run/config.json", "run/report.html",
    ]  # fmt: skip


def test_report_of_what_is_no_run_is_one_line(capsys: Capture) -> None:
    Path("config.json").write_text("{")
    for argv, told in (
        (["none"], "none: is no folder; name a run folder."),
        ([], "report: no run is named; name at least one run folder."),
        (["."], "config.json: is not as evobin writes it (Expecting property name"),
    ):
        assert main(["report", *argv]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"evobin: {told}")
        assert captured.err.count("\n") == 1
    assert files_below(Path()) == ["config.json"]


def small_synthesise(seed: int, *_more: Any, **_named: Any) -> Any:
    assert seed == 0
    return small_voices()


def test_voices_writes_a_folder_that_search_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(voices, "synthesise", small_synthesise)
    out, _ = run(capsys, "voices", "made")
    assert out == "40 clips in made\n"
    for name, sample in zip(small_voices().names, small_voices().features, strict=True):
        written = np.load(f"made/features/{name}")
        assert written.dtype == sample.dtype
        np.testing.assert_array_equal(written, sample)
    named = ["--data", "made/train.tsv", "--valid", "made/valid.tsv", "--test", "made/test.tsv"]
    where = ["--features", "made/features", "--groups", "made/speakers.tsv", "--out", "run"]
    run(capsys, "search", *named, *where, *SHORT, "--quiet")
    table, known = pd.read_csv("run/clips.csv"), small_voices().table
    parts = {name: set(known["file"][known["part"] == name]) for name in set(known["part"])}
    parts["train"] |= parts["valid"]
    assert table.groupby("part")["file"].agg(set).to_dict() == parts
    table = table[table["part"] != "valid"].set_index("file")
    expected = known.set_index("file")
    assert table["speaker"].to_dict() == expected["speaker"].to_dict()
    assert table["label"][list(small_voices().names)].tolist() == small_voices().labels.tolist()
    assert json.loads(Path("run/summary.json").read_text())["parts"]["test"]["clips"] == 8


def forbidden(*_arguments: Any) -> NoReturn:
    raise EvobinError("voices were synthesised")


def test_voices_as_recordings_become_the_same_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    run(capsys, "voices", "known", "--speakers", "6")
    run(capsys, "voices", "spoken", "--speakers", "6", "--recordings")
    run(capsys, "features", "spoken", "--out", "made", "--groups", "spoken/speakers.tsv")
    known = {path.name: np.load(path) for path in Path("known/features").iterdir()}
    made = {path.name: np.load(path) for path in Path("made/features").rglob("*.npy")}
    assert len(made) == 36
    assert made.keys() == known.keys()
    for name, features in known.items():
        heard = features > -9.0  # quieter bands drown in the 16 bits of a wav file
        assert heard.mean() > 0.2
        np.testing.assert_allclose(made[name][heard], features[heard], atol=0.1)
    labels = {
        Path(line.split()[0]).name: line.split()[1]
        for line in Path("made/train.tsv").read_text().splitlines()
    }
    for part in ("train", "valid", "test"):
        for line in Path(f"known/{part}.tsv").read_text().splitlines():
            name, label = line.split()
            assert labels[name] == label


@pytest.mark.parametrize("speakers", ["7", "4", "-2"])
def test_voices_need_pairs_of_speakers(
    speakers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["voices", "made", "--speakers", speakers]) == 2
    assert "`speakers` must be" in capsys.readouterr().err
    assert not Path("made").exists()


@pytest.mark.parametrize("option", ["valid", "test", "groups"])
def test_samples_that_would_be_ignored_for_synthesised_voices_are_refused(
    option: str, samples: DataFolder, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("evobin.commands.run.synthesised_splits", forbidden)
    assert main(["search", f"--{option}", str(samples.data), "--quiet"]) == 2
    assert f"`{option}` needs `data`" in capsys.readouterr().err


def test_the_verbs_are_the_functions_of_the_package() -> None:
    import evobin

    verbs: list[Callable[..., Any]] = [
        evobin.search, evobin.polish, evobin.evaluate, evobin.inspect, evobin.diff,
        evobin.predict, evobin.export_network, evobin.import_network, evobin.write_features,
        evobin.write_report,
        evobin.write_voices,
    ]  # fmt: skip
    assert all(callable(verb) for verb in verbs)
    assert set(evobin.__all__) <= set(dir(evobin))
    for name in evobin.__all__:
        assert getattr(evobin, name) is not None
    with pytest.raises(AttributeError, match="module 'evobin' has no attribute 'nothing'"):
        _ = evobin.nothing
