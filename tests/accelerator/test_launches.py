"""What a step launches, and how often Python waits, on a stand-in for a GPU.

With as many layers as the published model has. Bars are what was counted, and a little more: they are
there to be lowered. A larger batch launches a little more, until none of its groups of targets is small
enough to join a wider one.
"""

import pytest
import torch

from simagents.config.algorithms import BehaviourCloning, Sampling
from simagents.config.models import Smart as SmartSettings
from simagents.models.families import SceneReader
from simagents.models.smart.network import Smart
from simagents.simulation.choice import Sample
from simagents.simulation.rollout import roll_out
from simagents.training.data.batches import Batch
from simagents.training.learners.imitation import Cloning
from standin.device import DEVICE, standin

NODES = 18  # tokens of the history and of a rollout


@pytest.fixture
def setting(vocabulary, tiny, scenarios, scenes):
    """The policy and so many copies of one scene, on the device."""
    settings = SmartSettings(**{**tiny, "map_layers": 3, "agent_layers": 6, "relation_rows": 8})

    def make(copies):
        torch.manual_seed(0)
        policy = Smart(settings, vocabulary.to(DEVICE)).to(DEVICE)
        batch = SceneReader(settings)(scenarios[:1] * copies, scenes[:1] * copies)
        return policy, batch.to(DEVICE)

    return make


def cloning(setting, copies):
    """Of a step of behaviour cloning up to its gradients."""
    with standin() as counts:
        policy, batch = setting(copies)
        loss = BehaviourCloning(name="bc", label_smoothing=0.1, smoothing="uniform")
        learner, batch = Cloning(policy, policy, loss), Batch(0, batch, [])
        for counter in (counts.kernels, counts.waits):
            counter.clear()
        learner.loss(batch, float(learner.counts(batch)))[0].backward()
    return counts.kernels.total(), counts.waits.total()


def rollout(setting, copies):
    """Of rollouts, for each node of theirs; the encoding of the map is shared among these."""
    with standin() as counts:
        policy, batch = setting(copies)
        policy.eval()
        for counter in (counts.kernels, counts.waits):
            counter.clear()
        sampling = Sampling(top_k=8, temperature=1.0)
        roll_out(policy, batch, 2, lambda draws: Sample(draws, sampling), 0)
    return counts.kernels.total() / NODES, counts.waits.total() / NODES


@pytest.mark.parametrize(("work", "kernels", "waits"), [(cloning, 2970, 12), (rollout, 845, 5)])
def test_launches_and_waits_are_few_and_hardly_grow_with_scenes(setting, work, kernels, waits):
    one, many = work(setting, 1), work(setting, 4)
    assert max(one[0], many[0]) <= kernels
    assert many[0] <= one[0] * 1.1
    assert one[1] == many[1] <= waits
