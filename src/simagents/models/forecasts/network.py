"""Forecasters: what is near an agent -> a few trajectories of it."""

import copy
from dataclasses import dataclass, replace
from math import log

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simagents.config.models import Forecasts as ForecastsSettings
from simagents.geometry import wrap_angle
from simagents.models.forecasting import Modes
from simagents.models.forecasts.actions import PoseActions
from simagents.models.forecasts.distribution import Forecast
from simagents.models.log_policy import LogPolicy
from simagents.models.nearby.map_encoder import EncodedMap, MapEncoder
from simagents.models.nearby.moments import Moments, changes, speed_along
from simagents.models.nearby.observer import Observer, Surroundings
from simagents.models.paths import AgentState, Paths, Worlds
from simagents.models.perceptrons import mlp_embedding, mlp_head
from simagents.models.policy import Input
from simagents.models.scenes import SceneBatch
from simagents.scenarios.scenario import SIMULATED

HORIZON = SIMULATED // PoseActions.log_steps
"""Poses of a forecast: 8 s."""
_FIRST_SCALE = 0.5
"""metres a second, by which forecasts are expected to be wrong before they are trained"""
_LEAST_SCALE = 0.1
"""metres; without it parked agents, which are forecast to the millimetre, would have most of the loss"""


class Forecaster(LogPolicy, nn.Module):
    """The `Policy` of one-shot forecasts, replanned every 0.5 s.

    Every agent is forecast alone from what is near it, so that two agents may be sent to one place: marginal
    models do not interact (Peng et al. 2024, arXiv:2409.18343). Only the first pose of a forecast is executed.
    Several members, as in MVTE (Wang et al. 2023, arXiv:2306.15914), are networks with other first weights
    whose modes are pooled with equal shares.
    """

    history = 2

    def __init__(self, settings: ForecastsSettings):
        super().__init__()
        self.settings = settings
        self.actions = PoseActions()
        self.members = nn.ModuleList(Member(settings) for _ in range(settings.members))
        self.feature_width = settings.width
        self.value_head: nn.Module | None = None
        self.unseen: Input | None = None

    @property
    def fine_tuned(self) -> list[nn.Module]:
        """All but the encoders of the map."""
        return [part for member in self.members for part in (member.observer, member.head)]

    def without(self, part: Input) -> "Forecaster":
        """Shares the weights; no agent attends to that part."""
        blind = copy.copy(self)
        blind.unseen = part
        return blind

    # ---- training: all moments of finished paths at once --------------------------------------------

    def forward(self, scenes: SceneBatch, paths: Paths) -> Forecast:
        """Distributions [N, T - history]; rows of agents that are not valid are undefined."""
        features, now = self._features_along(scenes, paths)
        value = None
        if self.value_head is not None:
            value = self.value_head(features[0].flatten(0, 1)).view(features[0].shape[:2])
        return replace(self._pooled(self._modes(features, now)), value=value)

    def forecast(self, scenes: SceneBatch, paths: Paths) -> list[Modes]:
        """See `Forecasting`."""
        return self._modes(*self._features_along(scenes, paths))

    def _features_along(
        self, scenes: SceneBatch, paths: Paths
    ) -> tuple[list[Float[Tensor, "N F D"]], Moments]:
        """What each member sees before each action after the history, and these moments."""
        maps = [member.read(scenes) for member in self.members]
        around = Surroundings.along(scenes, maps[0].encoded, paths)
        moments = Moments.along(paths, self.actions.seconds)
        now = moments.at(slice(self.history - 1, paths.action.shape[1] - 1))
        return self._features(now, around, maps), now

    # ---- simulation: one moment at a time ------------------------------------------------------------

    def begin(self, scenes: SceneBatch) -> tuple["Seen", Forecast]:
        """Read the maps once."""
        past = self.history_paths(scenes, Worlds.of(scenes, 1))
        maps = [member.read(scenes) for member in self.members]
        around = Surroundings.along(scenes, maps[0].encoded, past)
        now = Moments.along(past, self.actions.seconds).at(slice(-1, None))
        state = Seen(maps, around, now)
        return state, self._next(state)

    def branch(
        self, state: "Seen", distribution: Forecast, paths: Paths
    ) -> tuple["Seen", Forecast]:
        """All worlds begin alike."""
        row = paths.agent
        around = state.around.in_worlds(row, paths.world, state.maps[0].encoded)
        return Seen(state.maps, around, state.now.rows(row)), distribution.rows(row)

    def observe(
        self, state: "Seen", action: Float[Tensor, "N 3"], agents: AgentState
    ) -> tuple["Seen", Forecast]:
        """The network reads where the agents are, not what they did."""
        speed, heading = speed_along(agents.pose, agents.velocity), agents.pose[:, 2]
        before = state.now
        changed = changes(before.speed[0], before.heading[0], speed, heading, self.actions.seconds)
        now = Moments(
            agents.pose[None, :, :2], heading[None], speed[None], changed[None],
            torch.ones_like(before.valid),
        )  # fmt: skip
        state = replace(state, now=now)
        return state, self._next(state)

    def _next(self, state: "Seen") -> Forecast:
        features = self._features(state.now, state.around, state.maps)
        forecast = self._pooled(self._modes(features, state.now))
        return replace(
            forecast, logits=forecast.logits[:, 0], pose=forecast.pose[:, 0],
            log_scale=forecast.log_scale[:, 0],
        )  # fmt: skip

    # ---- shared by both ------------------------------------------------------------------------------

    def _features(
        self, now: Moments, around: Surroundings, maps: list["ReadMap"]
    ) -> list[Float[Tensor, "N F D"]]:
        """What each member sees."""
        return [
            member.observer(now, around, seen.encoded, seen.of_map, self.unseen).transpose(0, 1)
            for member, seen in zip(self.members, maps, strict=True)
        ]

    def _modes(self, features: list[Float[Tensor, "N F D"]], now: Moments) -> list[Modes]:
        heads = zip(self.members, features, strict=True)
        return [member.head(x, now.speed.T) for member, x in heads]

    def _pooled(self, members: list[Modes]) -> Forecast:
        """The next poses under all modes of all members, which count alike."""
        share = torch.cat([one.logits.log_softmax(dim=-1) for one in members], dim=-1)
        return Forecast(
            share - log(len(members)),
            torch.cat([one.pose[..., 0, :] for one in members], dim=-2),
            torch.cat([one.log_scale[..., 0] for one in members], dim=-1),
            certain=self.settings.executed == "likeliest",
        )


class Member(nn.Module):
    """One network of the ensemble."""

    def __init__(self, settings: ForecastsSettings):
        super().__init__()
        self.map_encoder = MapEncoder(settings)
        self.observer = Observer(settings)
        self.head = ModesHead(settings)

    def read(self, scenes: SceneBatch) -> "ReadMap":
        """The map, once for all moments and worlds."""
        encoded = self.map_encoder(scenes)
        return ReadMap(encoded, self.observer.memories(encoded))


class ModesHead(nn.Module):
    """Features -> modes, each as a deviation from a constant velocity."""

    def __init__(self, settings: ForecastsSettings):
        super().__init__()
        width = settings.width
        self.mode = nn.Parameter(torch.empty(settings.modes, width).normal_())
        self.mixed = mlp_embedding(width, width)
        self.likely = nn.Linear(width, 1, bias=False)
        self.way = mlp_head(width, width, HORIZON * 4)
        seconds = PoseActions.seconds * torch.arange(1, HORIZON + 1)
        self.register_buffer("seconds", seconds, persistent=False)

    def forward(self, features: Float[Tensor, "N F D"], speed: Float[Tensor, "N F"]) -> Modes:
        x = self.mixed(features[..., None, :] + self.mode)
        ahead, left, turn, scale = self.way(x).float().unflatten(-1, (HORIZON, 4)).unbind(-1)
        seconds = self.seconds
        ahead = (speed[..., None, None] + ahead) * seconds
        # Sideways and turns grow from zero, the former with the square of time.
        pose = torch.stack([ahead, left * seconds**2 / 8, wrap_angle(turn * seconds / 8)], dim=-1)
        log_scale = (scale + log(_FIRST_SCALE) + seconds.log()).clamp(min=log(_LEAST_SCALE), max=4)
        return Modes(self.likely(x).float().squeeze(-1), pose, log_scale)


@dataclass(frozen=True)
class ReadMap:
    """The map as a member reads it."""

    encoded: EncodedMap
    of_map: list[Float[Tensor, "Q W"]]
    """the observer's keys and values"""


@dataclass(frozen=True)
class Seen:
    """What forecasters keep during a simulation: the maps, and N rows at one moment."""

    maps: list[ReadMap]
    """of every member; the pieces are the same"""
    around: Surroundings
    now: Moments
