"""CAT-K's vocabulary files -> ours: corners of boxes become poses."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from simagents.errors import InputError
from simagents.exchange.inert import read_pickle
from simagents.geometry import box_corners
from simagents.scenarios.agent_class import REFERENCE_SIZE
from simagents.tokens.vocabulary import MAP_POINTS, SUBSTEPS, Vocabulary

NAMES = ("veh", "ped", "cyc")
_CLOCKWISE = [0, 3, 2, 1]  # ours run counter-clockwise from the left front, CAT-K's clockwise
NO_BOX = 1.0
"""Metres off a box of the class's reference size from which a token is taken for something else."""


def read_vocabulary(agent: Path, map_: Path) -> tuple[Vocabulary, float]:
    """Motions of `token_all` and map tokens of `traj_src`, and how far (m) a corner is off at most.

    A pose's centre is the mean of the corners, its heading points from left back to left front, as
    CAT-K reads them; the vocabulary keeps the poses only, so corners that are no box of the
    reference size come back as one.
    """
    tables = read_pickle(agent).get("token_all")
    if not isinstance(tables, dict) or set(tables) != set(NAMES):
        raise InputError(f"{agent}: `token_all` with `veh`, `ped` and `cyc` is missing.")
    corners = [_array(agent, f"token_all.{n}", tables[n], (SUBSTEPS + 1, 4, 2)) for n in NAMES]
    if len({len(table) for table in corners}) > 1:
        sizes = ", ".join(str(len(table)) for table in corners)
        raise InputError(f"{agent}: {sizes} tokens; one head needs equally many for every class.")
    motion = poses_of(torch.stack(corners))
    deviation = float((corners_of(motion) - torch.stack(corners)).norm(dim=-1).max())
    if deviation > NO_BOX:
        raise InputError(
            f"{agent}: a corner lies {deviation:.1f} m off the class's box; these are no corners"
            " of boxes, left front first and clockwise."
        )
    pieces = _array(map_, "traj_src", read_pickle(map_).get("traj_src"), (MAP_POINTS, 2))
    count = torch.full((len(NAMES),), motion.shape[1])
    return Vocabulary(motion, count, pieces), deviation


def poses_of(corners: Float32[Tensor, "3 V 6 4 2"]) -> Float32[Tensor, "3 V 6 3"]:
    """x, y, heading of boxes given by their corners, clockwise from the left front."""
    ahead = corners[..., 0, :] - corners[..., 3, :]
    heading = torch.atan2(ahead[..., 1], ahead[..., 0])
    return torch.cat([corners.mean(dim=-2), heading[..., None]], dim=-1)


def corners_of(motion: Float32[Tensor, "3 V 6 3"]) -> Float32[Tensor, "3 V 6 4 2"]:
    """Corners of the class's reference box, clockwise from the left front."""
    size = torch.tensor(REFERENCE_SIZE)[:, None, None]
    return box_corners(motion, size[..., 0], size[..., 1])[..., _CLOCKWISE, :]


def _array(path: Path, name: str, array: Any, shape: tuple[int, ...]) -> Tensor:
    if isinstance(array, Tensor):
        array = array.numpy()
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise InputError(f"{path}: `{name}` is no array of numbers.")
    if array.shape[1:] != shape or not len(array):
        needed = ", ".join(map(str, shape))
        raise InputError(f"{path}: `{name}` has shape {list(array.shape)}, not [V, {needed}].")
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(single).all():
        raise InputError(f"{path}: `{name}` has numbers that are not finite in float32.")
    return torch.from_numpy(single)
