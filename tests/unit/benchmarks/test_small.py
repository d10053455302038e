"""The benchmark of small networks: cells that are kept, the tables and the plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.benchmarks import small, small_data, small_table
from tests.benchmarks.small_rows import ROWS, Row
from tests.benchmarks.small_tasks import Fitted, Task, chosen, of_signs

LIMITED = "5,000 samples and more, under 95% right"


def blobs(name: str, fold: int) -> small_data.Split:
    """Two classes that one feature tells apart."""
    rng = np.random.default_rng(fold)
    samples, labels = rng.normal(size=(90, 2)).astype(np.float32), np.arange(90) % 2
    samples[:, 0] += 20 * labels
    return small_data.Split(samples[:60], labels[:60], samples[60:], labels[60:])


@pytest.fixture(autouse=True)
def _blobs_for_all_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_data, "load", blobs)
    small._split.cache_clear()


def fake(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[Task]:
    """Rows that predict 0, but for "default", which is right; the tasks that they were given."""
    tasks: list[Task] = []

    def fit(task: Task) -> Fitted:
        tasks.append(task)
        return Fitted(lambda x: np.zeros(len(x)), task.n_bytes)

    def fit_well(task: Task) -> Fitted:
        return Fitted(lambda x: x[:, 0] > 10, task.n_bytes, {"starts": 3}, takes_features=True)

    small._warm_up.cache_clear()
    for name in ROWS:
        row = Row(name, fit_well if name == "default" else fit, **changes)
        monkeypatch.setitem(ROWS, name, row)
    return tasks


def cell(fold: int, row: str, test: float, **changes: Any) -> small_table.Cell:
    kept = {
        "data": "letter",
        "hidden": "32",
        "fold": fold,
        "row": row,
        "seconds": 20.0,
        "train": 0.9,
        "test": test,
        "fit_seconds": 20.5,
        "bytes": 560,
        "samples": 18_000,
    }
    return kept | changes


def test_finished_cells_are_kept_and_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = fake(monkeypatch)
    asked = ["--data", "digits", "--hidden", "4", "--rows", "training", "default", "--seconds", "1"]
    small.main([str(tmp_path), *asked, "--folds", "0"])
    first = len(tasks)
    small.main([str(tmp_path), *asked, "--folds", "0", "1"])
    assert len(tasks) == first + 1
    assert (tasks[-1].seed, tasks[-1].hidden, tasks[-1].seconds) == (1, (4,), 1.0)
    kept = json.loads((tmp_path / "digits-h4-fold0-default.json").read_text())
    assert (kept["train"], kept["bytes"], kept["samples"]) == (1.0, 9, 60)
    assert kept["settings"] == {"starts": 3}
    assert "numpy" in kept["versions"]
    shown = capsys.readouterr().out
    assert "1 of 2: digits, 4 hidden, fold 1, training" in shown
    assert "-100.0%" in shown


def test_a_folder_has_cells_of_equal_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch)
    asked = [str(tmp_path), "--data", "digits", "--hidden", "4", "--folds", "0", "--rows", "bop"]
    small.main([*asked, "--seconds", "1"])
    with pytest.raises(SystemExit, match="has cells of 1 s, not of 2 s; name another folder"):
        small.main([*asked, "--seconds", "2"])


def test_a_row_without_its_package_is_left_out_unless_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, needs="no_such_package", install="no-such-package")
    asked = [str(tmp_path), "--data", "digits", "--hidden", "4", "--folds", "0"]
    small.main(asked)
    told = capsys.readouterr()
    assert "left out: bop: no_such_package is not installed; pip install" in told.err
    assert small_table.NONE in told.out
    with pytest.raises(SystemExit, match="pip install no-such-package"):
        small.main([*asked, "--rows", "bop"])


def test_a_cell_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch)

    def fail(task: Task) -> Fitted:
        raise MemoryError("too large")

    monkeypatch.setitem(ROWS, "bop", Row("bop", fail))
    asked = ["--data", "digits", "--hidden", "4", "--folds", "0", "--rows", "bop", "default"]
    small.main([str(tmp_path), *asked])
    assert "digits-h4-fold0-bop failed: MemoryError('too large')" in capsys.readouterr().out
    assert [path.stem for path in tmp_path.iterdir()] == ["digits-h4-fold0-default"]


def test_a_row_without_a_width_is_run_once_a_fold() -> None:
    asked = small._parser().parse_args(["OUT", "--rows", "logistic", "training", "--quick"])
    cells = list(small.selected(asked))
    assert sum(cell.row == "training" for cell in cells) == 24
    logistic = [cell for cell in cells if cell.row == "logistic"]
    assert len(logistic) == 12
    assert {cell.hidden for cell in logistic} == {"any"}


def test_rows_are_paired_by_fold_with_training_alone() -> None:
    cells = [cell(fold, "training", test) for fold, test in enumerate((0.70, 0.72, 0.74))]
    cells += [cell(fold, "default", test) for fold, test in enumerate((0.73, 0.75, 0.78))]
    cells += [cell(0, "bop", 0.65)]
    cells += [cell(0, "logistic", 0.69, hidden="any", bytes=11_752)]
    (table,) = small_table.errors(cells)
    assert table["bytes"] == 560
    assert table["of training right"] == "90.0%"
    assert table["training alone, restarts"] == "28.00"
    assert table["default"] == "24.67 (-3.33 ± 0.33)"
    assert table["Bop, PyTorch"] == "35.00 (+5.00)"
    assert table["logistic regression, float"] == "31.00 (+1.00)"
    default, bop, logistic = small_table.changes(cells)
    assert default["all"] == default[LIMITED] == "-11.9%; 1 better, 0 worse of 1"
    assert bop["all"] == "+16.7%; 0 better, 0 worse of 1"
    assert (logistic["row"], logistic["bytes against"]) == ("logistic regression, float", "21")


def test_only_large_sets_that_the_base_cannot_learn_count_as_limited_by_the_network() -> None:
    few = {"data": "segment", "samples": 2_079}
    known = {"data": "magic", "train": 0.97}
    cells = [
        cell(fold, row, test + fold / 100, **changes)
        for changes in ({}, few, known)
        for fold in (0, 1)
        for row, test in (("training", 0.8), ("default", 0.9))
    ]
    (line,) = small_table.changes(cells)
    assert line["all"].endswith("of 3")
    assert line[LIMITED].endswith("of 1")


def test_tables_are_markdown() -> None:
    shown = small_table.text([cell(0, "bop", 0.65)])
    assert shown.splitlines()[2:5] == [
        "| data | hidden | samples | bytes | of training right | Bop, PyTorch |",
        "| --- | --- | --- | --- | --- | --- |",
        "| letter | 32 | 18000 | 560 |  | 35.00 |",
    ]
    assert "Relative change" not in shown


def test_the_plot_has_a_panel_a_data_set(tmp_path: Path) -> None:
    cells = [
        cell(fold, row, 0.7 + n_bytes / 1e4, data=data, hidden=hidden, bytes=n_bytes)
        for data in ("letter", "magic", "digits", "segment", "texture")
        for fold in (0, 1)
        for row in ("training", "trees")
        for hidden, n_bytes in (("8", 140), ("32", 560))
    ]
    small_table.plot(cells, tmp_path / "small.png")
    assert (tmp_path / "small.png").read_bytes().startswith(b"\x89PNG")


def test_settings_are_chosen_on_training_samples_alone() -> None:
    task = Task(blobs("", 0), (4,), 8.0, 0)
    given: list[Task] = []

    def fit(task: Task, column: int) -> Fitted:
        given.append(task)
        return Fitted(lambda x: x[:, column] > 0, 0)

    assert chosen(task, [{"column": 10}, {"column": 4}], fit, 0.5) == {"column": 4}
    assert [part.seconds for part in given] == [2.0, 2.0]
    assert len(given[0].split.labels) + len(given[0].split.test_labels) == 60


def test_signs_are_judged_as_the_network_that_they_are() -> None:
    task = Task(blobs("", 0), (3,), 1.0, 0)
    solution = np.random.default_rng(0).choice(np.array([-1, 1]), task.architecture.n_weights)
    hidden, bias, last = solution[:42].reshape(3, 14), solution[42:45], solution[45:]
    expected = []
    parts = zip(task.split.inputs, (task.split.labels, task.split.test_labels), strict=True)
    for inputs, labels in parts:
        signs = np.where(inputs @ hidden.T + bias > 0, 1, -1)
        expected.append(np.mean((signs @ last[:3] + last[3] > 0) == (labels == 1)))
    assert of_signs(task, solution, {}).accuracies(task.split) == tuple(expected)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.filterwarnings("ignore:failed to import torchlogix_cuda")
def test_each_row_runs(name: str) -> None:
    if not ROWS[name].is_installed:
        pytest.skip(f"{ROWS[name].needs} is not installed")
    ROWS[name].warm_up()
