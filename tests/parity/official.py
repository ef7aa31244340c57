"""What the official evaluator makes of one set of rollouts: features, scores and cost.

    python official.py --scenario scenario.pb --rollouts rollouts.npz --out FOLDER

Stands alone and runs in an environment of its own (envs/parity.txt), because the package's pins
cannot live beside a current torch. It calls the official package as a user would.

--scenario is a serialised `Scenario`; --rollouts has x, y, z, heading, float32 [32, A, 80], and
object_id [A] in the order of the second axis. FOLDER receives

features.npz      official features of the rollouts, [32, E, 80], E agents by ascending id
log_features.npz  the same of the log, [1, E, 80]
official.json     every field of the result for each year, and the buckets
cost.json         what one evaluation for one year takes

Threads: as many as OMP_NUM_THREADS says, or all.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import os
import resource
import time
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # values are those of the CPU
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from waymo_open_dataset.protos import (
    scenario_pb2,
    sim_agents_metrics_pb2,
    sim_agents_submission_pb2,
)
from waymo_open_dataset.utils.sim_agents import submission_specs
from waymo_open_dataset.wdl_limited.sim_agents_metrics import metric_features, metrics

PACKAGE = "waymo-open-dataset-tf-2-12-0"
SIM_AGENTS = submission_specs.ChallengeType.SIM_AGENTS
FILES = {
    2024: "challenge_2024_config.textproto",
    2025: "challenge_2025_sim_agents_config.textproto",
}
# The package no longer has the configuration of 2023. Range, bins, weight; then weights alone.
HISTOGRAMS_OF_2023 = {
    "linear_speed": (0.0, 35.0, 10, 0.09),
    "linear_acceleration": (-15.0, 15.0, 10, 0.09),
    "angular_speed": (-31.5, 31.5, 10, 0.09),
    "angular_acceleration": (-31.5, 31.5, 10, 0.09),
    "distance_to_nearest_object": (-5.0, 40.0, 10, 0.09),
    "time_to_collision": (0.0, 5.0, 10, 0.09),
    "distance_to_road_edge": (-20.0, 40.0, 10, 0.09),
}
# That year had no traffic lights; today's code wants an entry, and without weight it has no effect.
INDICATORS_OF_2023 = {
    "collision_indication": 0.18,
    "offroad_indication": 0.18,
    "traffic_light_violation": 0.0,
}


def configuration(year):
    """The metric's configuration of a challenge year."""
    config = sim_agents_metrics_pb2.SimAgentMetricsConfig()
    if year in FILES:
        file = Path(metrics.__file__).with_name(FILES[year])
        return text_format.Parse(file.read_text(), config)
    if year != 2023:
        raise SystemExit(f"official.py: there is no challenge year {year}.")
    for name, (low, high, bins, weight) in HISTOGRAMS_OF_2023.items():
        feature = getattr(config, name)
        feature.independent_timesteps = True
        feature.metametric_weight = weight
        feature.histogram.min_val, feature.histogram.max_val = low, high
        feature.histogram.num_bins = bins
        feature.histogram.additive_smoothing_pseudocount = 0.1
    for name, weight in INDICATORS_OF_2023.items():
        getattr(config, name).bernoulli.SetInParent()
        getattr(config, name).metametric_weight = weight
    return config


def submission(scenario, arrays):
    """Rollouts as the challenge wants them submitted."""
    rollouts = sim_agents_submission_pb2.ScenarioRollouts(scenario_id=scenario.scenario_id)
    ids = arrays["object_id"].tolist()
    x, y, z, heading = (arrays[name] for name in ("x", "y", "z", "heading"))
    for r in range(len(x)):
        scene = rollouts.joint_scenes.add()
        for a, object_id in enumerate(ids):
            scene.simulated_trajectories.add(
                object_id=object_id,
                center_x=x[r, a],
                center_y=y[r, a],
                center_z=z[r, a],
                heading=heading[r, a],
            )
    submission_specs.validate_scenario_rollouts(rollouts, scenario)
    return rollouts


def arrays_of(features):
    """All tensors of a set of features by name."""
    fields = dataclasses.fields(features)
    return {field.name: getattr(features, field.name).numpy() for field in fields}


def numbers_of(message):
    """All fields of a result, those that are 0 included."""
    return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}


def main():
    """Evaluate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--rollouts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--years", type=int, nargs="+", default=[2023, 2024, 2025])
    args = parser.parse_args()
    if threads := int(os.environ.get("OMP_NUM_THREADS", 0)):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    scenario = scenario_pb2.Scenario.FromString(args.scenario.read_bytes())
    rollouts = submission(scenario, np.load(args.rollouts))
    configurations = {year: configuration(year) for year in args.years}

    # Both steps of what the package does in one call, so that the years share the features.
    wall, cpu = time.perf_counter(), time.process_time()
    log, simulated = metric_features.compute_scenario_rollouts_features(
        scenario, rollouts, SIM_AGENTS
    )
    results = {}
    for year, config in configurations.items():
        results[year] = metrics.compute_scenario_metrics_for_features_bundle(
            config, scenario.scenario_id, log, simulated
        )
        if len(results) == 1:
            cost = {
                "cpu_seconds": time.process_time() - cpu,
                "wall_seconds": time.perf_counter() - wall,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "rollouts": len(rollouts.joint_scenes),
                "agents": len(rollouts.joint_scenes[0].simulated_trajectories),
            }

    official = {
        "scenario_id": scenario.scenario_id,
        "code": f"{PACKAGE} {importlib.metadata.version(PACKAGE)}",
        "configs": {
            str(year): {
                "metrics": numbers_of(result),
                "buckets": numbers_of(
                    metrics.aggregate_metrics_to_buckets(configurations[year], result)
                ),
            }
            for year, result in results.items()
        },
    }
    args.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out / "features.npz", **arrays_of(simulated))
    np.savez_compressed(args.out / "log_features.npz", **arrays_of(log))
    (args.out / "cost.json").write_text(json.dumps(cost, indent=2) + "\n")
    # Last: who finds this file finds the others.
    (args.out / "official.json").write_text(json.dumps(official, indent=2) + "\n")


if __name__ == "__main__":
    main()
