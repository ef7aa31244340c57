"""What training steps and rollouts of the policy cost, against the plain network, in one run.

Behaviour cloning, closed-loop fine-tuning (CAT-K), rollouts of 8 s and tokenisation of one scene:
time, peak memory, operations, and the share of what a large matrix product reaches. The baseline is
`tests/plain`: the published network with a key and a value for every edge, relations by formula, the
map repeated, tokens and targets made in every step, and a loop over rollouts. Weights are not
trained; agents follow the log, so that scenes stay scenes.

    OMP_NUM_THREADS=1 python benchmarks/model.py
    OMP_NUM_THREADS=1 python benchmarks/model.py --scenario scenario.pb --no-growth
    python benchmarks/model.py --device cuda
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import tyro
import yaml
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode
from wosac import MB, crowd, least, most_resident, one_thread

from simagents.allocator import keep_freed_memory
from simagents.models.batch import Paths, SceneBatch, collate, history_paths, logged_paths
from simagents.models.distribution import Sampling, TokenDistribution
from simagents.models.smart import Smart
from simagents.models.smart_config import SmartConfig
from simagents.scenarios.scenario import Scenario
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.womd.decode import decode_scenario
from simagents.scenarios.womd.encode import encode_scenario
from simagents.simulation.choice import Choice, ClosestAmongTop, Sample
from simagents.simulation.rollout import roll_out
from simagents.tokens.build import collect
from simagents.tokens.scene import TokenScene, tokenize
from simagents.tokens.vocabulary import CLASSES, HISTORY_TOKENS, MAP_POINTS, SUBSTEPS, Vocabulary
from simagents.training.batches import MOST_TRAINED, Batch
from simagents.training.closed_loop import ClosedLoopCloning
from simagents.training.learners import Cloning

REPOSITORY = Path(__file__).parents[1]
MOTIONS, PIECES = 2048, 1024
"""Sizes of the published vocabularies."""
TOP_K, CLIP, SMOOTHING = 32, 0.5, 0.1
ROLLOUTS = 32
CARD = 24 * 2**30
"""Bytes of a graphics card of the middle class."""
WORKS = {"bc": "BC step", "catk": "CAT-K step", "rollout": "rollouts", "tokenise": "tokenisation"}


@dataclass
class Args:
    """How much to measure."""

    scenario: Path | None = None
    """a serialised Scenario; without it a synthetic one with 50 agents"""
    size: str = "7m"
    """a file of config/model"""
    device: str = "cpu"
    """cpu: one core, float32 and bfloat16; cuda: bfloat16"""
    batch: int = 0
    """copies of the scene in a step; 0: one on a CPU, 16 on a GPU"""
    repeat: int = 5
    """the least of so many times counts; the baseline is measured twice at most"""
    baseline: bool = True
    """also measure the plain network"""
    growth: bool = True
    """also measure how the cost grows"""
    job: str | None = None
    """measure only this, in this process (the benchmark calls itself)"""


@dataclass(frozen=True)
class Job:
    """One measurement, made in a process of its own: peak memory is a process's."""

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
    """as many as the scene has"""
    pieces: int | None = None


def main(args: Args) -> None:
    """Print tables in Markdown."""
    if args.job:
        print(json.dumps(measured(Job(**json.loads(args.job)))))
        return
    torch.set_num_threads(1)
    gpu = args.device == "cuda"
    batch = args.batch or (16 if gpu else 1)
    precisions = ("bfloat16",) if gpu else ("float32", "bfloat16")
    peak = {precision: fastest_product(args.device, precision) for precision in precisions}
    with tempfile.TemporaryDirectory() as folder:
        scenario, vocabulary = write_case(args, Path(folder))
        job = partial(
            Job, case=folder, size=args.size, device=args.device, batch=batch, repeat=args.repeat
        )
        describe(scenario, vocabulary, batch)
        for precision, speed in peak.items():
            print(
                f"A large product of matrices in {precision}: {speed / 1e9:.0f} thousand million"
                " operations a second."
            )
        compare(args, job, peak)
        if args.growth:
            grow(job, precisions[0])


def describe(scenario: Scenario, vocabulary: Vocabulary, batch: int) -> None:
    """One line about the scene."""
    scene = tokenize(scenario, vocabulary)
    print(
        f"{scenario.id}: {len(scene.agent_class)} agents, {len(scene.map_token)} map tokens,"
        f" {int(scene.valid[:, :-1].sum())} nodes of agents in the log; {batch} in a batch.\n"
    )


def compare(args: Args, job: Callable[..., Job], peak: dict[str, float]) -> None:
    """A table of all kinds of work, ours and the baseline's."""
    unit = "seconds" if args.device == "cuda" else "CPU s"
    print(
        f"\n| work | network | precision | {unit} | peak MB | thousand million operations"
        " | of the limit | scenes/s |\n|---|---|---|--:|--:|--:|--:|--:|"
    )
    for work, count in (("bc", 1), ("catk", 1), ("rollout", 1), ("rollout", ROLLOUTS)):
        operations, ours = {}, {}
        for plain in (False, True) if args.baseline else (False,):
            for precision, speed in peak.items():
                looped = plain and count > 1
                found = child(
                    job(
                        work=work, plain=plain, precision=precision,
                        rollouts=1 if looped else count,
                        repeat=min(args.repeat, 2) if plain else args.repeat,
                    )
                )  # fmt: skip
                name = WORKS[work] if work != "rollout" else f"{count} x 8 s rolled out"
                kind = f"plain, {count} x one" if looped else "plain" if plain else "ours"
                if found is None:
                    print(f"| {name} | {kind} | {precision} | out of memory | | | | |")
                    continue
                times = count if looped else 1
                seconds = found["seconds"] * times
                operations.setdefault(plain, found["operations"] * times)
                done = operations[plain] / seconds
                print(
                    f"| {name} | {kind} | {precision} | {seconds:.3f} | {found['peak'] / MB:.0f}"
                    f" | {operations[plain] / 1e9:.1f} | {done / speed:.1%}"
                    f" | {found['scenes'] / seconds:.2f} |",
                    flush=True,
                )
                ours.setdefault(precision, (seconds, found["peak"]))
                if plain:
                    time, memory = ours[precision]
                    print(
                        f"| | ratio | {precision} | {seconds / time:.1f}"
                        f" | {found['peak'] / memory:.1f} | {operations[True] / operations[False]:.1f}"
                        " | | |",
                        flush=True,
                    )
    found = child(job(work="tokenise", plain=False, precision="float32", device="cpu"))
    print(
        f"| tokenisation, once | ours | | {found['seconds']:.3f} | {found['peak'] / MB:.0f} | | | |"
    )
    print(
        f"\nOf the memory of a process, {found['idle'] / MB:.0f} MB are the interpreter and torch."
    )
    print(
        "Operations are those of matrix products and look-ups; sums, norms and exponentials come on"
        " top. A GPU's memory is what tensors held at most."
    )


def grow(job: Callable[..., Job], precision: str) -> None:
    """Seconds and peak memory of ours where one thing grows."""
    print("\n| ours | | BC step | CAT-K step | 32 rollouts |\n|---|--:|--:|--:|--:|")
    ours = partial(job, plain=False, precision=precision, batch=1, repeat=2)

    def row(title: str, value: int, cells: list[dict | None]) -> None:
        words = [
            f"{c['seconds']:.2f} s, {c['peak'] / MB:.0f} MB" if c else "out of memory"
            for c in cells
        ]
        print(f"| {title} | {value} | " + " | ".join(words) + " |", flush=True)

    def all_works(agents: int, pieces: int) -> list[dict | None]:
        sizes = {"agents": agents, "pieces": pieces}
        return [
            child(ours(work="bc", **sizes)),
            child(ours(work="catk", **sizes)),
            child(ours(work="rollout", rollouts=ROLLOUTS, **sizes)),
        ]

    for agents in (8, 32, 64, 128):
        cells = all_works(agents, 2000)
        row("agents", agents, cells)
    for pieces in (500, 2000, 4000):
        row("map tokens", pieces, all_works(64, pieces))
    for count in (1, 8, 32):
        found = child(ours(work="rollout", rollouts=count, agents=64, pieces=2000))
        print(
            f"| rollouts | {count} | | | {found['seconds']:.2f} s, {found['peak'] / MB:.0f} MB |"
            if found
            else f"| rollouts | {count} | | | out of memory |",
            flush=True,
        )
    cells = all_works(128, 4000)
    row("128 agents, map tokens", 4000, cells)
    largest = max((c["peak"] for c in cells if c), default=0)
    print(
        f"\nOne scene in {precision}. Agents and rollouts grow over 2000 map tokens, the map and the"
        " rollouts with 64 agents."
        f" 128 agents on 4000 map tokens take {largest / 2**30:.1f} GiB at most:"
        f" {largest / CARD:.0%} of 24 GiB."
    )


def child(job: Job) -> dict | None:
    """The job's numbers, from a process of its own; None where memory did not suffice."""
    environment = one_thread() if job.device == "cpu" else dict(os.environ)
    environment |= {"PYTHONPATH": str(REPOSITORY / "tests"), "OMP_WAIT_POLICY": "passive"}
    command = [sys.executable, __file__, "--job", json.dumps(asdict(job))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if "OutOfMemoryError" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def fastest_product(device: str, precision: str) -> float:
    """Operations a second in one large product of matrices."""
    size = 8192 if device == "cuda" else 2048
    one = torch.rand(size, size, device=device, dtype=getattr(torch, precision))
    return 2 * size**3 / timed(device, 5, lambda: one @ one)


def timed(device: str, repeat: int, work: Callable) -> float:
    """The least seconds of several times: of this process on a CPU, of the device on a GPU."""
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


# ---- the scene --------------------------------------------------------------------------------------


def write_case(args: Args, folder: Path) -> tuple[Scenario, Vocabulary]:
    """The scenario and a vocabulary of its own, as files."""
    record = args.scenario.read_bytes() if args.scenario else encode_scenario(crowd(50))
    scenario = decode_scenario(record, str(args.scenario or "synthetic"))
    vocabulary = vocabulary_of(scenario)
    (folder / "scenario.pb").write_bytes(record)
    vocabulary.write(folder / "vocabulary.safetensors")
    return scenario, vocabulary


def vocabulary_of(scenario: Scenario) -> Vocabulary:
    """Motions and pieces of the scenario and of synthetic ones, which have agents of every class, and
    variations of them up to the published sizes.
    """
    random = np.random.default_rng(0)
    others = (generate_scenario(0, index) for index in range(8))
    motions, pieces, _ = collect([scenario, *others], 10**6)
    grown = np.linspace(0, 1, SUBSTEPS + 1)[:, None]
    tables = []
    for found in motions:
        known = np.concatenate([np.zeros((1, SUBSTEPS + 1, 3)), found])[:MOTIONS]
        table = known[np.resize(np.arange(len(known)), MOTIONS)]
        varied = random.normal(size=(MOTIONS, 1, 3)) * [0.3, 0.05, 0.02] * grown
        table[len(known) :] += varied[len(known) :]
        tables.append(table)
    shapes = pieces[np.resize(np.arange(len(pieces)), PIECES)]
    shapes = shapes + random.normal(size=shapes.shape) * 0.05
    assert shapes.shape == (PIECES, MAP_POINTS, 2)
    return Vocabulary(
        torch.from_numpy(np.stack(tables)).float(),
        torch.full((len(CLASSES),), MOTIONS),
        torch.from_numpy(shapes).float(),
    )


def sized(scene: TokenScene, agents: int | None, pieces: int | None) -> TokenScene:
    """The scene with so many agents and map pieces.

    The pieces nearest to the SDC; more are the map again, turned about the SDC, so that every agent
    sees more of it. More agents are copies, metres aside.
    """
    random = np.random.default_rng(0)
    per_map = [f.name for f in fields(scene) if f.name.startswith("map")]
    per_agent = [f.name for f in fields(scene) if f.name not in (*per_map, "origin")]
    changed = {}
    if pieces is not None:
        nearest = np.argsort(np.linalg.norm(scene.map_pose[:, :2], axis=-1), kind="stable")
        rows = np.resize(nearest, pieces)
        pose = scene.map_pose[rows].copy()
        angle = (np.arange(pieces) // len(nearest)).astype(np.float32)  # a radian for each copy
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = pose[:, 0].copy(), pose[:, 1].copy()
        pose[:, 0], pose[:, 1] = x * cos - y * sin, x * sin + y * cos
        pose[:, 2] = np.remainder(pose[:, 2] + angle + np.pi, 2 * np.pi) - np.pi
        changed |= {name: getattr(scene, name)[rows] for name in per_map} | {"map_pose": pose}
    if agents is not None:
        known = len(scene.agent_class)
        rows = np.resize(np.arange(known), agents)
        copies = (np.arange(agents) >= known)[:, None, None]
        aside = (random.normal(size=(agents, 1, 2)) * 15 * copies).astype(np.float32)
        changed |= {name: getattr(scene, name)[rows] for name in per_agent}
        for name in ("pose", "logged"):
            changed[name] = changed[name].copy()
            changed[name][..., :2] += aside
    return replace(scene, **changed)


# ---- one measurement --------------------------------------------------------------------------------


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
    scene = sized(tokenize(scenario, vocabulary), job.agents, job.pieces)
    trained = scene.trainable & (np.cumsum(scene.trainable) <= MOST_TRAINED)
    scenes = collate([scene] * job.batch, [trained] * job.batch).to(job.device)
    work = work_of(job, scenes, vocabulary.to(job.device))
    work()
    if job.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = timed(job.device, job.repeat, work)
    peak = torch.cuda.max_memory_allocated() if job.device == "cuda" else most_resident()
    found = {"seconds": seconds, "idle": idle, "peak": peak, "scenes": job.batch}
    return found | {"operations": counted(work)}


def counted(work: Callable) -> int:
    """Multiplications and additions of matrix products and look-ups."""
    aten = torch.ops.aten

    def look_up(table, indices, *_, out_shape=None, **__):
        return 2 * indices.numel() * table.shape[1]

    def back(gradient, indices, *_, out_shape=None, **__):
        return 2 * indices.numel() * gradient.shape[1]

    look_up._get_raw = back._get_raw = True  # tensors instead of shapes
    with FlopCounterMode(
        display=False,
        custom_mapping={
            aten._embedding_bag: look_up,
            aten._embedding_bag_forward_only: look_up,
            aten._embedding_bag_dense_backward: back,
        },
    ) as counter:
        work()
    return counter.get_total_flops()


def work_of(job: Job, scenes: SceneBatch, vocabulary: Vocabulary) -> Callable[[], None]:
    """What is measured, ready to be done again and again."""
    content = yaml.safe_load((REPOSITORY / f"config/model/{job.size}.yaml").read_text())
    policy = Smart(SmartConfig(**content["model"]), vocabulary).to(job.device)
    if job.work == "rollout":
        policy.eval()
        inner = partial(plain_rollout if job.plain else rollout, policy, scenes, job.rollouts)
    else:
        if job.work == "catk":
            policy.requires_grad_(False)
            for part in policy.supervised_in_closed_loop:
                part.requires_grad_(True)
        losses = {
            ("bc", False): cloning, ("bc", True): plain_cloning,
            ("catk", False): closed_loop, ("catk", True): plain_closed_loop,
        }  # fmt: skip
        trained = [p for p in policy.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.01, fused=True)
        policy.train()
        inner = partial(learned, policy, optimiser, losses[job.work, job.plain](policy, scenes))
    low = job.precision == "bfloat16"

    def work() -> None:
        inner(torch.autocast(job.device, torch.bfloat16, enabled=low))

    return work


def learned(
    policy: Smart,
    optimiser: torch.optim.Optimizer,
    loss_of: Callable[[], torch.Tensor],
    autocast: torch.autocast,
) -> None:
    """One step of the optimiser, as the engine takes it."""
    with autocast:
        loss = loss_of()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(policy.parameters(), CLIP)
    optimiser.step()
    optimiser.zero_grad()


@dataclass(frozen=True)
class Following:
    """Chooses as another does, then goes where the log went; who is not seen stands still."""

    choice: Choice
    token: torch.Tensor

    @classmethod
    def of(cls, choice: Choice, scenes: SceneBatch, paths: Paths) -> "Following":
        return cls(choice, torch.where(scenes.valid, scenes.token, 0)[paths.agent])

    def __call__(self, distribution, step, agent_class, pose):
        self.choice(distribution, step, agent_class, pose)
        return self.token[:, step]


def sampled(scenes: SceneBatch, paths: Paths) -> Following:
    """Draws among the likeliest, as for the leaderboard."""
    ids = [str(number) for number in range(scenes.scenes)]
    return Following.of(Sample(0, ids, scenes, paths, Sampling(48, 1.0)), scenes, paths)


def closest(policy: Smart, scenes: SceneBatch, paths: Paths) -> Following:
    """CAT-K's choice."""
    choice = ClosestAmongTop(TOP_K, policy.actions, scenes.logged, scenes.logged_valid)
    return Following.of(choice, scenes, paths)


# ---- ours -------------------------------------------------------------------------------------------


def cloning(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Behaviour cloning."""
    learner, batch = Cloning(policy, SMOOTHING, None), Batch(0, [], scenes, None)
    return lambda: learner.loss(batch, float(learner.counts(batch)))[0]


def closed_loop(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """CAT-K: a rollout, and one pass over it."""
    learner = ClosedLoopCloning(policy, policy, 0, "closest", 0.0, top_k=TOP_K)
    batch = Batch(0, [], scenes, None)

    def loss() -> torch.Tensor:
        policy.eval()
        done = roll_out(policy, scenes, 1, partial(closest, policy, scenes))
        policy.train()
        learner.rolled[batch.first] = done.paths
        return learner.loss(batch, float(learner.counts(batch)))[0]

    return loss


@torch.no_grad()
def rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """All rollouts at once."""
    with autocast:
        roll_out(policy, scenes, count, partial(sampled, scenes))


# ---- the baseline -----------------------------------------------------------------------------------


def plain_network(policy: Smart):
    """The plain network with the policy's weights."""
    from plain.smart import PlainSmart  # on the path of measuring processes

    return PlainSmart.of(policy)


def plain_cloning(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Tokens and targets are made in every step."""
    from plain import tokens

    plain = plain_network(policy)
    plain.training = True

    def loss() -> torch.Tensor:
        with torch.no_grad():
            kind, seen = scenes.agent_class, scenes.logged_valid
            _, path = tokens.chain(plain.corners, kind, scenes.logged, seen)
            target = tokens.targets(plain.corners, kind, path, scenes.logged)
        paths = logged_paths(scenes)
        logits, agent, step = plain.logits(scenes, paths)
        kept = scenes.trained[agent] & paths.valid[agent, step + HISTORY_TOKENS]
        target = target[agent, step][kept]
        return cross_entropy(logits[kept].float(), target, label_smoothing=SMOOTHING)

    return loss


def plain_closed_loop(policy: Smart, scenes: SceneBatch) -> Callable[[], torch.Tensor]:
    """Gradients flow through what the rollout remembers."""
    from plain import tokens

    plain, history = plain_network(policy), history_paths(scenes, 1)
    plain.training = True
    choice, kind = closest(policy, scenes, history), scenes.agent_class
    seen = scenes.logged_valid & scenes.in_range
    active = seen[:, HISTORY_TOKENS - 1] & seen[:, HISTORY_TOKENS] & scenes.trained
    kept = seen[:, HISTORY_TOKENS + 1 :] & active[:, None]

    def loss() -> torch.Tensor:
        logits, _, poses = plain.roll_out(
            scenes, history, lambda said, step, at: choice(TokenDistribution(said), step, kind, at)
        )
        with torch.no_grad():
            path = torch.cat([history.pose, poses[:, SUBSTEPS - 1 :: SUBSTEPS]], dim=1)
            target = tokens.targets(plain.corners, kind, path, scenes.logged)
        return cross_entropy(logits[kept].float(), target[kept])

    return loss


@torch.no_grad()
def plain_rollout(policy: Smart, scenes: SceneBatch, count: int, autocast: torch.autocast) -> None:
    """One after another."""
    plain, history = plain_network(policy), history_paths(scenes, 1)
    choice, kind = sampled(scenes, history), scenes.agent_class
    for _ in range(count):
        with autocast:
            plain.roll_out(
                scenes, history,
                lambda said, step, at: choice(TokenDistribution(said.float()), step, kind, at),
            )  # fmt: skip


if __name__ == "__main__":
    main(tyro.cli(Args))
