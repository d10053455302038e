from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evobin.commands.diff import diff
from evobin.commands.inspect import QUANTILES, inspect
from evobin.config import ClipsConfig
from evobin.errors import SettingError
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX
from evobin.results.evaluation import Evaluation
from evobin.results.inspection import Behaviour
from tests.builders import GOLDEN_RESULT, DataFolder, random_folder
from tests.unit.network.test_binary import random_network

CONV1, CONV2, CONV3, LINEAR = SPEAKER_SEX.layers


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return random_folder(tmp_path_factory.mktemp("clips"), samples=12)


@pytest.fixture(scope="module")
def behaviour(samples: DataFolder) -> Behaviour:
    config = ClipsConfig(samples.data, samples.features, samples.groups, n_jobs=1)
    seen = inspect(GOLDEN_RESULT, config).behaviour
    assert seen is not None
    return seen


def test_shares_of_plus_one_are_counted_by_layer() -> None:
    inspection = inspect(GOLDEN_RESULT)
    signs = BinaryNetwork.load(GOLDEN_RESULT).signs
    layers = inspection.layers.set_index("layer")
    assert layers["shape"].tolist() == ["128x64x9", "128x128x9", "128x128x9", "1x128"]
    for layer in SPEAKER_SEX.layers:
        row = layers.loc[layer.name]
        assert row["weights"] + row["biases"] == layer.stop - layer.start
        assert row["positive"] == (layer.weights(signs) > 0).mean()
        assert row["positive_biases"] == (layer.bias(signs) > 0).mean()
    assert inspection.behaviour is None
    assert inspection.summary().keys() == {"layers", "duplicate_filters"}


def test_rates_have_a_row_a_channel_and_the_hidden_ones_are_never_lower(
    behaviour: Behaviour,
) -> None:
    rates = behaviour.rates.pivot_table(index="channel", columns="layer", values="rate")
    assert set(rates.columns) == {"conv1", "conv2", "conv3", "max"}
    assert rates.shape == (128, 4)
    assert (rates["max"] >= rates["conv3"]).all()


def test_margins_are_quantiles_of_the_logits_by_label(behaviour: Behaviour) -> None:
    table = behaviour.evaluation.samples
    margin = table["logit"].where(table["label"] == 1, -table["logit"])
    for name, part in (("all", margin), ("0", margin[table["label"] == 0])):
        rows = behaviour.margins[behaviour.margins["label"] == name]
        assert rows["quantile"].tolist() == list(QUANTILES)
        np.testing.assert_allclose(rows["margin"], np.quantile(part, QUANTILES))


def test_samples_that_hang_on_the_linear_layer_have_a_logit_of_1(behaviour: Behaviour) -> None:
    assert behaviour.looked_at == ("conv3", "linear")
    table = behaviour.evaluation.samples
    hanging = behaviour.hanging.set_index("layer")["file"]
    close = table[table["logit"].abs() == 1]["file"]
    assert set(hanging.filter(like="linear", axis=0)) == set(close)
    assert set(hanging.filter(like="conv3", axis=0)) <= set(close)


def test_samples_of_one_label_have_margins_for_it_alone(samples: DataFolder) -> None:
    samples.write("ones.tsv", "c1.npy 1", "c3.npy 1")
    config = ClipsConfig(samples.root / "ones.tsv", samples.features, n_jobs=1)
    seen = inspect(GOLDEN_RESULT, config).behaviour
    assert seen is not None
    assert seen.margins["label"].unique().tolist() == ["all", "1"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": Path("a")}, "`data` needs `features`, the folder"),
        ({"features": Path("a")}, "`features` needs `data` as well"),
        ({"groups": Path("a")}, "`groups` needs `data`; name both or neither"),
        ({"n_jobs": 0}, "`n_jobs` must be at least 1"),
    ],
)
def test_settings_that_say_nothing_alone_are_refused(
    settings: dict[str, Path], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        ClipsConfig(**settings)  # type: ignore[arg-type]


def test_flips_are_not_tried_without_samples() -> None:
    with pytest.raises(SettingError, match="`every_flip` needs `data`; name both or neither"):
        inspect(GOLDEN_RESULT, every_flip=True)


def save(folder: Path, name: str, network: BinaryNetwork) -> Path:
    network.save(folder / name)
    return folder / name


def test_weights_that_differ_are_counted_by_layer(tmp_path: Path) -> None:
    a = random_network(SPEAKER_SEX)
    signs = a.signs.copy()
    signs[[CONV1.start, CONV1.stop - 1, CONV3.start, LINEAR.stop - 1]] *= -1
    b = BinaryNetwork(SPEAKER_SEX, signs)
    layers = diff(save(tmp_path, "a.txt", a), save(tmp_path, "b.txt", b)).layers
    assert layers["weights"].tolist() == [73_856, 147_584, 147_584, 129]
    assert layers["differ"].tolist() == layers["remain"].tolist() == [2, 0, 1, 1]
    assert layers["moved"].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(layers["share"], layers["differ"] / layers["weights"])


def test_hidden_units_in_another_order_are_found_in_all_layers(tmp_path: Path) -> None:
    rng, a = np.random.default_rng(1), random_network(SPEAKER_SEX)
    signs = a.signs.copy()
    for layer, following in zip(SPEAKER_SEX.layers, SPEAKER_SEX.layers[1:], strict=False):
        order = np.arange(128)
        order[:20] = np.roll(order[:20], int(rng.integers(1, 19)))
        layer.weights(signs)[:] = layer.weights(signs)[order]
        layer.bias(signs)[:] = layer.bias(signs)[order]
        following.weights(signs)[:] = following.weights(signs)[:, order]
    LINEAR.bias(signs)[0] *= -1
    b = BinaryNetwork(SPEAKER_SEX, signs)
    layers = diff(save(tmp_path, "a.txt", a), save(tmp_path, "b.txt", b)).layers
    assert layers["moved"].tolist() == [20, 20, 20, 0]
    assert layers["remain"].tolist() == [0, 0, 0, 1]
    assert (layers["differ"][:3] > 1000).all()


def test_agreement_and_disagreements_are_those_of_two_evaluations(
    samples: DataFolder, tmp_path: Path
) -> None:
    network = BinaryNetwork.load(GOLDEN_RESULT)
    signs = network.signs.copy()
    LINEAR.weights(signs)[:] = -LINEAR.weights(signs)
    other = save(tmp_path, "b.txt", BinaryNetwork(SPEAKER_SEX, signs))
    found = diff(GOLDEN_RESULT, other, ClipsConfig(samples.data, samples.features, n_jobs=1))
    assert isinstance(found.a, Evaluation)
    assert isinstance(found.b, Evaluation)
    answers = [part.samples.set_index("file") for part in (found.a, found.b)]
    files = answers[0].index[answers[0]["answer"] != answers[1]["answer"]]
    assert found.disagreements["file"].tolist() == list(files)
    for name, part in zip("ab", answers, strict=True):
        assert found.disagreements[f"logit_{name}"].tolist() == part.loc[files, "logit"].tolist()
    right = [part["answer"] == part["label"] for part in answers]
    assert found.agreement.loc[True, True] == (right[0] & right[1]).sum()
    assert found.agreement.loc[True, False] == (right[0] & ~right[1]).sum()
    assert found.agreement.to_numpy().sum() == 12


def test_answers_are_not_compared_without_samples() -> None:
    with pytest.raises(ValueError, match="`config` must name `data` to compare predictions"):
        _ = diff(GOLDEN_RESULT, GOLDEN_RESULT).agreement
