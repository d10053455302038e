"""The guide's page on tables: every line of its examples is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.pages import page, run_all, shorten


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    run_all(page("tables").read_text())
    assert "Split by group." in capsys.readouterr().out
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == [
        *("movements.c", "movements.evobin", "movements.h"),
        *("tumours.c", "tumours.evobin", "tumours.h", "tumours.onnx", "tumours.txt"),
    ]
