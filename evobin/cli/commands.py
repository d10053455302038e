"""The commands, each a function whose arguments are its options and whose docstring is its help."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from evobin.config import (
    ClipsConfig,
    Effort,
    EvaluateConfig,
    Format,
    PolishConfig,
    SearchConfig,
    Zero,
)
from evobin.drive.interrupts import Interrupts
from evobin.network.architecture import Architecture
from evobin.network.presets import SPEAKER_SEX

if TYPE_CHECKING:  # `evobin --help` must not wait for numpy
    from evobin.core.stage import Observer
    from evobin.drive.recorder import Stop
    from evobin.results.run import RunResult

SIGNALS = Interrupts((signal.SIGINT, signal.SIGTERM), announce=True)

Shape = Annotated[
    Architecture,
    arg(
        name="architecture",
        help="Shape of a result file's network: the TOML file that it was searched with, or its "
        "run folder. By default the built-in one, for a speaker's sex. A model file has its own.",
    ),
]
Result = Annotated[
    Positional[Path], arg(metavar="RESULT", help="Model file, model.evobin, or result file.")
]
Quiet = Annotated[bool, arg(name="quiet", help="No progress on stderr.")]
Json = Annotated[bool, arg(name="json", help="Print one JSON object instead of tables.")]
Lines = Annotated[
    bool,
    arg(
        name="json",
        help="Print a JSON object a line on stdout instead of progress and figures: one a step, "
        "and at the end one with the figures and paths.",
    ),
]
Spent = Annotated[
    Effort,
    arg(
        name="effort",
        help="How much to spend: about 2, 6 or 30 minutes on two cores, for few samples or for "
        "many. It sets the defaults of all budgets below, as --effort EFFORT --help shows them.",
    ),
]


def search_command(
    config: Annotated[SearchConfig, arg(name="")],
    quiet: Quiet = False,
    lines: Lines = False,
    effort: Spent = "standard",
) -> None:
    """Find a network for labelled samples, from scratch.

    Trains latent weights straight through their signs, without each of some folds of the samples
    and with all of them. The folds say how good such a network is, and whether bit flips pay. The
    network of all samples is written to a run folder: result.txt, its signs, and model.evobin, with
    all that the other commands need. Without --data it does so on synthesised voices.
    With --ste.epochs 0 the flips begin with random signs, and no gradient is used.
    A stage with no epochs or rounds is left out.

    Example: evobin search --data train.tsv --features features --groups speakers.tsv --seed 1

    A table of numbers and words, one sample a row, and arrays X and y:

      evobin search --data table.csv --label species --hidden 64 32 --test-share 0.2
      evobin search --data arrays.npz --hidden 64

    With --architecture FILE it searches networks of another shape. Such a file, for 8 x 8 images as
    64 features, ten labels, and hidden layers of 256 and 128:

      inputs = 64             # features a frame
      frames = 1              # length of every sample; leave it out where lengths differ
      classes = 10            # labels are 0 to 9
      linear = [256, 128]     # hidden linear layers

    and one with convolutions over time, after which the maximum over all of time is taken:

      inputs = 40
      global = "max"          # or "none": the first linear layer takes all frames; set `frames`
      [[conv]]                # any number of such tables
      outputs = 64
      kernel = 9              # frames
      pool = 2                # frames of a max-pooling window, 1 to 4
    """
    from evobin.commands.search import search

    show(lambda observer, stop: search(config, observer, stop), quiet, lines)


def polish_command(
    result: Annotated[
        Result, arg(help="Model file or result file to start from; it is not changed.")
    ],
    config: Annotated[PolishConfig, arg(name="")],
    quiet: Quiet = False,
    lines: Lines = False,
    effort: Spent = "standard",
) -> None:
    """Improve an existing model file or result file.

    Trains on from the file's signs, then flips bits, where that pays on samples that folds hold
    out; what is written is not worse than the file on these, beyond noise.

    Example: evobin polish model.evobin --data train.tsv --features features --groups speakers.tsv

    Of a table, with the column of labels that the model was searched with:

      evobin polish model.evobin --data table.csv
    """
    from evobin.commands.polish import polish

    show(lambda observer, stop: polish(result, config, observer, stop), quiet, lines)


def show(run: Callable[[Observer, Stop], RunResult], quiet: bool, lines: bool) -> None:
    """Does a run, and shows it."""
    from rich.console import Console

    from evobin.report import JsonLines, ProgressDisplay, show_run

    if lines:
        printer = JsonLines(SIGNALS.lose_stdout)
        with SIGNALS:
            done = run(printer, SIGNALS.has_come)
        printer.end(done)
        return
    with ProgressDisplay(quiet=quiet) as display, SIGNALS:
        done = run(display, SIGNALS.has_come)
    show_run(Console(highlight=False), done)


def evaluate_command(
    result: Result,
    config: Annotated[EvaluateConfig, arg(name="")],
    as_json: Json = False,
) -> None:
    """Measure a model file or result file on labelled samples.

    Prints the accuracy with its Wilson 95% interval, the confusion table, and the accuracy by
    every further column of the groups file.

    Example: evobin evaluate model.evobin --data test.tsv --features features --groups speakers.tsv

    Of a table, with the column of labels that the model was searched with:

      evobin evaluate model.evobin --data other.csv
    """
    from rich.console import Console

    from evobin.commands.evaluate import evaluate
    from evobin.report import evaluation_json, show_evaluation

    evaluation = evaluate(result, config)
    if as_json:
        print(evaluation_json(evaluation))
    else:
        show_evaluation(Console(highlight=False), evaluation)


def inspect_command(
    result: Result,
    config: Annotated[ClipsConfig, arg(name="")],
    every_flip: Annotated[
        bool,
        arg(
            help="Try the single flips of all layers, not only of the last two, to see which "
            "predictions they turn over: minutes for 2,000 clips."
        ),
    ] = False,
    verbose: Annotated[bool, arg(help="Name channels and samples, not only count them.")] = False,
    as_json: Json = False,
) -> None:
    """Look into a model file or result file.

    Shows its layers, the share of +1 among their weights, and duplicate channels. With --data also
    how often channels are +1, dead and redundant ones, the distribution of margins, and how many
    predictions hang on one flip.

    Example: evobin inspect model.evobin --data test.tsv --features features
    """
    from rich.console import Console

    from evobin.commands.inspect import inspect
    from evobin.report import show_inspection, to_json

    inspection = inspect(result, config, every_flip=every_flip)
    if as_json:
        print(to_json(inspection.summary()))
    else:
        show_inspection(Console(highlight=False), inspection, verbose=verbose)


def diff_command(
    a: Annotated[Positional[Path], arg(metavar="A", help="Model file or result file.")],
    b: Annotated[Positional[Path], arg(metavar="B", help="Another one.")],
    config: Annotated[ClipsConfig, arg(name="")],
    as_json: Json = False,
) -> None:
    """Compare two model files or result files.

    Shows how many weights differ by layer, and channels that are only in another place. With --data
    also how often each is right, and samples on which the two disagree.

    Example: evobin diff model.evobin other.txt --data test.tsv --features features
    """
    from rich.console import Console

    from evobin.commands.diff import diff
    from evobin.report import show_difference, to_json

    difference = diff(a, b, config)
    if as_json:
        print(to_json(difference.summary()))
    else:
        show_difference(Console(highlight=False), difference)


def export_command(
    result: Result,
    format: Annotated[  # noqa: A002
        Format,
        arg(help="A PyTorch state dict, an ONNX model, or a C99 file that needs nothing else."),
    ],
    out: Annotated[Path, arg(help="File to write, a new one.")],
    architecture: Shape = SPEAKER_SEX,
) -> None:
    """Write a network for another program.

    The C file has `int predict(const float *x, int t)`, is C++ as well, and has a header beside it,
    network.h; what it takes on a device is printed. A model's encoder is part of C and ONNX
    exports, which take raw features and answer with the place of the class. The formats torch and
    onnx need the extras of those names: pip install 'evobin[onnx]'.

    Example: evobin export model.evobin --format c --out network.c
    """
    from evobin.commands.export import export_network

    written = export_network(result, format, out, architecture)
    print(f"network     {written.network}")
    if written.size is not None:
        size = written.size
        print(f"header      {written.header}")
        print(f"constant    {size.weights:,} bytes of weights, and about {size.code:,} of code")
        print(f"stack       about {size.stack:,} bytes, and no other memory")


def import_command(
    model: Annotated[
        Positional[Path],
        arg(metavar="MODEL", help="State dict or checkpoint of PyTorch, or safetensors."),
    ],
    out: Annotated[
        Path | None,
        arg(
            help="File to write, a new one: a model file where it ends in .evobin, else a result "
            "file; by default MODEL with the ending .txt."
        ),
    ] = None,
    architecture: Annotated[
        Architecture,
        arg(
            help="Shape of the network: a TOML file, or a run folder. By default the built-in one, "
            "for a speaker's sex."
        ),
    ] = SPEAKER_SEX,
    zero: Annotated[
        Zero,
        arg(help="What 0 counts as in the model, of weights and sums; refuse: no weight may be 0."),
    ] = "refuse",
    layers: Annotated[
        tuple[str, ...],
        arg(metavar="NAME...", help="The model's names of the layers, in the network's order."),
    ] = (),
) -> None:
    """Make a result or model file of a PyTorch or safetensors model, its weights cut by sign.

    Layers are found by the names conv1, conv2, ... and linear (linear1, linear2, ... where there
    are several), whatever stands before these. Those of other names are found by their shapes, and
    of one shape by the numbers in their names. Where that leaves a doubt, nothing is written, and
    --layers says it. Checkpoints are looked into. No code in the file is run.
    Files of PyTorch need the extra torch: pip install 'evobin[torch]'.

    Example: evobin import model.pt --out result.txt
    """
    from evobin.commands.import_ import import_network

    written = import_network(model, out, architecture, zero, layers)
    print(f"{'model' if written.suffix.lower() == '.evobin' else 'result':11} {written}")


def report_command(
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
    """Show a run on a page, or compare several: figures, plots, and their numbers.

    Writes one HTML file that needs nothing else, neither the network nor the samples, and shows of
    a run that is not finished what there is.

    Example: evobin report runs/search-20260101-120000
    """
    from evobin.report.page import write_report

    print(write_report(runs, out))
