"""Figures, tables and pages of networks of many classes."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from evobin.core.samples import Dataset, Samples
from evobin.errors import EvobinError
from evobin.network.analysis.firing import firing_rates
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.report import show_evaluation
from evobin.report.page import write_report
from evobin.results.evaluation import Evaluation
from evobin.runs import RunFolder
from tests.builders import cells
from tests.strategies import random_solution


def network_of(n_classes: int) -> BinaryNetwork:
    architecture = Architecture(5, (ConvBlock(9, 1),), n_classes, 1)
    return BinaryNetwork(architecture, random_solution(architecture, np.random.default_rng(0)))


def dataset_of(n_classes: int, seed: int) -> Dataset:
    """Three random vectors of each label; a column of the groups is called like one of ours."""
    n, rng = 3 * n_classes, np.random.default_rng(seed)
    groups = pd.DataFrame(
        {"speaker": [f"g{i}" for i in range(n)], "margin": ["a", "b", "c"] * n_classes}
    )
    samples = Samples.join([rng.normal(size=(1, 5)) for _ in range(n)])
    names = tuple(f"{seed}-{i}.npy" for i in range(n))
    return Dataset(names, samples, (np.arange(n) % n_classes).astype(np.int8), groups)


def shown(evaluation: Evaluation) -> str:
    text = io.StringIO()
    show_evaluation(Console(file=text, width=200), evaluation)
    return text.getvalue()


def run_of(path: Path, n_classes: int) -> Path:
    """A finished run, of a network that has learnt nothing."""
    network, parts, rates = network_of(n_classes), {}, {}
    for seed, name in enumerate(("train", "valid", "test")):
        dataset = dataset_of(n_classes, seed)
        parts[name] = Evaluation.of(network, dataset)
        rates[name] = firing_rates(network, dataset)
    with RunFolder.create(path) as folder:
        folder.write_config({"architecture": dataclasses.asdict(network.architecture)})
        folder.write_result(network.signs)
        folder.write_table(
            "clips.csv", pd.concat([part.table(name) for name, part in parts.items()])
        )
        folder.write_table("channels.csv", pd.concat(rates, names=["part"]).reset_index("part"))
        summary = {name: part.summary() | {"use": ""} for name, part in parts.items()}
        folder.write_summary({"note": "", "parts": summary})
    return path


@pytest.mark.parametrize("n_classes", [3, 12, 13, 100])
def test_figures_are_those_of_the_logits(n_classes: int) -> None:
    network, dataset = network_of(n_classes), dataset_of(n_classes, 0)
    found = Evaluation.of(network, dataset)
    logits, rows = network.logits(dataset.samples), np.arange(3 * n_classes)
    np.testing.assert_array_equal(found.logits, logits)
    assert found.n_classes == n_classes
    assert found.right == (logits.argmax(axis=1) == dataset.labels).sum()
    own = logits[rows, dataset.labels].copy()
    logits[rows, dataset.labels] = -99
    np.testing.assert_array_equal(found.margins, own - logits.max(axis=1))
    assert found.confusion.shape == (n_classes, n_classes)
    assert np.trace(found.confusion) == found.right == found.by_label["right"].sum()
    assert found.by_label["clips"].tolist() == [3] * n_classes


def test_a_confusion_too_wide_for_a_terminal_is_shown_by_its_mistakes() -> None:
    few, many = (Evaluation.of(network_of(n), dataset_of(n, 0)) for n in (12, 13))
    assert "samples by prediction" in shown(few)
    told = shown(many)
    assert "samples by prediction" not in told
    table = cells(told.split("most common mistakes")[1].split("by label")[0])
    wrong = [tuple(map(int, row)) for row in table[1:]]
    assert len(wrong) == 20
    assert [samples for *_, samples in wrong] == sorted(
        (samples for *_, samples in wrong), reverse=True
    )
    assert all(many.confusion.loc[label, answer] == samples for label, answer, samples in wrong)


@pytest.mark.parametrize(("n_classes", "heading"), [(3, "Confusion"), (13, "Mistakes")])
def test_a_page_shows_any_number_of_classes(tmp_path: Path, n_classes: int, heading: str) -> None:
    page = write_report([run_of(tmp_path / "run", n_classes)]).read_text()
    titles = re.findall(r"<h3[^>]*>(.*?)</h3>", page)
    assert {"Margin", "By label", heading, "By margin (groups)"} <= set(titles)
    assert ("Confusion" in titles) != ("Mistakes" in titles)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("clips.csv", ("logit_2", "logit_x"), r"clips\.csv: .*it has no column logit_2"),
        (
            "config.json",
            ('"n_classes": 3', '"n_classes": 4'),
            r"it has no column logit_3|3 by 3|4 by 4",
        ),
        (
            "config.json",
            ('"n_in": 5', '"n_in": 5.5'),
            r"config\.json: .*n_in must be a whole number",
        ),
        (
            "config.json",
            ('"n_in": 5', '"n_in": 6'),
            r"result\.txt: expected 93 lines, found 84; the file",
        ),
        (
            "channels.csv",
            ("train,2,", "train,3,"),
            r"channels\.csv: .*label must be a whole number fro",
        ),
    ],
)
def test_a_run_that_was_edited_is_refused(
    tmp_path: Path, name: str, change: tuple[str, str], told: str
) -> None:
    path = run_of(tmp_path / "run", 3)
    (path / name).write_text((path / name).read_text().replace(*change))
    with pytest.raises(EvobinError, match=told):
        write_report([path])
