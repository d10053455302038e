"""Fits that go on from signs: of a model, of a file, or of the fit before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from evobin import BinaryClassifier, load
from evobin.errors import EvobinError, SettingError

pytestmark = pytest.mark.usefixtures("short")
Arrays = tuple[NDArray[np.float64], NDArray[np.str_]]


@pytest.fixture
def data() -> Arrays:
    x = np.random.default_rng(0).normal(size=(150, 4)) * [1e-3, 1.0, 1e3, 1.0]
    return x, np.where(x[:, 0] > x[:, 2] / 1e6, "left", np.where(x[:, 1] > 0, "up", "down"))


def model(**parameters: Any) -> BinaryClassifier:
    usual: dict[str, Any] = {"hidden": (8,), "search": False, "n_jobs": 1}
    return BinaryClassifier(**usual | {"effort": "thorough"} | parameters)


def test_it_goes_on_from_a_model_or_its_file_alike(data: Arrays, tmp_path: Path) -> None:
    x, y = data
    first = model(random_state=5).fit(x, y)
    first.save(tmp_path / "m.evobin")
    fits = [
        model(initial=initial).fit(x, y)
        for initial in (first.model_, tmp_path / "m.evobin", str(tmp_path / "m.evobin"))
    ]
    signs = [one.network_.signs.tolist() for one in fits]
    assert signs[0] == signs[1] == signs[2]
    assert fits[0].score(x, y) >= first.score(x, y)
    fits[0].save(tmp_path / "again.evobin")
    assert load(tmp_path / "again.evobin").report["settings"]["initial"] == "a model"


@pytest.mark.parametrize("refit", [True, False])
def test_it_is_no_worse_on_the_samples_that_candidates_are_compared_by(
    refit: bool, data: Arrays
) -> None:
    x, y = data
    first = model(refit=refit).fit(x, y)
    again = model(refit=refit, initial=first.model_, search=True).fit(x, y)
    part = "train" if refit else "valid"
    assert again.scores_[part] >= first.scores_[part]


def test_its_encoder_is_kept(data: Arrays) -> None:
    x, y = data
    first = model().fit(x, y)
    again = model(initial=first.model_, bits=3).fit(x[::-1] * 1.5, y[::-1])
    assert again.encoder_ is first.encoder_
    names = ["a", "b", "c", "d"]
    named = model().fit(pd.DataFrame(x, columns=names), y)
    with pytest.raises(ValueError, match="`X` must have a column 'a', but it has none"):
        model(initial=named.model_).fit(pd.DataFrame(x, columns=["e", *names[1:]]), y)
    with pytest.raises(ValueError, match=r"`X` must have shape \[\*, 4\]"):
        model(initial=first.model_).fit(x[:, :3], y)


def test_a_warm_start_goes_on_from_the_last_fit(data: Arrays) -> None:
    x, y = data
    warm, cold = (model(warm_start=warm).fit(x, y) for warm in (True, False))
    begun = warm.network_.signs.copy()
    assert np.array_equal(begun, cold.network_.signs)
    as_initial = model(initial=warm.model_).fit(x, y)
    assert np.array_equal(warm.fit(x, y).network_.signs, as_initial.network_.signs)
    assert np.array_equal(cold.fit(x, y).network_.signs, begun)
    assert not hasattr(clone(warm), "network_")
    with pytest.raises(
        SettingError, match=r"`initial` must have the classes of `y`, .*'left', 'rig"
    ):
        warm.fit(x, np.where(y == "left", "left", np.where(y == "up", "right", "down")))
    assert warm.classes_.tolist() == ["down", "left", "up"]  # as before the fit that failed


def test_a_result_file_has_no_encoder(data: Arrays, tmp_path: Path) -> None:
    x, y = data
    x = x / np.abs(x).max(axis=0)
    first = model(encoder=None).fit(x, y)
    first.network_.save(tmp_path / "result.txt")
    again = model(encoder=None, initial=tmp_path / "result.txt").fit(x, y)
    assert again.score(x, y) >= first.score(x, y)
    with pytest.raises(SettingError, match="`encoder` must be None, as what the fit goes on from"):
        model(initial=tmp_path / "result.txt").fit(x, y)
    with pytest.raises(EvobinError, match=r"result\.txt"):
        model(encoder=None, hidden=(9,), initial=tmp_path / "result.txt").fit(x, y)


def test_what_does_not_fit_is_refused(data: Arrays, tmp_path: Path) -> None:
    x, y = data
    first = model().fit(x, y)
    with pytest.raises(
        SettingError, match=r"shape of this fit, linear1 9x28x1, .*it has linear1 8x"
    ):
        model(hidden=(9,), initial=first.model_).fit(x, y)
    with pytest.raises(
        SettingError, match=r"`encoder` must be set, as what .* has one, but it is N"
    ):
        model(encoder=None, initial=first.model_).fit(x, y)
    with pytest.raises(
        SettingError, match="of type BinaryClassifier; of a fitted classifier, pass"
    ):
        model(initial=first).fit(x, y)
    with pytest.raises(EvobinError, match=r"none\.evobin"):
        model(initial=tmp_path / "none.evobin").fit(x, y)
