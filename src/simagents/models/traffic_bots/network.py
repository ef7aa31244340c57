"""TrafficBots: a recurrent policy under a personality and a destination."""

import copy
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor, nn

from simagents.config.models import TrafficBots as TrafficBotsSettings
from simagents.geometry import unit_vector
from simagents.models.distribution import Gaussian
from simagents.models.log_policy import LogPolicy
from simagents.models.nearby.map_encoder import EncodedMap, MapEncoder
from simagents.models.nearby.moments import Moments, changes, speed_along
from simagents.models.nearby.observer import Observer, Surroundings
from simagents.models.paths import AgentState, LoggedStates, Paths, Worlds
from simagents.models.policy import Input
from simagents.models.reconstruction import Reconstruction
from simagents.models.scenes import SceneBatch
from simagents.models.traffic_bots.actions import (
    UnicycleActions,
    advanced,
    limits,
    logged_controls,
)
from simagents.models.traffic_bots.latents import LatentEncoder, Latents, Prior
from simagents.models.traffic_bots.log_reading import LogReader
from simagents.models.traffic_bots.looking import Looking
from simagents.models.traffic_bots.memory import Decision, Looks, Memory
from simagents.models.traffic_bots.state import BotState
from simagents.scenarios.scenario import CURRENT


class TrafficBots(LogPolicy, nn.Module):
    """The `Policy` of TrafficBots V1.5, at 10 Hz.

    Every `look_every` steps an agent looks at the nearest pieces of map and the nearest agents. At each
    step a recurrent unit takes in its own state, and a perceptron turns the unit's state, the
    personality and the destination, as seen from the last look, into a normal distribution of acceleration
    and yaw rate. The latents come in after the recurrent unit, so that all worlds of a scene share the
    memory of its history.

    Under `without("map")` an agent sees no piece of map, but keeps its destination and personality: a
    posterior has them from the log, and hiding them would count hindsight as sight of the map.
    """

    history = CURRENT

    def __init__(self, settings: TrafficBotsSettings):
        super().__init__()
        self.settings = settings
        self.actions = UnicycleActions()
        self.latent_draws = settings.latent_width + 1
        self.map_encoder = MapEncoder(settings)
        self.latents = LatentEncoder(settings)
        self.observer = Observer(settings)
        self.memory = Memory(settings)
        self.decision = Decision(settings)
        self.feature_width = settings.width
        self.value_head: nn.Module | None = None
        self.unseen: Input | None = None

    @property
    def fine_tuned(self) -> list[nn.Module]:
        """The policy; the encoder of the map and that of the latents stay frozen."""
        return [self.observer, self.memory, self.decision]

    @property
    def looking(self) -> Looking:
        return Looking(self.settings.look_every, self.history)

    @property
    def log_reader(self) -> LogReader:
        return LogReader(self.latents, self.looking)

    def without(self, part: Input) -> "TrafficBots":
        """Shares the weights; no agent attends to that part."""
        blind = copy.copy(self)
        blind.unseen = part
        return blind

    # ---- the log ----------------------------------------------------------------------------------

    def _paths(
        self, scenes: SceneBatch, worlds: Worlds, log: LoggedStates, valid: Bool[Tensor, "A B"]
    ) -> Paths:
        """The log's own states, and the controls between them."""
        moments, row = valid.shape[1], worlds.agent
        velocity = scenes.velocity[:, self._moments()][:, :moments]
        action = logged_controls(log.pose[:, :moments], velocity, scenes.agent_class)
        both = valid[:, 1:] & valid[:, :-1]
        return Paths(
            agent=row,
            world=worlds.world,
            history=self.history,
            action=(action * both[..., None])[row],
            pose=log.pose[row, 1:moments],
            velocity=velocity[row, 1:],
            valid=both[row],
        )

    def _whole_log(self, scenes: SceneBatch) -> Paths:
        """However far agents are from the SDC: what simulation may meet."""
        log = self.logged_states(scenes)
        return self._paths(scenes, Worlds.of(scenes, 1), log, log.valid)

    # ---- training: all moments of finished paths at once ------------------------------------------

    def forward(self, scenes: SceneBatch, paths: Paths) -> Gaussian:
        """Distributions [N, T - history, 2]; rows of agents that are not valid are undefined.

        Without latents in the paths: under the posterior's mean and the destination of the log.
        """
        encoded = self.encode_map(scenes)
        if paths.latent is None:
            log = self.log_reader.read(scenes, self._whole_log(scenes), encoded)
            personality, destination = log.posterior.mode(), log.destination
            latents = Latents(personality[paths.agent], destination[paths.agent])
        else:
            latents = self._prior(scenes, encoded).drawn(paths.agent, paths.latent)
        return self._along(scenes, paths, encoded, latents)

    def _along(
        self, scenes: SceneBatch, paths: Paths, encoded: EncodedMap, latents: Latents
    ) -> Gaussian:
        around = Surroundings.along(scenes, encoded, paths)
        moments = Moments.along(paths.until(paths.action.shape[1] - 1))
        of_map = self.observer.memories(encoded)
        at, looks = self._looks(moments, around, encoded, of_map)
        states, _ = self.memory(moments, looks)
        # From the current step on, which is a look; before it nothing is decided.
        states, since = states[self.history - 1 :], slice(self.looking.past - 1, None)
        aim = self.decision.aim(at.place[since], at.heading[since], latents, encoded)
        aim = aim.repeat_interleave(self.settings.look_every, dim=0)[: len(states)]
        features = self.decision(states, aim)
        value = None
        if self.value_head is not None:
            value = self.value_head(features.flatten(0, 1)).view(features.shape[:2]).T
        limit = limits(around.agent_class)
        return Gaussian(
            self.decision.most_likely(features, limit).transpose(0, 1),
            self.decision.log_deviation(features, limit).transpose(0, 1),
            value,
        )

    def reconstruct(
        self,
        scenes: SceneBatch,
        forced: Bool[Tensor, "A F"],
        uniform: Float64[Tensor, "A latent_draws"],
    ) -> Reconstruction:
        """See `Reconstructing`. Agents take the mean of every distribution, and all stay in the scene."""
        encoded = self.encode_map(scenes)
        paths = self._whole_log(scenes)
        read = self.log_reader.read(scenes, paths, encoded)
        latents = Latents(read.posterior.sample(uniform[:, :-1]), read.destination)
        log = Moments.along(paths)
        state = self._after_history(scenes, encoded, read.prior, latents)
        places, headings, speeds = [], [], []
        for step in range(forced.shape[1]):
            now, action = state.now, self._most_likely(state)
            place, heading, speed = advanced(now.place[0], now.heading[0], now.speed[0], action)
            places.append(place)
            headings.append(heading)
            speeds.append(speed)
            if step + 1 < forced.shape[1]:
                at = self.history + step
                there = log.valid[at] & forced[:, step + 1]
                state = self._advanced(
                    state,
                    torch.where(there[:, None], log.place[at], place),
                    torch.where(there, log.heading[at], heading),
                    torch.where(there, log.speed[at], speed),
                    torch.where(there[:, None], log.changes[at], action),
                )
        heading = torch.stack(headings, dim=1)
        pose = torch.cat([torch.stack(places, dim=1), heading[..., None]], dim=-1)
        return Reconstruction(
            pose=pose,
            velocity=torch.stack(speeds, dim=1)[..., None] * unit_vector(heading),
            logged=self._along(scenes, paths, encoded, latents),
            posterior=read.posterior,
            prior=read.prior.personality,
            destination=read.prior.destination,
            reached=read.reached,
        )

    def _prior(self, scenes: SceneBatch, encoded: EncodedMap) -> Prior:
        past = self.history_paths(scenes, Worlds.of(scenes, 1))
        return self.log_reader.prior(scenes, past, encoded)

    # ---- simulation: one moment at a time ---------------------------------------------------------

    def begin(self, scenes: SceneBatch) -> tuple[BotState, Gaussian]:
        """Encode the map and the history once; under the prior's likeliest latents."""
        encoded = self.encode_map(scenes)
        prior = self._prior(scenes, encoded)
        everyone = torch.arange(len(scenes.agent_scene), device=scenes.device)
        state = self._after_history(scenes, encoded, prior, prior.mode(everyone))
        return state, self._next(state)

    def _after_history(
        self, scenes: SceneBatch, encoded: EncodedMap, prior: Prior, latents: Latents
    ) -> BotState:
        past = self.history_paths(scenes, Worlds.of(scenes, 1))
        moments, around = Moments.along(past), Surroundings.along(scenes, encoded, past)
        of_map = self.observer.memories(encoded)
        _, looks = self._looks(moments, around, encoded, of_map)
        _, memory = self.memory(moments, looks)
        now, looks = moments.at(slice(-1, None)), looks.last
        aim = self.decision.aim(now.place, now.heading, latents, encoded)
        return BotState(encoded, of_map, prior, around, latents, now, looks, aim, 0, memory)

    def branch(
        self, state: BotState, distribution: Gaussian, paths: Paths
    ) -> tuple[BotState, Gaussian]:
        """Every world has the one memory, and latents of its own, drawn from the prior by
        `paths.latent`; without these, the likeliest ones."""
        row, prior = paths.agent, state.prior
        latents = prior.mode(row) if paths.latent is None else prior.drawn(row, paths.latent)
        looks = state.looks.rows(row)
        state = replace(
            state,
            latents=latents,
            around=state.around.in_worlds(row, paths.world, state.encoded),
            now=state.now.rows(row),
            looks=looks,
            aim=self.decision.aim(looks.place, looks.heading, latents, state.encoded),
            memory=state.memory.index_select(1, row),
        )
        return state, self._next(state)

    def observe(
        self, state: BotState, action: Float[Tensor, "N 2"], agents: AgentState
    ) -> tuple[BotState, Gaussian]:
        """Advance every agent by one moment. The network reads where it is, not the action."""
        place, heading = agents.pose[:, :2], agents.pose[:, 2]
        speed = speed_along(agents.pose, agents.velocity)
        changed = changes(state.now.speed[0], state.now.heading[0], speed, heading)
        state = self._advanced(state, place, heading, speed, changed)
        return state, self._next(state)

    def _advanced(
        self,
        state: BotState,
        place: Float[Tensor, "N 2"],
        heading: Float[Tensor, "N"],
        speed: Float[Tensor, "N"],
        changes: Float[Tensor, "N 2"],
    ) -> BotState:
        """After one more moment, at which all agents are in the scene."""
        now = Moments(place[None], heading[None], speed[None], changes[None], state.everywhere)
        looks, aim, since = state.looks, state.aim, state.since + 1
        if since == self.settings.look_every:
            seen = self.observer(now, state.around, state.encoded, state.of_map, self.unseen)
            looks, since = self.memory.looks(now, state.around, seen), 0
            aim = self.decision.aim(now.place, now.heading, state.latents, state.encoded)
        _, memory = self.memory(now, looks, state.memory)
        return replace(state, now=now, looks=looks, aim=aim, since=since, memory=memory)

    def _most_likely(self, state: BotState) -> Float[Tensor, "N 2"]:
        features = self.decision(state.memory, state.aim)
        return self.decision.most_likely(features, limits(state.around.agent_class))[0]

    def _next(self, state: BotState) -> Gaussian:
        features = self.decision(state.memory, state.aim)
        limit = limits(state.around.agent_class)
        return Gaussian(
            self.decision.most_likely(features, limit)[0],
            self.decision.log_deviation(features, limit)[0],
        )

    # ---- shared by both ---------------------------------------------------------------------------

    def encode_map(self, scenes: SceneBatch) -> EncodedMap:
        """The scenes' polylines in pieces, after the encoder's layers."""
        return self.map_encoder(scenes)

    def _looks(
        self, moments: Moments, around: Surroundings, encoded: EncodedMap, of_map: list[Tensor]
    ) -> tuple[Moments, Looks]:
        """When agents look around, and the last look of each moment."""
        at = self.looking.among(len(moments.speed))
        looked = moments.at(at)
        seen = self.observer(looked, around, encoded, of_map, self.unseen)
        looks = self.memory.looks(looked, around, seen)
        return looked, looks.held(at.step, at.start, len(moments.speed))
