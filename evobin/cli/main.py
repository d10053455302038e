"""Runs one command; `usage` reads which one is asked for."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated, get_args

from tyro.conf import Positional, arg

from evobin.cli import commands, predictions, recordings, resuming, solving, usage
from evobin.cli.completion import Shell, script
from evobin.config import Effort, PolishConfig, SearchConfig
from evobin.drive.interrupts import drop_stdout
from evobin.errors import AlreadyTold, EvobinError, SettingError, Stopped

DESCRIPTION = """Search binary networks: every weight directly in {-1, +1}.

First steps:
  evobin search                                     on synthesised voices
  evobin search --data table.csv --label COLUMN     on the rows of a table
  evobin search --data train.tsv --features DIR     on feature files
  evobin solve FILE                                 a cut, a QUBO, MaxSAT, or your own function
  evobin COMMAND --help                             every option of a command, and an example"""


def _completion(
    shell: Annotated[Positional[Shell], arg(metavar="bash|zsh|fish", help="Which shell.")],
) -> None:
    """Print a script that has the shell complete commands and options.

    Put `eval "$(evobin completion bash)"` into ~/.bashrc, the same with zsh into ~/.zshrc, or
    `evobin completion fish | source` into ~/.config/fish/config.fish.

    Example: evobin completion bash
    """
    print(script(shell, {name: usage.options(COMMANDS[name], name) for name in COMMANDS}))


COMMANDS: dict[str, Callable[..., None]] = {
    "search": commands.search_command,
    "polish": commands.polish_command,
    "solve": solving.solve_command,
    "resume": resuming.resume_command,
    "evaluate": commands.evaluate_command,
    "inspect": commands.inspect_command,
    "diff": commands.diff_command,
    "predict": predictions.predict_command,
    "export": commands.export_command,
    "import": commands.import_command,
    "features": recordings.features_command,
    "report": commands.report_command,
    "voices": recordings.voices_command,
    "completion": _completion,
}


def _commands(argv: Sequence[str]) -> dict[str, Callable[..., None]]:
    """The commands, with the budgets of the effort that is asked for as their defaults."""
    words = [piece for word in argv for piece in word.split("=", 1)]
    asked = [word for flag, word in pairwise(words) if flag == "--effort"]
    effort: Effort = next((effort for effort in get_args(Effort) if effort in asked), "standard")
    return COMMANDS | {
        "search": usage.with_defaults(commands.search_command, config=SearchConfig.of(effort)),
        "polish": usage.with_defaults(commands.polish_command, config=PolishConfig.of(effort)),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command, of `argv` or the arguments of the process.

    Returns:
        0 if all went well, 1 on a problem that the user can fix, 2 on a setting out of range; when
        interrupted, 130 (SIGINT), 143 (SIGTERM) or 141 (stdout cannot be written).

    Raises:
        SystemExit: with 2 on wrong usage, with 0 after --help.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without box characters
    argv = sys.argv[1:] if argv is None else argv
    try:
        with commands.SIGNALS.at_once():
            usage.read(_commands(argv), DESCRIPTION, argv)()
            sys.stdout.flush()
    except AlreadyTold:
        return 1
    except (EvobinError, SettingError) as error:
        print(f"evobin: {error}", file=sys.stderr)
        return 1 if isinstance(error, EvobinError) else 2
    except BrokenPipeError:  # as in `evobin predict ... | head`: nobody reads on
        drop_stdout()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        drop_stdout()  # files are written whole or not at all, with a message of their own
        print(f"evobin: stdout cannot be written ({error.strerror}).", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Stopped) as end:
        how = "stopped" if isinstance(end, Stopped) else "interrupted"
        what_is_left = str(end) or "the command did not finish"
        print(f"evobin: {how}; {what_is_left}.", file=sys.stderr)
        return 128 + commands.SIGNALS.number
    return 0
