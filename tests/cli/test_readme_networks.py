"""The README's networks of other shapes: every line of its examples is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from evobin.cli.main import main
from evobin.config import PolishConfig, SearchConfig
from evobin.network.architecture import SPEAKER_SEX
from evobin.network.blueprint import load_architecture
from tests.cli.test_readme import EFFORTS, README

SECTION = README.partition("\n## Networks of another shape\n")[2].partition("\n## ")[0]
FORM, *EXAMPLES = SECTION.split("\n### ")
BLOCKS = re.compile(r"^```(python|toml|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLES = [example.partition("\n")[0] for example in EXAMPLES]


def write_toml(text: str) -> Path:
    """Writes a file that names itself in its first line."""
    path = Path(text.partition("\n")[0].removeprefix("# "))
    path.write_text(text)
    return path


def test_the_built_in_network_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = [text for kind, text in BLOCKS.findall(FORM) if kind == "toml"]
    assert load_architecture(write_toml(text)) == SPEAKER_SEX


@pytest.mark.parametrize("example", EXAMPLES, ids=TITLES)
def test_an_example_runs_from_its_data_to_its_answers(
    example: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting processes takes longer than the rest
    for config in (SearchConfig, PolishConfig):  # the commands word for word, in seconds
        monkeypatch.setattr(config, "_efforts", staticmethod(lambda: EFFORTS))
    names: dict[str, Any] = {}
    for kind, text in BLOCKS.findall(example):
        if kind == "python":
            with threadpool_limits(1):  # its threads wait for each other where others run too
                exec(text, names)
        elif kind == "toml":
            write_toml(text)
        else:
            assert [main(shlex.split(line)[1:]) for line in text.splitlines()] == [0] * text.count(
                "\n"
            )
    told = capsys.readouterr().out
    assert "looked at once, now" in told
    for model in ("LogisticRegression", "MLPClassifier"):
        assert float(told.split(f"{model} ")[1].split()[0]) > 0.9
