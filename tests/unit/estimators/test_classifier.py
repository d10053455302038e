from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from evobin import BinaryClassifier, load
from evobin.core.calibration import class_probabilities, temperature_of
from evobin.errors import EvobinError, SettingError
from evobin.estimators.splitting import split, targets_of
from tests.builders import files_below
from tests.exported import OnnxModel

pytestmark = pytest.mark.usefixtures("short")
Arrays = tuple[NDArray[np.float64], NDArray[np.str_]]


@pytest.fixture
def data() -> Arrays:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4)) * [1e-3, 1.0, 1e3, 1.0]
    return x, np.where(x[:, 0] > x[:, 2] / 1e6, "left", np.where(x[:, 1] > 0, "up", "down"))


def model(**parameters: Any) -> BinaryClassifier:
    return BinaryClassifier((8,), **{"n_jobs": 1} | parameters)


def test_what_a_fit_leaves(data: Arrays) -> None:
    x, y = data
    fitted = model().fit(x, y)
    assert fitted.classes_.tolist() == ["down", "left", "up"]
    assert fitted.n_features_in_ == 4
    assert fitted.encoder_ is not None
    assert fitted.network_.architecture.n_in == fitted.encoder_.n_signs == 28
    assert set(fitted.scores_) == {"train", "valid"}
    parts = fitted.report_["parts"]
    assert [part["clips"] for part in parts.values()] == [120, 19]
    assert parts["valid"]["accuracy"] == fitted.scores_["valid"]
    stages = [row["stage"] for row in fitted.report_["history"]]
    assert list(dict.fromkeys(stages)) == ["ste", "flips"]
    assert stages.count("ste") == 2 * 2 * 4  # validated, and again with all samples
    assert "by a network without them" in parts["valid"]["use"]
    parts = model(refit=False).fit(x, y).report_["parts"]
    assert parts["train"]["clips"] == 101
    assert "by a network without them" not in parts["valid"]["use"]


def test_predictions_are_the_classes_of_the_largest_outputs(data: Arrays) -> None:
    x, y = data
    fitted = model(search=False).fit(x, y)
    outputs = fitted.decision_function(x)
    assert outputs.shape == (120, 3)
    assert fitted.predict(x).tolist() == fitted.classes_[outputs.argmax(axis=1)].tolist()
    assert fitted.score(x, y) == np.mean(fitted.predict(x) == y)


def test_probabilities_are_made_by_the_temperature_of_the_validated_network(data: Arrays) -> None:
    x, y = data
    fitted = model(search=False, refit=False).fit(x, y)
    targets = targets_of(y, 120)
    rows = split(targets, None, 0).valid
    outputs = fitted.decision_function(x)
    assert fitted.temperature_ == temperature_of(outputs[rows], targets.labels[rows])
    shares = fitted.predict_proba(x)
    assert np.array_equal(shares, class_probabilities(outputs, fitted.temperature_))
    assert fitted.classes_[shares.argmax(axis=1)].tolist() == fitted.predict(x).tolist()


def test_two_classes_have_one_output(data: Arrays) -> None:
    x, y = data
    fitted = model(search=False).fit(x, y == "left")
    outputs = fitted.decision_function(x)
    assert outputs.shape == (120,)
    assert np.array_equal(fitted.predict_proba(x)[:, 1] > 0.5, outputs > 0)
    assert fitted.predict(x).tolist() == (outputs > 0).tolist()


def test_many_samples_are_predicted_a_part_at_a_time(
    data: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data
    fitted = model(search=False).fit(x, y)
    whole = fitted.decision_function(x)
    monkeypatch.setattr("evobin.models.model.BLOCK", 28 * 50)
    assert np.array_equal(fitted.decision_function(x), whole)


def test_a_seed_gives_one_network_for_any_number_of_workers(
    data: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data
    monkeypatch.setattr("evobin.parallel.on_demand.PRICE", 0.0)  # workers from the first task on
    signs = [
        model(n_jobs=n_jobs, random_state=seed).fit(x, y).network_.signs.tolist()
        for n_jobs, seed in ((1, 0), (2, 0), (1, 1))
    ]
    assert signs[0] == signs[1] != signs[2]


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(5)])
def test_a_source_of_seeds_gives_another_network_each_time(
    random_state: Any, data: Arrays, tmp_path: Path
) -> None:
    x, y = data
    one, other = (model(search=False, random_state=random_state).fit(x, y) for _ in range(2))
    assert not np.array_equal(one.network_.signs, other.network_.signs)
    one.save(tmp_path / "m.evobin")
    seed = load(tmp_path / "m.evobin").report["settings"]["random_state"]
    again = model(search=False, random_state=seed).fit(x, y)
    assert np.array_equal(one.network_.signs, again.network_.signs)


def test_the_seed_of_numpy_decides_where_there_is_no_other(data: Arrays) -> None:
    signs = []
    for _ in range(2):
        np.random.seed(3)  # noqa: NPY002  # as scikit-learn's users do
        signs.append(model(search=False, random_state=None).fit(*data).network_.signs.tolist())
    assert signs[0] == signs[1]


def test_training_alone_has_no_other_stage(data: Arrays) -> None:
    history = model(search=False).fit(*data).report_["history"]
    assert {row["stage"] for row in history} == {"ste"}


def test_groups_are_in_one_part_only(data: Arrays) -> None:
    x, y = data
    report = model(search=False).fit(x, y, groups=np.arange(120) // 4).report_
    assert report["note"] == "Split by group."
    assert [part["speakers"] for part in report["parts"].values()] == [30, 6]
    parts = model(search=False, refit=False).fit(x, y, groups=np.arange(120) // 4).report_["parts"]
    assert [part["speakers"] for part in parts.values()] == [24, 6]


def test_without_an_encoder_features_go_in_as_they_are(data: Arrays) -> None:
    x, y = data
    fitted = model(encoder=None, search=False).fit(x, y)
    assert fitted.encoder_ is None
    assert np.array_equal(fitted.decision_function(x), fitted.network_.logits(list(x[:, None])))
    with pytest.raises(ValueError, match=r'at most 100000 in magnitude.*encoder="thermometer"'):
        fitted.fit(x * 1e9, y)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, bool])
def test_features_of_any_numbers_will_do(dtype: Any) -> None:
    x = np.random.default_rng(0).integers(0, 2, (60, 5)).astype(dtype)
    y = x[:, 0] > 0
    for encoder in ("thermometer", None):
        assert model(encoder=encoder, search=False).fit(x, y).predict(x).shape == (60,)


def test_nothing_is_written_and_arguments_stay(
    data: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data[0].copy(), data[1].copy()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("evobin.parallel.on_demand.PRICE", 0.0)
    model(n_jobs=2).fit(x, y)
    assert not files_below(tmp_path)
    assert np.array_equal(x, data[0])
    assert np.array_equal(y, data[1])


def test_progress_is_shown_where_it_is_asked_for(
    data: Arrays, capsys: pytest.CaptureFixture[str]
) -> None:
    model(search=False).fit(*data)
    assert capsys.readouterr() == ("", "")
    model(search=False, verbose=True).fit(*data)
    assert "straight-through training 4/4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden": ()}, r"`hidden` must be a sequence of whole numbers.* but it is \(\)"),
        ({"hidden": 32}, "`hidden` must be a sequence of whole numbers"),
        ({"hidden": (8, 0)}, r"`hidden\[1\]` must be from 1"),
        ({"encoder": "other"}, "`encoder` must be one of thermometer, but it is 'other'"),
        ({"bits": 0}, "`bits` must be from 1 to 32, but it is 0"),
        ({"effort": "huge"}, "`effort` must be one of standard, quick, thorough, but it is 'huge'"),
        ({"seconds": -1.0}, "`seconds` must be from 0"),
        ({"random_state": -1}, "`random_state` must be from 0"),
        ({"n_jobs": 0}, "`n_jobs` must be at least 1, or -1"),
        ({"n_jobs": 1.5}, "`n_jobs` must be a whole number"),
        ({"random_state": "no"}, "`random_state` must be a whole number"),
    ],
)
def test_a_wrong_parameter_is_refused_by_fit(
    parameters: dict[str, Any], message: str, data: Arrays
) -> None:
    wrong = BinaryClassifier(**{"n_jobs": 1} | parameters)  # no work, so no error
    with pytest.raises(SettingError, match=message):
        wrong.fit(*data)


def test_too_many_inputs_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(40, 1100))
    with pytest.raises(ValueError, match="at most 32,766 inputs, but `X` has 35,200 as encoded"):
        model(bits=32).fit(x, x[:, 0] > 0)


def test_what_does_not_fit_is_refused(data: Arrays) -> None:
    x, y = data
    fitted = model(search=False).fit(x, y)
    with pytest.raises(ValueError, match="X has 3 features, but BinaryClassifier is expecting 4"):
        fitted.predict(x[:, :3])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[3, 120\]"):
        fitted.score(x, y[:3])
    with pytest.raises(ValueError, match=r"`y` must have shape \[120\], but it has shape \[3\]"):
        fitted.fit(x, y[:3])
    with pytest.raises(TypeError, match="unexpected keyword argument 'sample_weight'"):
        fitted.fit(x, y, sample_weight=np.ones(120))  # type: ignore[call-arg]
    x[5, 1] = np.nan
    raw = model(search=False, encoder=None)
    for method in (fitted.predict, fitted.decision_function, lambda x: raw.fit(x, y)):
        with pytest.raises(ValueError, match=r"`X` .* holds NaN in row 5, column 1"):
            method(x)


@pytest.mark.parametrize("method", ["predict", "decision_function", "export", "save"])
def test_a_classifier_must_be_fitted(method: str, tmp_path: Path) -> None:
    path = tmp_path / "network.c"
    with pytest.raises(NotFittedError, match="This BinaryClassifier instance is not fitted yet"):
        getattr(model(), method)(path if method in ("export", "save") else [[0.0]])
    assert files_below(tmp_path) == []


def test_parameters_are_read_and_set_by_name() -> None:
    one = BinaryClassifier((4,), bits=3)
    assert BinaryClassifier(**one.get_params()).get_params() == one.get_params()
    assert one.set_params(bits=5, search=False) is one
    assert repr(one) == "BinaryClassifier(bits=5, hidden=(4,), search=False)"
    with pytest.raises(ValueError, match="Invalid parameter 'bit' for estimator BinaryClassifier"):
        one.set_params(bit=5)


def test_a_pickled_classifier_predicts_the_same(data: Arrays) -> None:
    x, y = data
    fitted = model(search=False).fit(x, y)
    back = pickle.loads(pickle.dumps(fitted))
    assert back.predict(x).tolist() == fitted.predict(x).tolist()


def test_exports_answer_raw_features(data: Arrays, tmp_path: Path) -> None:
    x, y = data[0].astype(np.float32), data[1]
    fitted = model(search=False).fit(x, y)
    places = np.searchsorted(fitted.classes_, fitted.predict(x))
    fitted.export(tmp_path / "network.c")
    assert b"SIGNS_OF" in (tmp_path / "network.c").read_bytes()
    assert np.array_equal(OnnxModel(fitted.network_, fitted.encoder_).run(x)[1], places)
    with pytest.raises(EvobinError, match=r"network\.c"):
        fitted.export(tmp_path / "network.c")
    with pytest.raises(SettingError, match="`format` must be one of c, onnx"):
        fitted.export(tmp_path / "network.pt", "torch")  # type: ignore[arg-type]


@pytest.mark.parametrize("encoder", ["thermometer", None])
def test_a_saved_model_answers_as_the_classifier_does(
    encoder: Any, data: Arrays, tmp_path: Path
) -> None:
    x, y = data
    x = x / np.abs(x).max(axis=0)
    fitted = model(encoder=encoder, search=False, random_state=np.int64(3)).fit(x, y)
    fitted.save(tmp_path / "m.evobin")
    loaded = load(tmp_path / "m.evobin")
    assert np.array_equal(loaded.predict(x), fitted.predict(x))
    assert loaded.predict(x).dtype == fitted.predict(x).dtype
    assert np.array_equal(loaded.decision_function(x), fitted.decision_function(x))
    assert loaded.score(x, y) == fitted.score(x, y)
    assert np.array_equal(loaded.predict_proba(x), fitted.predict_proba(x))
    assert loaded.report["parts"] == fitted.report_["parts"]
    assert loaded.report["settings"]["random_state"] == 3
    assert loaded.report["settings"]["hidden"] == [8]
    fitted.export(tmp_path / "fitted.c")
    loaded.export(tmp_path / "loaded.c")
    assert (tmp_path / "loaded.c").read_bytes() == (tmp_path / "fitted.c").read_bytes()


def test_the_same_fit_saves_the_same_bytes(data: Arrays, tmp_path: Path) -> None:
    for name in ("a", "b"):
        model(search=False).fit(*data).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def animals(n: int = 120) -> tuple[pd.DataFrame, NDArray[np.str_]]:
    rng = np.random.default_rng(0)
    kind, legs = rng.choice(["cat", "hen", "ant"], n), rng.choice([2, 4], n)
    weight = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))
    frame = pd.DataFrame({"kind": kind, "weight": weight, "legs": legs, "eyes": 2})
    return frame, np.where((kind == "cat") | np.isnan(weight), "yes", "no")


def test_a_table_with_categories_and_missing_values_is_learnt(tmp_path: Path) -> None:
    frame, y = animals(2000)
    fitted = model(search=False, categorical=["legs"]).fit(frame, y)
    assert fitted.n_features_in_ == 4
    assert fitted.encoder_ is not None
    assert fitted.encoder_.columns_[2].categories == ("2", "4")
    assert fitted.score(frame, y) > 0.9
    shuffled = frame.iloc[:, ::-1]
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        fitted.predict(shuffled)
    fitted.save(tmp_path / "m.evobin")
    back = load(tmp_path / "m.evobin")
    assert back.feature_names == ("kind", "weight", "legs", "eyes")
    assert np.array_equal(back.decision_function(shuffled), fitted.decision_function(frame))
    assert back.report["settings"]["categorical"] == ["legs"]
    assert fitted.report_["note"].endswith("Without a sign, since they do not vary: 'eyes'.")
    with pytest.raises(
        ValueError, match="row 7, column 'kind': is missing, but none was in traini"
    ):
        fitted.predict(frame.assign(kind=frame["kind"].where(frame.index != 7)))


def test_values_may_be_missing_in_the_held_out_part_alone() -> None:
    frame, y = animals()
    for row in range(0, 120, 10):
        one = frame.assign(legs=frame["legs"].where(frame.index != row))
        fitted = model(search=False).fit(one, y)
        assert fitted.encoder_ is not None
        assert fitted.encoder_.columns_[2].has_missing


def test_an_array_with_missing_values_is_learnt(data: Arrays) -> None:
    x, y = data
    x[::3, 1] = np.nan
    fitted = model(search=False).fit(x, y)
    assert fitted.predict(x).shape == (120,)
    x[1, 0] = np.nan
    with pytest.raises(ValueError, match="holds NaN in row 1, column 0, from 0; fill it in"):
        fitted.predict(x)
    with pytest.raises(ValueError, match="holds NaN in row 0, column 1, from 0; fill it in"):
        model(encoder=None).fit(x, y)
