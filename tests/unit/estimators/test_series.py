"""Networks over time: samples of many frames, of one length or of several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from evobin import BinaryClassifier, ConvBlock, load, predict
from evobin.config import FlipConfig, PopulationConfig, SteConfig
from evobin.config import runs as settings
from evobin.estimators import budget
from tests.exported import CompiledC, OnnxModel

Series = tuple[list[NDArray[np.float64]], NDArray[np.str_]]


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is one start of some epochs."""
    ste = SteConfig(starts=1, epochs=24)
    for config in (settings.SearchConfig, settings.PolishConfig):
        monkeypatch.setattr(config, "trainings", {"quick": ste})
    monkeypatch.setattr(budget, "_STARTS", {"quick": (ste, ste)})


def sensors(n: int, seed: int, *, fixed: bool) -> Series:
    """Three channels of noise in different units; a shake in one, or a step in another."""
    rng = np.random.default_rng(seed)
    samples, labels = [], []
    for number in range(n):
        t = 32 if fixed else int(rng.integers(24, 48))
        x, start = rng.normal(size=(t, 3)), int(rng.integers(0, t - 12))
        kind = ("rest", "shake", "step")[number % 3]
        if kind == "shake":
            x[start : start + 12, 0] += 4 * np.sin(1.5 * np.arange(12))
        if kind == "step":
            x[start : start + 12, 1] += 5
        samples.append(x * [1.0, 10.0, 100.0])
        labels.append(kind)
    return samples, np.array(labels)


def model(**parameters: Any) -> BinaryClassifier:
    usual: dict[str, Any] = {"conv": ((16, 5, 2), (12, 3)), "search": False, "n_jobs": 1}
    return BinaryClassifier(**{"hidden": (), "effort": "quick"} | usual | parameters)


@pytest.mark.parametrize("fixed", [True, False])
def test_made_up_sensors_are_learnt_and_kept(fixed: bool, tmp_path: Path) -> None:
    x, y = sensors(300, 0, fixed=fixed)
    new, labels = sensors(150, 1, fixed=fixed)
    fitted = model().fit(np.array(x) if fixed else x, y)
    assert fitted.score(new, labels) > 0.8
    assert fitted.n_features_in_ == 3
    assert fitted.network_.architecture.frames == (32 if fixed else None)
    assert fitted.predict_proba(new).shape == (150, 3)
    fitted.save(tmp_path / "m.evobin")
    loaded = load(tmp_path / "m.evobin")
    assert loaded.predict(new).tolist() == fitted.predict(new).tolist()
    assert np.array_equal(loaded.predict_proba(new), fitted.predict_proba(new))
    assert loaded.report["settings"]["conv"][0] == {"n_out": 16, "kernel": 5, "pool": 2}
    np.save(tmp_path / "new.npy", new[0])
    (told,) = predict(tmp_path / "m.evobin", [tmp_path / "new.npy"])
    assert told.label == fitted.predict(new[:1])[0]


@pytest.mark.parametrize("fixed", [True, False])
def test_exports_answer_raw_series(fixed: bool, tmp_path: Path) -> None:
    x, y = sensors(60, 0, fixed=fixed)
    x = [one.astype(np.float32).astype(np.float64) for one in x]
    for one in x[::7]:
        one[3, 1] = np.nan
    fitted = model().fit(np.array(x) if fixed else x, y)
    places = np.searchsorted(fitted.classes_, fitted.predict(x)).tolist()
    compiled = CompiledC(fitted.network_, tmp_path, encoder=fitted.encoder_)
    assert [compiled.predict(one) for one in x] == places
    assert compiled.predict(x[0][:3]) == -1
    onnx = OnnxModel(fitted.network_, fitted.encoder_)
    assert [onnx.answer(one)[1] for one in x] == places


def test_without_an_encoder_frames_go_in_as_they_are() -> None:
    x, y = sensors(60, 0, fixed=False)
    scaled = [one / [1.0, 10.0, 100.0] for one in x]
    fitted = model(encoder=None).fit(scaled, y)
    assert np.array_equal(fitted.decision_function(scaled), fitted.network_.logits(scaled))
    assert not fitted.network_.architecture.binary_inputs
    scaled[2][4, 1] = np.nan
    with pytest.raises(ValueError, match=r"`X\[2\]` .* holds NaN in row 4, column 1"):
        fitted.predict(scaled)


def test_groups_stay_whole_and_tools_take_series() -> None:
    x, y = sensors(60, 0, fixed=True)
    groups = np.arange(60) // 3
    fitted = model(hidden=(6,)).fit(np.array(x), y, groups=groups)
    assert fitted.report_["note"] == "Split by group."
    assert fitted.network_.architecture.blocks[-1] == ConvBlock(6, 1)
    assert np.isfinite(cross_val_score(clone(fitted), np.array(x), y, cv=2)).all()


def test_flips_search_series_of_any_length_where_they_pay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flips, relatives = FlipConfig(rounds=1, clips=16), PopulationConfig(rounds=0)
    monkeypatch.setattr(settings, "_BUDGETS", {"quick": {"flips": flips}})
    monkeypatch.setattr(budget, "_POPULATIONS", {"quick": relatives})
    x, y = sensors(60, 0, fixed=False)
    fitted = model(search=True, conv=((4, 3),)).fit(x, y)
    stages = [row["stage"] for row in fitted.report_["history"]]
    assert list(dict.fromkeys(stages)) == ["ste", "flips"]
    quick = model(search=True, conv=((4, 3),), seconds=1.0).fit(x, y)
    assert {row["stage"] for row in quick.report_["history"]} == {"ste"}


def test_series_of_a_single_frame_will_do() -> None:
    x, y = sensors(60, 0, fixed=True)
    short = np.array(x)[:, :1]
    fitted = model(conv=((6, 1),)).fit(short, y)
    assert fitted.predict(short).shape == fitted.model_.predict(short[:, 0]).shape == (60,)


def test_what_does_not_fit_is_refused() -> None:
    x, y = sensors(60, 0, fixed=False)
    fitted = model().fit(x, y)
    with pytest.raises(ValueError, match="X has 2 features, but BinaryClassifier is expecting 3"):
        fitted.predict([one[:, :2] for one in x])
    with pytest.raises(ValueError, match="at least 9 frames each, but sample 1 has 4; leave it"):
        fitted.predict([x[0], x[1][:4]])
    with pytest.raises(ValueError, match=r"`X` must have shape \[samples, frames, features\], or"):
        fitted.fit(x[0], y)
    with pytest.raises(ValueError, match="at least 9 frames each, but sample 5 has 8; leave it"):
        fitted.fit([*x[:5], x[5][:8], *x[6:]], y)
    fitted.fit(np.array([one[:20] for one in x]), y)
    with pytest.raises(ValueError, match="exactly 20 frames each, but sample 8 has 24"):
        fitted.predict(x)
