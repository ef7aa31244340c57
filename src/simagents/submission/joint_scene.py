"""Rollouts of one scenario: what is claimed, what must be, and the arrays in between."""

from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError
from jaxtyping import Float32, Int64

from simagents.errors import InputError
from simagents.scenarios.scenario import SIMULATED
from simagents.submission import submission_pb2

ROLLOUTS = 32
"""Joint scenes that the challenge wants of each scenario."""
LARGEST_ID = 2**31 - 1
_NAMED = 3  # agents that a sentence names before it counts the others
_COORDINATES = ("center_x", "center_y", "center_z", "heading")


@dataclass(frozen=True, eq=False)
class JointScene:
    """One rollout as somebody claims it: agents in any order, perhaps the wrong ones."""

    object_id: Int64[np.ndarray, "A"]
    trajectory: Float32[np.ndarray, "A 80 4"]
    """x, y, z (m), heading (rad) in the world frame"""


def arranged(
    scenes: list[JointScene], object_id: Int64[np.ndarray, "N"] | None, rollouts: int
) -> tuple[Int64[np.ndarray, "A"], Float32[np.ndarray, "R A 80 4"]]:
    """Ids and trajectories in the order of `object_id`, or in that of the first scene.

    The challenge's rule: each joint scene has every agent that the log sees at the current step,
    once, and nobody else. Agents are matched by id in each scene. Raises InputError with a sentence
    for the first thing that is wrong; without `object_id`, scenes must agree among themselves.
    """
    if len(scenes) != rollouts:
        raise InputError(f"has {_many(len(scenes), 'joint scene')}; {rollouts} are needed.")
    agent_ids, whose = object_id, "which the log sees at the current step"
    if agent_ids is None:
        agent_ids, whose = scenes[0].object_id, "which joint_scenes[0] has"
    order = np.argsort(agent_ids, kind="stable")
    out = np.empty((len(scenes), len(agent_ids), SIMULATED, len(_COORDINATES)), np.float32)
    for index, scene in enumerate(scenes):
        where = f"joint_scenes[{index}]"
        ids, count = np.unique(scene.object_id, return_counts=True)
        if (count > 1).any():
            raise InputError(f"{where} has {_agents(ids[count > 1])} more than once.")
        if len(missing := np.setdiff1d(agent_ids, ids)):
            raise InputError(f"{where} lacks {_agents(missing)}, {whose}.")
        if len(odd := np.setdiff1d(ids, agent_ids)):
            other = "which the log does not see at the current step and which must not be simulated"
            other = other if object_id is not None else "which joint_scenes[0] has not"
            raise InputError(f"{where} has {_agents(odd)}, {other}.")
        out[index, order] = scene.trajectory[np.argsort(scene.object_id, kind="stable")]
        finite = np.isfinite(scene.trajectory).all(axis=(1, 2))
        if not finite.all():
            raise InputError(
                f"{where} has NaN or infinite values for {_agents(scene.object_id[~finite])}."
            )
    return agent_ids, out


def from_arrays(object_id: np.ndarray, trajectories: np.ndarray) -> list[JointScene]:
    """The scenes of arrays as a rollout file holds them; raises InputError for wrong shapes."""
    if trajectories.ndim != 4 or trajectories.shape[3] != len(_COORDINATES):
        shape = ", ".join(map(str, trajectories.shape))
        raise InputError(
            f"has trajectories of shape [{shape}]; [rollouts, agents, 80, 4] is needed."
        )
    if trajectories.shape[2] != SIMULATED:
        raise InputError(f"has {_many(trajectories.shape[2], 'step')}; {SIMULATED} are needed.")
    if object_id.shape != trajectories.shape[1:2]:
        raise InputError(
            f"has {object_id.size} object ids for {trajectories.shape[1]} agents; one each is needed."
        )
    if object_id.dtype.kind not in "iu" or trajectories.dtype not in (np.float32, np.float64):
        raise InputError(
            f"has object ids of type {object_id.dtype} and trajectories of type"
            f" {trajectories.dtype}; int64 and float32 are needed."
        )
    ids = object_id.astype(np.int64)
    return [JointScene(ids, scene) for scene in trajectories.astype(np.float32, copy=False)]


def decode(data: bytes) -> list[JointScene]:
    """The scenes of a serialised `ScenarioRollouts`; raises InputError for what is no such thing."""
    proto = submission_pb2.ScenarioRollouts()
    try:
        proto.ParseFromString(data)
    except DecodeError:
        raise InputError("is no ScenarioRollouts message; the file is damaged.") from None
    scenes = []
    for index, scene in enumerate(proto.joint_scenes):
        where = f"joint_scenes[{index}]"
        trajectories = scene.simulated_trajectories
        out = np.empty((len(trajectories), len(_COORDINATES), SIMULATED), np.float32)
        for row, trajectory in enumerate(trajectories):
            if not trajectory.HasField("object_id"):
                raise InputError(f"{where}.simulated_trajectories[{row}] has no object_id.")
            for column, name in enumerate(_COORDINATES):
                values = getattr(trajectory, name)
                if len(values) != SIMULATED:
                    raise InputError(
                        f"{where} has {_many(len(values), 'step')} of {name} for agent"
                        f" {trajectory.object_id}; {SIMULATED} are needed."
                    )
                out[row, column] = values
        ids = np.array([trajectory.object_id for trajectory in trajectories], dtype=np.int64)
        scenes.append(JointScene(ids, out.swapaxes(1, 2)))
    return scenes


def encode(
    scenario: str,
    object_id: Int64[np.ndarray, "A"],
    trajectories: Float32[np.ndarray, "R A 80 4"],
) -> bytes:
    """One serialised `ScenarioRollouts`; raises InputError for an id that the format cannot hold."""
    if len(large := object_id[np.abs(object_id) > LARGEST_ID]):
        raise InputError(f"has {_agents(large)}; the challenge's ids are 32-bit numbers.")
    proto = submission_pb2.ScenarioRollouts(scenario_id=scenario)
    ids = object_id.tolist()
    for rollout in trajectories:
        scene = proto.joint_scenes.add()
        for agent, (x, y, z, heading) in zip(ids, rollout.swapaxes(1, 2).tolist(), strict=True):
            scene.simulated_trajectories.add(
                object_id=agent, center_x=x, center_y=y, center_z=z, heading=heading
            )
    return proto.SerializeToString(deterministic=True)


def _agents(ids: np.ndarray) -> str:
    """Agent 3; agents 3, 5 and 8; agents 3, 5, 8 and 40 more."""
    named = [str(agent) for agent in ids[:_NAMED].tolist()]
    if len(ids) > _NAMED:
        return f"agents {', '.join(named)} and {len(ids) - _NAMED} more"
    if len(named) == 1:
        return f"agent {named[0]}"
    return f"agents {', '.join(named[:-1])} and {named[-1]}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
