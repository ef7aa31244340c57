"""What a recipe says about precision holds inside DeepSpeed's engine, too."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from simagents.models.traffic_bots.exact_gru import ExactGRU
from simagents.training.distributed import engine

INSIDE = """
import sys
from pathlib import Path
import torch
from simagents.config.recipe import Recipe
from simagents.training.distributed.engine import wrap
from simagents.training.distributed.processes import start_processes

start_processes()
engine = wrap(torch.nn.Linear(2, 2), Recipe.read(Path(sys.argv[1])), 1, 1, 0)
# DeepSpeed looks at this flag, that of GPUs, on every device.
torch.set_autocast_enabled("cuda", True)
with torch.autocast("cpu", torch.bfloat16):
    print(engine(torch.zeros(1, 2)).dtype)
"""


@pytest.fixture
def wrapped(recipe_of, monkeypatch):
    """A policy as DeepSpeed gets it, for a recipe of that precision."""
    import deepspeed

    monkeypatch.setattr(deepspeed, "initialize", lambda **given: (given["model"],))
    return lambda policy, precision: engine.wrap(policy, recipe_of(precision=precision), 1, 1, 0)


def test_deepspeed_does_not_switch_autocast_off(tmp_path, recipe_of):
    """It does for what is outside the policy, on a GPU; its flag is set here without one."""
    path = tmp_path / "recipe.json"
    path.write_text(recipe_of(precision="bfloat16").model_dump_json())
    done = subprocess.run(
        [sys.executable, "-c", INSIDE, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines()[-1:] == ["torch.bfloat16"], done.stdout + done.stderr


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)]
)
def test_a_pass_has_the_precision_of_the_recipe_whatever_is_around_it(wrapped, precision, dtype):
    policy = wrapped(nn.Linear(2, 2), precision)
    for around in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=around):
            assert policy(torch.zeros(1, 2)).dtype == dtype
            assert torch.is_autocast_enabled("cpu") == around


def test_it_holds_for_copies_and_after_failures(wrapped):
    class Policy(nn.Linear):
        def forward(self, x):
            return super().forward(x) * self.factor

    policy = wrapped(Policy(2, 2), "bfloat16")
    policy.factor = 1.0
    other = copy.copy(policy)
    other.factor = 2.0
    x = torch.ones(1, 2)
    torch.testing.assert_close(other(x), 2 * policy(x))
    del policy.factor
    with pytest.raises(AttributeError):
        policy(x)
    assert not torch.is_autocast_enabled("cpu")
    assert other(x).dtype == torch.bfloat16


def test_recurrent_units_stay_in_float32():
    unit = ExactGRU(3, 3)
    x = torch.randn(4, 2, 3)
    expected = nn.GRU.forward(unit, x)
    with torch.autocast("cpu", torch.bfloat16):
        states, last = unit(x.bfloat16().float())
    assert states.dtype == last.dtype == torch.float32
    torch.testing.assert_close(states, expected[0], rtol=0, atol=0.05)
