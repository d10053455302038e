from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evobin.core.samples import Dataset, Samples
from evobin.network.analysis.firing import firing_rates, pooled
from evobin.network.architecture import WHOLE, Architecture, ConvBlock
from evobin.network.binary import BinaryNetwork
from evobin.network.packing import unpack
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN, GOLDEN_RESULT, TINY, planted_dataset
from tests.strategies import random_samples
from tests.unit.network.test_binary import random_network


def dataset_of(samples: list[np.ndarray], labels: list[int]) -> Dataset:
    names = tuple(f"c{i}.npy" for i in range(len(samples)))
    return Dataset(names, Samples.join(samples), np.array(labels, np.int8), None)


def test_the_golden_network_fires_as_often_as_the_reference_says() -> None:
    expected = pd.read_csv(GOLDEN / "expected.tsv", sep="\t")
    samples = [np.load(GOLDEN / "features" / name) for name in expected["file"]]
    dataset = dataset_of(samples, expected["label"].tolist())
    rates = firing_rates(BinaryNetwork.load(GOLDEN_RESULT), dataset)
    on = (rates["rate"] * rates["positions"]).groupby([rates["layer"], rates["label"]]).sum()
    columns = {"conv1": "a1", "conv2": "a2", "conv3": "a3", "max": "hidden"}
    for layer, column in columns.items():
        for label in (0, 1):
            rows = expected[expected["label"] == label]
            assert on[layer, label] == pytest.approx(rows[f"{column}_positive"].sum(), abs=1e-6)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 130])
def test_the_rates_are_those_of_sample_after_sample(n: int) -> None:
    network, dataset = random_network(TINY), planted_dataset(n, 1)
    rates = firing_rates(network, dataset)
    signs: dict[Any, list[np.ndarray]] = {}
    for i, label in enumerate(dataset.labels.tolist()):
        found = network.activations([dataset.samples[i]])
        for name, bits in zip(("conv1", "conv2", "max"), (*found.bits, found.hidden), strict=True):
            signs.setdefault((name, label), []).append(unpack(bits, 8))
    assert len(rates) == 8 * len(signs)
    for layer_and_label, table in rates.groupby(["layer", "label"]):
        expected = np.concatenate(signs[layer_and_label])
        assert table["channel"].tolist() == list(range(8))
        assert set(table["positions"]) == {len(expected)}
        np.testing.assert_allclose(table["rate"], expected.mean(axis=0), rtol=1e-15)


def test_rates_of_several_labels_and_linear_layers_have_one_row_a_sample_and_no_max() -> None:
    network = random_network(Architecture(4, (ConvBlock(5, 3, WHOLE), ConvBlock(3, 1)), 3))
    samples = random_samples(network.architecture, 9, np.random.default_rng(0))
    rates = firing_rates(network, dataset_of(samples, [0, 1, 2] * 3))
    assert rates["layer"].unique().tolist() == ["conv1", "linear1"]
    assert set(rates["positions"]) == {3}
    on = unpack(network.activations(samples).bits[1], 3).reshape(3, 3, 3).mean(axis=0)
    np.testing.assert_allclose(rates.loc[rates["layer"] == "linear1", "rate"], on.ravel())


def test_the_table_does_not_depend_on_the_number_of_threads() -> None:
    network, dataset = random_network(TINY), planted_dataset(130, 1)
    pd.testing.assert_frame_equal(firing_rates(network, dataset), firing_rates(network, dataset, 3))


def test_a_label_that_no_sample_has_gets_no_rows() -> None:
    rates = firing_rates(BinaryNetwork.load(GOLDEN_RESULT), dataset_of([np.zeros((57, 64))], [1]))
    assert set(rates["label"]) == {1}
    assert len(rates) == 4 * SPEAKER_SEX.n_hidden


def test_the_rates_over_all_labels_are_those_of_one_label() -> None:
    network, dataset = random_network(TINY), planted_dataset(20, 1)
    rates = pooled(firing_rates(network, dataset), ["layer", "channel"]).reset_index()
    alone = dataset_of([dataset.samples[i] for i in range(20)], [1] * 20)
    expected = firing_rates(network, alone)[["layer", "channel", "rate"]]
    pd.testing.assert_frame_equal(rates, expected, rtol=1e-12)
