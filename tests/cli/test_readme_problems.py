"""The README's own problems: its lines run, and its tables name all there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from evobin import problems
from evobin.algorithms import ALGORITHMS
from evobin.drive.options import Options
from tests.cli.test_readme import README

SECTION = README.partition("\n## Your own problems\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```python\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


def test_its_lines_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    parted, asked, energy, satisfied = capsys.readouterr().out.splitlines()
    assert parted.endswith("{'max_evaluations': 10000}")
    assert float(asked) < 0
    assert float(energy) < 0
    assert float(satisfied) == 2


def test_its_tables_name_every_option_algorithm_and_problem() -> None:
    named = set(re.findall(r"`([\w-]+)(?:=[^`]*)?`", SECTION))
    assert {field.name for field in fields(Options)} <= named
    assert set(ALGORITHMS) <= named
    assert set(problems.__all__) - {"WhiteBox"} <= named
