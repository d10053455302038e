"""The guide's pages on problems and algorithms: their lines run, their tables name all there is."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import pytest

import evobin
from evobin import problems
from evobin.algorithms import ALGORITHMS
from tests.cli.pages import blocks, page, run_all

PROBLEMS, ALGORITHM_PAGE = page("problems").read_text(), page("algorithms").read_text()


def test_the_lines_on_problems_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_all(PROBLEMS)
    split, energy, satisfied, cut, names, sequence, cost = capsys.readouterr().out.splitlines()
    assert split.endswith("{'max_evaluations': 10000}")
    assert float(energy) < 0
    assert float(satisfied) == 2
    assert cut.startswith("8.0 (array([")
    assert cut.endswith(" 3")
    assert names == "{'tea': 0, 'milk': 1}"
    assert float(sequence) == 37
    assert cost == "Cost(hard=0, soft=2) [2]"


def test_the_lines_on_solving_run_and_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page("solving").read_text()
    run_all(text)
    printed = capsys.readouterr().out.splitlines()
    shown = next(block for kind, block in blocks(text) if kind == "").splitlines()
    assert [line.split()[0] for line in shown] == [
        line.split()[0] for line in printed[: len(shown)]
    ]
    assert shown[1:3] == printed[1:3]
    assert {*shown[3:5]} <= {*printed[3:5], "side+ 2 4", "side- 1 3"}
    assert shown[5] == printed[5] == "value 8"
    assert printed[-1] == "value 2"


def test_the_lines_on_algorithms_run(capsys: pytest.CaptureFixture[str]) -> None:
    run_all(ALGORITHM_PAGE)
    by_name, by_instance, own_loop = map(float, capsys.readouterr().out.split())
    assert (by_name, by_instance) == (59, 59)
    assert own_loop > 30


def test_the_lines_on_extending_run(capsys: pytest.CaptureFixture[str]) -> None:
    run_all(page("extending").read_text())
    climbed, neighbours = map(float, capsys.readouterr().out.split())
    assert climbed == 50
    assert neighbours == 29


def test_the_tables_name_every_argument_algorithm_and_problem() -> None:
    named = set(re.findall(r"`([\w-]+)(?:=[^`]*)?`", PROBLEMS + ALGORITHM_PAGE))
    assert set(signature(evobin.maximize).parameters) <= named
    assert set(ALGORITHMS) | {kind.__name__ for kind in ALGORITHMS.values()} <= named
    assert {name for name in problems.__all__ if hasattr(evobin, name)} <= named
    assert {"IncrementalProblem", "SampledProblem", "FlipState"} <= set(
        re.findall(r"\w+", page("extending").read_text())
    )
