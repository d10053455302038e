"""The guide's page on other programs: all of it is run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evobin
from evobin.interchange import c_format
from evobin.network.architecture import Architecture, ConvBlock
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


def test_the_columns_of_a_table_are_listed_as_the_page_shows() -> None:
    frame = pd.DataFrame(
        {
            "age": [31, None, 58] * 4,
            "job": ["cook", "judge", None, "nurse"] * 3,
            "ward": [3, 7] * 6,
            "country": "UK",
        }
    )
    encoder = evobin.TableEncoder(categorical=["ward"]).fit(frame)
    shape = Architecture(encoder.n_signs, (ConvBlock(4, 1),), frames=1, binary_inputs=True)
    network = evobin.BinaryNetwork(shape, np.ones(shape.n_weights))
    listed = [block for _, block in blocks(TEXT, "c")]
    assert "".join(listed) in c_format.encode_header("network", network, encoder).decode()
    assert "".join(listed) in c_format.encode(network, encoder).decode()
