"""One measurement of the model: time, memory and operations of one kind of work."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
import yaml
from model_case import with_pieces
from torch.utils.flop_counter import FlopCounterMode
from wosac import least, most_resident, with_agents

from simagents.allocator import keep_freed_memory
from simagents.config.models import Smart as SmartSettings
from simagents.models.families import SceneReader
from simagents.models.scenes import SceneBatch
from simagents.models.smart.network import Smart
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.tokens.scene import tokenize
from simagents.tokens.vocabulary import Vocabulary
from simagents.training.data.batches import MOST_TRAINED

REPOSITORY = Path(__file__).parents[1]
CLIP = 0.5


@dataclass(frozen=True)
class Job:
    """One measurement, in its own process, because peak memory is that of a process."""

    case: str
    """folder with scenario and vocabulary"""
    work: str
    plain: bool
    precision: str
    size: str
    device: str
    batch: int
    repeat: int
    rollouts: int = 1
    agents: int | None = None
    """None: those of the scene"""
    pieces: int | None = None


def measured(job: Job) -> dict[str, float]:
    """Seconds, bytes and operations of one kind of work."""
    torch.set_num_threads(1 if job.device == "cpu" else 8)
    torch.manual_seed(0)
    keep_freed_memory()
    idle = most_resident()
    folder = Path(job.case)
    vocabulary = Vocabulary.read(folder / "vocabulary.safetensors")
    scenario = decode_scenario((folder / "scenario.pb").read_bytes(), "case")
    if job.work == "tokenise":
        seconds = timed("cpu", job.repeat, lambda: tokenize(scenario, vocabulary))
        return {"seconds": seconds, "idle": idle, "peak": most_resident()}
    work = work_of(job, *case_of(job, scenario, vocabulary))
    work()
    if job.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = timed(job.device, job.repeat, work)
    peak = torch.cuda.max_memory_allocated() if job.device == "cuda" else most_resident()
    numbers = {"seconds": seconds, "idle": idle, "peak": peak, "scenes": job.batch}
    return numbers | {"operations": counted(work)}


def case_of(
    job: Job, scenario: Scenario, vocabulary: Vocabulary
) -> tuple[Smart, SceneBatch, list[Scenario]]:
    """The policy, the batch and its scenarios, on the device of the job."""
    if job.agents is not None:
        scenario = with_agents(scenario, job.agents)
    scene = with_pieces(tokenize(scenario, vocabulary), job.pieces)
    trained = scene.trainable & (np.cumsum(scene.trainable) <= MOST_TRAINED)
    scenarios, settings = [scenario] * job.batch, settings_of(job.size)
    scenes = SceneReader(settings)(scenarios, [scene] * job.batch, [trained] * job.batch)
    policy = Smart(settings, vocabulary.to(torch.device(job.device))).to(job.device)
    return policy, scenes.to(job.device), scenarios


def counted(work: Callable) -> int:
    """Multiplications and additions of matrix products and look-ups."""
    aten = torch.ops.aten

    def look_up(table, indices, *_, out_shape=None, **__):
        return 2 * indices.numel() * table.shape[1]

    def back(gradient, indices, *_, out_shape=None, **__):
        return 2 * indices.numel() * gradient.shape[1]

    def entries(pattern, rows, *_, out_shape=None, **__):
        return 2 * pattern._nnz() * rows.shape[1]

    for count in (look_up, back, entries):
        count._get_raw = True  # tensors instead of shapes
    with FlopCounterMode(
        display=False,
        custom_mapping={
            aten._embedding_bag: look_up,
            aten._embedding_bag_forward_only: look_up,
            aten._embedding_bag_dense_backward: back,
            aten.sparse_sampled_addmm: entries,
        },
    ) as counter:
        work()
    return counter.get_total_flops()


def settings_of(size: str) -> SmartSettings:
    """SMART's, from a file of config/model."""
    content = yaml.safe_load((REPOSITORY / f"config/model/{size}.yaml").read_text())
    return SmartSettings.model_validate(content["models"]["smart"])


def work_of(
    job: Job, policy: Smart, scenes: SceneBatch, scenarios: list[Scenario]
) -> Callable[[], None]:
    """The measured work, as a function that can be called repeatedly."""
    if job.work == "rollout":
        policy.eval()
        inner = partial(network_of(job).rollout, policy, scenes, job.rollouts)
    else:
        loss = loss_of(job, policy, scenes, scenarios)
        trained = [p for p in policy.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.01, fused=True)
        inner = partial(learned, policy, optimiser, loss)
    low = job.precision == "bfloat16"

    def work() -> None:
        inner(torch.autocast(job.device, torch.bfloat16, enabled=low))

    return work


def network_of(job: Job) -> ModuleType:
    """The kinds of work by our network or by the baseline."""
    # The baseline lies among the tests, on the path of measuring processes alone.
    return importlib.import_module("model_plain" if job.plain else "model_ours")


def loss_of(
    job: Job, policy: Smart, scenes: SceneBatch, scenarios: list[Scenario]
) -> Callable[[], torch.Tensor]:
    """The loss of one step, of what it trains."""
    if job.work != "bc":
        policy.requires_grad_(False)
        for part in policy.fine_tuned:
            part.requires_grad_(True)
    policy.train()
    network = network_of(job)
    losses = {
        "bc": lambda: network.cloning(policy, scenes),
        "catk": lambda: network.closed_loop(policy, scenes),
        "rft": lambda: network.reinforced(policy, scenes, scenarios, job.rollouts),
    }
    return losses[job.work]()


def learned(
    policy: Smart,
    optimiser: torch.optim.Optimizer,
    loss_of: Callable[[], torch.Tensor],
    autocast: torch.autocast,
) -> None:
    """One step of the optimiser."""
    with autocast:
        loss = loss_of()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), CLIP)
    optimiser.step()
    optimiser.zero_grad()


def fastest_product(device: str, precision: str) -> float:
    """Operations a second in one large product of matrices."""
    size = 8192 if device == "cuda" else 2048
    one = torch.rand(size, size, device=device, dtype=getattr(torch, precision))
    return 2 * size**3 / timed(device, 5, lambda: one @ one)


def timed(device: str, repeat: int, work: Callable) -> float:
    """The fewest seconds of `repeat` runs: of this process on a CPU, of the device on a GPU."""
    if device != "cuda":
        return least(repeat, work)[1]
    seconds = []
    for _ in range(repeat + 1):  # the first one chooses kernels
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        seconds.append(begin.elapsed_time(end) / 1e3)
    return min(seconds[1:])
