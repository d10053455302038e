"""The guide's page on other programs: all of it is run, and the sketch for boards compiled."""

from __future__ import annotations

import shutil
import subprocess
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
ARDUINO = """
#include <cstdio>
static const int A0 = 0, A1 = 1, A2 = 2, A3 = 3;
int analogRead(int pin);
void delay(unsigned long ms);
struct Port {
    void begin(unsigned long baud);
    void println(int number);
};
extern Port Serial;
"""
BOARD = """
#include "Arduino.h"
static int reading[4];
Port Serial;
void Port::begin(unsigned long baud) { std::printf("%lu baud\\n", baud); }
void Port::println(int number) { std::printf("%d\\n", number); }
int analogRead(int pin) { return reading[pin]; }
void delay(unsigned long) {}
void setup();
void loop();
int main()
{
    setup();
    while (std::scanf("%d %d %d %d", &reading[0], &reading[1], &reading[2], &reading[3]) == 4)
        loop();
}
"""
"""A stand-in for a board, whose pins read what is typed."""


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
    made = {"network.c", "network.h", "model.c", "model.h", "model.onnx", "model.pt"}
    assert made <= set(files_below(Path()))
    (shown,) = [text for kind, text in blocks(TEXT) if kind == ""]
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_the_sketch_is_compiled_and_answers_as_python_does(
    compiler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not on this machine")
    shorten(monkeypatch)
    (example,) = [text for _, text in blocks(TEXT, "python") if "BinaryClassifier" in text]
    names: dict[str, object] = {}
    exec(f"{example}answers = model.predict(X[:50]).astype(int).tolist()", names)
    ((_, sketch),) = blocks(TEXT, "cpp")
    for name, text in (("Arduino.h", ARDUINO), ("board.cpp", BOARD), ("main.cpp", sketch)):
        Path(name).write_text(text)
    c_compiler = {"g++": "gcc", "clang++": "clang"}[compiler]
    strict = ["-Wall", "-Wextra", "-Werror", "-Os"]
    subprocess.run([c_compiler, "-std=c99", *strict, "-c", "model.c"], check=True)
    sources = ["main.cpp", "board.cpp", "model.o", "-o", "board"]
    subprocess.run([compiler, "-std=c++11", *strict, "-I.", *sources], check=True)
    rows: object = names["X"]
    typed = "\n".join(" ".join(map(str, row)) for row in rows[:50].tolist())  # type: ignore[index]
    run = subprocess.run(["./board"], input=typed, check=True, capture_output=True, text=True)
    first, *answers = run.stdout.splitlines()
    assert first == "115200 baud"
    assert list(map(int, answers)) == names["answers"]


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
