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
    out = capsys.readouterr().out
    assert "Split by group." in out
    assert "line,prediction,setosa,versicolor,virginica\n2," in out
    assert "row,prediction,False,True\n0," in out
    made = sorted(path.name for path in tmp_path.glob("*.*"))
    assert made == [
        "arrays.npz", "flowers.c", "flowers.csv", "flowers.h", "movements.c",
        "movements.evobin", "movements.h", "new.csv",
        "tumours.c", "tumours.evobin", "tumours.h", "tumours.onnx", "tumours.txt",
    ]  # fmt: skip
