"""The README's commands are those that are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from evobin.cli.main import main
from evobin.config import FlipConfig, PolishConfig, PopulationConfig, SearchConfig, SteConfig
from tests.builders import files_below

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
FIRST_STEPS = re.findall(r"^evobin .*$", README.split("## First steps")[1].split("## ")[0], re.M)
BRIEF = {
    "ste": SteConfig(starts=1, epochs=1),
    "population": PopulationConfig(rounds=1, epochs=0),
    "flips": FlipConfig(rounds=1, islands=1, clips=8, proposals=4),
}
EFFORTS = {"quick": BRIEF, "standard": {}, "thorough": {}}


def test_the_readme_has_one_command_to_search_and_one_to_test() -> None:
    search, test = COMMANDS
    assert search.endswith(".venv/bin/evobin search --effort quick")
    assert test.endswith(".venv/bin/python -m tests")


def test_ci_runs_the_readmes_test_command_word_for_word() -> None:
    assert COMMANDS[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_first_steps_lead_from_recordings_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting processes takes longer than the rest
    for config in (SearchConfig, PolishConfig):  # the commands word for word, in seconds
        monkeypatch.setattr(config, "_efforts", staticmethod(lambda: EFFORTS))
    told = {}
    for line in FIRST_STEPS:
        argv = shlex.split(line)[1:]
        assert main(argv) == 0
        told[argv[0]] = capsys.readouterr().out.splitlines()
    assert {"features", "search", "report", "predict"} <= told.keys()
    assert [line.split("\t")[1] in ("0", "1") for line in told["predict"]] == [True, True]
    assert told["search"][-1] == "result      runs/first/result.txt"
    made = files_below(tmp_path)
    assert {"first.html", "network.c", "runs/first/report.html", "made/train.tsv"} <= set(made)
