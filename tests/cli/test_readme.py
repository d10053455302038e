"""The README: short, its commands are those that are run, its examples are those of the guide."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.pages import README, ROOT, blocks, commands, page, run_all, shorten

TEXT = README.read_text()
INSTALLING = [line for line in TEXT.splitlines() if line.startswith("python3 -m venv ")]


def test_it_has_one_command_to_search_and_one_to_test() -> None:
    search, test = INSTALLING
    assert search.endswith(".venv/bin/evobin search --effort quick")
    assert test.endswith(".venv/bin/python -m tests")


def test_ci_runs_its_test_command_word_for_word() -> None:
    assert INSTALLING[1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_it_is_short() -> None:
    assert len(README.read_bytes()) <= 12_288


@pytest.mark.parametrize("line", commands(TEXT), ids=lambda line: " ".join(line.split()[1:3]))
def test_its_commands_are_run_with_those_of_the_guide(line: str) -> None:
    pages = [page(name).read_text() for name in ("recordings", "networks", "tables")]
    assert line in [line for text in pages for line in commands(text)]


def test_its_file_is_run_with_those_of_the_guide() -> None:
    (file,) = blocks(TEXT, "toml")
    assert file in blocks(page("networks").read_text(), "toml")


def test_its_python_runs_one_block_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    run_all("".join(f"```python\n{block}```\n" for _, block in blocks(TEXT, "python")))
    table, network, split, energy, climber = capsys.readouterr().out.splitlines()
    assert 0 <= float(table) <= 1
    assert (tmp_path / "sum.c").is_file()
    assert float(network.split()[1]) > 0.8
    assert split.endswith("{'max_evaluations': 10000}")
    assert float(climber) <= -float(energy)
