"""The guide's page on a contest: its commands are run, one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import files_below
from tests.cli.pages import page, run_all, shorten


def test_the_commands_lead_from_features_to_a_result_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    run_all(page("contest").read_text())
    printed = capsys.readouterr().out
    assert "looked at once, now" in printed
    results = {f"runs/{name}/result.txt" for name in ("contest", "last", "polished")}
    assert results <= set(files_below(tmp_path))
