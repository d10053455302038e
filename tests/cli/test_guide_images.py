"""The guide's page on images: every line of its examples is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.pages import page, run_all, shorten


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    run_all(page("images").read_text())
    accuracy = float(capsys.readouterr().out.split()[0])
    assert accuracy > 0.5
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "digits.c",
        "digits.evobin",
        "digits.h",
    ]
