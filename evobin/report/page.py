"""A run, or several beside each other, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from evobin import files
from evobin.errors import EvobinError
from evobin.report.blocks import Section
from evobin.report.comparison import comparison_of
from evobin.report.reading import Run, read_run
from evobin.report.sections import sections_of
from evobin.report.tables import names_of

REPORT = "report.html"  # the page's name, in the run folder or, of several runs, in the current one
MARK = "<!doctype html>\n<!-- evobin report -->\n"
"""How a page begins; what begins in another way is not replaced."""


def write_report(runs: Sequence[str | Path], out: str | Path | None = None) -> Path:
    """Writes what there is to see of a run, or of several beside each other, as one HTML file.

    It shows light and dark, on a wide screen, on a phone and on paper, and loads nothing. It needs
    the run folders only, not the samples; of a run that is not finished it shows what there is. The
    same folders give the same bytes.

    Args:
        runs: run folders, at least one.
        out: the file; by default report.html in the run folder or, of several runs, in the current
            folder. An earlier report is replaced, nothing else is.

    Returns:
        The file.

    Raises:
        EvobinError: if there is no run, a folder holds none or a damaged one, or the file is
            something else already or cannot be written.
    """
    if not runs:
        raise EvobinError("report: no run is named; name at least one run folder.")
    path = Path(out) if out is not None else Path(runs[0] if len(runs) == 1 else "") / REPORT
    _check_replaceable(path)
    files.write_text(path, page_of([read_run(Path(run)) for run in runs]))
    return path


def _check_replaceable(path: Path) -> None:
    if not path.is_file():  # writing will say what is wrong, if anything is
        return
    with files.writing(path), path.open("rb") as file:
        if file.read(len(MARK)) != MARK.encode():
            raise EvobinError(f"{path}: exists and is no report; name another file with --out.")


def page_of(runs: Sequence[Run]) -> str:
    """The page, of at least one run."""
    names = names_of(runs)
    chapters: list[tuple[str, list[Section]]] = []
    if len(runs) > 1:
        compared = comparison_of(dict(zip(names, runs, strict=True)))
        chapters.append((f"{len(runs)} runs", [compared]))
    for number, (name, run) in enumerate(zip(names, runs, strict=True), 1):
        prefix = f"run{number}-" if len(runs) > 1 else ""
        chapters.append((f"Run {name}", sections_of(run, prefix)))
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    text = resources.files("evobin.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    return MARK + environment.from_string(text).render(chapters=chapters)
