"""A search by folds: they say what it is worth and what pays, and all samples are learned from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evobin.config import FlipConfig, SteConfig
from evobin.core.evidence import Difference, Outcomes, Verdict
from evobin.core.problem import Solution
from evobin.core.stage import RoundStage
from evobin.core.state import State
from evobin.drive.driver import Driver
from evobin.drive.fold_problems import FoldProblems
from evobin.drive.pipeline import SearchPlan, compile_stage
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.search import SearchResult
from evobin.training.flip_search import ROUNDS_A_TASK, FlipSearch, FlipStage
from evobin.training.population import Refinement
from evobin.training.side_by_side import ALL, FlipsByFolds, Lane, SideBySide
from evobin.training.ste import Pretraining
from evobin.training.walks import WalkSearch

FIRST, ON_ALL = "training", "on all samples"
"""Names of phases."""
WORDS = {FlipStage.name: "Bit flips", Refinement.name: "Population refinement"}
FIGURES, A_ROUND = 0.5, 800
"""What the final figures and a round of flips take, in samples that are trained on."""
TO_SELECT = 512
"""Training samples that population refinement selects by."""


@dataclass(slots=True, eq=False)
class Standing:
    """Where a search stands between two stages.

    Attributes:
        solutions: of each fold, and of all samples where there is such a network.
        told: of each fold, chosen by the other folds alone: its answers are what is told.
        latents: [starts, n] float32 of each of `solutions`, from training.
        amount: sweeps or rounds of the last stage that pay, for all samples; 0 for none.
        verdicts: what they have said so far.
    """

    solutions: list[Solution]
    told: list[Solution]
    latents: list[NDArray[np.float32]]
    amount: int = 0
    verdicts: tuple[Verdict, ...] = ()

    @property
    def handed_out(self) -> Solution:
        """Of all samples, or without such a network that of the first fold."""
        return self.solutions[-1 if len(self.solutions) > len(self.told) else 0]

    def state(self) -> State:
        """For a checkpoint."""
        verdicts = [[one.what, *one.difference, one.pays] for one in self.verdicts]
        return {
            "solutions": np.stack(self.solutions),
            "told": np.stack(self.told),
            "latents": list(self.latents),
            "amount": self.amount,
            "verdicts": verdicts,
        }

    @classmethod
    def of(cls, state: State) -> Standing | None:
        """What `state` gave; None before the first stage has ended."""
        if not state:
            return None
        verdicts = tuple(
            Verdict(what, Difference(mean, error), pays)
            for what, mean, error, pays in state["verdicts"]
        )
        solutions, told = list(state["solutions"]), list(state["told"])
        return cls(solutions, told, list(state["latents"]), state["amount"], verdicts)


class FoldedSearch:
    """The stages of a search, each on all folds first.

    Nothing in a fold looks at the samples that it holds out. These decide, all folds together, by
    paired differences and their standard errors, whether a stage is worth its time. Where it is, it
    is done on all labelled samples too; the training always is, at the same time.

    Args:
        problems: of the folds, and of all samples.
        plan: what each stage is to do.
        start: [n] int8, the signs of a polish; None for random ones.
    """

    def __init__(
        self, problems: FoldProblems, plan: SearchPlan, start: Solution | None = None
    ) -> None:
        self._problems, self._plan, self._start = problems, plan, start
        self._ways = ways_of(plan.ste)

    def run(self, host: Driver, kept: State | None = None) -> Standing:
        """Does what is left, as far as there is time.

        Args:
            host: what the stages run in.
            kept: the checkpoint that it goes on from.
        """
        state = (kept or {}).get("state")
        standing, phases = None, self._phases()
        if state is not None:
            standing = Standing.of(state["carried"])
            phases = phases[phases.index(state["phase"]) :]
        for phase in phases:
            if standing is not None and state is None and host.is_over():
                break
            stage = self._stage(phase, standing)
            if stage is None:
                continue
            if state is not None:
                stage.load(state)
                state = None
            host.run(stage, partial(self._compile, stage))
            known = 0 if standing is None else len(standing.verdicts)
            standing = self._after(phase, stage, standing)
            for verdict in standing.verdicts[known:]:
                now = stage.progress(best=standing.handed_out)
                host.observer(replace(now, notes={"note": verdict.note}))
        assert standing is not None  # there is a first phase
        return standing

    def _phases(self) -> list[str]:
        """The stages, and for those that may not pay once more for all samples."""
        if not self._plan.is_trained(self._start):
            return [FIRST]
        later = self._plan.stages(self._start)[1:]
        on_all = self._problems.whole is not None
        pairs = [(name, f"{name} {ON_ALL}") if on_all else (name,) for name in later]
        return [FIRST, *(phase for pair in pairs for phase in pair)]

    def _later(self) -> float:
        """How long what follows the training takes, in epochs of all its lanes.

        As if all of it were to be done; walks, which end when they no longer pay, are left out.
        """
        problems, plan = self._problems, self._plan
        if not plan.is_trained(self._start):
            return 0.0
        a_fold = len(problems.parts[0].train)
        samples = FIGURES * problems.n_trained
        if plan.population.rounds:
            samples += plan.population.rounds * plan.population.epochs * a_fold * problems.n
        if plan.flips.rounds and problems.parts[0].whole() is None:
            samples += plan.flips.rounds * plan.flips.islands * A_ROUND * problems.n
        return samples / (problems.n_trained * len(self._ways))

    def _stage(self, phase: str, standing: Standing | None) -> SideBySide | None:
        """What to do in a phase; None where that does not pay."""
        if standing is None:
            first = SideBySide(phase, list(self._first_lanes()), {}, self._start)
            first.later = self._later()
            return first
        carried, name = standing.state(), phase.partition(" ")[0]
        if phase.endswith(ON_ALL):
            if standing.amount == 0:
                return None
            return SideBySide(phase, [Lane(ALL, self._search(name, ALL, standing))], carried)
        lanes = [Lane(fold, self._search(name, fold, standing)) for fold in range(self._problems.n)]
        if name != FlipStage.name:
            return SideBySide(phase, lanes, carried, standing.handed_out)
        parts, starts = self._problems.parts, standing.solutions
        return FlipsByFolds(phase, lanes, carried, standing.handed_out, (parts, starts))

    def _first_lanes(self) -> Iterator[Lane]:
        """Training, in each way of it, or an anneal from random signs."""
        problems, plan = self._problems, self._plan
        for way in self._ways:
            for place, problem in enumerate(problems.every):
                fold = place if place < problems.n else ALL
                training = Pretraining(
                    problem, way, self._seed("ste", fold), self._start, is_blind=True
                )
                n_scored = 0 if fold == ALL else problem.n_scored
                if plan.is_trained(self._start):
                    yield Lane(fold, training, n_scored)
                    continue
                assert training.best is not None  # random signs
                flips = self._flips(problem, training.best, fold, plan.flips, is_trained=False)
                yield Lane(fold, flips, n_scored)

    def _search(self, name: str, fold: int, standing: Standing) -> RoundStage:
        """Population refinement or flips, from where a fold stands."""
        problem, solution = self._problems.every[fold], standing.solutions[fold]
        if name == FlipStage.name:
            flips = self._plan.flips
            if fold == ALL:
                flips = replace(flips, **{_amount_of(problem): standing.amount})
            return self._flips(problem, solution, fold, flips, is_trained=True)
        seed = self._seed("population", fold)
        selecting = _selecting(problem, np.random.default_rng(seed))
        score = float(selecting.score(solution[None])[0])
        begun = SearchResult(solution, score, latents=tuple(standing.latents[fold]))
        config = replace(self._plan.population, islands=1, families=1)
        return Refinement(selecting, begun, config, seed, self._ways[0])

    def _flips(
        self,
        problem: SampledNetworkProblem,
        start: Solution,
        fold: int,
        config: FlipConfig,
        *,
        is_trained: bool,
    ) -> FlipStage:
        seed = self._seed("flips", fold)
        if problem.whole() is None:
            return FlipSearch(problem, start, config, seed)
        return WalkSearch(problem, start, config, seed, is_trained=is_trained)

    def _seed(self, use: str, fold: int) -> int:
        """Of a stage: what is of all samples has the seed of a search without folds."""
        seed = self._plan.seeds[use]
        if fold == ALL:
            return seed
        return int(np.random.SeedSequence((seed, fold)).generate_state(1)[0])

    def _after(self, phase: str, stage: SideBySide, standing: Standing | None) -> Standing:
        """Where the search stands after a phase."""
        if standing is None:
            return self._after_first(stage)
        if phase.endswith(ON_ALL):
            solutions = [*standing.solutions[:-1], _outcome(stage.lanes[0])]
            return replace(standing, solutions=solutions, amount=0)
        if isinstance(stage, FlipsByFolds):
            return self._after_flips(stage, standing)
        found = [_outcome(lane) for lane in stage.lanes]
        return self._chosen(standing, phase, found, self._plan.population.rounds)

    def _after_first(self, stage: SideBySide) -> Standing:
        n_all = len(self._problems.every)
        ways = [stage.lanes[at : at + n_all] for at in range(0, len(stage.lanes), n_all)]
        options = [[_outcome(lane) for lane in lanes] for lanes in ways]
        is_short = stage.done < stage.total
        names = [_name_of(way, self._ways, is_short=is_short) for way in self._ways]
        latents = [[lane.stage.latents() for lane in lanes] for lanes in ways]
        if self._start is not None:
            options = [[self._start] * n_all, *options]
            names, latents = ["the file as it was", *names], [[()] * n_all, *latents]
        seen = [self._unseen(option) for option in options]
        may_tie = self._start is not None

        def best(without: int | None = None) -> int:
            return best_of(
                [Outcomes.pooled(parts, without) for parts in seen], first_is_start=may_tie
            )

        chosen = best()
        told = [options[best(self._mute(fold))][fold] for fold in range(self._problems.n)]
        before = Outcomes.pooled(seen[0])
        verdicts = [
            Verdict(name, Outcomes.pooled(parts).more_right(before), place == chosen)
            for place, (name, parts) in enumerate(zip(names, seen, strict=True))
        ][1:]
        kept = [_stacked(its, self._problems.parts[0].n) for its in latents[chosen]]
        return Standing(options[chosen], told, kept, verdicts=tuple(verdicts))

    def _after_flips(self, stage: FlipsByFolds, standing: Standing) -> Standing:
        if stage.is_needless or stage.done == 0:
            return replace(standing, amount=0)
        steps = stage.paid()
        solutions, told = list(standing.solutions), list(standing.told)
        for fold in range(self._problems.n):
            others = stage.paid(self._mute(fold))
            told[fold] = stage.solution(fold, others) if others else told[fold]
            solutions[fold] = stage.solution(fold, steps) if steps else solutions[fold]
        flips = stage.lanes[0].stage
        each = flips.sweeps_a_step if isinstance(flips, WalkSearch) else ROUNDS_A_TASK
        verdict = Verdict(WORDS[stage.phase], stage.gain(), steps > 0)
        verdicts = (*standing.verdicts, verdict)
        return Standing(solutions, told, standing.latents, math.ceil(steps * each), verdicts)

    def _chosen(
        self, standing: Standing, what: str, found: list[Solution], amount: int
    ) -> Standing:
        """After a stage whose outcome is taken, or is not."""
        n = self._problems.n
        before, after = self._unseen(standing.solutions[:n]), self._unseen(found)

        def pays(without: int | None = None) -> bool:
            return Outcomes.pooled(after, without).pays(Outcomes.pooled(before, without))

        told = [found[fold] if pays(self._mute(fold)) else standing.told[fold] for fold in range(n)]
        verdict = Verdict(
            WORDS[what], Outcomes.pooled(after).more_right(Outcomes.pooled(before)), pays()
        )
        verdicts = (*standing.verdicts, verdict)
        solutions = [*found, *standing.solutions[n:]] if verdict.pays else standing.solutions
        paid = amount if verdict.pays else 0
        return Standing(list(solutions), told, standing.latents, paid, verdicts)

    def _mute(self, fold: int) -> int | None:
        """Who has no say in what a fold is told by: itself, unless it is the only one."""
        return fold if self._problems.n > 1 else None

    def _unseen(self, solutions: Sequence[Solution]) -> list[Outcomes]:
        """What each fold's network makes of the samples that it holds out."""
        return [
            problem.unseen(solution)
            for problem, solution in zip(self._problems.parts, solutions, strict=False)
        ]

    def _compile(self, stage: SideBySide) -> None:
        problem = self._problems.every[-1]
        compile_stage(stage.lanes[0].stage, problem, self._plan, self._start)


def ways_of(config: SteConfig) -> list[SteConfig]:
    """The ways to train that folds choose from: each length with each rate."""
    rates: list[tuple[float, ...]] = [(rate,) for rate in config.rates] or [()]
    starts = None if config.starts is None else max(1, config.starts // len(rates))
    return [
        replace(
            config,
            rates=rate,
            lengths=(1.0,),
            starts=starts,
            epochs=None if config.epochs is None else round(config.epochs * length),
        )
        for length in config.lengths
        for rate in rates
    ]


def _name_of(way: SteConfig, ways: Sequence[SteConfig], *, is_short: bool) -> str:
    """What tells a way to train from the others, and whether the clock cut it short."""
    words = []
    if len({one.epochs for one in ways}) > 1:
        words.append(f"{way.epochs} epochs")
    if len({one.rates for one in ways}) > 1:
        words.append(f"rate {way.rates[0]:g}")
    name = "training" + (f" of {', '.join(words)}" if words else "")
    return f"{name}, cut short" if is_short else name


def best_of(options: Sequence[Outcomes], *, first_is_start: bool = False) -> int:
    """The option that held-out samples are for: the first, unless a later one pays.

    Args:
        options: what each makes of the same samples.
        first_is_start: whether the first is a file that is polished; another one then only must not
            have fewer of them right.
    """
    best = 0
    for place, option in enumerate(options[1:], start=1):
        difference = option.more_right(options[best])
        is_enough = (
            difference.mean >= 0 if first_is_start and best == 0 else option.pays(options[best])
        )
        best = place if is_enough else best
    return best


def _outcome(lane: Lane) -> Solution:
    """What a stage has come to without a look at what its fold holds out."""
    if isinstance(lane.stage, FlipStage):
        return lane.stage.newest
    assert lane.stage.best is not None  # it has done a step
    return lane.stage.best


def _stacked(latents: tuple[NDArray[np.float32], ...], n: int) -> NDArray[np.float32]:
    """[starts, n]; of no start where there are no latents."""
    return np.stack(latents) if latents else np.empty((0, n), np.float32)


def _amount_of(problem: SampledNetworkProblem) -> str:
    """The setting that says how many flips there are."""
    return "rounds" if problem.whole() is None else "sweeps"


def _selecting(problem: SampledNetworkProblem, rng: np.random.Generator) -> SampledNetworkProblem:
    """The problem with training samples, and varied crops of them, to select by."""
    n = len(problem.train)
    rows = np.sort(rng.choice(n, min(n, TO_SELECT), replace=False))
    return replace(problem, valid=problem.train.subset(rows)).with_views(rng)
