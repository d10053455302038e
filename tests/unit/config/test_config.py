from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from evobin.config import (
    AugmentConfig,
    ClipsConfig,
    DataConfig,
    EvaluateConfig,
    ExecutionConfig,
    FlipConfig,
    PolishConfig,
    PopulationConfig,
    SearchConfig,
    SteConfig,
)
from evobin.errors import SettingError
from evobin.network.architecture import Architecture, ConvBlock
from evobin.network.presets import SPEAKER_SEX

STAGES = {
    AugmentConfig: "augment",
    SteConfig: "ste",
    PopulationConfig: "population",
    FlipConfig: "flips",
}
ALL = (*STAGES, DataConfig, ExecutionConfig, SearchConfig, PolishConfig, EvaluateConfig)


def in_search(config: Any) -> SearchConfig:
    """The settings of a stage are checked where they are put to use."""
    return SearchConfig(**{STAGES[type(config)]: config})


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        (AugmentConfig, "tract", 0.31, r"`augment\.tract` must be from 0 to 0.3"),
        (AugmentConfig, "gain", -0.1, r"`augment\.gain` must be from 0 to 100, but it is -0.1"),
        (AugmentConfig, "equaliser", float("nan"), r"`augment\.equaliser` must be .* it is nan"),
        (SteConfig, "epochs", -1, r"`ste\.epochs` must be from 0"),
        (SteConfig, "batch", 0, r"`ste\.batch` must be from 2"),
        (SteConfig, "batch", 33, r"`ste\.batch` must be even, but it is 33"),
        (SteConfig, "frames", 0, r"`ste\.frames` must be from 1"),
        (SteConfig, "rates", (1e-3, -1e-3), r"`ste\.rates` must be from 0 to 1"),
        (SteConfig, "spread", 0.0, r"`ste\.spread` must be from 1e-06"),
        (SteConfig, "smooth", 0.8, r"`ste\.smooth` must be from 0 to 0.75"),
        (SteConfig, "average", 1.0, r"`ste\.average` must be from 0"),
        (ExecutionConfig, "n_jobs", 0, r"`n_jobs` must be at least 1, or -1"),
        (ExecutionConfig, "scheduler", "tcp://h:1", r"`scheduler` needs `backend` dask"),
        (ExecutionConfig, "ray_address", "h:1", r"`ray_address` needs `backend` ray"),
        (ExecutionConfig, "task_minutes", 0.0, r"`task_minutes` must be from 0.001"),
        (ExecutionConfig, "checkpoint_seconds", -1.0, r"`checkpoint_seconds` must be from 0"),
        (AugmentConfig, "tilt", -1.0, r"`augment\.tilt` must be from 0 to 100"),
        (AugmentConfig, "speed", 0.4, r"`augment\.speed` must be from 0 to 0.3"),
        (AugmentConfig, "floor", 1.1, r"`augment\.floor` must be from 0 to 1"),
        (AugmentConfig, "bands", -0.1, r"`augment\.bands` must be from 0 to 1"),
        (AugmentConfig, "pauses", 2.0, r"`augment\.pauses` must be from 0 to 1"),
        (PopulationConfig, "rounds", -1, r"`population\.rounds` must be from 0"),
        (PopulationConfig, "islands", 0, r"`population\.islands` must be from 1"),
        (PopulationConfig, "families", 0, r"`population\.families` must be from 1"),
        (PopulationConfig, "size", 0, r"`population\.size` must be from 1"),
        (PopulationConfig, "moves", (), r"`population\.moves` must name at least one move"),
        (PopulationConfig, "epochs", -1, r"`population\.epochs` must be from 0"),
        (PopulationConfig, "rate", 1.5, r"`population\.rate` must be from 0 to 1"),
        (PopulationConfig, "proposals", -1, r"`population\.proposals` must be from 0"),
        (PopulationConfig, "evaluations", 0, r"`population\.evaluations` must be from 1"),
        (PopulationConfig, "migrate", 0, r"`population\.migrate` must be from 1"),
        (PopulationConfig, "patience", 0, r"`population\.patience` must be from 1"),
        (PopulationConfig, "kick", 1.5, r"`population\.kick` must be from 0 to 1"),
        (FlipConfig, "rounds", -1, r"`flips\.rounds` must be from 0"),
        (FlipConfig, "islands", 0, r"`flips\.islands` must be from 1"),
        (FlipConfig, "clips", 1, r"`flips\.clips` must be from 2"),
        (FlipConfig, "proposals", 0, r"`flips\.proposals` must be from 1"),
        (DataConfig, "valid_share", 0.0, r"`valid_share` must be from 0.001 to 0.9"),
        (DataConfig, "test_share", 0.95, r"`test_share` must be from 0 to 0.9"),
        (SearchConfig, "valid_share", 1.0, r"`valid_share` must be from 0.001 to 0.9"),
        (SearchConfig, "seed", -1, r"`seed` must be from 0"),
        (SearchConfig, "n_jobs", 0, r"`n_jobs` must be at least 1, or -1 .* but it is 0"),
        (SearchConfig, "minutes", -1.0, r"`minutes` must be from 0"),
        (PolishConfig, "seed", -1, r"`seed` must be from 0"),
        (PolishConfig, "n_jobs", 0, r"`n_jobs` must be at least 1"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(
    kind: type, field: str, value: Any, message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        in_search(kind(**{field: value}))


def test_an_evaluation_by_no_workers_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"`n_jobs` must be at least 1, or -1 .* but it is 0"):
        EvaluateConfig(Path("a.tsv"), Path("features"), n_jobs=0)


def test_the_limits_themselves_are_allowed() -> None:
    assert in_search(SteConfig(epochs=0, batch=2, frames=1, rates=(0,), average=0)).ste.batch == 2
    assert in_search(FlipConfig(rounds=0, islands=1, clips=2, proposals=1)).flips.rounds == 0
    here = Path("a")
    shares = SearchConfig(here, here, seed=2**63 - 1, n_jobs=-2, valid_share=0.9, test_share=0.9)
    assert shares.test_share == 0.9


def test_settings_cannot_be_changed_and_are_not_shared() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'seed'"):
        SearchConfig().seed = 1  # type: ignore[misc]
    assert SearchConfig() == SearchConfig()


def test_a_polish_is_gentler_than_a_search() -> None:
    assert PolishConfig().ste.smooth == 0 < SearchConfig().ste.smooth
    assert max(PolishConfig().ste.rates) <= 5e-3
    assert PolishConfig().flips == SearchConfig().flips


@pytest.mark.parametrize("kind", ALL)
def test_every_field_has_a_sentence_of_help(kind: type) -> None:
    told = set()
    for base in kind.__mro__[:-1]:
        (body,) = (node.body for node in ast.parse(inspect.getsource(base)).body)  # type: ignore[attr-defined]
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                told.add(ast.unparse(field.target))
    groups = {
        "ste",
        "population",
        "flips",
        "augment",
    }  # settings of their own, which have their own help
    assert {field.name for field in dataclasses.fields(kind)} - groups == told


def test_an_effort_sets_the_budgets_and_leaves_the_rest() -> None:
    for kind in (SearchConfig, PolishConfig):
        quick, thorough = kind.of("quick", seed=3), kind.of("thorough")
        assert quick.seed == 3
        assert quick.ste.samples < kind().ste.samples < thorough.ste.samples
        assert quick.augment == thorough.augment == kind().augment
        assert kind.of("standard") == kind()
        assert kind.of("quick", ste=SteConfig(epochs=1)).ste.epochs == 1


def test_an_effort_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingError, match="`effort` must be one of quick, standard, thorough"):
        SearchConfig.of("long")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [SearchConfig, PolishConfig])
def test_settings_come_back_from_json_as_they_were(
    kind: type[SearchConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where: dict[str, Any] = {"data": Path("a.tsv"), "features": tmp_path / "f", "out": Path("run")}
    config = kind.of("thorough", **where, seed=2**62, ste=SteConfig(rates=(0.1, 0.2)))
    again = kind.from_plain(json.loads(json.dumps(config.plain())))
    absolute = {name: tmp_path / path for name, path in where.items()}
    assert again == dataclasses.replace(config, **absolute)
    with pytest.raises(TypeError):
        kind.from_plain(config.plain() | {"unheard_of": 1})


@pytest.mark.parametrize("kind", [SearchConfig, EvaluateConfig, ClipsConfig])
def test_an_architecture_is_no_file_name(kind: Any) -> None:
    where = {"data": Path("train.tsv"), "features": Path("features")}
    message = "`architecture` must be an Architecture, but it is a str; read a file with `load_arc"
    with pytest.raises(TypeError, match=message):
        kind(**where, architecture="digits.toml")


def test_an_architecture_comes_back_from_plain_settings() -> None:
    dense = Architecture(64, (ConvBlock(256, 1), ConvBlock(128, 1)), 10, 1)
    config = SearchConfig(data=Path("a.tsv"), features=Path("f"), architecture=dense)
    plain = json.loads(json.dumps(config.plain()))
    assert SearchConfig.from_plain(plain).architecture == dense
    del plain["architecture"]["binary_inputs"]  # a run from before they could be
    assert SearchConfig.from_plain(plain).architecture == dense
    del plain["architecture"]  # a run of old
    assert SearchConfig.from_plain(plain).architecture == SPEAKER_SEX


def test_an_old_run_keeps_its_training() -> None:
    plain = SearchConfig().plain()
    del plain["ste"]["smooth"]
    ste = SearchConfig.from_plain(plain).ste
    assert ste.smooth == 0


def test_an_old_run_has_what_could_not_be_set_then() -> None:
    plain = json.loads(json.dumps(SearchConfig.of("quick").plain()))
    del plain["flips"]["sweeps"], plain["ste"]["windows"], plain["ste"]["logit_width"]
    old = SearchConfig.from_plain(plain)
    assert old.flips == dataclasses.replace(SearchConfig.of("quick").flips, sweeps=800)
    assert old.ste.windows == (96.0, 1152**0.5, 1152**0.5)


def test_an_old_run_keeps_its_widths() -> None:
    dense = Architecture(64, (ConvBlock(256, 1), ConvBlock(100, 1)), 10, frames=1)
    config = SearchConfig(data=Path("a.tsv"), features=Path("f"), architecture=dense)
    plain = json.loads(json.dumps(config.plain()))
    del plain["ste"]["windows"], plain["ste"]["logit_width"]
    plain["ste"] |= {"epochs": 40, "batch": 32}
    ste = SearchConfig.from_plain(plain).ste
    assert ste.windows == (32.0, 16.0)
    assert ste.logit_width == 10.0
