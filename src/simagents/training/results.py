"""The outputs of a finished run, besides its resume folder."""

from pathlib import Path

import torch
from safetensors.torch import save as serialised
from torch import nn

from simagents.files import refusals, replacing, write_json
from simagents.provenance import provenance
from simagents.training.distributed.processes import Processes


def write_weights(path: Path, policy: nn.Module) -> None:
    """One file of float32 tensors, the same for every ZeRO stage."""
    state = {name: tensor.detach().float().cpu() for name, tensor in policy.state_dict().items()}
    content = serialised({name: tensor.contiguous() for name, tensor in state.items()})
    with refusals(path), replacing(path) as temporary:
        temporary.write_bytes(content)


def write_provenance(path: Path, processes: Processes) -> None:
    """Versions, commit, machine and number of processes, as they were when the run ended."""
    content = provenance()
    on_gpu = processes.device.type == "cuda"
    name = torch.cuda.get_device_name(processes.device) if on_gpu else None
    content["hardware"]["gpu"] = name  # the first process's
    content["processes"] = processes.world_size
    with refusals(path):
        write_json(path, content)
