"""The guide: every link leads somewhere, every line is understood, every name exists."""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

import evobin
from evobin.cli import usage
from evobin.cli.main import COMMANDS
from tests.builders import files_below
from tests.cli.pages import (
    GUIDE,
    MANUAL,
    PAGES,
    ROOT,
    blocks,
    commands,
    page,
    run_all,
    shorten,
    write_toml,
)

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--[a-z][\w.-]+")
NOT_OURS = {"--nthreads", "--no-nanny", "--version"}
"""Options of dask; and the one of evobin without a command."""
LINES = sorted({line for path in MANUAL for line in commands(path.read_text())})


@cache
def options(command: str) -> set[str]:
    return set(usage.options(COMMANDS[command], command))


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", CODE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in LINK.findall(CODE.sub("", path.read_text())):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.stem)
def test_a_page_that_ships_links_only_to_what_ships(path: Path) -> None:
    package = ROOT / "evobin"
    for link in LINK.findall(CODE.sub("", path.read_text())):
        file = link.partition("#")[0]
        assert (path.parent / file).resolve().is_relative_to(package), link


def test_the_index_lists_every_page() -> None:
    listed = set(LINK.findall(page("index").read_text()))
    assert {path.name for path in GUIDE} - {"index.md"} <= listed


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", [MANUAL[0], page("commands")], ids=lambda path: path.stem)
def test_every_command_is_in_the_table(path: Path, command: str) -> None:
    assert re.search(rf"^\| `evobin {command}[ `]", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _, text in blocks(page("networks").read_text(), "toml"):
        write_toml(text)
    argv = shlex.split(line)[1:]
    if "runs/digits" in argv[-1]:  # a run as the shape; its page is run as a whole
        argv[-1] = "digits.toml"
    assert callable(usage.read(COMMANDS, "", argv))


def test_every_option_that_is_mentioned_exists() -> None:
    known = set.union(NOT_OURS, *(options(command) for command in COMMANDS))
    for path in MANUAL:
        assert set(OPTION.findall(path.read_text())) <= known, path.name


@pytest.mark.parametrize("path", MANUAL, ids=lambda path: path.stem)
def test_every_python_block_is_python_of_names_that_exist(path: Path) -> None:
    text = path.read_text()
    for _, block in blocks(text, "python"):
        ast.parse(block)
    for name in set(re.findall(r"\bevobin\.([A-Za-z_]\w*)", text)):
        assert hasattr(evobin, name) or (ROOT / "evobin" / name).exists(), name


def test_the_first_steps_lead_from_recordings_to_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shorten(monkeypatch)
    (first, *_) = blocks(page("recordings").read_text(), "sh")
    run_all(f"```sh\n{first[1]}```")
    printed = capsys.readouterr().out.splitlines()
    labels = [row.split("\t")[1] for row in printed if row.startswith("recordings/")]
    assert set(labels) <= {"0", "1"}
    assert len(labels) == 2
    assert "result      runs/first/result.txt" in printed
    made = files_below(tmp_path)
    assert {"first.html", "network.c", "runs/first/report.html", "made/train.tsv"} <= set(made)
