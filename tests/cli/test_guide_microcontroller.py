"""The guide's page on microcontrollers: its examples are run, its sketch compiled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.pages import blocks, page, run_all, shorten

TEXT = page("microcontroller").read_text()
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
    shorten(monkeypatch)


def test_the_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    run_all(TEXT)
    accuracy, *sizes = capsys.readouterr().out.splitlines()
    assert float(accuracy) > 0.6
    assert [line.split()[1] for line in sizes] == ["bytes"] * 4
    n_bytes = [int(line.split()[0]) for line in sizes]
    assert n_bytes == sorted(set(n_bytes))


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_the_sketch_is_compiled_and_answers_as_python_does(compiler: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not on this machine")
    example = blocks(TEXT, "python")[0][1]
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
