"""A tiny MotionLM, and scenes as it reads them."""

import pytest
import torch

from simagents.config.models import MotionLM as MotionLMSettings
from simagents.models.families import SceneReader
from simagents.models.motionlm.network import MotionLM
from simagents.scenarios.synthetic import generate_scenario

TINY = dict(
    family="motionlm", width=16, heads=2, feed_forward=32, encoder_layers=1, decoder_layers=2, bands=4,
    piece_metres=20.0, piece_nodes=4, pieces=40, geometry="learned",
)  # fmt: skip


@pytest.fixture(params=["learned", "given"])
def motion_lm(request):
    """As it is initialised, its head louder so that logits differ, with either geometry."""
    return made(geometry=request.param)


def made(**changes):
    torch.manual_seed(0)
    policy = MotionLM(MotionLMSettings(**{**TINY, **changes})).eval()
    with torch.no_grad():
        policy.head[-1].weight.mul_(4)
    return policy


@pytest.fixture(scope="session")
def read_motion():
    return SceneReader(MotionLMSettings(**TINY))


@pytest.fixture(scope="session")
def motion_scenarios():
    """Two synthetic scenarios with 8 and 10 agents of all classes."""
    return [generate_scenario(5, index) for index in (2, 7)]


@pytest.fixture(scope="session")
def motion_scenes(motion_scenarios, read_motion):
    """The two as one."""
    return read_motion(motion_scenarios)
