"""The outputs of a finished run are whole, or an error in one sentence says why not."""

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from simagents.errors import InputError
from simagents.files import UnwritableError
from simagents.training.results import write_weights
from simagents.training.train import _check_finite


def test_weights_are_plain_float32(policy, tmp_path):
    path = tmp_path / "deep/weights"
    write_weights(path, policy.to(torch.float64))
    written = load_file(path)
    assert written.keys() == policy.state_dict().keys()
    assert {tensor.dtype for tensor in written.values()} <= {torch.float32}


def test_a_full_disk_leaves_no_weights(policy, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(UnwritableError, match=r"weights: cannot be written \(No space left"):
        write_weights(tmp_path / "weights", policy)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("numbers", [(float("nan"), 1.0), (0.5, float("inf"))])
def test_a_step_that_is_no_number_ends_the_run(recipe_of, numbers):
    """Before its weights are saved."""
    loss, norm = numbers
    recipe = recipe_of()
    with pytest.raises(InputError, match=r"step 7: the loss is .*scenes at places 14 to 15"):
        _check_finite(
            recipe.model_copy(update={"budget": recipe.budget.model_copy(update={"batch": 2})}),
            7, {"loss": loss, "gradient_norm": norm},
        )  # fmt: skip
    _check_finite(recipe, 7, {"loss": 0.5, "gradient_norm": 1.0})
