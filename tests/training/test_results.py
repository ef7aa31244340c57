"""The outputs of a finished run are whole, or an error in one sentence says why not."""

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from simagents.files import UnwritableError
from simagents.training.results import write_weights


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
