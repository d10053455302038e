"""The peers of polish search what they say that they do."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evobin import SPEAKER_SEX, BinaryNetwork
from evobin.core.samples import Dataset, Samples

pytest.importorskip("torch", reason="the peers of polish are written in PyTorch")

from tests.benchmarks.peers import network


def noise(seed: int) -> Dataset:
    rng, names = np.random.default_rng(seed), tuple(f"{number}.npy" for number in range(8))
    samples = [rng.normal(-5, 3, (frames, 64)).astype(np.float32) for frames in range(196, 204)]
    speakers = pd.DataFrame({"speaker": names})
    return Dataset(names, Samples.join(samples), np.arange(8, dtype=np.int8) % 2, speakers)


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> network.Task:
    monkeypatch.setattr(network, "CROPS", 8)
    monkeypatch.setattr(network, "BOP_PILOT", 1)
    start = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), SPEAKER_SEX.n_weights)
    return network.Task(start, noise(1), noise(2))


def test_the_loss_is_the_cross_entropy_of_the_logits(task: network.Task) -> None:
    x, labels = task.crops(8, np.random.default_rng(3))
    z = BinaryNetwork(SPEAKER_SEX, task.start).logits(list(x.numpy())) / SPEAKER_SEX.n_hidden**0.5
    each = np.logaddexp(0, np.where(labels.numpy() == 1, -z, z))
    assert network.loss(task.start, x, labels) == pytest.approx(each.mean(), rel=1e-5)


@pytest.mark.parametrize("method", ["(1+1), PyTorch", "bop, PyTorch"])
def test_a_search_begins_with_the_start_and_keeps_to_signs(method: str, task: network.Task) -> None:
    first, *later = islice(network.METHODS[method](task, 1.0), 4)
    assert np.array_equal(first, task.start)
    assert all(set(np.unique(signs)) == {-1, 1} for signs in later)


def test_bop_flips_where_the_gradient_is_past_the_threshold(task: network.Task) -> None:
    low, high = (
        list(islice(network._bop_steps(task, threshold), 3))[-1] for threshold in (1e-9, 1e9)
    )
    assert np.array_equal(high, task.start)
    assert not np.array_equal(low, task.start)


def test_the_table_adds_folds_up_and_counts_from_the_start(tmp_path: Path) -> None:
    for fold, reached in enumerate((92, 95)):
        after = {"right": reached, "clips": 100, "valid": 0.9 + fold / 10, "steps": 7}
        cell = {"start": {"right": 90, "clips": 100, "valid": 0.5}, "20": after, "5": after}
        for name, method in (("a", "bop, PyTorch"), ("b", "evobin polish")):
            kept = json.dumps({"method": method} | cell)
            (tmp_path / f"{name}-fold{fold}.json").write_text(kept)
    rows = network.summary(tmp_path)
    assert list(zip(rows["method"], rows["minutes"], strict=True)) == [
        (method, minutes) for method in ("evobin polish", "bop, PyTorch") for minutes in (5, 20)
    ]
    line = network.table(rows).iloc[0]
    assert (line["folds"], line["unseen clips"], line["accuracy"]) == (2, 200, "93.50%")
    assert line["95% interval"] == "89.20% to 96.16%"
    assert (line["against the start"], line["validation"]) == ("+7 clips", "95.00%")
    network.plot(rows, tmp_path / "network.png")
    assert (tmp_path / "network.png").stat().st_size > 10_000
