"""The outputs of a finished run, besides its resume folder."""

from pathlib import Path

from safetensors.torch import save as serialised
from torch import nn

from simagents.files import refusals, replacing, write_json
from simagents.provenance import provenance


def write_weights(path: Path, policy: nn.Module) -> None:
    """One file of float32 tensors, the same for every ZeRO stage."""
    state = {name: tensor.detach().float().cpu() for name, tensor in policy.state_dict().items()}
    content = serialised({name: tensor.contiguous() for name, tensor in state.items()})
    with refusals(path), replacing(path) as temporary:
        temporary.write_bytes(content)


def write_provenance(path: Path) -> None:
    """Versions, commit and machine."""
    content = provenance()
    with refusals(path):
        write_json(path, content)
