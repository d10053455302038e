"""A search by folds: what is looked at when, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evobin.config import AugmentConfig, FlipConfig, PopulationConfig, SteConfig
from evobin.core.evidence import Outcomes
from evobin.core.folds import ALWAYS, Folds
from evobin.core.samples import Dataset
from evobin.core.stage import Progress
from evobin.drive import folded
from evobin.drive.driver import Driver
from evobin.drive.fold_problems import FoldProblems
from evobin.drive.folded import FoldedSearch, Standing, best_of, ways_of
from evobin.drive.pipeline import SearchPlan
from evobin.network.binary import BinaryNetwork
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.training.walks import WalkSearch
from tests.builders import DENSE, TINY, classes_dataset, planted_dataset

STE = SteConfig(starts=1, epochs=6, batch=16)
NO_FLIPS, NO_POPULATION = FlipConfig(rounds=0), PopulationConfig(rounds=0)


def problems_of(dataset: Dataset, count: int, *, refit: bool = True) -> FoldProblems:
    is_dense = dataset.groups is None
    augment = AugmentConfig() if is_dense else AugmentConfig(gain=0.1, equaliser=0.05)

    def make(train: Dataset, valid: Dataset) -> SampledNetworkProblem:
        shape = DENSE if is_dense else TINY
        return SampledNetworkProblem(shape, train, valid, augment, 14, batch_size=32)

    folds = Folds((np.arange(len(dataset)) // 3 % count).astype(np.int8))
    return FoldProblems.of(dataset, folds, make, refit=refit)


def search(
    problems: FoldProblems, start: Any = None, **plan: Any
) -> tuple[Standing, list[Progress]]:
    seen: list[Progress] = []
    settings: dict[str, Any] = {
        "ste": STE,
        "population": NO_POPULATION,
        "flips": NO_FLIPS,
        "seed": 3,
    } | plan
    found = FoldedSearch(problems, SearchPlan(**settings), start).run(Driver(observer=seen.append))
    return found, seen


def notes(seen: list[Progress]) -> list[str]:
    return [progress.notes["note"] for progress in seen if "note" in progress.notes]


@pytest.fixture(scope="module")
def voices() -> FoldProblems:
    return problems_of(planted_dataset(48, 1), 3)


def accuracy(solution: Any, problem: SampledNetworkProblem, dataset: Dataset) -> float:
    network = BinaryNetwork(problem.architecture, solution)
    return float(np.mean(network.predict(dataset.samples) == dataset.labels))


def test_each_fold_trains_on_all_others_and_one_network_on_all(voices: FoldProblems) -> None:
    names = set(planted_dataset(48, 1).names)
    assert len(voices.every) == 4
    for part in voices.parts:
        assert set(part.train.names) | set(part.valid.names) == names
        assert not set(part.train.names) & set(part.valid.names)
    assert voices.whole is not None
    assert set(voices.whole.train.names) == names
    assert voices.n_trained == 2 * 48 + 48


def test_what_is_always_trained_on_is_in_every_training() -> None:
    dataset = planted_dataset(12, 1)
    of = np.array([0, 1] * 3 + [ALWAYS] * 6, np.int8)

    def make(train: Dataset, valid: Dataset) -> SampledNetworkProblem:
        return SampledNetworkProblem(TINY, train, valid, AugmentConfig(), 14, batch_size=4)

    parts = FoldProblems.of(dataset, Folds(of), make, refit=False).parts
    assert [len(part.train) for part in parts] == [9, 9]
    assert all(set(dataset.names[6:]) <= set(part.train.names) for part in parts)


def test_training_takes_the_newest_networks_and_chooses_nothing(voices: FoldProblems) -> None:
    found, seen = search(voices)
    assert len(found.solutions) == 4
    assert found.verdicts == ()
    assert all(np.array_equal(*pair) for pair in zip(found.told, found.solutions, strict=False))
    last = [row for row in seen[-1].rows if row["fold"] != "all"]
    told = [
        accuracy(solution, part, part.valid)
        for solution, part in zip(found.told, voices.parts, strict=True)
    ]
    assert [row["selection_accuracy"] for row in last] == told
    sizes = [len(part.valid) for part in voices.parts]
    assert seen[-1].score == pytest.approx(np.average(told, weights=sizes))


def test_the_network_of_all_samples_does_not_depend_on_the_folds(voices: FoldProblems) -> None:
    ours, _ = search(voices)
    others, _ = search(problems_of(planted_dataset(48, 1), 2))
    assert np.array_equal(ours.handed_out, others.handed_out)


def test_a_fold_does_not_depend_on_what_it_holds_out() -> None:
    """Wrong labels in a fold change the networks of the other folds, and not its own."""
    dataset = classes_dataset(60, 1)
    labels = dataset.labels.copy()
    held = np.arange(60) // 3 % 3 == 1
    labels[held] = (labels[held] + 1) % 3
    flips = FlipConfig(sweeps=20, islands=1)
    plan = {"flips": flips, "ste": replace(STE, epochs=2)}
    right, _ = search(problems_of(dataset, 3), **plan)
    wrong, _ = search(problems_of(replace(dataset, labels=labels), 3), **plan)
    latents = [np.array_equal(*pair) for pair in zip(right.latents, wrong.latents, strict=True)]
    assert latents == [False, True, False, False]


def test_without_a_network_of_all_samples_that_of_the_first_fold_is_handed_out() -> None:
    found, _ = search(problems_of(planted_dataset(48, 1), 3, refit=False))
    assert len(found.solutions) == 3
    assert found.handed_out is found.solutions[0]


def test_flips_that_pay_are_made_on_all_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems, given = problems_of(classes_dataset(240, 1), 3), []
    begin = WalkSearch.__init__

    def watched(stage: Any, problem: Any, start: Any, config: Any, seed: Any, **more: Any) -> None:
        given.append((problem, config.sweeps))
        begin(stage, problem, start, config, seed, **more)

    monkeypatch.setattr(WalkSearch, "__init__", watched)
    monkeypatch.setattr("evobin.training.side_by_side.ENOUGH", 2.0)
    plan = {"ste": replace(STE, epochs=1, smooth=0), "flips": FlipConfig(sweeps=40, islands=1)}
    before, _ = search(problems, **(plan | {"flips": NO_FLIPS}))
    found, seen = search(problems, **plan)
    (verdict,) = found.verdicts
    assert verdict.pays
    assert verdict.difference.is_better
    assert notes(seen) == [verdict.note]
    assert verdict.note.startswith("Bit flips: +")
    assert given[-1][0] is problems.whole
    assert 10 <= given[-1][1] <= 40
    assert problems.whole is not None
    gained = [accuracy(x.handed_out, problems.whole, problems.whole.train) for x in (before, found)]
    assert gained[0] < gained[1]


def test_flips_that_do_not_pay_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outcomes, "pays", lambda *_: False)
    monkeypatch.setattr("evobin.training.side_by_side.ENOUGH", 2.0)
    problems, plan = problems_of(classes_dataset(60, 1), 3), {"ste": replace(STE, epochs=2)}
    before, _ = search(problems, **plan)
    found, seen = search(problems, **plan, flips=FlipConfig(sweeps=20, islands=1))
    assert [verdict.pays for verdict in found.verdicts] == [False]
    for name in ("solutions", "told"):
        pairs = zip(getattr(before, name), getattr(found, name), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)
    assert notes(seen)[-1].endswith("points on samples held out, which does not pay.")


def test_where_training_has_nearly_all_right_nobody_is_asked(
    voices: FoldProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evobin.training.side_by_side.ENOUGH", 0.5)
    found, seen = search(voices, ste=replace(STE, epochs=20), flips=FlipConfig(clips=8))
    assert found.verdicts == ()
    assert [note[:9] for note in notes(seen)] == ["No flips:"]


def test_a_population_that_pays_is_for_all_samples_too(
    voices: FoldProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Outcomes, "pays", lambda *_: True)
    relatives = PopulationConfig(rounds=2, epochs=1, size=2)
    before, _ = search(voices)
    found, seen = search(voices, population=relatives)
    assert [verdict.what for verdict in found.verdicts] == ["Population refinement"]
    stages = [progress.stage for progress in seen if progress.rows]
    assert stages == ["ste"] * 6 + ["population"] * 4
    assert not np.array_equal(before.handed_out, found.handed_out)


def test_random_signs_are_annealed_on_all_folds_and_on_all_samples() -> None:
    problems = problems_of(classes_dataset(240, 1), 3)
    flips = FlipConfig(sweeps=60, islands=1)
    found, seen = search(problems, ste=SteConfig(epochs=0), flips=flips)
    assert {progress.stage for progress in seen} == {"flips"}
    assert found.verdicts == ()
    assert problems.whole is not None
    assert accuracy(found.handed_out, problems.whole, problems.whole.train) > 0.9
    told = [
        accuracy(solution, part, part.valid)
        for solution, part in zip(found.told, problems.parts, strict=True)
    ]
    assert min(told) > 0.7


def test_a_good_file_stays_as_it_is_where_its_own_folds_say_so(voices: FoldProblems) -> None:
    good, _ = search(voices, ste=replace(STE, epochs=40))
    start = good.handed_out
    polish = SteConfig(starts=1, epochs=1, smooth=0, batch=16, rates=(0.9,))
    found, _ = search(voices, start, ste=polish)
    assert all(np.array_equal(told, start) for told in found.told)
    assert np.array_equal(found.handed_out, start)
    (verdict,) = found.verdicts
    assert not verdict.pays
    assert verdict.difference.mean < 0


def test_a_bad_file_becomes_better(voices: FoldProblems) -> None:
    start = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), voices.parts[0].n)
    polish = SteConfig(starts=2, epochs=60, smooth=0, batch=16, rates=(1e-4, 1e-2))
    found, _ = search(voices, start, ste=polish)
    assert [verdict.what for verdict in found.verdicts] == [
        "training of rate 0.0001",
        "training of rate 0.01",
    ]
    assert found.verdicts[1].pays
    assert voices.whole is not None
    assert accuracy(found.handed_out, voices.whole, voices.whole.train) > 0.8


def test_a_polish_hands_out_the_file_until_folds_have_chosen(voices: FoldProblems) -> None:
    start = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), voices.parts[0].n)
    polish = SteConfig(starts=1, epochs=3, smooth=0, batch=16, rates=(1e-2,))
    found, seen = search(voices, start, ste=polish)
    best = [progress.best for progress in seen]
    assert all(one is None for one in best[:-1])
    assert best[-1] is found.handed_out


def outcomes(right: list[int]) -> Outcomes:
    array = np.array(right)
    return Outcomes(array.astype(float), array > 0, np.arange(len(right)))


def test_another_way_is_taken_where_it_pays_and_a_file_is_left_where_it_is_no_worse() -> None:
    few, more, most = outcomes([0] * 20), outcomes([1] + [0] * 19), outcomes([1] * 8 + [0] * 12)
    assert best_of([few, most]) == 1
    assert best_of([most, few]) == 0
    assert best_of([more, few, most]) == 2
    assert best_of([few, few], first_is_start=True) == 1
    assert best_of([more, few], first_is_start=True) == 0


def test_ways_are_each_length_with_each_rate() -> None:
    ways = ways_of(SteConfig(starts=4, epochs=10, rates=(0.1, 0.2), lengths=(1, 3)))
    assert [(way.epochs, way.rates, way.starts) for way in ways] == [
        (10, (0.1,), 2), (10, (0.2,), 2), (30, (0.1,), 2), (30, (0.2,), 2),
    ]  # fmt: skip


def test_the_longer_way_is_chosen_by_what_folds_hold_out(
    voices: FoldProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folded, "best_of", lambda options, **_: len(options) - 1)
    found, _ = search(voices, ste=replace(STE, epochs=2, lengths=(1, 3)))
    longer, _ = search(voices, ste=replace(STE, epochs=6))
    assert np.array_equal(found.handed_out, longer.handed_out)
    (verdict,) = found.verdicts
    assert verdict.what == "training of 6 epochs"


def test_what_is_told_of_a_training_says_that_the_clock_cut_it_short(
    voices: FoldProblems,
) -> None:
    plan = SearchPlan(replace(STE, epochs=2, lengths=(1, 3)), NO_POPULATION, NO_FLIPS, 3)
    found = FoldedSearch(voices, plan, None).run(Driver(is_over=lambda: True))
    (verdict,) = found.verdicts
    assert verdict.what == "training of 6 epochs, cut short"
