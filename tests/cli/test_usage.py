"""Wrong usage, and what the shell completes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from evobin.cli.main import COMMANDS, main
from evobin.cli.usage import options

Capture = pytest.CaptureFixture[str]
LISTED = ", ".join(COMMANDS)


def refusal(capsys: Capture, *argv: str) -> str:
    with pytest.raises(SystemExit, match="2"):
        main(argv)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_the_version_is_that_of_the_package(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"evobin {version('evobin')}\n"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("serach",), "there is no command `serach`; did you mean `search`?"),
        (("predicts", "r.txt"), "there is no command `predicts`; did you mean `predict`?"),
        (("qqq",), f"there is no command `qqq`; commands are {LISTED}."),
        ((), f"a command comes first, one of {LISTED}; `evobin --help` says what each does."),
        (("",), f"a command comes first, one of {LISTED}; `evobin --help` says what each does."),
        (
            ("--seed", "1", "search"),
            f"a command comes first, one of {LISTED}; `evobin --help` says what each does.",
        ),
        (
            ("search", "--epochs", "3"),
            "search has no option `--epochs`; did you mean `--ste.epochs` or "
            "`--population.epochs`?",
        ),
        (("search", "--ste.epoch=3"), "search has no option `--ste.epoch`; did you mean `--ste.ep"),
        (("evaluate", "r.txt", "--dat", "a"), "evaluate has no option `--dat`; did you mean `--d"),
        (("voices", "--zz"), "voices has no option `--zz`; `evobin voices --help` lists all."),
    ],
)
def test_an_unknown_word_is_one_line_that_says_what_was_meant(
    argv: tuple[str, ...], told: str, capsys: Capture
) -> None:
    err = refusal(capsys, *argv)
    assert err.startswith(f"evobin: {told}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("evaluate", "r.txt"), "--data"),
        (("search", "--seed", "one"), "--seed"),
        (("predict",), "RESULT"),
        (("search", "extra"), "extra"),
        (("completion", "tcsh"), "tcsh"),
    ],
)
def test_other_wrong_usage_names_what_it_is_about(
    argv: tuple[str, ...], named: str, capsys: Capture
) -> None:
    assert named in refusal(capsys, *argv)


def test_a_command_that_is_read_twice_runs_once(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    calls: list[Any] = []

    def count(number: int) -> None:
        """Counts."""
        calls.append(number)

    monkeypatch.setitem(COMMANDS, "count", count)
    assert main(["count", "--number", "3"]) == 0
    assert calls == [3]
    refusal(capsys, "count", "--number", "x")
    assert calls == [3]


def test_the_options_of_a_command_come_with_the_values_that_they_may_have() -> None:
    found = options(COMMANDS["search"], "search")
    assert found["--effort"] == ("quick", "standard", "thorough")
    assert found["--population.moves"][:2] == ("mean", "vote")  # type: ignore[index]
    assert found["--data"] == ()
    assert found["--quiet"] is found["--no-quiet"] is found["--help"] is None
    assert not [flag for flag in found if flag.startswith("--tyro")]


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "evobin.bash"
    made = subprocess.run(
        [sys.executable, "-m", "evobin", "completion", "bash"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    path.write_text(made.stdout)
    return path


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["sea"], ["search"]),
        (["search", "--se"], ["--seed"]),
        (["search", "--ste.ep"], ["--ste.epochs"]),
        (["polish", "r.txt", "--backend", "d"], ["dask"]),
        (["search", "--effort", "=", "q"], ["quick"]),
        (["search", "--effort", "="], ["quick", "standard", "thorough"]),
        (["predict", "r.txt", "a"], []),
        (["search", "--data", ""], []),
    ],
)
def test_bash_completes_commands_options_and_values_and_leaves_files_to_itself(
    words: list[str], completed: list[str], bash_script: Path
) -> None:
    code = (
        'source "$1"; shift; COMP_WORDS=(evobin "$@"); COMP_CWORD=$#; _evobin; '
        'printf "%s\\n" "${COMPREPLY[@]}"; complete -p evobin'
    )
    argv = ["bash", "-c", code, "bash", str(bash_script), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20)
    *shown, registered = done.stdout.splitlines()
    assert [line for line in shown if line] == completed
    assert registered == "complete -o bashdefault -o default -F _evobin evobin"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_of_other_shells_name_every_command_and_option(shell: str, capsys: Capture) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert name in out
    prefix = "-l " if shell == "fish" else "--"
    assert f"{prefix}population.moves" in out
    assert (shell == "zsh") == ("bashcompinit" in out)
    assert os.linesep + os.linesep not in out
