"""What scikit-learn asks of a classifier, and what its tools do with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from evobin import BinaryClassifier, load

pytestmark = pytest.mark.usefixtures("short")


def model(**parameters: Any) -> BinaryClassifier:
    quick: dict[str, Any] = {"effort": "thorough", "search": False, "n_jobs": 1}
    return BinaryClassifier((4,), **quick | parameters)


@pytest.fixture
def table() -> tuple[pd.DataFrame, NDArray[np.str_]]:
    x = np.random.default_rng(0).normal(size=(90, 3)) * [1.0, 10.0, 0.1]
    y = np.where(x[:, 0] > x[:, 1] / 10, "left", "right")
    return pd.DataFrame(x, columns=["width", "height", "depth"]), y


@parametrize_with_checks([model(refit=False)])  # type: ignore[untyped-decorator]
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_pipeline_has_one(table: Any) -> None:
    x, y = table
    pipe = make_pipeline(StandardScaler(), model()).fit(x, y)
    scaled = StandardScaler().fit_transform(x)
    assert pipe.predict(x).tolist() == model().fit(scaled, y).predict(scaled).tolist()


def test_a_grid_searches_its_parameters(table: Any) -> None:
    grid = GridSearchCV(model(), {"hidden": [(4,), (8, 4)], "bits": [2, 5]}, cv=2, n_jobs=1)
    grid.fit(*table)
    assert set(grid.best_params_) == {"hidden", "bits"}
    assert isinstance(grid.best_estimator_, BinaryClassifier)


def test_folds_score_it_by_groups(table: Any) -> None:
    x, y = table
    groups = np.arange(90) // 3
    scores = cross_val_score(
        model(), x, y, groups=groups, cv=GroupKFold(3), params={"groups": groups}
    )
    assert np.isfinite(scores).tolist() == [True] * 3  # of a fit that failed it is NaN


def test_a_clone_has_the_parameters_and_not_the_fit(table: Any) -> None:
    fitted = model(bits=3).fit(*table)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "network_")


def test_names_of_columns_are_remembered_and_checked(table: Any) -> None:
    x, y = table
    fitted = model().fit(x, y)
    assert fitted.feature_names_in_.tolist() == ["width", "height", "depth"]
    assert fitted.predict(x).tolist() == fitted.fit(x.to_numpy(), y).predict(x.to_numpy()).tolist()
    assert not hasattr(fitted, "feature_names_in_")
    fitted.fit(x, y)
    with pytest.raises(ValueError, match=r"feature names should match .*\n.*unseen.*\n- bulk"):
        fitted.predict(x.rename(columns={"width": "bulk"}))
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        fitted.predict(x[["height", "width", "depth"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        fitted.predict(x.to_numpy())


def test_a_saved_model_has_the_names_of_columns(table: Any, tmp_path: Path) -> None:
    model().fit(*table).save(tmp_path / "m.evobin")
    assert load(tmp_path / "m.evobin").feature_names == ("width", "height", "depth")


@pytest.mark.parametrize("kind", ["object", "string", "category", "bool", "Int64"])
def test_labels_of_a_table_will_do(kind: Any, table: Any) -> None:
    x, y = table
    labels = pd.Series(y == "left" if kind in ("bool", "Int64") else y).astype(kind)
    fitted = model().fit(x, labels)
    assert fitted.classes_.tolist() == sorted(set(labels))
    assert fitted.score(x, labels) == np.mean(fitted.predict(x) == labels.to_numpy())


def test_a_column_of_labels_is_taken_with_a_warning(table: Any) -> None:
    x, y = table
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        fitted = model().fit(x, y[:, None])
    assert fitted.predict(x).shape == (90,)
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        fitted.fit(x, None)  # type: ignore[arg-type]
