"""A binary network as a classifier of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from evobin.checks import check_choice, check_number
from evobin.config import Effort, PolishConfig, SearchConfig
from evobin.core.calibration import class_probabilities
from evobin.core.samples import Samples
from evobin.core.scores import predictions
from evobin.data.encoder import TableEncoder
from evobin.data.splits import LARGEST
from evobin.drive.pipeline import SearchPlan
from evobin.errors import SettingError
from evobin.estimators.budget import Clock, stages_of
from evobin.estimators.fitting import (
    Watch,
    dataset_of,
    fit_network,
    job_of,
    problem_of,
    report_of,
)
from evobin.estimators.inputs import Raw, encoded_of, labels_of, left_out_of, raw_of, seed_of
from evobin.estimators.shapes import Convolution, convolutions_of, shape_of
from evobin.estimators.splitting import split, targets_of
from evobin.estimators.starting import Start
from evobin.models.model import Model, outputs
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork, check_samples


class BinaryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # has no types
    """A network of -1 and +1 for samples in an array, as `evobin search` finds one for files.

    Numbers become signs by a thermometer code (see `TableEncoder`), so they may have any units;
    categories and missing values become signs, too. A part of the samples, stratified by class or
    split by group, is held out: a network is trained without it, and it says how good that one is,
    and how far flips pay. The network that is handed out is trained in the same way on all samples.
    All of it happens in memory; nothing is written.

    It is an estimator as scikit-learn has them, for pipelines, grids and cross-validation; `score`
    is the accuracy. It has no `sample_weight` and no `partial_fit`.

    Args:
        hidden: widths of the hidden layers, at least one; after convolutions there may be none.
        conv: convolutions over time before them, each (filters, kernel), (filters, kernel, pool)
            or a `ConvBlock`; the last one is followed by a max over all of time. X is then
            [samples, t, features], of one length; or a list of [t, features] of any lengths, of
            which training takes random crops.
        encoder: "thermometer", or None to take features as they are; then scale them yourself.
        bits: signs a feature at most, 1 to 32.
        categorical: features of categories that are numbers, by name or by place; those that a
            table has as text, or as pandas' categories, are known.
        search: whether the search follows on training.
        refit: whether what is handed out is a network of all samples; else it is the one that was
            trained without the held-out part, and may take half as long.
        effort: "quick", "standard" or "thorough": how much to spend, as for `evobin search`.
        seconds: `fit` takes about this long at most, and the result then depends on the machine;
            None for the whole effort.
        random_state: seed of every random number, 0 or more: the same seed gives the same network
            for any `n_jobs`. A RandomState, or numpy's global one for None, draws another seed each
            time.
        n_jobs: workers, -1 for one a core; None for 1, as in scikit-learn.
        verbose: whether `fit` shows its progress on stderr.
        initial: a `Model`, the name of a model file, or of a result file where `encoder` is None.
            `fit` then goes on from its signs, and keeps its encoder; its shape and classes must be
            those of this fit. None for random signs.
        warm_start: whether another `fit` goes on from the last one, as from `initial`.

    Attributes:
        network_: the `BinaryNetwork`; it sees signs where there is an encoder.
        encoder_: the fitted `TableEncoder`, or None.
        classes_: [n_classes] the labels, ascending.
        n_features_in_: features of a sample.
        model_: the `Model`, what `save` writes.
        temperature_: what outputs are divided by for probabilities.
        scores_: accuracy by part: "valid", the held-out part, by the network that was trained
            without it; and "train" by `network_`, of which only some samples are looked
            at where `seconds` are given.
        feature_names_in_: [n_features_in_] names of the columns, where X was a table whose columns
            all have text for a name.
        report_: figures of both parts, how samples were split, the seed, and the history of the
            search, as plain values.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(300, 4)) * [1, 10, 100, 1000]
        >>> y = np.where(X[:, 0] > X[:, 1] / 10, "left", "right")
        >>> model = BinaryClassifier(hidden=(16,), effort="quick", search=False, n_jobs=1)
        >>> bool(model.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.8)
        True
        >>> model.classes_.tolist(), model.predict(X[:1]).shape
        (['left', 'right'], (1,))
    """

    network_: BinaryNetwork
    encoder_: TableEncoder | None
    classes_: NDArray[Any]
    n_features_in_: int
    temperature_: float
    scores_: dict[str, float]
    report_: dict[str, Any]

    def __init__(
        self,
        hidden: Sequence[int] = (32,),
        *,
        conv: Sequence[Convolution] | None = None,
        encoder: Literal["thermometer"] | None = "thermometer",
        bits: int = 7,
        categorical: Sequence[str | int] = (),
        search: bool = True,
        refit: bool = True,
        effort: Effort = "standard",
        seconds: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = -1,
        verbose: bool = False,
        initial: str | Path | Model | None = None,
        warm_start: bool = False,
    ) -> None:
        self.hidden = hidden
        self.conv = conv
        self.encoder = encoder
        self.bits = bits
        self.categorical = categorical
        self.search = search
        self.refit = refit
        self.effort = effort
        self.seconds = seconds
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.initial = initial
        self.warm_start = warm_start

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Finds a network.

        Args:
            X: [samples, features] real numbers, NaN for missing ones; or a table, whose columns
                hold numbers, text or categories. With `conv`, [samples, t, features], or a list of
                [t, features]. With `encoder=None`, finite real numbers. Not modified.
            y: [samples] labels of 2 to 100 classes, numbers or text. Not modified.
            groups: [samples] what belongs together, such as the person that a sample is of, and
                must not be in both parts; None if each sample stands for itself.

        Raises:
            ValueError: if an argument or a parameter is not that, or a class has fewer than two
                samples (groups).
            EvobinError: if workers are lost again and again.
        """
        clock = Clock(self._check_seconds())
        start = self._start()
        plan, config = self._plan(start)
        raw = self._raw(X, fits=True)
        targets = targets_of(labels_of(y), len(raw))
        parts = split(targets, groups, plan.seed)
        encoder = start.encoder if start else self._fit_encoder(raw, parts.train)
        samples = encoded_of(raw, encoder)
        architecture = self._architecture(raw, samples, len(targets.classes))
        signs = start.signs(architecture, targets.classes) if start else None
        del raw
        groups = None if groups is None else np.asarray(groups)
        everything = dataset_of(samples, targets.labels, groups)
        train, valid = everything.subset(parts.train), everything.subset(parts.valid)
        job = job_of(problem_of(architecture, train, valid, config), plan, config, signs)
        rest = everything if self.refit else None
        del samples, everything
        with self._display() as show:
            fitted = fit_network(job, config, Watch(clock, show), rest)
        self.network_, self.encoder_ = fitted.network, encoder
        self.classes_ = targets.classes
        self.temperature_ = fitted.parts["valid"].temperature
        self.scores_ = {name: part.accuracy for name, part in fitted.parts.items()}
        note = parts.note + left_out_of(encoder)
        self.report_ = report_of(fitted, note) | {"seed": plan.seed}
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each sample: [samples], of `classes_`.

        Args:
            X: [samples, n_features_in_] as for `fit`; the same columns in the same order. Values
                may be missing where some were in `fit`. Not modified.

        Raises:
            ValueError: if X is not that, or there was no `fit`.
        """
        places = predictions(self.decision_function(X))
        predicted: NDArray[Any] = self.classes_[places]
        return predicted

    def decision_function(self, X: ArrayLike) -> NDArray[np.int64]:
        """The network's exact outputs; arguments and errors as for `predict`.

        Returns:
            [samples] int64, above 0 for the second of two classes; of more classes
            [samples, n_classes], the largest for the predicted one.
        """
        check_is_fitted(self)
        raw = self._raw(X, fits=False)
        samples = raw.frames if self.conv is None else Samples(raw.frames, raw.starts)
        return outputs(self.network_, self.encoder_, samples)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Probability of each class; arguments and errors as for `predict`.

        That is sigmoid(output / `temperature_`) for the second of two classes, and of more
        softmax(outputs / `temperature_`). The temperature is the one by which the labels of the
        held-out part are most likely, from the outputs of the network that was trained without
        it; see `temperature_of`. It changes no prediction.

        Returns:
            [samples, n_classes] float64, in the order of `classes_`.
        """
        return class_probabilities(self.decision_function(X), self.temperature_)

    @property
    def model_(self) -> Model:
        """The fitted network with all that it takes to use it: what `save` writes.

        Raises:
            NotFittedError: if there was no `fit`; a ValueError.
        """
        check_is_fitted(self)
        return Model(
            self.network_,
            encoder=self.encoder_,
            classes=self.classes_,
            feature_names=None if self.encoder_ else getattr(self, "feature_names_in_", None),
            temperature=self.temperature_,
            report={
                "command": "fit",
                "settings": self._settings(),
                **{name: self.report_[name] for name in ("note", "parts")},
            },
        )

    def export(self, out: str | Path, format: Literal["c", "onnx"] = "c") -> None:  # noqa: A002
        """Writes the network, with its encoder in front, for another program.

        It takes raw features in float32, and answers with the place of the class in `classes_`.

        Args:
            out: the file to write, which must not be there yet.
            format: "c" (a C99 file, with its header beside it) or "onnx" (a model).

        Raises:
            EvobinError: if a file cannot be written, or onnx is not installed.
            ValueError: if there is no such format, or there was no `fit`.
        """
        check_choice("format", format, ("c", "onnx"))
        self.model_.export(out, format)

    def save(self, path: str | Path) -> None:
        """Writes a model file, which `evobin.load` and all commands read; atomically.

        It holds all that it takes to predict, and what `report_` says but the history.

        Args:
            path: the file, by custom ending in .evobin; one that is there is replaced.

        Raises:
            EvobinError: if it cannot be written.
            ValueError: if there was no `fit`, or a class is neither a number nor text.
        """
        self.model_.save(path)

    def _settings(self) -> dict[str, Any]:
        """The parameters as JSON values, with the seed that was used."""
        settings = self.get_params() | {
            "hidden": np.asarray(self.hidden).tolist(),
            "conv": None
            if self.conv is None
            else [asdict(one) for one in convolutions_of(self.conv)],
            "categorical": [one if isinstance(one, str) else int(one) for one in self.categorical],
            "random_state": self.report_["seed"],
            "initial": None if self.initial is None else "a model",
        }
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in settings.items()
        }

    def _check_seconds(self) -> float | None:
        if self.seconds is not None:
            check_number("seconds", self.seconds, 0.0, 1e9)
        return self.seconds

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.encoder is not None
        tags.input_tags.three_d_array = self.conv is not None
        tags.input_tags.two_d_array = self.conv is None
        return tags

    def _start(self) -> Start | None:
        """What this fit goes on from, if not from random signs."""
        goes_on = self.warm_start and hasattr(self, "network_")
        if not goes_on and self.initial is None:
            return None
        start = Start(self.model_ if goes_on else self.initial)
        if (start.encoder is None) != (self.encoder is None):
            raise SettingError(
                f"`encoder` must be {'None' if start.encoder is None else 'set'}, as what the fit "
                f"goes on from has {'none' if start.encoder is None else 'one'}, but it is "
                f"{self.encoder!r}."
            )
        return start

    def _plan(self, start: Start | None) -> tuple[SearchPlan, SearchConfig]:
        """What the stages are to do, and the workers."""
        n_jobs = 1 if self.n_jobs is None else self.n_jobs
        check_number("n_jobs", n_jobs, -(2**31), 2**31)
        kind = SearchConfig if start is None else PolishConfig
        seed = seed_of(self.random_state)
        stages = {}
        if self.seconds is not None:
            stages = stages_of(self.effort, has_start=start is not None)
        config = kind.of(self.effort, seed=seed, n_jobs=int(n_jobs), **stages)
        plan = SearchPlan.of(config)
        return (plan if self.search else plan.without_search()), config

    def _raw(self, X: Any, *, fits: bool) -> Raw:
        encoder = self.encoder if fits else self.encoder_
        over_time = self.conv is not None
        return raw_of(self, X, fits=fits, encoded=encoder is not None, over_time=over_time)

    def _fit_encoder(self, raw: Raw, samples: NDArray[np.intp]) -> TableEncoder | None:
        rows = raw.frames_of(samples)
        if self.encoder is None:
            largest = float(np.abs(raw.frames[rows]).max())
            if largest > LARGEST:
                raise ValueError(
                    f"`X` must hold features of at most {LARGEST:g} in magnitude, but it holds "
                    f'{largest:g}; scale them, or leave that to encoder="thermometer".'
                )
            return None
        check_choice("encoder", self.encoder, ("thermometer",))
        return TableEncoder(self.bits, self.categorical).fit(raw.frames, rows)

    def _architecture(self, raw: Raw, samples: Samples, n_classes: int) -> Architecture:
        architecture = shape_of(
            self.hidden,
            self.conv,
            (samples.frames.shape[1], raw.length),
            n_classes,
            binary=samples.frames.dtype == np.int8,
        )
        check_samples(architecture, samples)
        return architecture

    def _display(self) -> Any:
        """Shows progress, if that is asked for; used with `with`."""
        if not self.verbose:
            return nullcontext()
        from evobin.report.progress import ProgressDisplay  # noqa: PLC0415  # rich takes its time

        return ProgressDisplay()
