"""The stages of a network search, one after the other: what `search` and classifiers have alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from evobin.algorithms import Annealing, Descent
from evobin.config import FlipConfig, PopulationConfig, SearchConfig, SteConfig
from evobin.core.problem import Solution
from evobin.core.stage import Stage
from evobin.core.state import State
from evobin.drive.driver import Driver
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.search import SearchResult
from evobin.training.flip_search import FlipSearch
from evobin.training.population import Refinement
from evobin.training.scales import plan_of
from evobin.training.ste import Pretraining, begin, train_epoch
from evobin.training.walks import WalkSearch


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """What the stages are to do, and the seed of all of them."""

    ste: SteConfig
    population: PopulationConfig
    flips: FlipConfig
    seed: int

    @classmethod
    def of(cls, config: SearchConfig) -> Self:
        """The plan of a run."""
        return cls(config.ste, config.population, config.flips, config.seed)

    def without_search(self) -> SearchPlan:
        """Training alone."""
        population, flips = replace(self.population, rounds=0), replace(self.flips, rounds=0)
        return replace(self, population=population, flips=flips)

    def reseeded(self, number: int) -> SearchPlan:
        """The same with another seed, for a search of this number, from 1."""
        words = np.random.SeedSequence((self.seed, number)).generate_state(1)
        return replace(self, seed=int(words[0]))

    @property
    def seeds(self) -> dict[str, int]:
        """Seeds by what they are for."""
        uses = ("ste", "flips", "population", "views")
        words = np.random.SeedSequence(self.seed).generate_state(len(uses))
        return dict(zip(uses, words.tolist(), strict=True))

    def is_trained(self, start: Solution | None = None) -> bool:
        """Whether what follows training begins with better than random signs, or with a file's."""
        return start is not None or self.ste.epochs != 0

    def stages(self, start: Solution | None = None) -> list[str]:
        """Names of the stages, in their order; relatives are of trained networks alone."""
        names = [Pretraining.name]
        names += [Refinement.name] * (self.population.rounds > 0 and self.is_trained(start))
        names += [FlipSearch.name] * (self.flips.rounds > 0)
        return names


def run_stages(
    problem: SampledNetworkProblem, plan: SearchPlan, host: Driver, kept: State | None = None
) -> SearchResult:
    """Does the stages of a plan, as far as there is time.

    Args:
        problem: what to maximise.
        plan: what each stage is to do.
        host: what the stages run in.
        kept: the checkpoint that it goes on from, or only the `start` of a polish.

    Returns:
        What the last stage found; it begins with what the one before has found, so that is the
        best of all.
    """
    kept = kept or {}
    start = kept.get("start")
    names, begun, state = plan.stages(start), None, kept.get("state")
    if state is not None:
        names = names[names.index(kept["stage"]) :]
        begun = SearchResult(state["best"], state["score"])
    for name in names:
        if begun is not None and state is None and host.is_over():
            break
        stage = _stage(name, problem, plan, start, begun)
        if state is not None:
            stage.load(state)
            state = None
        begun = host.run(stage, partial(compile_stage, stage, problem, plan, start))
    assert begun is not None  # there is at least one stage
    return begun


def walk_from(
    solution: Solution, problem: SampledNetworkProblem, plan: SearchPlan, host: Driver
) -> SearchResult:
    """Flips alone, on all samples, from a trained solution."""
    stage = WalkSearch(problem, solution, plan.flips, plan.seeds["flips"])
    return host.run(stage, partial(compile_walks, problem))


def _stage(
    name: str,
    problem: SampledNetworkProblem,
    plan: SearchPlan,
    start: Solution | None,
    begun: SearchResult | None,
) -> Stage:
    """The stage of a name, after what the one before has found."""
    if begun is None or name == Pretraining.name:
        return Pretraining(problem, plan.ste, plan.seeds["ste"], start)
    if name == FlipSearch.name:
        flips, seed = plan.flips, plan.seeds["flips"]
        if problem.whole() is None:
            return FlipSearch(problem, begun.solution, flips, seed)
        is_trained = plan.is_trained(start)
        return WalkSearch(problem, begun.solution, flips, seed, is_trained=is_trained)
    return Refinement(problem, begun, plan.population, plan.seeds["population"], plan.ste)


def compile_stage(
    stage: Stage, problem: SampledNetworkProblem, plan: SearchPlan, start: Solution | None
) -> None:
    """Compiles what a stage that has something to do needs, before workers would each do it."""
    if isinstance(stage, Pretraining | Refinement):
        compile_training(problem, plan.ste, smooth=start is None)
    if isinstance(stage, WalkSearch):
        compile_walks(problem, is_trained=plan.is_trained(start))
    elif isinstance(stage, FlipSearch) or (isinstance(stage, Refinement) and plan.population.flips):
        compile_flips(problem)


def compile_training(problem: SampledNetworkProblem, config: SteConfig, *, smooth: bool) -> None:
    """Compiles the kernels of training once, before workers would each do it."""
    few = problem.train.subset(np.arange(2))
    small = replace(problem, train=few, valid=few, varied=None, guard=None)
    short = plan_of(replace(config, batch=2, epochs=2, smooth=0.5), small)
    training = begin(small, short, (0, 0), None)
    for epoch in (0, 1) if smooth and config.smooth else (1,):
        training = train_epoch(small, short, training, epoch).training


def compile_flips(problem: SampledNetworkProblem) -> None:
    """Compiles the kernels of flips on drawn samples once."""
    solution = np.ones(problem.n, np.int8)
    replace(problem, batch_size=2).sample(np.random.default_rng(0)).start(solution).warm_up()


def compile_walks(problem: SampledNetworkProblem, *, is_trained: bool = True) -> None:
    """Compiles the walk from a trained start, or from random signs, once."""
    whole = problem.whole()
    assert whole is not None  # as the stage that walks asks for
    if not whole.is_compiled:
        compile_flips(problem)
        return
    walker = Descent(rule="first") if is_trained else Annealing(sweeps=1)
    walker.start(problem.n).walk(whole, 0)
