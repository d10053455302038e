"""The README and the pages of the guide: their blocks of code, and how to run them in seconds."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest
from threadpoolctl import threadpool_limits

from evobin.cli.main import main
from evobin.config import FlipConfig, PopulationConfig, SteConfig, runs

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = sorted((ROOT / "evobin" / "docs").glob("*.md"))
MANUAL = [README, *GUIDE]
"""What a user reads."""
PAGES = [
    *MANUAL,
    *ROOT.glob("evobin/*.md"),
    *ROOT.glob(".github/*.md"),
    *ROOT.glob("tests/b*/*.md"),
]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BRIEF = {
    "folds": 1,
    "ste": SteConfig(starts=1, epochs=1),
    "population": PopulationConfig(rounds=1, epochs=0),
    "flips": FlipConfig(rounds=1, sweeps=2, islands=1, clips=8, proposals=4),
}


def page(name: str) -> Path:
    """A page of the guide."""
    return ROOT / "evobin" / "docs" / f"{name}.md"


def blocks(text: str, kind: str = "") -> list[tuple[str, str]]:
    """Kind (python, toml, sh) and text of each block of code, or of those of one kind."""
    found: list[tuple[str, str]] = _BLOCK.findall(text)
    return [block for block in found if kind in ("", block[0])]


def commands(text: str) -> list[str]:
    """The lines of its sh blocks that call evobin."""
    lines = [line for _, block in blocks(text, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("evobin ")]


def write_toml(text: str) -> Path:
    """Writes a file that names itself in its first line."""
    path = Path(text.partition("\n")[0].removeprefix("# "))
    path.write_text(text)
    return path


def shorten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the quick effort take seconds, so that commands run word for word."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # starting processes takes longer than the rest
    monkeypatch.setitem(runs._BUDGETS, "quick", _BRIEF)


def run_all(text: str) -> None:
    """Runs all blocks in the current folder, each with the names of those before."""
    module = sys.modules["page"] = ModuleType("page")  # where pickle finds the page's classes
    names = vars(module)
    for kind, block in blocks(text):
        if kind == "python":
            with threadpool_limits(1):  # its threads wait for each other where others run too
                exec(block, names)
        elif kind == "toml":
            write_toml(block)
        elif kind == "sh":
            for line in commands(f"```sh\n{block}```"):
                assert main(shlex.split(line)[1:]) == 0, line
