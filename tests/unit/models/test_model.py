"""Models: what they answer, and that a file holds all of one."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evobin import BinaryNetwork, Model, TableEncoder, load
from evobin.core.calibration import class_probabilities
from evobin.core.samples import Samples
from evobin.errors import EvobinError, SettingError
from evobin.interchange import onnx_format
from evobin.models.container import HEADER
from evobin.models.model import from_bytes
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.presets import SPEAKER_SEX
from tests.builders import GOLDEN_RESULT
from tests.unit.interchange.test_encoded_exports import fitted_table
from tests.unit.models.made import encoded_model, named_model


def speaker_model() -> Model:
    return Model(BinaryNetwork.load(GOLDEN_RESULT))


def test_a_model_comes_back_with_all_that_it_has(tmp_path: Path) -> None:
    model, x = named_model()
    model.save(tmp_path / "m.evobin")
    back = load(tmp_path / "m.evobin")
    assert back.network.architecture == model.network.architecture
    assert np.array_equal(back.network.signs, model.network.signs)
    assert back.encoder is not None
    assert model.encoder is not None
    assert back.encoder.to_plain() == model.encoder.to_plain()
    assert back.classes.tolist() == ["ä", "b", "c"]
    assert back.feature_names == model.feature_names
    assert back.report == model.report
    assert back.temperature == 2.5
    assert np.array_equal(back.predict_proba(x), model.predict_proba(x))
    assert np.array_equal(back.predict(x), model.predict(x))
    assert np.array_equal(back.decision_function(x), model.decision_function(x))
    assert back.score(x, back.predict(x)) == 1.0
    assert back.to_bytes() == model.to_bytes()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_are_the_classes_of_the_networks_labels(n_classes: int) -> None:
    model, x = encoded_model(n_classes, classes=[f"c{i}" for i in range(n_classes)])
    assert model.encoder is not None
    signs = model.encoder.transform(x)
    labels = model.network.predict(list(signs[:, None]))
    assert model.predict(x).tolist() == [f"c{label}" for label in labels]
    assert np.array_equal(model.decision_function(x), model.network.logits(list(signs[:, None])))


@pytest.mark.parametrize(
    "classes",
    [
        np.array([False, True]),
        np.array([3, -7], np.int8),
        np.array([0, 2**64 - 1], np.uint64),
        np.array([0.5, 1.0], np.float32),
        np.array(["no", "yes"]),
        np.array(["", "\ud800"]),
        np.array(["a", "b"], object),
        np.array([1, "b"], object),
    ],
)
def test_classes_keep_their_type(classes: Any) -> None:
    back = from_bytes(encoded_model(2, classes=classes)[0].to_bytes()).classes
    assert back.dtype == classes.dtype
    assert back.tolist() == classes.tolist()


@given(st.integers(1, 70), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_signs_come_back_whatever_their_number(n_in: int, n_out: int, seed: int) -> None:
    architecture = Architecture(n_in, (ConvBlock(n_out, 2, 2),))
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], np.int8), architecture.n_weights)
    back = from_bytes(Model(BinaryNetwork(architecture, signs)).to_bytes())
    assert back.network.architecture == architecture
    assert np.array_equal(back.network.signs, signs)


def test_a_network_over_time_takes_matrices_of_any_length() -> None:
    model, rng = speaker_model(), np.random.default_rng(0)
    clips = [rng.normal(size=(57, 64)), rng.normal(size=(200, 64))]
    assert model.predict(clips).tolist() == model.network.predict(clips).tolist()
    assert model.n_features == 64
    assert model.classes.tolist() == [0, 1]


def test_a_network_of_one_frame_without_an_encoder_takes_a_matrix() -> None:
    rng = np.random.default_rng(0)
    architecture = Architecture(5, (ConvBlock(4, 1),), frames=1)
    network = BinaryNetwork(architecture, rng.choice([-1, 1], architecture.n_weights))
    for x in (rng.normal(size=(9, 5)), rng.integers(-3, 3, (9, 5)), rng.normal(size=(9, 5)) > 0):
        expected = network.logits(list(x[:, None].astype(np.float64)))
        assert np.array_equal(Model(network).decision_function(x), expected)


def test_the_speaker_sex_network_takes_at_most_60_kb() -> None:
    assert len(speaker_model().to_bytes()) < 47_500


def test_the_bytes_depend_on_nothing_but_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, _ = named_model()
    first = model.to_bytes()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(sys, "platform", "win32")
    assert model.to_bytes() == first
    model.save(tmp_path / "m.evobin")
    assert (tmp_path / "m.evobin").read_bytes() == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert [entry.date_time[0] for entry in archive.infolist()] == [1980, 1980]


def test_the_file_is_an_npz_file_with_a_header_that_any_tool_reads() -> None:
    model, _ = named_model()
    with np.load(io.BytesIO(model.to_bytes()), allow_pickle=False) as found:
        header = json.loads(found[HEADER])
        assert (header["format"], header["version"]) == ("evobin model", 1)
        n = model.network.architecture.n_weights
        bits = np.unpackbits(found["signs"], count=n, bitorder="little")
    assert np.array_equal(2 * bits.astype(np.int8) - 1, model.network.signs)


def test_the_same_model_is_written_with_the_same_bytes_by_another_process() -> None:
    code = (
        "import sys; from tests.unit.models.made import named_model; "
        "sys.stdout.buffer.write(named_model()[0].to_bytes())"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, check=True)
    assert run.stdout == named_model()[0].to_bytes()


def test_a_saved_file_replaces_another_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.evobin"
    path.write_text("old")
    named_model()[0].save(path)
    assert load(path).classes.tolist() == ["ä", "b", "c"]
    with pytest.raises(EvobinError, match=r"none/m: cannot be written .*; create its folder first"):
        named_model()[0].save(tmp_path / "none" / "m")
    bad, _ = encoded_model(report={"accuracy": float("nan")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        bad.save(path)
    assert load(path).classes.tolist() == ["ä", "b", "c"]


def test_probabilities_are_those_of_the_outputs_over_the_temperature() -> None:
    for n_classes in (2, 3):
        model, x = encoded_model(n_classes, temperature=4.0)
        shares, outputs = model.predict_proba(x), model.decision_function(x)
        assert np.array_equal(shares, class_probabilities(outputs, 4.0))
        assert shares.shape == (len(x), n_classes)
        assert model.classes[shares.argmax(axis=1)].tolist() == model.predict(x).tolist()
    with pytest.raises(ValueError, match="the model has no `temperature`, without which there are"):
        encoded_model()[0].predict_proba(x)


def test_a_result_file_is_the_model_of_its_network() -> None:
    model = load(GOLDEN_RESULT)
    assert model.temperature is None
    assert (model.encoder, model.feature_names, model.report) == (None, None, {})
    assert np.array_equal(model.network.signs, BinaryNetwork.load(GOLDEN_RESULT).signs)


def test_a_model_file_is_known_by_its_beginning_too(tmp_path: Path) -> None:
    named_model()[0].save(tmp_path / "model.txt")
    assert load(tmp_path / "model.txt").classes.tolist() == ["ä", "b", "c"]


def test_another_architecture_than_the_files_own_is_refused(tmp_path: Path) -> None:
    model, _ = named_model()
    model.save(tmp_path / "m.evobin")
    assert load(tmp_path / "m.evobin", model.network.architecture).n_features == 4
    other = Architecture(3, (ConvBlock(2, 1),))
    with pytest.raises(EvobinError, match=r"m.evobin: is a model of another architecture than th"):
        load(tmp_path / "m.evobin", other)


def test_what_does_not_fit_a_network_makes_no_model() -> None:
    network = BinaryNetwork(SPEAKER_SEX, np.ones(SPEAKER_SEX.n_weights))
    with pytest.raises(ValueError, match=r"`classes` must have shape \[2\], but it has shape \[3"):
        Model(network, classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="`classes` must be different, but 'a' is there twice"):
        Model(network, classes=["a", "a"])
    with pytest.raises(ValueError, match="`feature_names` must name the 64 features of a sample"):
        Model(network, feature_names=["a"])
    with pytest.raises(ValueError, match=r"`temperature` must be from 0\.01 to .* but it is -1\.0"):
        Model(network, temperature=-1.0)
    with pytest.raises(ValueError, match="an encoder needs a network with binary inputs, but this"):
        Model(network, encoder=TableEncoder().fit([[0.0], [1.0]]))
    with pytest.raises(ValueError, match="`classes` must be numbers or text, but they have dtype"):
        Model(network, classes=np.array(["2020", "2021"], "M8[Y]")).to_bytes()
    with pytest.raises(ValueError, match="`classes` must be numbers or text, but they have dtype"):
        Model(network, classes=np.array([(), None], object)).to_bytes()


def test_wrong_samples_are_refused() -> None:
    model, x = named_model()
    with pytest.raises(ValueError, match=r"`X` must have shape \[\*, 4\], but it has shape"):
        model.predict(x[:, :3])
    with pytest.raises(ValueError, match=r"`y` must have shape \[200\], but it has shape \[3\]"):
        model.score(x, [0, 1, 2])


def test_the_columns_of_a_table_are_checked_by_name() -> None:
    model, x = named_model()
    names = list(model.feature_names or ())
    table = pd.DataFrame(x, columns=names)
    assert np.array_equal(model.predict(table), model.predict(x))
    with pytest.raises(ValueError, match="`X` must have a column 'width', but it has none; add it"):
        model.predict(table.drop(columns="width"))
    with pytest.raises(ValueError, match="`X` has a column 'age' that the model does not know; dr"):
        model.predict(table.assign(age=1))
    assert np.array_equal(model.predict(table[names[::-1]]), model.predict(x))


def test_a_table_with_categories_and_missing_values_is_answered_by_what_was_saved() -> None:
    network, encoder, frame = fitted_table(4)
    model = Model(network, encoder=encoder)
    assert model.feature_names == encoder.feature_names == tuple(frame.columns)
    back = from_bytes(model.to_bytes())
    assert back.to_bytes() == model.to_bytes()
    labels = network.predict(list(encoder.transform(frame)[:, None]))
    assert back.predict(frame.iloc[:, ::-1]).tolist() == labels.tolist()
    # samples of files hold the numbers that exported files take
    numbers = encoder.numbers(frame)
    samples = Samples(numbers.copy(), np.arange(len(frame) + 1))
    assert np.array_equal(back.decision_function(samples), back.decision_function(frame))
    with pytest.raises(ValueError, match="`feature_names` must be those of the encoder, but they"):
        Model(network, encoder=encoder, feature_names=[*frame.columns[:-1], "other"])


def test_exports_have_the_encoder_inside(tmp_path: Path) -> None:
    model, _ = named_model()
    model.export(tmp_path / "m.c")
    assert b"int predict(const float *x, int t)" in (tmp_path / "m.c").read_bytes()
    with pytest.raises(EvobinError, match=r"m\.c: exists; name another file"):
        model.export(tmp_path / "m.c")
    wrong: Any = "tflite"
    with pytest.raises(SettingError, match="`format` must be one of torch, onnx, c, but it is 'tf"):
        model.export(tmp_path / "m.x", wrong)
    with pytest.raises(EvobinError, match="a state dict cannot hold the network's encoder; export"):
        model.export(tmp_path / "m.pt", "torch")
    assert not (tmp_path / "m.pt").exists()


def test_an_onnx_export_is_that_of_network_and_encoder(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model, _ = named_model()
    model.export(tmp_path / "m.onnx", "onnx")
    whole = onnx_format.encode(model.network, model.encoder)
    assert (tmp_path / "m.onnx").read_bytes() == whole
