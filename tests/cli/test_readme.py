"""The README's commands are those that are run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_the_readme_has_one_command_to_search_and_one_to_test() -> None:
    search, test = COMMANDS
    assert search.endswith(".venv/bin/evobin search --effort quick")
    assert test.endswith(".venv/bin/python -m tests")


def test_ci_runs_the_readmes_test_command_word_for_word() -> None:
    assert COMMANDS[1] in (ROOT / ".ci" / "run").read_text().splitlines()
