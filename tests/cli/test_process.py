"""The command line as a process: interrupts, imports, and what it is connected to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest

from evobin.cli.main import main
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN, GOLDEN_RESULT, files_below, random_folder

STAGES = [
    "--ste.starts",
    "2",
    "--ste.epochs",
    "1",
    "--population.rounds",
    "0",
    "--flips.rounds",
    "1",
]
BUDGET = [*STAGES, "--n-jobs", "1", "--flips.clips", "4", "--no-report"]

AND = ", and `evobin resume run` goes on"
Capture = pytest.CaptureFixture[str]


def interrupt(*_args: Any, **_more: Any) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("evobin.commands.search.search", ["search"]),
        ("evobin.commands.polish.polish", ["polish", "r.txt"]),
        (
            "evobin.commands.evaluate.evaluate",
            ["evaluate", "r.txt", "--data", "a", "--features", "f"],
        ),
        ("evobin.commands.inspect.inspect", ["inspect", "r.txt", "--data", "a", "--features", "f"]),
        ("evobin.commands.diff.diff", ["diff", "a.txt", "b.txt"]),
        ("evobin.commands.predict.predict_each", ["predict", "r.txt", "a.npy"]),
        ("evobin.commands.features.write_features", ["features", "a.wav", "--out", "out"]),
        ("evobin.commands.voices.write_voices", ["voices", "out"]),
    ],
)
def test_an_interrupt_is_one_line_and_exit_130(
    name: str, argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(name, interrupt)
    assert main(argv) == 130
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"evobin: interrupted; \w.*\.\n", captured.err)


def test_a_command_works_in_a_thread(tmp_path: Path, capsys: Capture) -> None:
    with ThreadPoolExecutor(1) as threads:
        code = threads.submit(main, ["voices", str(tmp_path / "out"), "--speakers", "6"]).result()
    assert code == 0
    assert capsys.readouterr().out.endswith(f"clips in {tmp_path / 'out'}\n")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("commands.run.load_splits", "nothing was written yet"),
        ("drive.folded.Pretraining.take", f"run/result.txt is not there yet{AND}"),
        ("drive.folded.FlipSearch.take", f"run/result.txt holds the best so far{AND}"),
        ("commands.run.BinaryNetwork.load", f"run/result.txt holds the best so far{AND}"),
    ],
)
def test_an_interrupted_search_says_whether_there_is_a_result(
    place: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    samples = random_folder(tmp_path / "in")
    with monkeypatch.context() as patched:
        patched.setattr(f"evobin.{place}", interrupt)
        assert main(["search", *samples.options, "--out", "run", *BUDGET, "--quiet"]) == 130
    assert capsys.readouterr().err == f"evobin: interrupted; {told}.\n"
    assert Path("run/result.txt").exists() == ("holds" in told)
    if "holds" in told:
        assert len(BinaryNetwork.load("run/result.txt").signs) == SPEAKER_SEX.n_weights
    assert not [name for name in files_below(Path()) if ".tmp" in name or ".workers" in name]


def subprocess_of(argv: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | environment
    return subprocess.run(
        [sys.executable, *argv], capture_output=True, text=True, env=env, check=False, timeout=60
    )


def test_help_imports_no_part_of_the_engine() -> None:
    code = (
        "import sys\nfrom evobin.cli import main\n"
        "try:\n    main(['search', '--help'])\n"
        "except SystemExit:\n"
        "    heavy = {'numpy', 'numba', 'pandas', 'joblib', 'scipy', 'sklearn'}\n"
        "    print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess_of(["-c", code])
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_what_only_some_runs_need_is_not_imported_for_all() -> None:
    code = (
        "import sys, evobin.drive.maximize, evobin.commands.search, evobin.commands.features\n"
        "print(sorted({'cma', 'matplotlib', 'scipy.stats', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    assert subprocess_of(["-c", code]).stdout == "[]\n"


def test_predictions_of_features_wait_for_no_tables_and_no_templates() -> None:
    golden = Path(__file__).parents[1] / "golden"
    file = next((golden / "features").glob("*_t57.npy"))
    code = (
        "import sys\nfrom evobin.cli import main\n"
        "main(['predict', *sys.argv[1:]])\n"
        "print(sorted({'jinja2', 'matplotlib', 'pandas', 'pyarrow', 'sklearn'} & {*sys.modules}))"
    )
    done = subprocess_of(["-c", code, str(golden / "result.txt"), str(file)])
    assert done.stdout.splitlines()[0].startswith(str(file))
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("argv", [["--help"], ["search", "--help"], ["serch"]])
def test_a_terminal_without_unicode_gets_its_help_too(argv: list[str]) -> None:
    done = subprocess_of(["-m", "evobin", *argv], PYTHONIOENCODING="ascii")
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if "--help" in argv else 2)


def test_a_reader_that_stops_early_is_no_error() -> None:
    files = [str(path) for path in sorted((GOLDEN / "features").iterdir())]
    read, write = os.pipe()
    os.close(read)  # as `evobin predict ... | head -0`
    try:
        done = subprocess.run(
            [sys.executable, "-m", "evobin", "predict", str(GOLDEN_RESULT), *files],
            stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(write)
    assert "Traceback" not in done.stderr
    assert "BrokenPipeError" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_stdout_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "evobin", "predict", str(GOLDEN_RESULT),
             *map(str, sorted((GOLDEN / "features").iterdir()))],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "evobin: stdout cannot be written (No space left on device).\n"


def test_a_run_whose_lines_nobody_reads_ends_behind_its_step_and_can_be_resumed(
    tmp_path: Path,
) -> None:
    samples = random_folder(tmp_path / "in")
    argv = ["search", *samples.options, "--out", "run", *BUDGET, "--json"]
    read, write = os.pipe()
    os.close(read)  # as `evobin search --json ... | head -0`
    try:
        done = subprocess.run(
            [sys.executable, "-m", "evobin", *argv],
            stdout=write, stderr=subprocess.PIPE, text=True, check=False, timeout=60, cwd=tmp_path,
        )  # fmt: skip
    finally:
        os.close(write)
    assert done.returncode == 128 + signal.SIGPIPE
    first, last = done.stderr.splitlines()
    assert first == (
        "evobin: stdout cannot be written (Broken pipe); ending the step at hand and keeping all."
    )
    assert last == f"evobin: stopped; run/result.txt is not there yet{AND}."
    assert (tmp_path / "run" / "checkpoint").exists()
