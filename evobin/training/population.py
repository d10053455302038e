"""Population refinement: relatives are recombined, improved and selected, on islands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from evobin.config import PopulationConfig, SteConfig
from evobin.core.problem import Problem, SampledProblem, Solution
from evobin.core.stage import RoundStage, Row
from evobin.core.state import State
from evobin.problems.sampled_network import SampledNetworkProblem
from evobin.results.search import SearchResult
from evobin.training import latent as lat
from evobin.training.blend import blend
from evobin.training.flip_search import improve
from evobin.training.recombination import MIXES, SPREAD, differences
from evobin.training.scales import Plan, plan_of
from evobin.training.ste import train_on

STEPS = 8
"""Solutions that are scored on a path from one parent to another."""
PATH = "path"
BLEND = "blend"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One solution with the latents that its signs come from."""

    latent: lat.Floats  # [n] float32, in file order
    score: float  # by all that selection may look at

    @property
    def solution(self) -> Solution:
        """[n] int8."""
        return lat.signs_of(self.latent)

    def is_among(self, members: Sequence[Member]) -> bool:
        """Whether one of them has the same solution."""
        return any(np.array_equal(self.solution, member.solution) for member in members)


@dataclass(slots=True, eq=False)
class Island:
    """A small population of relatives."""

    family: int  # which start they descend from
    members: list[Member]  # the best by score first
    since: int = 0  # rounds since the best one was found


class Care(NamedTuple):
    """What improves children."""

    config: PopulationConfig
    plan: Plan | None  # of their training; None where there are no latents to train


class Refinement(RoundStage):
    """Population refinement as a stage, a child of every island a step.

    In every round, each island makes one child, the task of a worker: two or more parents are
    drawn by tournament, mixed, and the child is improved by short training of its latents, by
    flips, or both. All members of the island and the child are then scored on a part of what
    selection may look at, drawn afresh each round, so that none is kept for fitting it; the best
    stay. The best by everything that selection may look at is an island's elite: it always stays,
    visits the next island of its family now and then, and is kicked when it has not been
    surpassed for long. A solution is on an island once. The mean of a family's latents, members of
    all its islands, is one more candidate after each round.

    Args:
        problem: what to maximise.
        earlier: outcome of an earlier stage: its latents are the starts, or else its solution.
        config: rounds, islands, moves, and so on.
        seed: decides every random number.
        training: batch, windows, and so on, to train the children of a network with.

    Raises:
        SettingError: if a setting is out of range.
    """

    name = "population"

    def __init__(
        self,
        problem: SampledProblem,
        earlier: SearchResult,
        config: PopulationConfig,
        seed: int,
        training: SteConfig | None = None,
    ) -> None:
        config.check()
        plan = None
        if isinstance(problem, SampledNetworkProblem):
            training = training or SteConfig(frames=problem.frames)
            changed = replace(training, epochs=config.epochs, rates=(config.rate,))
            plan = plan_of(changed, problem)
        self._care = Care(config, plan)
        self.total = config.rounds
        self._problem, self._config, self._seed = problem, config, seed
        self.best, self.score = earlier.solution, earlier.score
        rng = np.random.default_rng((seed, 0))
        starts = earlier.latents or (lat.latent_from(earlier.solution, SPREAD, rng),)
        scores = problem.score(np.stack([lat.signs_of(start) for start in starts]))
        families = np.argsort(-scores, kind="stable")[: config.families]
        self._islands = [
            Island(int(family), [Member(starts[int(family)], float(scores[family]))])
            for family in np.resize(families, config.islands)
        ]

    @property
    def function(self) -> Callable[..., Child]:
        """As in `RoundStage`."""
        return breed

    def tasks(self) -> list[tuple[Any, ...]]:
        """A child of each island, whose parents are drawn."""
        number = self.done + 1
        rng, tasks = np.random.default_rng((self._seed, number)), list[tuple[Any, ...]]()
        for place, island in enumerate(self._islands):
            drawn, mix = _parents(island, self._config, rng)
            parents = np.stack([member.latent for member in drawn]).tobytes()
            tasks.append((self._problem, self._care, parents, mix, (self._seed, number, place)))
        self._asked = tasks, rng
        return tasks

    def take(self, results: list[Child]) -> list[Row]:
        """As in `RoundStage`: selection."""
        problem, config, islands = self._problem, self._config, self._islands
        tasks, rng = self._asked
        number = self.done = self.done + 1
        latents = [np.frombuffer(child.latent, np.float32) for child in results]
        scores = [child.score for child in results]
        view = problem.subsample(rng)
        for island, latent, score in zip(islands, latents, scores, strict=True):
            _select(island, Member(latent, score), config, view)
        if number % config.migrate == 0:
            _migrate(islands)
        for place, island in enumerate(islands):
            if island.since >= config.patience:
                kicks = np.random.default_rng((self._seed, number, place, 2))
                _restart(island, config, problem, kicks)
        for family in sorted({island.family for island in islands}):
            consensus = _consensus([island for island in islands if island.family == family])
            latents.append(consensus)
            scores.append(float(problem.score(lat.signs_of(consensus)[None])[0]))
        if max(scores) > self.score:
            self.best = lat.signs_of(latents[scores.index(max(scores))])
            self.score = max(scores)
        return [
            {"move": task[3], "score": child.score} | child.figures | _diversity(problem, island)
            for task, child, island in zip(tasks, results, islands, strict=True)
        ]

    def state(self) -> State:
        """As in `Stage`."""
        islands = self._islands
        state = super().state()
        state["families"] = [island.family for island in islands]
        state["since"] = [island.since for island in islands]
        state["scores"] = [[member.score for member in island.members] for island in islands]
        for place, island in enumerate(islands):
            state[f"latents{place}"] = np.stack([member.latent for member in island.members])
        return state

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        self._islands = []
        for place, family in enumerate(state["families"]):
            scored = zip(state[f"latents{place}"], state["scores"][place], strict=True)
            members = [Member(latent, score) for latent, score in scored]
            self._islands.append(Island(family, members, state["since"][place]))


def _ranked(members: Sequence[Member]) -> list[Member]:
    """The best by score first; of equals, the one that was there first."""
    return sorted(members, key=lambda member: -member.score)


def _consensus(islands: Sequence[Island]) -> lat.Floats:
    """The mean of all members' latents."""
    latents = [member.latent for island in islands for member in island.members]
    mean: lat.Floats = np.mean(latents, axis=0, dtype=np.float32)
    return mean


def _parents(
    island: Island, config: PopulationConfig, rng: np.random.Generator
) -> tuple[list[Member], str]:
    """Parents of the next child, by tournament, and how to mix them."""
    members, mix = island.members, config.moves[int(rng.integers(len(config.moves)))]
    if len(members) == 1:
        return members, "mean"
    if mix in ("mean", "vote", "sample", BLEND):
        return members, mix
    order = rng.permutation(len(members))
    first = min(order[:2].tolist())  # members are sorted: the better one of two
    others = [place for place in range(len(members)) if place != first]
    second = others[int(rng.integers(len(others)))]
    return [members[first], members[second]], mix


@dataclass(frozen=True, slots=True, eq=False)
class Child:
    """A child that a worker made of some parents."""

    latent: bytes  # [n] float32; joblib would hand arrays over as files
    score: float  # of its signs, in full
    figures: Row  # cost and result of making it: a part of a row


def breed(
    problem: SampledProblem,
    care: Care,
    parents: bytes,
    mix: str,
    seed: tuple[int, ...],
) -> Child:
    """Makes one child and improves it.

    A mixture of several parents that does not gain by that on a part of what selection may look at
    is kept as it is.

    Args:
        problem: what to maximise.
        care: what improves the child.
        parents: [k, n] float32, latents in file order, as they travel.
        mix: a key of `MIXES`, or `PATH`, or `BLEND`.
        seed: decides every random number.

    Raises:
        TypeError: if there are latents to train, but the problem is no network's.
    """
    rng = np.random.default_rng(seed)
    latents = np.frombuffer(parents, np.float32).reshape(-1, problem.n)
    figures: Row = {"evaluations": 1}
    if mix == PATH:
        child = relink(problem, latents[0], latents[1], rng)
    elif mix == BLEND:
        child = blend(problem, latents, care.config.evaluations, rng)
        figures["evaluations"] += care.config.evaluations
    else:
        child = MIXES[mix](latents, problem.structure.units, rng)
    mixed = child
    if care.config.epochs > 0:
        if care.plan is None or not isinstance(problem, SampledNetworkProblem):
            raise TypeError("only a network has latents to train; set `population.epochs` to 0.")
        child, loss, accuracy = train_on(problem, care.plan, child, rng)
        figures |= {"loss": loss, "train_accuracy": accuracy}
    if care.config.proposals > 0:
        signs, reached, counts = improve(
            problem, lat.signs_of(child), care.config.proposals, (*seed, 1)
        )
        child = (np.abs(child) * signs).astype(np.float32)
        figures |= {"train_score": reached} | counts
    if len(latents) > 1:
        pair = np.stack([lat.signs_of(child), lat.signs_of(mixed)])
        gained, was = problem.subsample(rng).score(pair)
        child = child if gained >= was else mixed
        figures["evaluations"] += 2
    score = float(problem.score(lat.signs_of(child)[None])[0])
    return Child(child.tobytes(), score, figures)


def relink(
    problem: SampledProblem, first: lat.Floats, second: lat.Floats, rng: np.random.Generator
) -> lat.Floats:
    """The best solution on a path from one parent to another.

    Where the two differ, the signs with the largest gains are taken over first, a share of them a
    step; the best is chosen by a batch that did not choose the signs.

    Source:
        Glover (1997), path relinking.
    """
    choosing, judging = problem.sample(rng), problem.sample(rng)
    here = first.copy()
    best, score = here.copy(), judging.start(lat.signs_of(here)).score
    left = np.flatnonzero(lat.signs_of(first) != lat.signs_of(second))
    for step in range(STEPS, 1, -1):  # the end of the path is the other parent
        gains = choosing.start(lat.signs_of(here)).gains()[left]
        order = np.argsort(-gains, kind="stable")
        taken, left = np.split(left[order], [-(-len(left) // step)])
        here[taken] = second[taken]
        present = judging.start(lat.signs_of(here)).score
        if present > score:
            best, score = here.copy(), present
    return best


def _select(island: Island, child: Member, config: PopulationConfig, view: Problem) -> None:
    """Keeps the elite, and the best of the others by what selection sees in this round."""
    island.since += 1
    if child.is_among(island.members):
        return
    elite, *rest = _ranked([*island.members, child])
    island.since = 0 if elite is child else island.since
    if rest:
        seen = view.score(np.stack([member.solution for member in rest]))
        order = np.argsort(-seen, kind="stable")[: config.size - 1]
        rest = [rest[place] for place in order.tolist()]
    island.members = _ranked([elite, *rest])


def _migrate(islands: Sequence[Island]) -> None:
    """Every island's elite visits the next island of its family, in the place of the last there."""
    for family in {island.family for island in islands}:
        ring = [island for island in islands if island.family == family]
        elites = [island.members[0] for island in ring]
        for island, guest in zip(ring, [elites[-1], *elites[:-1]], strict=True):
            if not guest.is_among(island.members):
                stay = island.members if len(island.members) == 1 else island.members[:-1]
                island.members = _ranked([*stay, guest])


def _restart(
    island: Island, config: PopulationConfig, problem: SampledProblem, rng: np.random.Generator
) -> None:
    """Leaves the elite and a kicked copy of it."""
    elite = island.members[0]
    latent = elite.latent.copy()
    latent[rng.random(len(latent)) < config.kick] *= -1
    score = float(problem.score(lat.signs_of(latent)[None])[0])
    island.members = _ranked([elite, Member(latent, score)])
    island.since = 0


def _diversity(problem: SampledProblem, island: Island) -> dict[str, float]:
    """Mean share of weights in which two members of an island differ, in all and by layer."""
    members = np.stack([member.solution for member in island.members])
    layers = {f"differ_{name}": part for name, part in problem.structure.layers.items()}
    parts = {"differ": slice(None)} | layers
    return {name: differences(members[:, part]) for name, part in parts.items()}
