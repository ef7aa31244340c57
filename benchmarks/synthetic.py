"""How fast synthetic scenarios are made: scenarios a second on one core, by template and by phase.

The named baseline is the encoding of the same scenarios through the message objects of protobuf's
own runtime (upb), field by field; the record encoder is given as a multiple of its speed. Times are
CPU times of this process, so that a busy machine changes them little.

    OMP_NUM_THREADS=1 python benchmarks/synthetic.py --count 40
"""

import time
from dataclasses import dataclass

import numpy as np
import tyro
from google.protobuf.internal import api_implementation
from tqdm import tqdm

from simagents.scenarios.scenario import STEPS, LinkKind, MapKind, Scenario
from simagents.scenarios.synthetic import generate_scenario
from simagents.scenarios.synthetic.routes import tabulate
from simagents.scenarios.synthetic.templates import TEMPLATES
from simagents.scenarios.womd import scenario_pb2
from simagents.scenarios.womd.encode import encode_scenario


@dataclass
class Args:
    """How much to measure."""

    count: int = 40
    """scenarios of each template"""
    seed: int = 0


def encode_with_messages(scenario: Scenario) -> bytes:
    """The baseline: what `encode_scenario` writes, through message objects."""
    proto = scenario_pb2.Scenario(scenario_id=scenario.id, sdc_track_index=scenario.sdc)
    proto.timestamps_seconds.extend(np.arange(STEPS) / 10)
    proto.current_time_index = 10
    columns = np.concatenate(
        [scenario.position, scenario.heading[..., None], scenario.velocity], -1
    )
    for a, rows in enumerate(columns.tolist()):
        track = proto.tracks.add(
            id=int(scenario.agent_id[a]), object_type=int(scenario.agent_type[a])
        )
        length, width, height = scenario.size[a].tolist()
        for (x, y, z, heading, vx, vy), valid in zip(rows, scenario.valid[a].tolist(), strict=True):
            track.states.add(
                center_x=x, center_y=y, center_z=z, length=length, width=width, height=height,
                heading=heading, velocity_x=vx, velocity_y=vy, valid=valid,
            )  # fmt: skip
    for t in range(STEPS):
        step = proto.dynamic_map_states.add()
        for lane, state, stop in zip(
            scenario.light_lane,
            scenario.light_state[:, t],
            scenario.light_stop[:, t].tolist(),
            strict=True,
        ):
            point = dict(zip("xyz", stop, strict=True))
            step.lane_states.add(lane=int(lane), state=int(state), stop_point=point)
    features = {}
    for f, kind in enumerate(scenario.map_kind.tolist()):
        feature = proto.map_features.add(id=int(scenario.map_id[f]))
        data = getattr(feature, MapKind(kind).name.lower())
        features[feature.id] = data
        if kind in (MapKind.LANE, MapKind.ROAD_LINE, MapKind.ROAD_EDGE):
            data.type, line = int(scenario.map_type[f]), data.polyline
        elif kind == MapKind.STOP_SIGN:
            x, y, z = scenario.polyline(f)[0].tolist()
            data.position.x, data.position.y, data.position.z = x, y, z
            continue
        else:
            line = data.polygon
        for x, y, z in scenario.polyline(f).tolist():
            line.add(x=x, y=y, z=z)
        if kind == MapKind.LANE:
            data.speed_limit_mph = float(scenario.speed_limit[f])
    for kind, a, b in scenario.link.tolist():
        if kind == LinkKind.EXIT:
            features[a].exit_lanes.append(b)
            features[b].entry_lanes.append(a)
        elif kind == LinkKind.STOPS:
            features[a].lane.append(b)
        elif kind == LinkKind.LEFT:
            features[a].left_neighbors.add(feature_id=b)
        else:
            features[a].right_neighbors.add(feature_id=b)
    return proto.SerializeToString()


def main(args: Args) -> None:
    """Print one row for each template."""
    print(
        f"protobuf runtime: {api_implementation.Type()}; {args.count} scenarios of each template\n"
    )
    print(f"{'template':18s} {'scenarios/s':>11s}   ms: {'road':>5s} {'routes':>6s} {'traffic':>7s}"
          f" {'encode':>6s}   vs upb {'agents':>7s} {'points':>6s}")  # fmt: skip
    rates, shares = [], []
    for template, share in tqdm(TEMPLATES.items(), leave=False):
        generate_scenario(args.seed, 0, template)
        numbers = range(args.count)
        networks, road = _timed(lambda i: template(np.random.default_rng(i)), numbers)  # noqa: B023
        _, routes = _timed(tabulate, networks)
        scenarios, whole = _timed(lambda i: generate_scenario(args.seed, i, template), numbers)  # noqa: B023
        _, encode = _timed(encode_scenario, scenarios)
        _, baseline = _timed(encode_with_messages, scenarios)
        rates.append(1 / (whole + encode))
        shares.append(share)
        agents = np.mean([len(s.agent_id) for s in scenarios])
        points = np.mean([len(s.map_point) for s in scenarios])
        ms = 1e3 * np.array([road, routes, whole - road - routes, encode])
        tqdm.write(
            f"{template.__name__:18s} {rates[-1]:11.1f}       {ms[0]:5.1f} {ms[1]:6.1f}"
            f" {ms[2]:7.1f} {ms[3]:6.1f}   {baseline / encode:5.1f}x {agents:7.1f} {points:6.0f}"
        )
    mean = 1 / np.average(1 / np.array(rates), weights=shares)
    print(f"\n{'as drawn':18s} {mean:11.1f} scenarios/s on one core")


def _timed(work, items):
    """Results, and CPU seconds for one item."""
    begin = time.process_time()
    results = [work(item) for item in items]
    return results, (time.process_time() - begin) / len(results)


if __name__ == "__main__":
    main(tyro.cli(Args))
