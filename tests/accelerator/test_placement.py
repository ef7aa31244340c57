"""Nothing is on the wrong device: what trains, simulates and scores runs on a stand-in for a GPU.

Numbers are those of the CPU but for rounding: targets are grouped otherwise there.
"""

import copy

import pytest
import torch

from algorithm_cases import ALGORITHMS, IMITATING
from simagents.config.algorithms import Sampling
from simagents.evaluation import systems
from simagents.evaluation.evaluate import scores_of
from simagents.metrics.challenge import Challenge
from simagents.models.families import build_policy
from simagents.models.scenes import collate
from simagents.models.value import ValueHead
from simagents.planners.closed_loop import drive_planners
from simagents.planners.random_shooting import SIXTY_FOUR, RandomShooting
from simagents.planners.surroundings import Surroundings
from simagents.simulation.rules import LogPlayback
from simagents.training.data.batches import TrainingScenes
from simagents.training.learners.registry import build_learner
from standin.device import DEVICE, MixedDevicesError, standin

CPU = torch.device("cpu")
TINY = {"width": 16, "heads": 2, "bands": 4, "piece_metres": 20.0, "piece_nodes": 4}
FAMILIES = {
    "traffic_bots": {
        **TINY, "map_layers": 1, "map_neighbours": 6, "agent_layers": 1, "nearest_pieces": 8,
        "nearest_agents": 6, "look_every": 5, "latent_width": 3, "destination_radius": 100.0,
        "least_deviation": 0.01,
    },
    "motionlm": {
        **TINY, "feed_forward": 32, "encoder_layers": 1, "decoder_layers": 1, "pieces": 40,
        "geometry": "learned",
    },
    "forecasts": {
        **TINY, "map_layers": 0, "map_neighbours": 4, "agent_layers": 1, "nearest_pieces": 6,
        "nearest_agents": 4, "modes": 3, "members": 2, "executed": "drawn",
    },
}  # fmt: skip
REGRESSION = {
    "name": "closed_loop_regression", "position": 0.1, "heading": 10.0, "speed": 0.1,
    "likelihood": 0.1, "divergence": 1.0, "balance": 0.2, "free_nats": 1.0, "destination": 1.0,
    "teacher_forcing": {"start": 0.4, "until": 0.5},
}  # fmt: skip
FORECASTING = {"name": "forecasting", "likelihood": 1.0, "heading": 1.0, "choice": 1.0}
TRAINED = [
    *(("smart", name, settings) for name, settings in ALGORITHMS.items()),
    ("traffic_bots", "regression", REGRESSION),
    ("traffic_bots", "mloo", {**ALGORITHMS["mloo"]}),
    ("motionlm", "bc", {**ALGORITHMS["bc"], "smoothing": "uniform"}),
    ("motionlm", "peng", ALGORITHMS["peng"]),
    ("forecasts", "forecasting", FORECASTING),
]


def test_an_operation_on_two_devices_is_refused():
    with standin() as counts:
        there = torch.ones(3).to(DEVICE)
        assert there.device == DEVICE
        with pytest.raises(MixedDevicesError, match=r"add: tensors on standin:0 and on the CPU"):
            there + torch.ones(3)
        assert torch.equal((there + there.sum()).cpu(), torch.full((3,), 4.0))
    assert counts.kernels == {"sum": 1, "add": 1}
    assert counts.waits["copy to the CPU"] == 1


def learned(recipe, disk, vocabulary, device):
    """Loss, numbers and gradients of one step."""
    torch.manual_seed(0)
    recipe = copy.deepcopy(recipe)
    policy = build_policy(recipe, vocabulary.to(device) if recipe.model.reads_tokens else None)
    if recipe.algorithm.value is not None:
        policy.value_head = ValueHead(policy.feature_width, 0)
    reference = copy.deepcopy(policy).to(device) if recipe.algorithm.needs_reference else None
    policy.to(device)
    learner = build_learner(recipe, policy, policy, reference)
    tokens = disk.tokens if recipe.model.reads_tokens else None
    batch = TrainingScenes(disk.scenarios, tokens, recipe)[[0]].to(device)
    learner.prepare([batch])
    loss, numbers = learner.loss(batch, float(learner.counts(batch)))
    loss.backward()
    gradients = {n: p.grad.cpu() for n, p in policy.named_parameters() if p.grad is not None}
    return loss.item(), {n: v.item() for n, v in numbers.items()}, gradients


@pytest.mark.parametrize(
    ("family", "algorithm"), [pytest.param(f, a, id=f"{f}-{name}") for f, name, a in TRAINED]
)
def test_a_step_of_training_is_that_of_the_cpu(
    family, algorithm, disk, recipe_of, vocabulary, tiny
):
    model = (
        {**tiny, "agent_layers": 1} if family == "smart" else {"family": family, **FAMILIES[family]}
    )
    rollouts = 0 if algorithm["name"] in (*IMITATING, "forecasting") else 2
    recipe = recipe_of(model=model, algorithm=algorithm, budget={"rollouts": rollouts})
    loss, numbers, gradients = learned(recipe, disk, vocabulary, CPU)
    with standin() as counts:
        there, numbers_there, gradients_there = learned(recipe, disk, vocabulary, DEVICE)
    assert counts.kernels.total() > 100
    assert there == pytest.approx(loss, rel=1e-4, abs=1e-6)
    assert numbers_there.keys() == numbers.keys()
    assert gradients_there.keys() == gradients.keys()
    largest = max(gradient.abs().max() for gradient in gradients.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            gradients_there[name], gradient, rtol=0, atol=1e-3 * float(largest), msg=name
        )


def simulated(name, scenario, scene, recipe, vocabulary, device):
    """Rollouts and scores of a family or of a baseline."""
    torch.manual_seed(0)
    vocabulary = vocabulary.to(device)
    if recipe is None:
        system = systems.baseline(name, vocabulary, 2, 0, device)
    else:
        policy = build_policy(recipe, vocabulary if recipe.model.reads_tokens else None)
        policy = policy.to(device).eval()
        sampling = Sampling(top_k=8, temperature=1.0)
        system = systems.of_policy(policy, recipe.model, 2, sampling, 0, device)
    reads_tokens = recipe.model.reads_tokens if recipe else name == "random_tokens"
    rollouts = system(scenario, scene if reads_tokens else None)
    scores = scores_of(scenario, rollouts, Challenge.of(2025), str(device))
    return rollouts.cpu(), scores


@pytest.mark.parametrize("name", ["smart", *FAMILIES, *systems.BASELINES])
def test_rollouts_and_their_scores_are_those_of_the_cpu(
    name, scenarios, scenes, recipe_of, vocabulary, tiny
):
    recipe = None
    if name not in systems.BASELINES:
        recipe = recipe_of(model=tiny if name == "smart" else {"family": name, **FAMILIES[name]})
    here = simulated(name, scenarios[0], scenes[0], recipe, vocabulary, CPU)
    with standin():
        there = simulated(name, scenarios[0], scenes[0], recipe, vocabulary, DEVICE)
    torch.testing.assert_close(there[0], here[0], rtol=0, atol=2e-3)
    assert there[1] == pytest.approx(here[1], abs=2e-3, nan_ok=True)


def test_planners_drive_among_traffic_on_the_device(scenarios):
    planners = [RandomShooting(SIXTY_FOUR[::16])]

    def returns(device):
        scene = collate(scenarios[:1]).to(device)
        surroundings = [Surroundings.of(scenarios[0])]
        (drives,) = drive_planners(scene, surroundings, planners, LogPlayback(), 1)
        return drives.returns.total.cpu()

    here = returns(CPU)
    with standin():
        there = returns(DEVICE)
    torch.testing.assert_close(there, here, rtol=0, atol=1e-3)
