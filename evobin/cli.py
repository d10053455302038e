"""The command line; the only module that knows the CLI library."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro
from tyro.conf import Positional, arg
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from evobin.config import Effort, EvaluateConfig, ExecutionConfig, PolishConfig, SearchConfig
from evobin.errors import EvobinError, SettingError, Stopped

DESCRIPTION = """Search binary networks: every weight directly in {-1, +1}.

First steps:
  evobin search                                     on synthesised voices
  evobin search --data train.tsv --features DIR     on clips of your own
  evobin COMMAND --help                             every option of a command"""

Result = Annotated[Positional[Path], arg(metavar="RESULT")]
Quiet = Annotated[bool, arg(name="quiet", help="No progress on stderr.")]
Spent = Annotated[
    Effort,
    arg(
        name="effort",
        help="How much to spend: about 3, 15 or 60 minutes on two cores for 2,000 clips. It sets "
        "the defaults of all budgets below, as --effort EFFORT --help shows them.",
    ),
]


def _search(
    config: Annotated[SearchConfig, arg(name="")],
    quiet: Quiet = False,
    effort: Spent = "standard",
) -> None:
    """Find a network for labelled clips, from scratch.

    Trains latent weights straight through their signs, refines them as a population of relatives
    and by bit flips, and writes the candidate with the best validation accuracy to a run folder.
    Without --data it does so on synthesised voices. A stage with no epochs or rounds is left out.

    Example: evobin search --data train.tsv --features features --groups speakers.tsv --seed 1
    """
    from evobin.pipeline import search

    _show(lambda observer, stop: search(config, observer, stop), quiet)


def _polish(
    result: Annotated[Result, arg(help="Result file to start from; it is not changed.")],
    config: Annotated[PolishConfig, arg(name="")],
    quiet: Quiet = False,
    effort: Spent = "standard",
) -> None:
    """Improve an existing result file.

    Trains on from the file's signs, refines a population of its relatives, then flips bits; what
    is written is never worse than the file by validation score.

    Example: evobin polish result.txt --data train.tsv --features features --groups speakers.tsv
    """
    from evobin.pipeline import polish

    _show(lambda observer, stop: polish(result, config, observer, stop), quiet)


def _resume(
    run: Annotated[Positional[Path], arg(metavar="RUN", help="Run folder.")],
    execution: Annotated[ExecutionConfig, arg(name="")],
    quiet: Quiet = False,
) -> None:
    """Go on with a search or polish that was interrupted or killed.

    It goes on from the last checkpoint in its run folder, with the settings that it began with, and
    ends with the same bytes as if it had never been interrupted. The workers may be others.

    Example: evobin resume runs/search-20260101-120000
    """
    from evobin.pipeline import resume

    _show(lambda observer, stop: resume(run, execution, observer, stop), quiet)


def _show(run: Callable[[Any, Callable[[], bool]], Any], quiet: bool) -> None:
    from rich.console import Console

    from evobin.pipeline.training import USES
    from evobin.report import ProgressDisplay, show_run

    with ProgressDisplay(quiet=quiet) as display, SIGNALS:
        done = run(display, SIGNALS.came)
    show_run(Console(highlight=False), done, USES)


class _Signals:
    """Lets the step at hand end behind the first Ctrl-C or SIGTERM; a second one ends at once."""

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        self._came = False

    def __enter__(self) -> None:
        self._came = False
        self._before = {
            number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def came(self) -> bool:
        """Whether one came."""
        return self._came

    def _hear(self, number: int, _frame: object) -> None:
        self.number = number
        if self._came:
            raise KeyboardInterrupt
        self._came = True
        print(
            "\nevobin: ending the step at hand and keeping all; once more ends at once.",
            file=sys.stderr,
        )


SIGNALS = _Signals()


def _evaluate(
    result: Annotated[Result, arg(help="Result file.")],
    config: Annotated[EvaluateConfig, arg(name="")],
) -> None:
    """Measure a result file on labelled clips.

    Prints the accuracy with its Wilson 95% interval, the confusion table, and the accuracy by
    every further column of the groups file.

    Example: evobin evaluate result.txt --data test.tsv --features features --groups speakers.tsv
    """
    from rich.console import Console

    from evobin.pipeline import evaluate
    from evobin.report import show_evaluation

    show_evaluation(Console(highlight=False), evaluate(result, config))


def _predict(
    result: Annotated[Result, arg(help="Result file.")],
    files: Annotated[
        Positional[tuple[Path, ...]], arg(metavar="FILE...", help="Feature files, .npy, [t, 64].")
    ],
) -> None:
    """Answer feature files: prints `file<TAB>label<TAB>logit`, one a line.

    Example: evobin predict result.txt features/*.npy
    """
    from evobin.pipeline import predict

    for answer in predict(result, files):
        print(f"{answer.file}\t{answer.label}\t{answer.logit}")


def _report(
    runs: Annotated[
        Positional[tuple[Path, ...]], arg(metavar="RUN...", help="Run folders, finished or not.")
    ],
    out: Annotated[
        Path | None,
        arg(
            name="out",
            help="The page; by default report.html in the run folder or, of several runs, in the "
            "current one. An earlier report is replaced.",
        ),
    ] = None,
) -> None:
    """Show a run on a page, or compare several: figures, plots, the numbers behind them.

    Writes one HTML file that needs nothing else, neither the network nor the clips, and shows of a
    run that is not finished what there is.

    Example: evobin report runs/search-20260101-120000
    """
    from evobin.report.page import write_report

    print(write_report(runs, out))


def _voices(
    out: Annotated[Positional[Path], arg(metavar="OUT", help="Folder, new or empty.")],
    seed: Annotated[int, arg(help="The same seed gives the same files.")] = 0,
) -> None:
    """Write the synthesised voices as files, to see the format.

    Makes train.tsv, valid.tsv, test.tsv, speakers.tsv and features/*.npy.

    Example: evobin voices voices
    """
    from evobin.pipeline import write_voices

    voices = write_voices(out, seed)
    print(f"{len(voices.names)} clips in {out}")


COMMANDS: dict[str, Callable[..., None]] = {
    "search": _search,
    "polish": _polish,
    "resume": _resume,
    "evaluate": _evaluate,
    "predict": _predict,
    "report": _report,
    "voices": _voices,
}


def _commands(argv: Sequence[str]) -> dict[str, Callable[..., None]]:
    """The commands, with the budgets of the effort that is asked for as their defaults."""
    words = [part for word in argv for part in word.split("=", 1)]
    asked = [word for flag, word in pairwise(words) if flag == "--effort"]
    efforts: list[Effort] = [effort for effort in get_args(Effort) if effort in asked]
    effort: Effort = efforts[0] if efforts else "standard"
    return COMMANDS | {
        "search": partial(_search, config=SearchConfig.of(effort)),
        "polish": partial(_polish, config=PolishConfig.of(effort)),
    }


INTERRUPTED = "evobin: interrupted; the command did not finish."


METAVARS = {Path: "PATH", float: "FLOAT", str: "ADDRESS"}


def _registry() -> ConstructorRegistry:
    """Shows what is optional as PATH, not as {None}|PATH: leaving it out is how to say None."""
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        kinds: dict[Any, type] = {
            Path | None: Path,
            float | None: float,
            str | None: str,
        }
        kind = kinds.get(info.type)
        if kind is None:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=METAVARS[kind],
            instance_from_str=lambda given: kind(given[0]),
            is_instance=lambda value: value is None or isinstance(value, kind),
            str_from_instance=lambda value: [str(value)],
        )

    return registry


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: arguments behind the program's name; by default those of the process.

    Returns:
        0 if all went well, 1 on a problem that the user can fix, 2 on a setting out of range, 130
        (SIGINT) or 143 (SIGTERM)
        when interrupted.

    Raises:
        SystemExit: with 2 on wrong usage, with 0 behind --help.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without box characters
    try:
        tyro.extras.subcommand_cli_from_dict(
            _commands(sys.argv[1:] if argv is None else argv),
            prog="evobin",
            description=DESCRIPTION,
            args=argv,
            registry=_registry(),
        )
        sys.stdout.flush()
    except EvobinError as error:
        print(f"evobin: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as in `evobin predict ... | head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except SettingError as error:
        print(f"evobin: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(
            f"evobin: interrupted; {interrupt}." if str(interrupt) else INTERRUPTED, file=sys.stderr
        )
        return 128 + SIGNALS.number
    except Stopped as stopped:
        print(f"evobin: stopped; {stopped}.", file=sys.stderr)
        return 128 + SIGNALS.number
    return 0
