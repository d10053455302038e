"""The guide's page on networks: every line of its examples is run."""

from __future__ import annotations

from pathlib import Path

import pytest

import evobin
from tests.cli.pages import blocks, page, run_all, shorten, write_toml

TEXT, *SECTIONS = page("networks").read_text().split("\n## ")
FORM, DIGITS, TABLE, ARRAYS = SECTIONS


def test_the_built_in_network_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ((_, text),) = blocks(FORM, "toml")
    assert evobin.load_architecture(write_toml(text)) == evobin.SPEAKER_SEX


@pytest.mark.parametrize("example", [DIGITS, TABLE], ids=["digits", "table"])
def test_an_example_runs_from_its_data_to_its_predictions(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    run_all(example)
    printed = capsys.readouterr().out
    assert "looked at once, now" in printed
    for model in ("LogisticRegression", "MLPClassifier"):
        assert float(printed.split(f"{model} ")[1].split()[0]) > 0.9


def test_a_network_is_searched_from_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_all(ARRAYS)
    score, accuracy = capsys.readouterr().out.split()
    assert float(score) < 0
    assert float(accuracy) > 0.8
    assert Path("digits.txt").is_file()
