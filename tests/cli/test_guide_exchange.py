"""The guide's page on other programs: all of it is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import GOLDEN_RESULT, files_below
from tests.cli.pages import blocks, page, run_all, shorten

TEXT = page("exchange").read_text()


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_pages_lines_run_and_the_twin_comes_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    shorten(monkeypatch)
    Path("result.txt").write_bytes(GOLDEN_RESULT.read_bytes())
    run_all(TEXT)
    assert Path("back.txt").read_bytes() == GOLDEN_RESULT.read_bytes()
    made = {"network.c", "network.h", "model.onnx", "model.pt"}
    assert made <= set(files_below(Path()))
    (shown,) = [text for kind, text in blocks(TEXT) if kind == ""]
    assert shown in capsys.readouterr().out
