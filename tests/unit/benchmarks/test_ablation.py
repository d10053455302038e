"""The table of the ablation: what is paired with what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import evobin
from tests.benchmarks import ablation


def keep(out: Path, number: int, fold: int, accuracy: float, **more: float) -> None:
    cell = {"accuracy": accuracy, "valid": 0.9, "core_seconds": 120.0, "clips": 100} | more
    ablation.cell_file(out, number, fold).write_text(json.dumps(cell))


def test_rows_are_compared_fold_by_fold_with_the_first_or_with_their_start(tmp_path: Path) -> None:
    for fold, accuracy in enumerate((0.9, 0.94, 0.98)):
        keep(tmp_path, 1, fold, accuracy)
    keep(tmp_path, 4, 0, 0.92)
    keep(tmp_path, 4, 2, 0.98)
    keep(tmp_path, 8, 1, 0.95, start=0.85)
    keep(tmp_path, 8, 2, 0.91, start=0.85)
    keep(tmp_path, 9, 2, 0.97, start=0.98)
    keep(tmp_path, 10, 1, 0.97)
    keep(tmp_path, 10, 3, 0.87)
    table = ablation.table(tmp_path).set_index("row")
    first, fourth, eighth, ninth, tenth = (table.iloc[i] for i in range(5))
    assert first["accuracy"] == "94.00 ± 2.31"
    assert (first["pairs"], first["difference"], first["errors"]) == ("", "", "")
    assert (fourth["folds"], fourth["accuracy"]) == (2, "95.00 ± 3.00")
    assert fourth["difference"] == "1.00 ± 1.00"
    assert fourth["errors"] == "-17%"  # of 0.1 and 0.02, 0.02 are mended
    assert (eighth["against"], eighth["difference"], eighth["errors"]) == (
        "its start",
        "8.00 ± 2.00",
        "-53%",
    )
    assert (ninth["difference"], ninth["errors"]) == ("-1.00", "+50%")
    assert ninth["core minutes"] == "2.0"
    assert (tenth["folds"], tenth["against"], tenth["pairs"]) == (2, "row 1", 1)
    assert (tenth["difference"], tenth["errors"]) == ("3.00", "-50%")


def test_without_cells_the_table_is_empty(tmp_path: Path) -> None:
    assert ablation.table(tmp_path).empty


@pytest.mark.skipif(not ablation.VOICES.exists(), reason="the real voices are not on this machine")
def test_folds_part_the_speakers_and_hold_every_sample_once(tmp_path: Path) -> None:
    held = []
    for fold in range(ablation.FOLDS):
        folder = ablation.fold_folder(tmp_path, fold)
        rest, mine = ((folder / name).read_text().splitlines() for name in ("rest.tsv", "fold.tsv"))
        assert not set(rest) & set(mine)
        held += mine
    whole = (ablation.VOICES / "train.tsv").read_text().splitlines()
    assert sorted(held) == sorted(whole)
    speakers = dict(
        line.split("\t")[:2] for line in (ablation.VOICES / "speakers.tsv").read_text().splitlines()
    )
    parts: dict[str, set[int]] = {}
    for fold in range(ablation.FOLDS):
        for line in (tmp_path / f"fold{fold}" / "fold.tsv").read_text().splitlines():
            parts.setdefault(speakers[line.split("\t")[0]], set()).add(fold)
    assert all(len(folds) == 1 for folds in parts.values())


@pytest.mark.slow
@pytest.mark.skipif(not ablation.VOICES.exists(), reason="the real voices are not on this machine")
def test_a_row_that_goes_on_from_the_shared_training_ends_as_a_whole_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = evobin.SteConfig(starts=2, epochs=2)
    stages: dict[str, Any] = {
        "population": evobin.PopulationConfig(rounds=1, epochs=1),
        "flips": evobin.FlipConfig(rounds=1, clips=64, proposals=20),
    }
    monkeypatch.setattr(ablation, "FOUR_STARTS", short)
    data = ablation.fold_folder(tmp_path, 0)
    assert ablation.training(data) > 0
    continued = ablation.continued(**stages)(data, tmp_path / "continued")
    whole = ablation.searched(ste=short, **stages)(data, tmp_path / "whole")
    assert continued.result.read_bytes() == whole.result.read_bytes()
    same = [run.folder / "clips.csv" for run in (continued, whole)]
    assert same[0].read_bytes() == same[1].read_bytes()
