"""Goals of a training step: who is given which, what reaching them is worth, and hindsight.

RLFTSim (Ahmadi et al. 2026, arXiv:2605.19033), Algorithm 1. What its texts do not say is our choice:
one new goal for each agent with a goal, the terminal position in the rollout with the highest credit
of its scene; the ratio is each agent's own, over its actions, and clipped.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simagents.algorithms.goals import balanced, goal_credit, hindsight_ratio
from simagents.config.goals import GivenGoals, Goals
from simagents.counter import key_of, uniform
from simagents.metrics.goals import passed, reached, within
from simagents.models.scenes import SceneBatch
from simagents.training.learners.learner import Stats


@dataclass(frozen=True)
class Pursuit:
    """Goals of a batch and how its rollouts did; S scenes, R rollouts of each."""

    scenes: SceneBatch
    """with the goals that are learned from"""
    hindsight: Bool[Tensor, "S"]
    """scenes in which these are not the goals that agents were given"""
    some: Bool[Tensor, "S"]
    """scenes in which an agent has a goal"""
    given: Float[Tensor, "S R"]
    """share of the given goals that a rollout reaches; 0 where there are none"""
    learned: Float[Tensor, "S R"]
    """the same of the goals that are learned from"""


@dataclass(frozen=True)
class GoalGiving:
    """Which agents are given their goals.

    Draws are keyed by the seed and the scene's place in the order of all steps, so micro-batches
    draw what the whole batch would, and a resumed run draws the same.
    """

    settings: GivenGoals
    seed: int

    def given(self, scenes: SceneBatch, places: np.ndarray) -> SceneBatch:
        """The scenes with the goals that agents are given: some lose theirs."""
        agents = np.array(scenes.counts)
        place = np.repeat(places, agents)
        agent = np.concatenate([np.arange(count) for count in agents])
        drawn = uniform(self.seed, key_of("goal dropout"), place, agent)
        lost = torch.from_numpy(drawn < self.settings.dropout).to(scenes.device)
        return replace(scenes, goal=scenes.goal.masked_fill(lost[:, None], torch.nan))


@dataclass(frozen=True)
class GoalLearning(GoalGiving):
    """Everything that the key `goals` of a policy gradient adds. Draws are keyed as there."""

    settings: Goals

    def pursuit(
        self,
        scenes: SceneBatch,
        places: np.ndarray,
        trajectories: list[Tensor],
        credit: Float[Tensor, "S R 1 1"],
    ) -> Pursuit:
        """What is learned from rollouts under the goals of `scenes`; `trajectories` as `roll_out` has them."""
        paths = [
            path[..., :2].double() - origin
            for path, origin in zip(trajectories, scenes.origin, strict=True)
        ]
        best = credit[:, :, 0, 0].argmax(dim=1)
        ends = torch.cat([path[i, :, -1] for path, i in zip(paths, best.tolist(), strict=True)])
        hindsight = self._in_hindsight(places).to(scenes.device)
        exists = ~scenes.goal.isnan()
        replaced = exists & hindsight[scenes.agent_scene, None]
        goal = torch.where(replaced, ends.to(scenes.goal.dtype), scenes.goal)
        given = self._shares(paths, scenes, scenes.goal)
        return Pursuit(
            scenes=replace(scenes, goal=goal),
            hindsight=hindsight,
            some=torch.bincount(scenes.agent_scene[exists[:, 0]], minlength=scenes.scenes) > 0,
            given=given,
            learned=self._shares(paths, scenes, goal) if hindsight.any() else given,
        )

    def advantage(
        self, credit: Float[Tensor, "S R 1 1"], pursuit: Pursuit
    ) -> Float[Tensor, "S R 1 1"]:
        """The credit for realism and that for goals, balanced."""
        goals = goal_credit(pursuit.learned)
        return balanced(credit, goals, self.settings.weight)

    def reweighted(
        self,
        advantage: Tensor,
        logp: Float[Tensor, "S R A F"],
        logp_given: Float[Tensor, "S R A F"],
        pursuit: Pursuit,
    ) -> tuple[Float[Tensor, "S R A _"], Float[Tensor, "S R A"]]:
        """Advantages of hindsight scenes times each agent's clipped ratio; and the ratio before.

        Only for settings with hindsight.
        """
        ratio = hindsight_ratio(logp, logp_given)
        ratio = torch.where(pursuit.hindsight[:, None, None], ratio, 1.0)
        return advantage * ratio.clamp(*self.settings.hindsight.clip)[..., None], ratio

    def logged(
        self, credit: Tensor, pursuit: Pursuit, ratio: Tensor | None, has_goal: Tensor, total: float
    ) -> Stats:
        """Parts of sums over all `total` rollouts of the step; `follow` makes means of them.

        `has_goal` is [S, R, A]; `credit` that for realism alone; no ratio where no scene is learned in
        hindsight. All micro-batches log the same names, because processes add their numbers up.
        """
        rollouts = pursuit.given.shape[1]
        weight = self.settings.weight
        stats = {
            "goal_scenes": pursuit.some.sum() * rollouts,
            "goal_reached": pursuit.given.sum(),
            "goal_reward": pursuit.learned.sum(),
            "realism_credit": ((1 - weight) * credit).abs().sum(),
            "goal_credit": (weight * goal_credit(pursuit.learned)).abs().sum(),
        }
        if self.settings.hindsight is not None:
            ratio = torch.ones_like(has_goal, dtype=torch.float32) if ratio is None else ratio
            low, high = self.settings.hindsight.clip
            with_ratio = has_goal & pursuit.hindsight[:, None, None]
            outside = (ratio < low) | (ratio > high)
            stats |= {
                "hindsight_agents": with_ratio.sum(),
                "hindsight_ratio": ratio.clamp(low, high)[with_ratio].sum(),
                "hindsight_clipped": outside[with_ratio].sum(),
            }
        return {name: value.double() / max(total, 1.0) for name, value in stats.items()}

    def follow(self, numbers: dict[str, float]) -> None:
        """Turn sums into means: over the scenes with goals, and over agents with new goals.

        `goal_scenes` stays the share of scenes with goals; what no scene has is left out.
        """
        _divide(numbers, "goal_scenes", ("goal_reached", "goal_reward"))
        _divide(numbers, "hindsight_agents", ("hindsight_ratio", "hindsight_clipped"))

    def _in_hindsight(self, places: np.ndarray) -> Bool[Tensor, "S"]:
        hindsight = self.settings.hindsight
        share = 0.0 if hindsight is None else hindsight.share
        return torch.from_numpy(uniform(self.seed, key_of("hindsight"), places) < share)

    def _shares(self, paths: list[Tensor], scenes: SceneBatch, goal: Tensor) -> Tensor:
        """[S, R]: the share of a scene's goals that each rollout reaches by the criterion."""
        arrived = passed if self.settings.criterion == "soft" else reached
        shares = []
        for path, goals in zip(paths, goal.split(scenes.counts), strict=True):
            exists = ~goals.isnan().any(dim=-1)
            near = within(path[:, exists], goals[exists].double(), self.settings.radius)
            shares.append(arrived(near).double().sum(dim=-1) / exists.sum().clamp(min=1))
        return torch.stack(shares).float()


def _divide(numbers: dict[str, float], by: str, names: tuple[str, ...]) -> None:
    count = numbers.get(by, 0.0)
    for name in names:
        if count:
            numbers[name] /= count
        else:
            numbers.pop(name, None)
